// The wire role: stands in for services that are not running (module wire), between taps on dom0's
// bridges and the interfaces of guests that are about to be ready. It has no privileges at all: the
// taps and the packet sockets come from vmm, one by one. One thread, one loop.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <csignal>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "roles.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/log.hpp"
#include "summond/ipc/channel.hpp"
#include "summond/loop/fd_watch.hpp"
#include "summond/proc/isolate.hpp"
#include "summond/wire/door.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using namespace std::chrono_literals;

// Frames read in one go before others have their turn.
constexpr int batch = 64;
// More frames than this are left to the taps' queues, which overflow at no cost: a flood takes a
// bounded part of one processor.
constexpr double frames_per_second = 20'000;
constexpr double burst = 2'000;
constexpr auto pause = 20ms;
// A guest's socket outlives the hand-over by the time that frames can be on their way to us.
constexpr auto linger = 1s;

class FrameBudget {
  public:
    explicit FrameBudget(const base::Clock& clock) : clock_(clock), since_(clock.now()) {}
    bool take() {
        const auto now = clock_.now();
        left_ = std::min(
            burst, left_ + frames_per_second * std::chrono::duration<double>(now - since_).count());
        since_ = now;
        if (left_ < 1)
            return false;
        left_ -= 1;
        return true;
    }

  private:
    const base::Clock& clock_;
    base::TimePoint since_;
    double left_ = burst;
};

class WireProcess final : public wire::Actions {
  public:
    WireProcess(asio::io_context& io, ipc::Channel control)
        : io_(io),
          control_(std::move(control)),
          control_watch_(io, control_.fd(), [this] { from_parent(); }),
          timer_(io),
          door_(clock_, *this) {}

  private:
    // A tap, or the socket to a guest.
    struct Source {
        Source(asio::io_context& io, int fd) : descriptor(io, fd), paused(io) {}
        Descriptor descriptor;
        asio::steady_timer paused;
    };
    using Sources = std::map<std::uint64_t, std::shared_ptr<Source>>;
    using Receive = std::function<void(std::span<const std::uint8_t>)>;

    void from_parent() {
        auto received = control_.receive();
        if (!received) {
            spdlog::info("the parent is gone; ending");
            control_watch_ = loop::FdWatch();
            io_.stop();
        } else if (*received && (*received)->type == ipc::Type::peer) {
            serve(ipc::Channel(std::move((*received)->fd)));
        } else if (*received) {
            spdlog::error("the parent sent a message that is not for wire");
        }
    }

    // A new vmm tells everything anew, with taps of its own. Until then all stays as it is, and
    // what wakes services waits for it in the channel. What is held goes on being held.
    void serve(ipc::Channel vmm) {
        vmm_watch_ = loop::FdWatch();
        vmm_ = std::move(vmm);
        told_anew_ = false;
        vmm_watch_ = loop::FdWatch(io_, vmm_.fd(), [this] { from_vmm(); });
    }

    void from_vmm() {
        for (int i = 0; i < batch; ++i) {
            auto received = vmm_.receive();
            if (!received) {
                // What is known goes on being answered and held; the next vmm wakes.
                vmm_watch_ = loop::FdWatch();
                return;
            }
            if (!*received)
                break;
            handle(**received);
        }
        arm();
    }

    void handle(ipc::Received& message) {
        if (!std::exchange(told_anew_, true)) {
            taps_.clear();
            guests_.clear();
            turns_.clear();
            lingering_.clear();
            door_.begin_anew();
        }
        switch (message.type) {
            case ipc::Type::tap: {
                const auto tap = message.as<ipc::Tap>().number;
                listen(taps_, tap, std::move(message.fd),
                       [this, tap](auto frame) { door_.from_bridge(tap, frame); });
                break;
            }
            case ipc::Type::tenant:
                if (const auto tenant = tenant_of(message.as<ipc::Tenant>()))
                    door_.put(*tenant);
                break;
            case ipc::Type::forget: {
                const auto service = message.as<ipc::Forget>().service;
                detach(service);
                turns_.erase(service);
                door_.remove(service);
                break;
            }
            case ipc::Type::attach: {
                const auto service = message.as<ipc::Attach>().service;
                listen(guests_, service, std::move(message.fd),
                       [this, service](auto frame) { door_.from_guest(service, frame); });
                door_.attach(service);
                break;
            }
            case ipc::Type::stand:
                stand(message.as<ipc::Stand>());
                break;
            case ipc::Type::ready:
                door_.end_anew();
                if (!std::exchange(ready_, true) && !control_.send(ipc::Ready{}))
                    io_.stop();
                break;
            default:
                spdlog::error("vmm sent a message that is not for wire");
                break;
        }
    }

    void stand(const ipc::Stand& message) {
        const auto standing = static_cast<wire::Standing>(message.standing);
        turns_[message.service] = message.turn;
        door_.stand(message.service, standing);
        if (standing != wire::Standing::starting && standing != wire::Standing::running &&
            standing != wire::Standing::waiting)
            detach(message.service);
    }

    void detach(service::Id service) {
        door_.detach(service);
        guests_.erase(service);
    }

