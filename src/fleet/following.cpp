// Membership: what etcd says of the hosts, at once and from then on.
#include <algorithm>
#include <set>
#include <utility>

#include "summond/base/log.hpp"
#include "summond/base/quoted.hpp"
#include "summond/fleet/membership.hpp"

namespace summond::fleet {

void Membership::listed(const std::string& body) {
    const auto listing = etcd::read_listing(body);
    if (!listing)
        return broken(listing.error().what);
    if (listing->more)
        ignore("more than " + std::to_string(most_hosts) + " keys");
    std::set<std::string> there;
    for (const etcd::KeyValue& key : listing->keys)
        if (key.key.starts_with(hosts_prefix()))
            there.insert(key.key.substr(hosts_prefix().size()));
    std::vector<std::string> gone;
    for (const auto& [name, host] : hosts_)
        if (!there.contains(name))
            gone.push_back(name);
    for (const std::string& name : gone)
        erase(name);
    for (const etcd::KeyValue& key : listing->keys)
        if (key.key.starts_with(hosts_prefix()))
            put(key.key.substr(hosts_prefix().size()), key);
    watch(listing->revision + 1);
}

void Membership::watch(etcd::Revision from) {
    line_.clear();
    transport_.watch(
        server_, etcd::watch(hosts_prefix(), from), token_, patience(),
        [this](std::string_view part) { heard(part); },
        [this](const Transport::Reply& reply) {
            broken(!reply.good()
                       ? reply.status == 0 ? reply.why : etcd::refusal(reply.status, reply.body)
                       : "the watch has ended");
        });
}

void Membership::heard(std::string_view part) {
    while (!part.empty()) {
        const auto end = part.find('\n');
        const std::string_view piece = part.substr(0, end);
        if (line_.size() + piece.size() > longest_line)
            return broken("what it says of the hosts is too long");
        line_ += piece;
        if (end == std::string_view::npos)
            return;
        part.remove_prefix(end + 1);
        if (const std::string line = std::exchange(line_, {}); !line.empty() && !heard_line(line))
            return;
    }
}

// False: it is over with this watch.
bool Membership::heard_line(std::string_view line) {
    const auto news = etcd::read_news(line);
    if (!news) {
        broken(news.error().what);
        return false;
    }
    if (news->canceled) {
        broken(news->compacted        ? "it has forgotten what has happened since (compaction)"
               : news->reason.empty() ? "it has ended the watch"
                                      : news->reason);
        return false;
    }
    if (news->created)
        followed();
    for (const etcd::Event& event : news->events)
        if (!apply(event))
            return false;
    return true;
}

void Membership::followed() {
    if (step_ != Step::joining)
        return;
    step_ = Step::following;
    status_.connected = true;
    if (!status_.refused)
        status_.why.clear();
    if (!std::exchange(logged_, {}).empty())
        spdlog::info("etcd at {}: connected again", status_.server);
    failures_ = 0;
    delay_ = first_delay;
    keep_in_time();
    told_.status();
    health(own_.drained, own_.pressure);
}

// False: what was under way has been broken off.
bool Membership::apply(const etcd::Event& event) {
    if (!event.key.key.starts_with(hosts_prefix()))
        return true;
    const std::string name = event.key.key.substr(hosts_prefix().size());
    if (event.deleted)
        erase(name);
    else
        put(name, event.key);
    return name != settings_.config.name || apply_own(event);
}

bool Membership::apply_own(const etcd::Event& event) {
    // Of before it was written last; or it is being written, which says how it stands.
    if (event.key.modified <= own_revision_)
        return true;
    if (!event.deleted) {
        const auto host = from_value(event.key.value);
        if (host && host->incarnation == own_.incarnation)
            return true;
        taken_by(event.key);
        told_.status();
        return true;
    }
    if (leasing_) {
        claim_again_ = true;
        return true;
    }
    // The other one of this name has gone; or the lease was over, or somebody has deleted the key.
    claim_again_ = true;
    lease();
    return step_ == Step::following;
}

void Membership::put(const std::string& name, const etcd::KeyValue& key) {
    auto host = is_host_name(name) ? from_value(key.value)
                                   : base::Result<Host>(base::error("no name of a host"));
    if (!host) {
        ignore(base::in_quotes(name) + ": " + host.error().what);
        return erase(name);
    }
    const auto known = hosts_.find(name);
    if (known == hosts_.end() && hosts_.size() >= most_hosts)
        return ignore("there are more than " + std::to_string(most_hosts) + " hosts");
    if (known != hosts_.end() && known->second == *host)
        return;
    if (known == hosts_.end() && name != settings_.config.name)
        spdlog::info("host {} is there", name);
    const Host& now = hosts_[name] = std::move(*host);
    told_.host(name, now);
}

void Membership::erase(const std::string& name) {
    if (hosts_.erase(name) == 0)
        return;
    if (name != settings_.config.name)
        spdlog::info("host {} is gone", name);
    told_.gone(name);
}

void Membership::ignore(const std::string& what) {
    constexpr std::chrono::minutes between_lines{1};
    ++status_.ignored;
    told_.status();
    const auto now = clock_.now();
    if (ignored_logged_ && now - *ignored_logged_ < between_lines)
        return;
    ignored_logged_ = now;
    spdlog::warn("etcd has something below {} that is no host's, and is ignored: {}",
                 hosts_prefix(), what);
}

}  // namespace summond::fleet
