#include "summond/transfer/plan.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace summond::transfer {
namespace {

// Numbers in the machine's order, since both ends are the same binary.
class Writer {
  public:
    void number(std::uint64_t value) {
        out_.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void octets(std::span<const std::uint8_t> octets) {
        number(octets.size());
        out_.append(reinterpret_cast<const char*>(octets.data()), octets.size());
    }
    std::string take() { return std::move(out_); }

  private:
    std::string out_;
};

class Reader {
  public:
    explicit Reader(std::string_view in) : in_(in) {}
    std::uint64_t number() {
        std::uint64_t value = 0;
        if (in_.size() < sizeof value) {
            bad_ = true;
            return 0;
        }
        in_.copy(reinterpret_cast<char*>(&value), sizeof value);
        in_.remove_prefix(sizeof value);
        return value;
    }
    std::span<const std::uint8_t> octets() {
        const std::uint64_t size = number();
        if (size > in_.size()) {
            bad_ = true;
            return {};
        }
        const std::span octets(reinterpret_cast<const std::uint8_t*>(in_.data()), size);
        in_.remove_prefix(size);
        return octets;
    }
    dns::Name name() {
        auto name = dns::Name::from_wire(octets());
        bad_ = bad_ || !name;
        return name ? std::move(*name) : dns::Name();
    }
    base::IpAddress address() {
        const auto bytes = octets();
        std::array<std::uint8_t, 16> copy{};
        if (bytes.size() != 4 && bytes.size() != 16) {
            bad_ = true;
            return {};
        }
        std::ranges::copy(bytes, copy.begin());
        if (bytes.size() == 16)
            return base::IpAddress::v6(copy);
        return base::IpAddress::v4({copy[0], copy[1], copy[2], copy[3]});
    }
    bool bad() const { return bad_; }
    bool at_end() const { return in_.empty(); }

  private:
    std::string_view in_;
    bool bad_ = false;
};

void write(const config::Transfer& who, Writer& out) {
    out.number(who.to.size());
    for (const base::IpPrefix& prefix : who.to) {
        out.octets(prefix.address.bytes());
        out.number(prefix.length);
    }
    out.number(who.keys.size());
    for (const dns::Name& key : who.keys)
        out.octets(key.wire());
    out.number(who.notify.size());
    for (const auto& [to, key] : who.notify) {
        out.octets(to.address.bytes());
        out.number(to.port);
        out.octets(key ? key->wire() : std::span<const std::uint8_t>());
    }
}

config::Transfer read_transfer(Reader& in) {
    config::Transfer who;
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) {
        const base::IpAddress address = in.address();
        who.to.push_back({address, static_cast<unsigned>(in.number())});
    }
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left)
        who.keys.push_back(in.name());
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) {
        config::Transfer::Notify notify;
        notify.to.address = in.address();
        notify.to.port = static_cast<std::uint16_t>(in.number());
        if (const auto key = in.octets(); !key.empty())
            if (auto name = dns::Name::from_wire(key))
                notify.key = std::move(*name);
        who.notify.push_back(std::move(notify));
    }
    return who;
}

}  // namespace

const sign::TsigKey* Plan::key(const dns::Name& name) const {
    const auto found = std::ranges::find(keys, name, &sign::TsigKey::name);
    return found == keys.end() ? nullptr : &*found;
}

const Plan::Zone* Plan::zone(const dns::Name& name) const {
    const auto found = std::ranges::lower_bound(zones, name, {}, &Zone::name);
    return found == zones.end() || found->name != name ? nullptr : &*found;
}

std::string Plan::pack() const {
    Writer out;
    out.number(keys.size());
    for (const sign::TsigKey& key : keys) {
        out.octets(key.name.wire());
        out.number(static_cast<std::uint64_t>(key.algorithm));
        out.octets(key.secret);
    }
    out.number(zones.size());
    for (const Zone& zone : zones) {
        out.octets(zone.name.wire());
        write(zone.who, out);
    }
    out.number(sources.size());
    for (const base::IpAddress& source : sources)
        out.octets(source.bytes());
    return out.take();
}

base::Result<Plan> Plan::unpack(std::string_view bytes) {
    Reader in(bytes);
    Plan plan;
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) {
        sign::TsigKey key;
        key.name = in.name();
        key.algorithm = static_cast<sign::TsigAlgorithm>(std::min<std::uint64_t>(
            in.number(), static_cast<std::uint64_t>(sign::TsigAlgorithm::last)));
        const auto secret = in.octets();
        key.secret.assign(secret.begin(), secret.end());
        plan.keys.push_back(std::move(key));
    }
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left) {
        dns::Name name = in.name();
        config::Transfer who = read_transfer(in);
        plan.zones.push_back({std::move(name), std::move(who)});
    }
    for (std::uint64_t left = in.number(); left > 0 && !in.bad(); --left)
        plan.sources.push_back(in.address());
    if (in.bad() || !in.at_end())
        return base::error("transfers: not as the loader writes them");
    return plan;
}

Plan make_plan(const config::Config& config, std::vector<config::Problem>& problems) {
    Plan plan;
    for (const config::TsigFile& file : config.tsig) {
        auto key = sign::read_tsig_key(file.path);
        if (!key)
            problems.push_back({file.where, "tsig: " + key.error().what});
        else if (plan.key(key->name) != nullptr)
            problems.push_back({file.where, "tsig: " + file.path + ": key " +
                                                key->name.to_string() +
                                                " is in another file, too; keep one"});
        else
            plan.keys.push_back(std::move(*key));
    }
    const bool all_read = plan.keys.size() == config.tsig.size();
    for (const config::Zone& zone : config.zones) {
        if (!zone.transfer)
            continue;
        const config::Transfer& who = *zone.transfer;
        const auto look_up = [&](const dns::Name& name, const char* where) {
            if (all_read && plan.key(name) == nullptr)
                problems.push_back({who.where, std::string("transfer.") + where + ": " +
                                                   name.to_string() +
                                                   " is the name of no key in the files of tsig:"});
        };
        for (const dns::Name& key : who.keys)
            look_up(key, "keys");
        for (const auto& notify : who.notify)
            if (notify.key)
                look_up(*notify.key, "notify");
        plan.zones.push_back({zone.name, who});
    }
    std::ranges::sort(plan.zones, {}, &Plan::Zone::name);
    for (const bool v4 : {true, false}) {
        std::vector<base::IpAddress> of_family;
        for (const base::Endpoint& endpoint : config.listen)
            if (endpoint.address.is_v4() == v4)
                of_family.push_back(endpoint.address);
        if (of_family.size() == 1 && !of_family[0].is_unspecified())
            plan.sources.push_back(of_family[0]);
    }
    return plan;
}

bool may_have(const Plan::Zone& zone, const base::IpAddress& client, const sign::TsigKey* key) {
    const config::Transfer& who = zone.who;
    const bool from_there =
        who.to.empty() || std::ranges::any_of(who.to, [&client](const base::IpPrefix& prefix) {
            return prefix.contains(client);
        });
    const bool with_key =
        who.keys.empty() ||
        (key != nullptr && std::ranges::find(who.keys, key->name) != who.keys.end());
    return from_there && with_key && !(who.to.empty() && who.keys.empty());
}

}  // namespace summond::transfer
