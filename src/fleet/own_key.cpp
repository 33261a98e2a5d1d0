// Membership: this host's own key, which goes with its lease.
#include <utility>

#include "summond/base/log.hpp"
#include "summond/fleet/membership.hpp"

namespace summond::fleet {

void Membership::claim() {
    leasing_ = true;
    sent_ = own_value();
    call(etcd::create(own_key(), sent_, lease_), &Membership::claimed);
}

void Membership::claimed(const std::string& body) {
    const auto put = etcd::read_put(body);
    if (!put)
        return broken(put.error().what);
    if (put->done) {
        own(put->revision);
        return after_claim();
    }
    if (!put->found)
        return broken("etcd has neither taken the host's key nor said what is there");
    const auto there = from_value(put->found->value);
    // Of before a restart, or of before the connection broke.
    const bool mine = there && there->identity == own_.identity &&
                      (!lost_ || there->incarnation == own_.incarnation);
    if (mine && put->found->lease == lease_ && put->found->value == sent_) {
        own(put->found->modified);
        return after_claim();
    }
    if (mine)
        return call(etcd::replace(own_key(), sent_, lease_, put->found->modified),
                    &Membership::replaced);
    taken_by(*put->found);
    after_claim();
}

void Membership::replaced(const std::string& body) {
    const auto put = etcd::read_put(body);
    if (!put)
        return broken(put.error().what);
    if (put->done)
        own(put->revision);
    else if (put->found)
        taken_by(*put->found);
    else
        return claim();  // it has gone meanwhile
    after_claim();
}

void Membership::own(etcd::Revision revision) {
    if (std::exchange(status_.refused, false)) {
        spdlog::info("the name {} is free again", settings_.config.name);
        status_.why.clear();
    }
    lost_ = false;
    own_revision_ = revision;
    published_ = sent_;
    if (!std::exchange(status_.joined, true))
        spdlog::info("joined the fleet as {}", settings_.config.name);
}

void Membership::taken_by(const etcd::KeyValue& other) {
    const auto host = from_value(other.value);
    std::string networks;
    if (host)
        for (const base::IpPrefix& network : host->networks)
            networks += (networks.empty() ? "" : ", ") + network.to_string();
    const bool same = host && host->identity == own_.identity;
    status_.why = "another host is called " + settings_.config.name +
                  (networks.empty() ? "" : ", that with " + networks) +
                  (same ? "; it has this one's /etc/machine-id, too" : "") +
                  "; give each a name of its own";
    if (!std::exchange(status_.refused, true))
        spdlog::error("{}", status_.why);
    lost_ = lost_ || same;
    status_.joined = false;
    own_revision_ = other.modified;
}

void Membership::after_claim() {
    leasing_ = false;
    if (step_ == Step::joining)
        return call(etcd::list(hosts_prefix(), most_hosts), &Membership::listed);
    if (std::exchange(claim_again_, false))
        return claim();
    keep_in_time();
    told_.status();
    health(own_.drained, own_.pressure);
}

void Membership::publish() {
    leasing_ = true;
    sent_ = own_value();
    call(etcd::update(own_key(), sent_, lease_), &Membership::updated);
}

void Membership::updated(const std::string& body) {
    const auto put = etcd::read_put(body);
    if (!put)
        return broken(put.error().what);
    if (!put->done)
        return claim();  // it is not this lease's any more
    own(put->revision);
    after_claim();
}

void Membership::health(bool drained, bool pressure) {
    own_.drained = drained;
    own_.pressure = pressure;
    // What is under way is told with the next keeping of the lease.
    if (step_ == Step::following && status_.joined && !leasing_ && own_value() != published_)
        publish();
}

bool Membership::change(const Settings& settings) {
    const config::Fleet& before = settings_.config;
    const config::Fleet& after = settings.config;
    if (settings.identity != settings_.identity || after.name != before.name ||
        after.etcd != before.etcd || after.user != before.user ||
        after.password != before.password || after.ca != before.ca ||
        after.certificate != before.certificate || after.key != before.key ||
        after.lease != before.lease || after.key_prefix != before.key_prefix)
        return false;
    settings_ = settings;
    own_.networks = after.networks;
    own_.location = after.location;
    health(own_.drained, own_.pressure);
    return true;
}

}  // namespace summond::fleet