    void listen(Sources& sources, std::uint64_t key, base::UniqueFd fd, Receive receive) {
        auto source = std::make_shared<Source>(io_, fd.release());
        sources[key] = source;
        wait(source, std::move(receive));
    }

    void wait(const std::shared_ptr<Source>& source, Receive receive) {
        source->descriptor.async_wait(
            Descriptor::wait_read,
            [this, weak = std::weak_ptr(source), receive = std::move(receive)](const auto& ec) {
                const auto source = weak.lock();
                if (!ec && source)
                    read(source, receive);
            });
    }

    void read(const std::shared_ptr<Source>& source, const Receive& receive) {
        for (int i = 0; i < batch; ++i) {
            if (!budget_.take()) {
                arm();
                source->paused.expires_after(pause);
                source->paused.async_wait(
                    [this, weak = std::weak_ptr(source), receive](const auto& ec) {
                        const auto source = weak.lock();
                        if (!ec && source)
                            read(source, receive);
                    });
                return;
            }
            const auto size =
                ::read(source->descriptor.native_handle(), buffer_.data(), buffer_.size());
            if (size <= 0) {
                if (size < 0 && errno != EAGAIN && errno != EINTR && errno != ENETDOWN)
                    return;  // its interface is gone; so will it be
                break;
            }
            receive(std::span(buffer_).first(static_cast<std::size_t>(size)));
        }
        arm();
        wait(source, receive);
    }

    void arm() {
        auto next = door_.deadline();
        if (!lingering_.empty() && (!next || lingering_.front().until < *next))
            next = lingering_.front().until;
        if (!next) {
            timer_.cancel();
            return;
        }
        timer_.expires_at(*next);
        timer_.async_wait([this](const auto& ec) {
            if (ec)
                return;
            while (!lingering_.empty() && clock_.now() >= lingering_.front().until) {
                const auto& [service, turn, until] = lingering_.front();
                if (const auto it = turns_.find(service); it != turns_.end() && it->second == turn)
                    detach(service);
                lingering_.pop_front();
            }
            door_.tick();
            arm();
        });
    }

    // What cannot be sent is lost, as any frame can be.
    static void send(const Sources& sources, std::uint64_t key,
                     std::span<const std::uint8_t> frame) {
        const auto it = sources.find(key);
        if (it != sources.end() &&
            ::write(it->second->descriptor.native_handle(), frame.data(), frame.size()) < 0)
            spdlog::debug("a frame could not be sent: {}", std::strerror(errno));
    }

    void to_bridge(unsigned tap, std::span<const std::uint8_t> frame) override {
        send(taps_, tap, frame);
    }
    void to_guest(service::Id service, std::span<const std::uint8_t> frame) override {
        send(guests_, service, frame);
    }
    // Where vmm does not take it, the sender's next packet asks again.
    void wake(service::Id service, const frames::IpPacket& first) override {
        if (vmm_.fd() >= 0)
            vmm_.send(arrived_message(service, first));
    }
    void handed_over(service::Id service, const wire::HandOver& what) override {
        ipc::HandedOver message{};
        message.service = service;
        message.turn = turns_[service];
        message.packets = what.packets;
        message.repeats = what.repeats;
        message.dropped = what.dropped;
        message.waited_ms = static_cast<std::uint32_t>(
            std::chrono::duration_cast<std::chrono::milliseconds>(what.first_waited).count());
        message.young = what.young ? 1 : 0;
        if (what.first)
            message.from = message_of(what.first->from);
        if (vmm_.fd() >= 0)
            vmm_.send(message);
        if (!what.young)
            lingering_.push_back({service, message.turn, clock_.now() + linger});
    }
    void grown(service::Id service) override {
        const std::uint32_t turn = turns_[service];
        if (vmm_.fd() >= 0)
            vmm_.send(ipc::Grown{service, turn});
        lingering_.push_back({service, turn, clock_.now() + linger});
    }

    asio::io_context& io_;
    base::SteadyClock clock_;
    FrameBudget budget_{clock_};
    ipc::Channel control_;
    loop::FdWatch control_watch_;
    ipc::Channel vmm_;
    loop::FdWatch vmm_watch_;
    bool told_anew_ = false;
    bool ready_ = false;  // the parent knows
    asio::steady_timer timer_;
    wire::Door door_;
    Sources taps_;    // by number
    Sources guests_;  // by service
    std::map<service::Id, std::uint32_t> turns_;
    struct Lingering {
        service::Id service;
        std::uint32_t turn;
        base::TimePoint until;
    };
    std::deque<Lingering> lingering_;
    std::array<std::uint8_t, 65536> buffer_{};
};

}  // namespace

int wire_main(const std::string& user, const std::string& log_level) {
    std::signal(SIGINT, SIG_IGN);
    std::signal(SIGHUP, SIG_IGN);
    base::log_to_stderr("wire", spdlog::level::from_str(log_level));
    asio::io_context io(1);
    const auto process =
        std::make_unique<WireProcess>(io, ipc::Channel{base::UniqueFd(control_fd)});
    if (const auto isolated = proc::isolate(user); !isolated) {
        spdlog::critical("cannot isolate: {}", isolated.error().what);
        return exit_failed;
    }
    io.run();
    return 0;
}

}  // namespace summond::roles
