#include "summond/fleet/membership.hpp"

#include <algorithm>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::fleet {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;

Membership::Membership(Settings settings, std::string incarnation, const base::Clock& clock,
                       std::function<double()> chance, Transport& transport, Told told)
    : settings_(std::move(settings)),
      clock_(clock),
      chance_(std::move(chance)),
      transport_(transport),
      told_(std::move(told)) {
    own_.networks = settings_.config.networks;
    own_.location = settings_.config.location;
    own_.identity = settings_.identity;
    own_.incarnation = std::move(incarnation);
    status_.server = settings_.config.etcd.at(server_);
}

milliseconds Membership::patience() const {
    return std::max(milliseconds(settings_.config.lease / 2), milliseconds(500));
}

void Membership::start() {
    begin();
}

std::optional<base::TimePoint> Membership::due() const {
    return due_;
}

void Membership::tick() {
    if (!due_ || clock_.now() < *due_)
        return;
    due_.reset();
    if (step_ == Step::waiting)
        begin();
    else if (step_ == Step::following && !leasing_)
        lease();
}

void Membership::begin() {
    step_ = Step::joining;
    status_.server = settings_.config.etcd.at(server_);
    const config::Fleet& config = settings_.config;
    token_.clear();
    if (config.user.empty())
        lease();
    else
        call(etcd::authenticate(config.user, config.password), &Membership::authenticated);
}

void Membership::call(const etcd::Request& request,
                      void (Membership::*then)(const std::string& body)) {
    transport_.call(
        server_, request, token_, patience(), [this, then](const Transport::Reply& reply) {
            if (reply.good())
                (this->*then)(reply.body);
            else
                broken(reply.status == 0 ? reply.why : etcd::refusal(reply.status, reply.body));
        });
}

void Membership::broken(const std::string& why) {
    transport_.cancel();
    leasing_ = claim_again_ = false;
    line_.clear();
    if (lease_ != 0 && clock_.now() >= lease_until_) {
        lease_ = 0;
        status_.joined = false;
    }
    status_.connected = false;
    status_.why = why;
    if (logged_ != why)
        spdlog::warn("etcd at {}: {}; trying again", status_.server, why);
    logged_ = why;
    const std::size_t servers = settings_.config.etcd.size();
    server_ = (server_ + 1) % servers;
    milliseconds wait = next_server;
    if (++failures_ % servers == 0) {
        wait = duration_cast<milliseconds>(delay_ * (0.5 + 0.5 * chance_()));
        delay_ = std::min(2 * delay_, longest_delay);
    }
    step_ = Step::waiting;
    due_ = clock_.now() + wait;
    told_.status();
}

void Membership::authenticated(const std::string& body) {
    auto token = etcd::read_token(body);
    if (!token)
        return broken(token.error().what);
    token_ = std::move(*token);
    lease();
}

// -- The lease

// Keeps it, or gets another one where it is over; then sees to the key.
void Membership::lease() {
    leasing_ = true;
    lease_asked_ = clock_.now();
    if (lease_ != 0)
        return call(etcd::keep_alive(lease_), &Membership::kept);
    const auto whole = duration_cast<seconds>(settings_.config.lease + milliseconds(999));
    call(etcd::grant(whole.count()), &Membership::granted);
}

void Membership::granted(const std::string& body) {
    const auto lease = etcd::read_lease(body);
    if (!lease)
        return broken(lease.error().what);
    take_lease(*lease);
    claim();
}

void Membership::kept(const std::string& body) {
    const auto kept = etcd::read_kept_alive(body);
    if (!kept)
        return broken(kept.error().what);
    if (kept->seconds <= 0) {
        spdlog::warn("the lease in etcd has run out; joining again");
        lease_ = 0;
        if (std::exchange(status_.joined, false))
            told_.status();
        return lease();
    }
    take_lease({lease_, kept->seconds});
    if (step_ == Step::joining || std::exchange(claim_again_, false))
        return claim();
    leasing_ = false;
    if (status_.joined && own_value() != published_)
        publish();
}

void Membership::take_lease(const etcd::Lease& lease) {
    // etcd may have made it longer than was asked for, and hostile words must not make it endless.
    const seconds most = std::min<seconds>(seconds(lease.seconds), seconds(3600));
    lease_ = lease.id;
    lease_until_ = lease_asked_ + most;
    keep_in_time();
}

void Membership::keep_in_time() {
    const auto lasts =
        std::min<base::Duration>(settings_.config.lease, lease_until_ - lease_asked_);
    due_ = lease_asked_ + lasts / 3;
}

void Membership::leave(milliseconds timeout, std::function<void()> done) {
    transport_.cancel();
    step_ = Step::left;
    due_.reset();
    const etcd::LeaseId lease = std::exchange(lease_, 0);
    status_ = {};
    if (lease == 0)
        return done();
    transport_.call(server_, etcd::revoke(lease), token_, timeout,
                    [done = std::move(done)](const Transport::Reply& reply) {
                        if (!reply.good())
                            spdlog::warn(
                                "etcd has not taken the lease back: the others see this "
                                "host until it has run out");
                        done();
                    });
}

}  // namespace summond::fleet
