#include "vmm_wire_link.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "summond/base/log.hpp"
#include "wire_messages.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;
using Wait = asio::posix::stream_descriptor::wait_type;

// Messages taken in one go before libxl and the fronts have their turn.
constexpr int wire_batch = 64;
// A wire that does not hand over in this time is left out.
constexpr std::chrono::seconds longest_hand_over{1};

// A port of a bridge with STP that passes nothing yet is looked at again this often.
constexpr std::chrono::milliseconds forwarding_interval{200};
// How much longer than it may wire has a guest's resets pass by itself.
constexpr std::chrono::seconds grown_grace{1};

wire::Standing standing_of(const vm::Status& status, bool remembers, bool has_copy) {
    switch (status.phase) {
        case vm::Phase::building:
        case vm::Phase::booting:
            return wire::Standing::starting;
        case vm::Phase::ready:
            return wire::Standing::running;
        case vm::Phase::failed:
            return wire::Standing::refused;
        case vm::Phase::asleep:
            break;
    }
    return remembers  ? wire::Standing::kept
           : has_copy ? wire::Standing::waiting
                      : wire::Standing::away;
}

bool same_tenant(const service::Template& a, const service::Template& b) {
    return a.interfaces == b.interfaces && a.ipv4 == b.ipv4 && a.ipv6 == b.ipv6 &&
           a.ports == b.ports && a.wake_from == b.wake_from && a.ready.timeout == b.ready.timeout;
}

}  // namespace

WireLink::WireLink(asio::io_context& io, ipc::Channel channel, vm::Manager& manager,
                   host::BridgePorts& ports, const std::vector<service::Template>& services,
                   std::function<void()> closed)
    : channel_(std::move(channel)),
      events_(io, ::fcntl(channel_.fd(), F_DUPFD_CLOEXEC, 0)),
      timer_(io),
      manager_(manager),
      ports_(ports),
      closed_(std::move(closed)) {
    configure(services);
    listen();
}

WireLink::~WireLink() {
    for (auto& [id, post] : posts_)
        let_reset(post);
}

// False: wire does not take messages. Otherwise bridges_ says what has become of it.
bool WireLink::open(const std::string& bridge) {
    const auto number = static_cast<unsigned>(
        std::ranges::count_if(bridges_, [](const auto& each) { return each.second.has_value(); }));
    if (number >= ipc::Tap::capacity) {
        spdlog::error("packets on {} wake nothing: more than {} bridges", bridge,
                      ipc::Tap::capacity);
        bridges_[bridge] = std::nullopt;
        return true;
    }
    const auto tap = ports_.make_tap(bridge);
    if (!tap) {
        spdlog::error("packets on {} wake nothing: {}", bridge, tap.error().what);
        bridges_[bridge] = std::nullopt;
        return true;
    }
    if (!channel_.send(ipc::Tap{number}, tap->fd.get()))
        return false;
    bridges_[bridge] = Bridge{number, tap->index};
    if (const auto delay = 2 * tap->forward_delay; delay.count() > 0)
        spdlog::warn(
            "bridge {} has STP on: after each wake it passes nothing to or from the domain for {} "
            "s; where it is not needed, switch it off: ip link set {} type bridge stp_state 0",
            bridge, std::chrono::duration<double>(delay).count(), bridge);
    return true;
}

void WireLink::configure(const std::vector<service::Template>& services) {
    std::erase_if(bridges_, [](const auto& each) { return !each.second; });  // they are tried again
    std::set<service::Id> wanted;
    for (const service::Template& service : services) {
        if (!service.wake_packet)
            continue;
        wanted.insert(service.id);
        Post& post = posts_.try_emplace(service.id, Post{service}).first->second;
        if (!same_tenant(post.service, service)) {
            if (post.goes_to)
                ports_.forget(post.service.interfaces.front().mac, *post.goes_to);
            let_reset(post);
            post = Post{service};
        }
        unsent_.insert(service.id);
    }
    for (auto it = posts_.begin(); it != posts_.end();) {
        auto& [id, post] = *it;
        if (wanted.contains(id)) {
            ++it;
            continue;
        }
        if (post.goes_to)
            ports_.forget(post.service.interfaces.front().mac, *post.goes_to);
        let_reset(post);
        unsent_.insert(id);
        it = posts_.erase(it);
    }
    if (!blocked_)
        flush();
}

void WireLink::listen() {
    events_.async_wait(Wait::wait_read, [this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (!ec && !alive.expired())
            receive();
    });
}

