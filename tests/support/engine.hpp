// Zones and service states for tests of the query engine, queries by their text, and answers as
// text, decoded by ldns.
#pragma once

#include <gtest/gtest.h>
#include <ldns/ldns.h>

#include <atomic>
#include <deque>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "summond/answer/answer.hpp"
#include "summond/answer/rules.hpp"
#include "summond/dns/wire.hpp"

namespace summond::test {

inline dns::Name name(std::string_view text) {
    const auto parsed = dns::Name::parse(text);
    EXPECT_TRUE(parsed) << text;
    return parsed.value_or(dns::Name());
}

struct Ask {
    std::string name;
    std::string type = "A";
    bool edns = false;
    std::uint16_t udp_size = 1232;
    std::uint8_t version = 0;
    bool dnssec_ok = false;
    answer::Transport transport = answer::Transport::udp;
    std::uint16_t klass = 1;
    std::string options = {};  // RDATA of OPT
};

inline std::vector<std::uint8_t> query_bytes(const Ask& ask) {
    std::vector<std::uint8_t> bytes{0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0};
    const auto put16 = [&bytes](unsigned value) {
        bytes.push_back(static_cast<std::uint8_t>(value >> 8));
        bytes.push_back(static_cast<std::uint8_t>(value));
    };
    ldns_rdf* owner = ldns_dname_new_frm_str(ask.name.c_str());  // keeps the case
    EXPECT_NE(owner, nullptr) << ask.name;
    bytes.insert(bytes.end(), ldns_rdf_data(owner), ldns_rdf_data(owner) + ldns_rdf_size(owner));
    ldns_rdf_deep_free(owner);
    put16(ldns_get_rr_type_by_name(ask.type.c_str()));
    put16(ask.klass);
    if (ask.edns) {
        bytes[11] = 1;
        bytes.push_back(0);
        put16(41);
        put16(ask.udp_size);
        put16(ask.version);
        put16(ask.dnssec_ok ? 0x8000 : 0);
        put16(static_cast<unsigned>(ask.options.size()));
        bytes.insert(bytes.end(), ask.options.begin(), ask.options.end());
    }
    return bytes;
}

// One EDNS option of an answer.
inline std::string option_text(const std::uint8_t* option) {
    const std::size_t size = dns::get16(option + 2);
    const std::uint8_t* const data = option + 4;
    switch (dns::get16(option)) {
        case 3:
            return " nsid=" + std::string(data, data + size);
        case 10:
            return size == 24 ? " cookie" : " cookie?";
        case 11:
            return size == 2 ? " idle=" + std::to_string(dns::get16(data)) : " idle?";
        case 12:
            return " padding";
        case 15:
            return " ede=" + std::to_string(dns::get16(data)) + ":" +
                   std::string(data + 2, data + size);
        default:
            return " option" + std::to_string(dns::get16(option));
    }
}

// "NOERROR aa" and a line for each record: "AN www.jit.example. 60 IN A 192.0.2.1", "AU", "AD";
// last "EDNS size=1232 do cookie nsid=me ede=20:text" where there is an OPT record.
inline std::string answer_text(std::span<const std::uint8_t> bytes) {
    ldns_pkt* parsed = nullptr;
    const ldns_status status = ldns_wire2pkt(&parsed, bytes.data(), bytes.size());
    if (status != LDNS_STATUS_OK)
        return std::string("not a message: ") + ldns_get_errorstr_by_id(status);
    const std::unique_ptr<ldns_pkt, decltype(&ldns_pkt_free)> packet(parsed, &ldns_pkt_free);
    const ldns_lookup_table* rcode =
        ldns_lookup_by_id(ldns_rcodes, static_cast<int>(ldns_pkt_get_rcode(parsed)));
    std::string text = rcode != nullptr ? rcode->name : "RCODE?";
    if (ldns_pkt_edns_extended_rcode(parsed) != 0)
        text = "EXTENDED" + std::to_string(ldns_pkt_edns_extended_rcode(parsed) * 16 +
                                           ldns_pkt_get_rcode(parsed));
    EXPECT_TRUE(ldns_pkt_qr(parsed));
    EXPECT_FALSE(ldns_pkt_ra(parsed) || ldns_pkt_ad(parsed) || ldns_pkt_cd(parsed));
    text += ldns_pkt_aa(parsed) ? " aa" : "";
    text += ldns_pkt_tc(parsed) ? " tc" : "";
    text += "\n";
    const auto section = [&text](const char* label, const ldns_rr_list* list) {
        for (std::size_t i = 0; i < ldns_rr_list_rr_count(list); ++i) {
            char* line = ldns_rr2str(ldns_rr_list_rr(list, i));
            for (char* c = line; *c != '\0' && *c != '\n'; ++c)
                *c = *c == '\t' ? ' ' : *c;
            text += std::string(label) + " " + line;
            std::free(line);
        }
    };
    section("AN", ldns_pkt_answer(parsed));
    section("AU", ldns_pkt_authority(parsed));
    section("AD", ldns_pkt_additional(parsed));
    if (ldns_pkt_edns(parsed)) {
        text += "EDNS size=" + std::to_string(ldns_pkt_edns_udp_size(parsed));
        text += ldns_pkt_edns_do(parsed) ? " do" : "";
        if (const ldns_rdf* data = ldns_pkt_edns_data(parsed)) {
            const std::uint8_t* option = ldns_rdf_data(data);
            const std::uint8_t* const end = option + ldns_rdf_size(data);
            for (; option < end; option += 4 + dns::get16(option + 2))
                text += option_text(option);
            EXPECT_EQ(option, end);
        }
        text += "\n";
    }
    return text;
}

class Engine {
  public:
    // The whole text of a zone file, directives included.
    void add_zone(const std::string& apex, const std::string& text) {
        const std::string path = testing::TempDir() + "/zone" + std::to_string(::getpid()) + "-" +
                                 std::to_string(config_.zones.size());
        std::ofstream(path) << text;
        config::Zone& zone = config_.zones.emplace_back();
        zone.name = name(apex);
        zone.file = path;
        paths_.push_back(path);
    }
    void add_service(const std::string& service_name, const std::vector<std::string>& names,
                     const std::vector<std::string>& addresses) {
        service::Template& service = config_.services.emplace_back();
        service.id = config_.services.size();
        service.name = service_name;
        for (const std::string& n : names)
            service.names.push_back(name(n));
        for (const std::string& text : addresses) {
            const auto address = base::IpAddress::parse(text);
            (address->is_v4() ? service.ipv4 : service.ipv6).push_back(*address);
        }
    }
    // One with an instance for each id.
    service::Pattern& add_pattern(const std::string& service_name, const std::string& before,
                                  const std::string& parent, const std::string& prefix) {
        service::Template& service = config_.services.emplace_back();
        service.id = config_.services.size();
        service.name = service_name;
        auto pattern = std::make_shared<service::Pattern>();
        pattern->names = {{before, "", name(parent)}};
        pattern->grammar.longest = 8;
        const auto slash = prefix.find('/');
        pattern->addresses = std::make_shared<service::IdAddresses>(
            base::IpPrefix{*base::IpAddress::parse(prefix.substr(0, slash)),
                           static_cast<unsigned>(std::stoul(prefix.substr(slash + 1)))},
            pattern->grammar, service::Key{1});
        service.pattern = pattern;
        return *pattern;
    }
    // As many instances may be wanted at a time.
    static constexpr std::uint32_t places = 4;
    static constexpr std::uint32_t now = 1559731985;
    void build(zone::BadFile bad_file = zone::BadFile::refuse) {
        built_ = zone::build(config_, bad_file);
        for (const auto& problem : built_.problems) {
            if (!problem.warning && bad_file == zone::BadFile::refuse)
                ADD_FAILURE() << problem.where.file << ":" << problem.where.line << ": "
                              << problem.what;
        }
        for (const std::string& path : paths_)
            std::remove(path.c_str());
        states_ = std::vector<answer::ServiceState>(config_.services.size() + places);
        for (std::size_t i = 0; i < config_.services.size(); ++i)
            states_[i].availability = answer::Availability::answerable;
        zones_ = std::make_unique<zone::Zones>(*zone::Zones::open(built_.image));
        rules_ = std::make_unique<answer::Rules>(*zones_, config_.services, places);
    }

