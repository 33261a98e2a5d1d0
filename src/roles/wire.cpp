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
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "own_counters.hpp"
#include "roles.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/log.hpp"
#include "summond/base/random.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/metrics/wire_counters.hpp"
#include "summond/wire/follower.hpp"
#include "summond/wire/frame_budget.hpp"
#include "table.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using namespace std::chrono_literals;

// Frames read in one go before others have their turn.
constexpr int batch = 64;
// Where there are too many.
constexpr auto pause = 20ms;

wire::ProofSecret make_secret() {
    wire::ProofSecret secret;
    for (std::size_t i = 0; i < secret.size(); i += sizeof(std::uint64_t)) {
        const std::uint64_t bits = base::random_bits();
        std::memcpy(&secret[i], &bits, sizeof bits);
    }
    return secret;
}

class WireProcess final : wire::Outside {
  public:
    // counters: null: nothing is counted.
    WireProcess(asio::io_context& io, ipc::Channel control, metrics::WireCounters* counters)
        : io_(io),
          counters_(counters),
          control_(io, std::move(control),
                   {[this](ipc::Received& message) { return from_parent(message); },
                    [this] {
                        spdlog::info("the parent is gone; ending");
                        io_.stop();
                    }}),
          timer_(io,
                 [this] {
                     follower_.tick();
                     arm();
                 }),
          follower_(clock_, *this, make_secret()) {}

  private:
    // A tap, or the socket to a guest.
    struct Source {
        Source(asio::io_context& io, int fd) : descriptor(io, fd), paused(io) {}
        Descriptor descriptor;
        asio::steady_timer paused;
    };
    using Sources = std::map<std::uint64_t, std::shared_ptr<Source>>;
    using Receive = std::function<void(std::span<const std::uint8_t>)>;

    bool from_parent(ipc::Received& message) {
        if (message.type != ipc::Type::peer)
            return false;
        serve(ipc::Channel(std::move(message.fd), ipc::Role::wire, ipc::Role::vmm));
        return true;
    }

    // A new vmm tells everything anew, with taps of its own. Until then all stays as it is, and
    // what wakes services waits for it in the channel. What is held goes on being held. When it is
    // gone, what is known goes on being answered and held; the next vmm wakes.
    void serve(ipc::Channel vmm) {
        follower_.new_vmm();
        vmm_ = ipc::Link(io_, std::move(vmm),
                         {.message = [this](ipc::Received& message) { return handle(message); },
                          .closed = [] {},
                          .received = [this] { arm(); }});
    }

    bool handle(ipc::Received& message) {
        follower_.vmm_speaks();
        switch (message.type) {
            case ipc::Type::tap: {
                const auto tap = message.as<ipc::Tap>().number;
                listen(taps_, tap, std::move(message.fd),
                       [this, tap](auto frame) { follower_.from_bridge(tap, frame); });
                break;
            }
            case ipc::Type::station:
                if (const auto station = station_of(message.as<ipc::Station>()))
                    follower_.put(*station);
                break;
            case ipc::Type::network: {
                const auto told = message.as<ipc::Network>();
                if (told.length == 0)
                    follower_.clear_networks();
                else if (const auto network = network_of(told))
                    follower_.put(*network);
                break;
            }
            case ipc::Type::forget:
                follower_.remove(message.as<ipc::Forget>().service);
                break;
            case ipc::Type::attach: {
                const auto service = message.as<ipc::Attach>().service;
                listen(guests_, service, std::move(message.fd),
                       [this, service](auto frame) { follower_.from_guest(service, frame); });
                follower_.attach(service);
                break;
            }
            case ipc::Type::guest_state: {
                const auto told = message.as<ipc::GuestState>();
                follower_.set_state(told.service, static_cast<wire::GuestState>(told.state),
                                    told.epoch);
                break;
            }
            case ipc::Type::pressure:
                follower_.under_pressure(message.as<ipc::Pressure>().on != 0);
                break;
            case ipc::Type::ready:
                follower_.told_all();
                if (!std::exchange(ready_, true) && !control_.send(ipc::Ready{}))
                    io_.stop();
                break;
            default:
                return false;
        }
        return true;
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

    // After all that it does.
    void arm() {
        timer_.set(follower_.deadline());
        if (counters_ == nullptr)
            return;
        counters_->now.held.set(follower_.held());
        const wire::Unproved& now = follower_.unproved();
        using metrics::UnprovedPacket;
        const auto count = [this](UnprovedPacket what, std::uint64_t more) {
            counters_->unproved[static_cast<std::size_t>(what)].add(more);
        };
        count(UnprovedPacket::syn, now.syns - counted_.syns);
        count(UnprovedPacket::datagram, now.datagrams - counted_.datagrams);
        count(UnprovedPacket::segment, now.segments - counted_.segments);
        counters_->proved.add(now.proved - counted_.proved);
        counted_ = now;
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
    void close_all() override {
        taps_.clear();
        guests_.clear();
    }
    void close_guest(service::Id service) override { guests_.erase(service); }
    void wake(service::Id service, const frames::IpPacket& first, bool proved) override {
        vmm_.send(arrived_message(service, first, proved));
    }
    void wake_in(service::Id service, const frames::IpPacket& first, bool proved) override {
        vmm_.send(arrived_in_message(service, first, proved));
    }
    void handed_over(service::Id service, std::uint32_t epoch,
                     const wire::HandOver& what) override {
        vmm_.send(handed_over_message(service, epoch, what));
    }
    void grown(service::Id service, std::uint32_t epoch) override {
        vmm_.send(ipc::Grown{service, epoch});
    }

    void first_byte(service::Id service, std::uint32_t epoch) override {
        const std::chrono::nanoseconds at = clock_.now().time_since_epoch();
        vmm_.send(ipc::FirstByte{service, at.count(), epoch, 0});
    }

    asio::io_context& io_;
    metrics::WireCounters* counters_;
    base::SteadyClock clock_;
    wire::FrameBudget budget_{clock_};
    ipc::Link control_;
    ipc::Link vmm_;
    bool ready_ = false;  // the parent knows
    loop::DeadlineTimer timer_;
    wire::Follower follower_;
    wire::Unproved counted_;  // of it
    Sources taps_;            // by number
    Sources guests_;          // by service
    std::array<std::uint8_t, 65536> buffer_{};
};

}  // namespace

int wire_main(const Arguments& arguments, const Row& row) {
    const auto counters = own_counters(arguments, sizeof(metrics::WireCounters));
    if (!counters) {
        spdlog::critical("{}", counters.error().what);
        return exit_failed;
    }
    asio::io_context io(1);
    const auto process = std::make_unique<WireProcess>(
        io, ipc::Channel(base::UniqueFd(control_fd), ipc::Role::wire, ipc::Role::parent),
        counters->as<metrics::WireCounters>());
    if (const auto isolated = row.isolate(arguments.user); !isolated) {
        spdlog::critical("cannot isolate: {}", isolated.error().what);
        return exit_failed;
    }
    io.run();
    return 0;
}

}  // namespace summond::roles