void WireLink::receive() {
    for (int i = 0; i < wire_batch; ++i) {
        const auto message = channel_.receive();
        if (message && !*message)
            break;
        if (!message || !handle(**message)) {
            const auto closed = std::move(closed_);
            closed();  // this link may be gone now
            return;
        }
    }
    listen();
}

bool WireLink::handle(const ipc::Received& message) {
    if (message.type == ipc::Type::arrived)
        arrived(message.as<ipc::Arrived>());
    else if (message.type == ipc::Type::handed_over)
        handed_over(message.as<ipc::HandedOver>());
    else if (message.type == ipc::Type::grown)
        grown(message.as<ipc::Grown>());
    else {
        spdlog::error("wire sent a message that is not wire's; closing its channel");
        return false;
    }
    return true;
}

void WireLink::arrived(const ipc::Arrived& message) {
    const auto it = posts_.find(message.service);
    if (it == posts_.end())
        return;
    const auto phase = [&] {
        const auto status = manager_.status(message.service);
        return status ? status->phase : vm::Phase::failed;
    };
    if (phase() != vm::Phase::asleep) {
        if (phase() == vm::Phase::failed)
            it->second.standing.reset();  // it is told again that nothing is to wait
        changed(message.service);
        return;
    }
    manager_.wake(message.service, service::WakeReason::packet);
    // Only now: a domain that waits is awake already.
    spdlog::info("{} {} for {}", phase() == vm::Phase::ready ? "woke" : "waking",
                 it->second.service.name, text_of(message));
    changed(message.service);
}

void WireLink::handed_over(const ipc::HandedOver& message) {
    const auto it = posts_.find(message.service);
    if (it == posts_.end())
        return;
    Post& post = it->second;
    if (post.standing != wire::Standing::running || post.turn != message.turn)
        return;
    if (post.hand_over_by)
        take_over(post);
    if (message.young == 0)
        let_reset(post);
    if (message.packets > 0 || message.dropped > 0)
        spdlog::info(
            "handed over to {}: {} packets held, {} repeated, {} dropped; the first, from "
            "{}, waited {} ms",
            post.service.name, message.packets, message.repeats, message.dropped,
            text_of(message.from), message.waited_ms);
}

void WireLink::grown(const ipc::Grown& message) {
    const auto it = posts_.find(message.service);
    if (it != posts_.end() && it->second.standing == wire::Standing::running &&
        it->second.turn == message.turn)
        let_reset(it->second);
}

// From now on the bridge passes on the guest's resets itself.
void WireLink::let_reset(Post& post) {
    post.young_until.reset();
    if (const auto interface = std::exchange(post.young, std::nullopt))
        ports_.hold_resets(*interface, false);
}

// The bridge sends to the guest what it has sent to the tap until now. What is in the tap's queue
// at this moment wire passes on, after the packets that it has held: nothing is lost, and nothing
// delivered twice.
void WireLink::take_over(Post& post) {
    post.hand_over_by.reset();
    if (post.attached)
        send_to(post, post.interface, false);
}

void WireLink::changed(service::Id service) {
    if (!posts_.contains(service))
        return;
    unsent_.insert(service);
    if (!blocked_)
        flush();
}

void WireLink::flush() {
    while (!unsent_.empty()) {
        const service::Id service = *unsent_.begin();
        const auto it = posts_.find(service);
        if (it == posts_.end() ? !channel_.send(ipc::Forget{service}) : !sync(it->second))
            return wait_for_room();
        unsent_.erase(unsent_.begin());
    }
    if (!told_all_ && !channel_.send(ipc::Ready{}))
        return wait_for_room();
    told_all_ = true;
}

void WireLink::wait_for_room() {
    blocked_ = true;
    if (errno != EAGAIN)
        return;  // gone: receive will tell
    events_.async_wait(Wait::wait_write, [this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (ec || alive.expired())
            return;
        blocked_ = false;
        flush();
    });
}