    config::Config& config() { return config_; }
    const zone::Zones& zones() const { return *zones_; }
    answer::Settings& settings() { return settings_; }
    // All queries from now on have waited for as long as they may.
    void set_overdue() { overdue_ = true; }
    void set_pressure(bool on) { pressure_ = on; }
    answer::ServiceState& state(std::size_t service) { return states_[service]; }
    answer::Instances& instances() { return rules_->instances(); }
    const zone::Built& built() const { return built_; }

    answer::Decision resolve(std::span<const std::uint8_t> query,
                             answer::Transport transport = answer::Transport::udp) {
        out_.assign(
            transport == answer::Transport::udp ? answer::max_udp_answer : answer::max_tcp_answer,
            0xee);
        answer::Context context = this->context(transport);
        const auto decision = answer::resolve(query, out_, context);
        wanted_ = context.wanted;
        return decision;
    }
    // Those that have been made when asked for.
    void set_signatures(answer::Signatures& signatures) { signatures_ = &signatures; }
    // What the last decision wants to be signed.
    const answer::Statement& wanted() const { return wanted_; }
    const answer::Rules* rules() const { return rules_.get(); }
    // answer_text of what challenge says; empty: nothing.
    std::string challenge(std::span<const std::uint8_t> query) {
        out_.assign(answer::max_udp_answer, 0xee);
        const std::uint32_t size = answer::challenge(query, out_, context(answer::Transport::udp));
        return size == 0 ? "" : answer_text({out_.data(), size});
    }
    std::span<const std::uint8_t> out(const answer::Decision& decision) const {
        return {out_.data(), decision.size};
    }
    // answer_text, "drop" or "park N".
    std::string ask(const Ask& ask) {
        const auto query = query_bytes(ask);
        return text(resolve(query, ask.transport), query);
    }
    std::string text(const answer::Decision& decision, std::span<const std::uint8_t> query) {
        switch (decision.kind) {
            case answer::Decision::Kind::drop:
                return "drop";
            case answer::Decision::Kind::pass:
                return "pass";
            case answer::Decision::Kind::park:
                return "park " + std::to_string(decision.service);
            case answer::Decision::Kind::sign:
                return "sign";
            case answer::Decision::Kind::answer:
                break;
        }
        EXPECT_TRUE(std::equal(query.begin(), query.begin() + 2, out_.begin()));
        return answer_text(out(decision));
    }

  private:
    answer::Context context(answer::Transport transport) {
        static constexpr std::uint8_t client[] = {198, 51, 100, 100};
        return {*zones_, states_,  transport,    settings_,   client, now,
                100,     overdue_, rules_.get(), signatures_, {},     &pressure_};
    }

    config::Config config_;
    std::vector<std::string> paths_;
    zone::Built built_;
    std::vector<answer::ServiceState> states_;
    answer::Settings settings_;
    std::unique_ptr<zone::Zones> zones_;
    std::unique_ptr<answer::Rules> rules_;
    std::vector<std::uint8_t> out_;
    bool overdue_ = false;
    std::atomic<bool> pressure_{false};
    answer::Signatures* signatures_ = nullptr;
    answer::Statement wanted_;
};

}  // namespace summond::test
