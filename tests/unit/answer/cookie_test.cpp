// Server cookies: the vectors of RFC 9018 Appendix A, and when they hold.
#include "cookie.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/base/siphash.hpp"

namespace summond::answer {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Client = CheckedCookie::Client;

Bytes hex(std::string_view text) {
    Bytes bytes;
    for (std::size_t i = 0; i < text.size(); i += 2)
        bytes.push_back(
            static_cast<std::uint8_t>(std::stoul(std::string(text.substr(i, 2)), nullptr, 16)));
    return bytes;
}

CookieSecret secret_of(std::string_view text) {
    const Bytes bytes = hex(text);
    CookieSecret secret{};
    std::copy(bytes.begin(), bytes.end(), secret.begin());
    return secret;
}

const CookieSecret secret = secret_of("e5e973e5a6b2a43f48e7dc849e37bfcf");
const Bytes address{198, 51, 100, 100};
constexpr std::uint32_t learned = 1559731985;  // Wed Jun 5 10:53:05 UTC 2019
const Bytes fresh = hex("2464c4abcf10c957010000005cf79f111f8130c3eee29480");

Bytes reply(const CheckedCookie& checked) {
    return {checked.reply.begin(), checked.reply.end()};
}

Client client(const Bytes& option, std::uint32_t now, const Bytes& from = address) {
    return check_cookie(option, from, now, secret).client;
}

}  // namespace

// The first and the last of the reference implementation's vectors up to 8 octets.
TEST(SipHash, ReferenceVectors) {
    std::array<std::uint8_t, 16> key;
    for (std::uint8_t i = 0; i < 16; ++i)
        key[i] = i;
    const auto of = [&](const Bytes& message) {
        const auto hash = base::siphash_2_4(message, key);
        return Bytes(hash.begin(), hash.end());
    };
    EXPECT_EQ(of({}), hex("310e0edd47db6f72"));
    EXPECT_EQ(of({0}), hex("fd67dc93c539f874"));
    // The example of the paper's appendix.
    EXPECT_EQ(of({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}), hex("e545be4961ca29a1"));
}

TEST(Cookie, LearningANewServerCookie) {
    const auto checked = check_cookie(hex("2464c4abcf10c957"), address, learned, secret);
    EXPECT_EQ(checked.client, Client::unknown);
    EXPECT_EQ(reply(checked), fresh);
}

TEST(Cookie, TheSameClientLearningARenewedServerCookie) {
    const auto checked = check_cookie(fresh, address, 1559734385, secret);
    EXPECT_EQ(checked.client, Client::known);
    EXPECT_EQ(reply(checked), hex("2464c4abcf10c957010000005cf7a871d4a564a1442aca77"));
}

// Its reserved octets are not zero, and count as they are (§4.2).
TEST(Cookie, AnotherClientLearningARenewedServerCookie) {
    const Bytes option = hex("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5");
    const Bytes from{203, 0, 113, 203};
    EXPECT_EQ(client(option, 1559727985, from), Client::known);
    const auto checked = check_cookie(option, from, 1559734700, secret);
    EXPECT_EQ(checked.client, Client::wrong);  // by then over an hour old
    EXPECT_EQ(reply(checked), hex("fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e"));
}

TEST(Cookie, Ipv6QueryWithRolledOverSecret) {
    const Bytes option = hex("22681ab97d52c298010000005cf7c57926556bd0934c72f8");
    const auto ip = base::IpAddress::parse("2001:db8:220:1:59de:d0f4:8769:82b8");
    const Bytes from(ip->bytes().begin(), ip->bytes().end());
    const auto old = secret_of("dd3bdf9344b678b185a6f5cb60fca715");
    EXPECT_EQ(check_cookie(option, from, 1559741961, old).client, Client::known);
    const auto checked =
        check_cookie(option, from, 1559741961, secret_of("445536bcd2513298075a5d379663c962"));
    EXPECT_EQ(checked.client, Client::wrong);
    EXPECT_EQ(reply(checked), hex("22681ab97d52c298010000005cf7c609a6bb79d16625507a"));
}

TEST(Cookie, HoldsForAnHourAndIsRenewedAfterHalf) {
    EXPECT_EQ(reply(check_cookie(fresh, address, learned + 1800, secret)), fresh);
    EXPECT_NE(reply(check_cookie(fresh, address, learned + 1801, secret)), fresh);
    EXPECT_EQ(client(fresh, learned + 3600), Client::known);
    EXPECT_EQ(client(fresh, learned + 3601), Client::wrong);
    // Made by another server of the set, whose clock is ahead.
    EXPECT_EQ(client(fresh, learned - 300), Client::known);
    EXPECT_EQ(client(fresh, learned - 301), Client::wrong);
}

TEST(Cookie, HoldsForOneClientAndAddress) {
    EXPECT_EQ(client(fresh, learned, {198, 51, 100, 101}), Client::wrong);
    for (std::size_t octet = 0; octet < fresh.size(); ++octet) {
        Bytes changed = fresh;
        changed[octet] ^= 1;
        EXPECT_EQ(client(changed, learned), Client::wrong) << octet;
    }
    for (const std::size_t size : {16U, 23U, 25U, 40U}) {
        Bytes other = fresh;
        other.resize(size);
        EXPECT_EQ(client(other, learned), Client::wrong) << size;
    }
}

TEST(Cookie, HoldsWhenTheTimeWrapsAround) {
    const auto before = check_cookie(hex("2464c4abcf10c957"), address, 0xffffff00, secret);
    EXPECT_EQ(client(reply(before), 0x100), Client::known);
}

TEST(Cookie, LengthsThatAreNoCookies) {
    for (std::size_t size = 0; size <= 50; ++size)
        EXPECT_EQ(is_well_formed_cookie(Bytes(size)), size == 8 || (size >= 16 && size <= 40));
}

}  // namespace summond::answer