// Brings wire and the kernel up to date with the service. False: wire does not take messages.
bool WireLink::sync(Post& post) {
    const auto status = manager_.status(post.service.id);
    if (!status)
        return true;
    const std::string& name = post.service.interfaces.front().bridge;
    if (!bridges_.contains(name) && !open(name))
        return false;
    const std::optional<Bridge>& bridge = bridges_.at(name);
    if (!bridge)
        return true;
    if (!post.told && !channel_.send(tenant_message(post.service, bridge->tap)))
        return false;
    post.told = true;

    auto domid = manager_.domain(post.service.id);
    const auto copy = manager_.copy(post.service.id);
    wire::Standing standing =
        standing_of(*status, manager_.remembers(post.service.id), copy.has_value());
    const bool up = standing == wire::Standing::starting || standing == wire::Standing::running;
    // Of a copy that waits, now: not while a client waits for it.
    if (standing == wire::Standing::waiting)
        domid = copy;
    else if (!up)
        domid.reset();
    if (!domid)
        post.attached.reset();
    if (domid && post.attached != domid && !attach(post, *domid))
        return false;
    // Handed over before its port passes anything, a packet's answer would be lost.
    if (post.standing != wire::Standing::running && post.attached && !post.passes &&
        (standing == wire::Standing::waiting || standing == wire::Standing::running)) {
        post.passes = ports_.passes(post.interface);
        if (!post.passes && standing == wire::Standing::running) {
            standing = wire::Standing::starting;
            waits_for_port_.insert(post.service.id);
            watch_hand_overs();
        }
    }
    if (standing == wire::Standing::starting && post.attached && !post.young) {
        // A refusal of a guest that has just booted may be no more than too early.
        if (ports_.hold_resets(post.interface, true))
            post.young = post.interface;
    } else if (standing != wire::Standing::starting && standing != wire::Standing::running) {
        let_reset(post);
    }
    // Before wire knows, so that it finds what comes from now on.
    if (standing != wire::Standing::running)
        send_to(post, bridge->port, true);
    if (post.standing == standing)
        return true;
    // A guest whose stack is up needs nobody to hand over to it: what comes from now on is for it,
    // and beside that wire gives it what it holds.
    const bool stack_is_up =
        post.standing == wire::Standing::waiting || post.standing == wire::Standing::kept;
    if (standing == wire::Standing::running && stack_is_up)
        take_over(post);
    const ipc::Stand message{post.service.id, static_cast<std::uint32_t>(standing), post.turn + 1};
    if (!channel_.send(message))
        return false;
    post.standing = standing;
    ++post.turn;
    post.hand_over_by.reset();
    if (standing == wire::Standing::running && !stack_is_up) {
        const auto now = std::chrono::steady_clock::now();
        post.hand_over_by = now + longest_hand_over;
        post.young_until = now + post.service.ready.timeout + grown_grace;
        watch_hand_overs();
    }
    return true;
}

bool WireLink::attach(Post& post, vm::DomId domid) {
    post.attached.reset();
    const auto interface = host::BridgePorts::interface_of(domid);
    if (!interface)
        return true;  // somebody has taken it away
    const auto socket = host::BridgePorts::socket_to(*interface);
    if (!socket) {
        spdlog::error("{}: {}", post.service.name, socket.error().what);
        return true;
    }
    if (!channel_.send(ipc::Attach{post.service.id}, socket->get()))
        return false;
    post.attached = domid;
    post.interface = *interface;
    post.passes = false;
    return true;
}

void WireLink::send_to(Post& post, int port, bool pinned) {
    if (post.goes_to == port)
        return;
    if (const auto r = ports_.send_to(post.service.interfaces.front().mac, port, pinned); !r) {
        spdlog::error("{}: {}", post.service.name, r.error().what);
        return;
    }
    post.goes_to = port;
}

void WireLink::watch_hand_overs() {
    std::optional<base::TimePoint> next;
    for (const auto& [id, post] : posts_)
        for (const auto& due : {post.hand_over_by, post.young_until})
            if (due && (!next || *due < *next))
                next = due;
    if (!waits_for_port_.empty()) {
        const auto look = std::chrono::steady_clock::now() + forwarding_interval;
        next = next ? std::min<base::TimePoint>(*next, look) : look;
    }
    if (!next)
        return;
    timer_.expires_at(*next);
    timer_.async_wait([this, alive = std::weak_ptr(alive_)](const auto& ec) {
        if (ec || alive.expired())
            return;
        const auto now = std::chrono::steady_clock::now();
        for (auto& [id, post] : posts_)
            if (post.hand_over_by && now >= *post.hand_over_by) {
                spdlog::error("wire does not hand over to {}: left out", post.service.name);
                take_over(post);
            }
        for (auto& [id, post] : posts_)
            if (post.young_until && now >= *post.young_until)
                let_reset(post);
        for (const service::Id service : std::exchange(waits_for_port_, {}))
            changed(service);
        watch_hand_overs();
    });
}

}  // namespace summond::roles
