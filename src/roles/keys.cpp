// `summond keys`: what a person does with the keys that zones are signed with. Each is a
// short-lived process of root's, as the loader is.

#include "keys.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <optional>
#include <string>
#include <vector>

#include "load.hpp"
#include "roles.hpp"
#include "summond/sign/key_file.hpp"
#include "summond/sign/key_schedule.hpp"

namespace summond::roles {
namespace {

using sign::Key;
using Keys = std::vector<Key>;

void say(const std::string& line) {
    std::printf("%s\n", line.c_str());
}

int refuse(int status, const std::string& what) {
    std::fprintf(stderr, "%s\n", what.c_str());
    return status;
}

std::string role_of(const Key& key, const Keys& all) {
    if (!key.is_sep())
        return "ZSK";
    return std::ranges::all_of(all, &Key::is_sep) ? "CSK" : "KSK";
}

std::string hex(sign::Bytes octets) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    for (const std::uint8_t octet : octets)
        text += {digits[octet >> 4], digits[octet & 15]};
    return text;
}

constexpr const char* then_load =
    "the daemon takes it over when it loads its zones: "
    "`systemctl reload summond`";

class KeysCommand {
  public:
    KeysCommand(const KeysArguments& arguments, const config::Config& config)
        : arguments_(arguments), config_(config), now_(std::time(nullptr)) {}

    int run();

  private:
    // The zones that are meant, and signed here. Empty: there is none, which has been said.
    std::vector<const config::Zone*> zones() const;
    int on_zone(const config::Zone& zone);
    int list(const config::Zone& zone, const Keys& keys) const;
    int ds(const config::Zone& zone, const Keys& keys) const;
    int make(const config::Zone& zone, const Keys& keys);
    int import(const config::Zone& zone, const Keys& keys);
    int roll(const config::Zone& zone, const Keys& keys);
    int roll_algorithm(const config::Zone& zone, const Keys& keys);
    int submitted(const config::Zone& zone, Keys& keys);
    int write(const Key& key, const std::string& what);
    int add(const config::Zone& zone, std::uint16_t flags, std::uint8_t algorithm, const Keys& keys,
            const std::string& what);

