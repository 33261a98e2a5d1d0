// The signer role: has the private keys of zones with names that are signed when they are asked
// for, and signs what the front asks for. It takes the front for hostile: what a record says it
// works out by itself, from the same zones and rules, and signs nothing else. So whoever has taken
// over the front gets signatures of what is true, and no key. It is isolated as the front is. One
// thread.

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <ctime>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "load.hpp"
#include "roles.hpp"
#include "summond/answer/statement.hpp"
#include "summond/base/clock.hpp"
#include "summond/base/log.hpp"
#include "summond/config/config.hpp"
#include "summond/ipc/link.hpp"
#include "summond/loop/deadline_timer.hpp"
#include "summond/net/rules.hpp"
#include "summond/proc/memfd.hpp"
#include "summond/proc/spawn.hpp"
#include "summond/sign/online_keys.hpp"
#include "summond/sign/private_key.hpp"
#include "table.hpp"

namespace summond::roles {
namespace {

namespace asio = boost::asio;

// For resolvers whose clocks are behind, as the loader's signatures; seconds.
constexpr std::int64_t inception_before = 3600;
// How long the front before may ask after a reload: it drains for 15 s at most.
constexpr auto older_kept = std::chrono::seconds(20);
// Answers that a front has not taken yet. It asks for fewer at a time.
constexpr std::size_t most_unsent = 8192;

// One accepted configuration: what is true by it, and the keys to sign that with.
class SignedZones {
  public:
    // before: the one in force until now, or null. A zone that could not be signed anew is served
    // as it was, so its keys are those of before.
    static base::Result<std::unique_ptr<SignedZones>> make(const std::string& config_file,
                                                           int config, int image, int keys,
                                                           const SignedZones* before) {
        auto mapping = proc::Mapping::map(image);
        if (!mapping)
            return tl::make_unexpected(mapping.error());
        const auto zones = zone::Zones::open(mapping->bytes());
        if (!zones)
            return tl::make_unexpected(zones.error());
        const auto text = proc::read_memfd(config);
        const auto loaded = config::parse_packed(text ? *text : std::string(), config_file);
        if (!loaded.config)
            return base::error("no usable configuration from the parent");
        const auto packed = proc::Mapping::map(keys);
        if (!packed)
            return tl::make_unexpected(packed.error());
        const auto bytes = packed->bytes();
        auto online =
            sign::unpack_online({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
        if (!online)
            return tl::make_unexpected(online.error());
        std::unique_ptr<SignedZones> made(new SignedZones(std::move(*mapping), *zones));
        made->rules_ = net::make_rules(*loaded.config, made->zones_, 1);
        for (sign::OnlineZone& zone : *online)
            if (auto added = made->add(zone); !added)
                return tl::make_unexpected(added.error());
        if (before != nullptr)
            made->keep(*before);
        return made;
    }

    std::size_t zone_count() const { return signed_.size(); }

    // False: it is not so by this configuration, or cannot be signed.
    bool sign(const ipc::SignWanted& wanted, const dns::FoldedName& name, std::int64_t now,
              ipc::SignedRecord& made) {
        const auto zone = std::ranges::find_if(signed_, [&](const Signed& each) {
            return std::ranges::equal(each.zone.apex.wire(),
                                      std::span(name.wire).first(name.size).last(wanted.apex_size));
        });
        if (zone == signed_.end())
            return false;
        answer::StatedRecord record;
        if (!answer::state(zones_, rules_.get(), zone->index,
                           static_cast<answer::Statement::Kind>(wanted.kind), name, record,
                           std::to_array(wanted.ipv4)) ||
            record.content() != wanted.content)
            return false;
        // Not all at once, so that they do not all have to be made again at once.
        const auto early = static_cast<std::int64_t>(
            wanted.content % (static_cast<std::uint64_t>(zone->zone.jitter) + 1));
        const std::int64_t end = now + zone->zone.lifetime - early;
        made.inception = static_cast<std::uint32_t>(now - inception_before);
        made.expiration = static_cast<std::uint32_t>(end);
        made.due = static_cast<std::uint32_t>(end - zone->zone.refresh);
        made.count = 0;
        for (Key& key : *zone->keys)
            if (!sign(*zone, key, record, made))
                return false;
        return made.count > 0;
    }

  private:
    struct Key {
        std::uint16_t tag;
        std::unique_ptr<const sign::PrivateKey> secret;
        sign::Signer signer;
    };
    struct Signed {
        sign::OnlineZone zone;  // without keys
        std::uint32_t index;
        std::shared_ptr<std::vector<Key>> keys;
    };

    SignedZones(proc::Mapping image, const zone::Zones& zones)
        : image_(std::move(image)), zones_(zones) {}

    base::Result<void> add(sign::OnlineZone& zone) {
        dns::FoldedName apex;
        apex.assign(zone.apex.wire());
        const auto found = zones_.find(apex);
        if (!found.exact || (found.node->flags & zone::image::apex) == 0)
            return base::error("keys of a zone that there is not: " + zone.apex.to_string());
        Signed added{{zone.apex, zone.lifetime, zone.jitter, zone.refresh, {}},
                     found.node->zone,
                     std::make_shared<std::vector<Key>>()};
        for (const sign::OnlineKey& key : zone.keys) {
            auto secret = sign::PrivateKey::from_secret(key.algorithm, key.secret.bytes());
            if (!secret)
                return base::error("key " + std::to_string(key.tag) + " of zone " +
                                   zone.apex.to_string() + " " + secret.error().what);
            auto kept = std::make_unique<const sign::PrivateKey>(std::move(*secret));
            sign::Signer signer(*kept);
            added.keys->push_back({key.tag, std::move(kept), std::move(signer)});
        }
        signed_.push_back(std::move(added));
        return {};
    }

    void keep(const SignedZones& before) {
        for (const Signed& zone : before.signed_) {
            dns::FoldedName apex;
            apex.assign(zone.zone.apex.wire());
            const auto found = zones_.find(apex);
            const bool is_apex = found.exact && (found.node->flags & zone::image::apex) != 0;
            const auto* const chain = is_apex ? zones_.chain(found.node->zone) : nullptr;
            if (chain == nullptr || chain->compact == 0 ||
                std::ranges::any_of(
                    signed_, [&](const Signed& other) { return other.index == found.node->zone; }))
                continue;
            signed_.push_back(
                {{zone.zone.apex, zone.zone.lifetime, zone.zone.jitter, zone.zone.refresh, {}},
                 found.node->zone,
                 zone.keys});
        }
    }

    static bool sign(const Signed& zone, Key& key, const answer::StatedRecord& record,
                     ipc::SignedRecord& made) {
        if (made.count == std::size(made.signature))
            return true;
        answer::RrsigRdata rrsig;
        const std::size_t size = answer::write_rrsig(
            record, {key.secret->algorithm(), key.tag, made.inception, made.expiration},
            zone.zone.apex.wire(), {}, rrsig);
        std::vector<sign::Bytes> rdatas{record.rdata_octets()};
        const auto octets =
            sign::signed_octets({rrsig.data(), size}, record.owner_octets(), record.type, rdatas);
        const auto signature = key.signer.sign(octets);
        if (!signature)
            return false;
        auto& to = made.signature[made.count++];
        to.algorithm = key.secret->algorithm();
        to.key_tag = key.tag;
        std::ranges::copy(*signature, to.octets);
        return true;
    }

    const proc::Mapping image_;
    const zone::Zones zones_;
    std::unique_ptr<answer::Rules> rules_;
    std::vector<Signed> signed_;
};

class SignerProcess {
  public:
    SignerProcess(asio::io_context& io, std::string config_file, std::unique_ptr<SignedZones> first)
        : io_(io),
          config_file_(std::move(config_file)),
          newest_(std::move(first)),
          older_timer_(io, [this] { older_.reset(); }) {}

    bool serve(ipc::Channel parent) {
        parent_ = ipc::Link(io_, std::move(parent),
                            {[this](ipc::Received& message) { return from_parent(message); },
                             [this] {
                                 spdlog::warn("the parent is gone; ending");
                                 io_.stop();
                             }});
        spdlog::info("zones with names that are signed when they are asked for: {}",
                     newest_->zone_count());
        return parent_.send(ipc::Ready{});
    }

  private:
    struct Front {
        ipc::Link link;
        std::deque<ipc::SignedRecord> unsent;
    };

    bool from_parent(ipc::Received& message) {
        switch (message.type) {
            case ipc::Type::peer:
                connect_front(std::move(message.fd));
                return true;
            case ipc::Type::image:
                image_ = std::move(message.fd);
                return true;
            case ipc::Type::signing_keys:
                keys_ = std::move(message.fd);
                return true;
            case ipc::Type::reload:
                return reload(message.fd.get());
            case ipc::Type::retire:
                older_timer_.set(clock_.now() + older_kept);
                return true;
            default:
                return false;
        }
    }

    bool reload(int config) {
        auto made =
            SignedZones::make(config_file_, config, image_.get(), keys_.get(), newest_.get());
        image_.reset();
        keys_.reset();
        if (!made) {
            spdlog::error("{}", made.error().what);
            return false;
        }
        older_ = std::exchange(newest_, std::move(*made));
        older_timer_.set(std::nullopt);
        return true;
    }

    // One that drains beside the one that serves. Its link may end while it is being read from.
    void connect_front(base::UniqueFd fd) {
        fronts_.remove_if([](const Front& front) { return !front.link.is_open(); });
        Front& front = fronts_.emplace_back();
        front.link = ipc::Link(
            io_, ipc::Channel(std::move(fd), ipc::Role::signer, ipc::Role::front),
            {[this, &front](ipc::Received& message) { return from_front(front, message); }, [] {},
             [&front] { send(front); }});
    }

    bool from_front(Front& front, ipc::Received& message) {
        if (message.type != ipc::Type::sign_wanted)
            return false;
        const auto wanted = message.as<ipc::SignWanted>();
        dns::FoldedName name;
        if (wanted.kind > static_cast<std::uint8_t>(answer::Statement::Kind::last) ||
            wanted.apex_size == 0 || wanted.apex_size > wanted.size ||
            !name.assign(std::span(wanted.name).first(wanted.size)) || name.size != wanted.size ||
            front.unsent.size() >= most_unsent)
            return false;
        const std::int64_t now = std::time(nullptr);
        ipc::SignedRecord made{};
        made.tag = wanted.tag;
        if (!newest_->sign(wanted, name, now, made) &&
            !(older_ && older_->sign(wanted, name, now, made)))
            made.count = 0;
        front.unsent.push_back(made);
        send(front);
        // With one CPU for all, a query waits for one signature at most, not for a time slice.
        std::this_thread::yield();
        return true;
    }

    // What it does not take now, it gets when it does.
    static void send(Front& front) {
        while (!front.unsent.empty() && front.link.send(front.unsent.front()))
            front.unsent.pop_front();
    }

    asio::io_context& io_;
    const std::string config_file_;
    base::SteadyClock clock_;
    base::UniqueFd image_;
    base::UniqueFd keys_;
    std::unique_ptr<SignedZones> newest_;
    std::unique_ptr<SignedZones> older_;  // null: nobody asks for what is true by it
    loop::DeadlineTimer older_timer_;
    std::list<Front> fronts_;
    ipc::Link parent_;
};

int give_up(const std::string& what) {
    spdlog::critical("{}", what);
    return 1;
}

// What libcrypto opens and reads once, while it may.
bool prepare_signing() {
    const auto key = sign::PrivateKey::generate(sign::ecdsa_p256_sha256);
    const std::array<std::uint8_t, 1> octets{};
    return key && sign::Signer(*key).sign(octets);
}

}  // namespace

int signer_main(const Arguments& arguments, const Row& row) {
    hide_memory();
    proc::run_after_others();
    ipc::Channel parent(base::UniqueFd(control_fd), ipc::Role::signer, ipc::Role::parent);
    base::UniqueFd config(config_fd);
    base::UniqueFd image(image_fd);
    base::UniqueFd keys(online_keys_fd);
    if (!prepare_signing())
        return give_up("libcrypto does not sign");
    auto first =
        SignedZones::make(arguments.config, config.get(), image.get(), keys.get(), nullptr);
    if (!first)
        return give_up(first.error().what);
    config.reset();
    image.reset();
    keys.reset();
    asio::io_context io(1);
    if (const auto isolated = row.isolate(arguments.user); !isolated)
        return give_up("cannot isolate: " + isolated.error().what);
    SignerProcess process(io, arguments.config, std::move(*first));
    if (!process.serve(std::move(parent)))
        return give_up("the parent is gone");
    io.run();
    return 0;
}

}  // namespace summond::roles