    const KeysArguments& arguments_;
    const config::Config& config_;
    const std::int64_t now_;
    std::optional<sign::KeyDirectory> directory_;
};

std::vector<const config::Zone*> KeysCommand::zones() const {
    std::vector<const config::Zone*> found;
    const auto name = dns::Name::parse(arguments_.zone);
    bool known = false;
    for (const config::Zone& zone : config_.zones) {
        if (!arguments_.zone.empty() && (!name || zone.name != *name))
            continue;
        known = true;
        if (zone.dnssec)
            found.push_back(&zone);
    }
    if (!known)
        refuse(0, "zone " + arguments_.zone + " is not in " + arguments_.config);
    else if (found.empty())
        refuse(0, arguments_.config + ": " +
                      (arguments_.zone.empty() ? "no zone is"
                                               : "zone " + arguments_.zone + " is not") +
                      " signed here; give it `dnssec: on`");
    return found;
}

int KeysCommand::run() {
    const auto chosen = zones();
    if (chosen.empty())
        return exit_bad_configuration;
    using Action = KeysArguments::Action;
    const bool writes = arguments_.action != Action::list && arguments_.action != Action::ds;
    const bool makes = arguments_.action == Action::make || arguments_.action == Action::import;
    auto directory =
        sign::KeyDirectory::open(config_.key_dir, makes ? sign::KeyDirectory::Missing::make
                                                        : sign::KeyDirectory::Missing::error);
    if (directory && writes)
        if (auto locked = directory->lock(); !locked)
            return refuse(exit_failed, locked.error().what);
    if (!directory)
        return refuse(exit_failed, directory.error().what);
    directory_.emplace(std::move(*directory));
    int status = 0;
    for (const config::Zone* const zone : chosen)
        status = std::max(status, on_zone(*zone));
    return status;
}

int KeysCommand::on_zone(const config::Zone& zone) {
    using Action = KeysArguments::Action;
    auto keys = directory_->read(zone.name);
    if (!keys)
        return refuse(exit_failed, keys.error().what);
    if (keys->empty() && arguments_.action != Action::make && arguments_.action != Action::import)
        return refuse(exit_failed, "zone " + zone.name.to_string() + " has no key in " +
                                       config_.key_dir +
                                       "; the daemon makes one when it loads the zone, "
                                       "`summond keys make` now");
    switch (arguments_.action) {
        case Action::list:
            return list(zone, *keys);
        case Action::ds:
            return ds(zone, *keys);
        case Action::make:
            return make(zone, *keys);
        case Action::import:
            return import(zone, *keys);
        case Action::roll:
            return roll(zone, *keys);
        case Action::submitted:
            return submitted(zone, *keys);
    }
    return exit_failed;
}

int KeysCommand::list(const config::Zone& zone, const Keys& keys) const {
    for (const Key& key : keys) {
        const sign::KeyTimes& times = key.times;
        std::string line = zone.name.to_string() + " " + std::to_string(key.tag) + " " +
                           role_of(key, keys) + " " +
                           std::string(sign::algorithm_name(key.secret.algorithm())) + " " +
                           std::string(sign::state_of(times, now_));
        const auto add = [&](const char* what, const sign::KeyTimes::Time& time) {
            if (time)
                line += std::string("; ") + what + " " + sign::date_text(*time);
        };
        add("made", times.created);
        if (times.publish && *times.publish > now_)
            add("published from", times.publish);
        add("signs from", times.activate);
        add("signs until", times.inactive);
        add("CDS from", times.sync_publish);
        add("DS seen", times.ds_publish);
        add("removed", times.removed);
        say(line);
    }
    return 0;
}

int KeysCommand::ds(const config::Zone& zone, const Keys& keys) const {
    for (const Key& key : keys) {
        if (!key.is_sep() || key.times.inactive.value_or(now_ + 1) <= now_ ||
            !sign::is_published(key.times, now_))
            continue;
        const auto rdata = sign::ds_rdata(zone.name.wire(), key.dnskey);
        say(zone.name.to_string() + " IN DS " + std::to_string(key.tag) + " " +
            std::to_string(rdata[2]) + " " + std::to_string(rdata[3]) + " " +
            hex(sign::Bytes(rdata).subspan(4)));
        if (const auto from = sign::ds_from(key.times); !from)
            refuse(0, "key " + std::to_string(key.tag) + " is not in the zone yet; " + then_load);
        else if (*from > now_)
            refuse(0, "key " + std::to_string(key.tag) + ": not before " + sign::date_text(*from) +
                          ": until then resolvers may not have it, or the zone without signatures");
    }
    return 0;
}

int KeysCommand::write(const Key& key, const std::string& what) {
    if (auto written = directory_->write(key); !written)
        return refuse(exit_failed, written.error().what);
    say("zone " + key.zone.to_string() + ": " + what);
    return 0;
}

int KeysCommand::add(const config::Zone& zone, std::uint16_t flags, std::uint8_t algorithm,
                     const Keys& keys, const std::string& what) {
    auto key = sign::make_key(zone.name, flags, algorithm, keys, now_);
    if (!key)
        return refuse(exit_failed, key.error().what);
    return write(*key, "made " + what + " " + std::to_string(key->tag) + " in " +
                           directory_->path() + "; " + then_load);
}

int KeysCommand::make(const config::Zone& zone, const Keys& keys) {
    const bool wants_zsk = arguments_.zsk;
    if (std::ranges::any_of(keys, [&](const Key& key) {
            return key.is_sep() != wants_zsk && !(key.times.removed && *key.times.removed <= now_);
        }))
        return refuse(exit_failed, "zone " + zone.name.to_string() + " has such a key in " +
                                       config_.key_dir +
                                       " already; `summond keys roll` replaces it");
    const Key* const beside = sign::newest_sep(keys, now_);
    const std::uint8_t algorithm = beside == nullptr
                                       ? zone.dnssec->algorithm.value_or(sign::ecdsa_p256_sha256)
                                       : beside->secret.algorithm();
    if (wants_zsk)
        return add(zone, sign::flag_zone, algorithm, keys, "ZSK");
    const bool single = zone.dnssec->single_type_signing.value_or(true);
    const int status =
        add(zone, sign::flag_zone | sign::flag_sep, algorithm, keys, single ? "CSK" : "KSK");
    if (status != 0 || single || !keys.empty())
        return status;
    return add(zone, sign::flag_zone, algorithm, keys, "ZSK");
}

int KeysCommand::import(const config::Zone& zone, const Keys& keys) {
    constexpr std::uint16_t sep = sign::flag_zone | sign::flag_sep;
    const std::uint16_t flags = arguments_.zsk ? sign::flag_zone : sep;
    auto key = sign::import_key(arguments_.key_file, zone.name, flags);
    if (!key)
        return refuse(exit_failed, key.error().what);
    if (std::ranges::find(keys, key->tag, &Key::tag) != keys.end())
        return refuse(exit_failed, config_.key_dir + " has a key " + std::to_string(key->tag) +
                                       " of zone " + zone.name.to_string() + " already");
    // It is one that has been in use elsewhere, so resolvers know it.
    sign::KeyTimes& times = key->times;
    if (!times.created)
        times.created = now_;
    if (!times.publish)
        times.publish = now_;
    if (!times.activate)
        times.activate = now_;
    if (key->is_sep() && !times.sync_publish)
        times.sync_publish = now_;
    return write(*key, "key " + std::to_string(key->tag) + " is in " + directory_->path() + "; " +
                           then_load);
}

// The new keys sign first and are published later: when, the loader finds, which knows the TTLs.
int KeysCommand::roll_algorithm(const config::Zone& zone, const Keys& keys) {
    const std::string who = "zone " + zone.name.to_string();
    const auto algorithm = sign::algorithm_of(arguments_.algorithm);
    if (!algorithm)
        return refuse(exit_bad_configuration, "--algorithm " + arguments_.algorithm +
                                                  " is neither ecdsap256sha256 nor ed25519");
    const Key* const sep = sign::newest_sep(keys, now_);
    if (sep == nullptr)
        return refuse(exit_failed, who + " has no key that is active, which could be replaced");
    if (sep->secret.algorithm() == *algorithm)
        return refuse(exit_failed, who + " has keys of " + arguments_.algorithm + " already");
    if (zone.dnssec->algorithm && *zone.dnssec->algorithm != *algorithm)
        return refuse(exit_bad_configuration, arguments_.config + " says another algorithm for " +
                                                  who + "; leave it out there, or say " +
                                                  arguments_.algorithm);
    std::vector<const Key*> old;
    for (const Key& key : keys) {
        if (key.times.removed && *key.times.removed <= now_ && !sign::is_active(key.times, now_))
            continue;
        if (!sign::is_active(key.times, now_) || sign::changes_algorithm(keys, now_) ||
            std::ranges::any_of(old, [&](const Key* other) { return other->flags == key.flags; }))
            return refuse(exit_failed, who +
                                           " is in the middle of a rollover already; see "
                                           "`summond keys list`");
        old.push_back(&key);
    }
    Keys made;
    for (const Key* const key : old) {
        auto next = sign::make_key(zone.name, key->flags, *algorithm, keys, now_);
        if (!next)
            return refuse(exit_failed, next.error().what);
        next->times.publish.reset();
        next->times.activate = now_;
        made.push_back(std::move(*next));
    }
    for (const Key& key : made)
        if (const int status = write(
                key, "made " + role_of(key, made) + " " + std::to_string(key.tag) + " of " +
                         arguments_.algorithm + " in " + directory_->path() + "; " + then_load))
            return status;
    return 0;
}

int KeysCommand::roll(const config::Zone& zone, const Keys& keys) {
    if (!arguments_.algorithm.empty())
        return roll_algorithm(zone, keys);
    const bool has_zsk = std::ranges::any_of(
        keys, [&](const Key& key) { return !key.is_sep() && sign::is_active(key.times, now_); });
    if (has_zsk && !arguments_.zsk && !arguments_.ksk)
        return refuse(exit_bad_configuration,
                      "zone " + zone.name.to_string() + " has a KSK and a ZSK; say --ksk or --zsk");
    const bool sep = !arguments_.zsk;
    const Key* old = nullptr;
    for (const Key& key : keys) {
        if (key.is_sep() != sep)
            continue;
        const bool is_new = key.times.publish && !key.times.removed &&
                            (!key.times.activate || *key.times.activate > now_);
        if (is_new || (sign::is_active(key.times, now_) && old != nullptr))
            return refuse(exit_failed, "zone " + zone.name.to_string() +
                                           " is in the middle of a rollover already; see "
                                           "`summond keys list`");
        if (sign::is_active(key.times, now_))
            old = &key;
    }
    if (old == nullptr)
        return refuse(exit_failed, "zone " + zone.name.to_string() + " has no " +
                                       (sep ? "KSK or CSK" : "ZSK") +
                                       " that is active, which could be replaced");
    return add(zone, old->flags, old->secret.algorithm(), keys,
               role_of(*old, keys) + " for " + std::to_string(old->tag) + ":");
}

int KeysCommand::submitted(const config::Zone& zone, Keys& keys) {
    Key* newest = nullptr;
    for (Key& key : keys)
        if (key.is_sep() && key.times.activate && sign::is_published(key.times, now_) &&
            (newest == nullptr || *newest->times.activate < *key.times.activate))
            newest = &key;
    const std::string who = "zone " + zone.name.to_string() + ": ";
    if (newest == nullptr)
        return refuse(exit_failed, who + "none of its keys is one that the parent could have");
    const std::string what = "key " + std::to_string(newest->tag);
    if (newest->times.ds_publish) {
        say(who + "the parent has the DS of " + what + " since " +
            sign::date_text(*newest->times.ds_publish));
        return 0;
    }
    if (const auto from = sign::ds_from(newest->times); from && *from > now_)
        return refuse(exit_failed, who + what + ": not before " + sign::date_text(*from) +
                                       ": until then resolvers may not have it; have the DS taken "
                                       "back at the parent");
    newest->times.ds_publish = now_;
    return write(*newest, "the parent has the DS of " + what + " from now on; " + then_load);
}

}  // namespace

int keys_main(const KeysArguments& arguments) {
    hide_memory();
    const auto read = read_config(arguments.config);
    if (!read)
        return exit_bad_configuration;
    return KeysCommand(arguments, read->config).run();
}

}  // namespace summond::roles
