// How many signatures a second one core makes of sets of one address record each, as the signer
// makes them, from the records to the RRSIG's RDATA; for `scripts/bench dnssec`, beside what
// `openssl speed` says of the same core. One line of JSON.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "summond/dns/wire.hpp"
#include "summond/sign/private_key.hpp"
#include "summond/sign/signature.hpp"

namespace {

using namespace summond;

double cpu_seconds() {
    timespec time{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

}  // namespace

int main(int argc, char** argv) {
    const double limit = argc > 1 ? std::atof(argv[1]) : 3;
    const auto key = sign::PrivateKey::generate(sign::ecdsa_p256_sha256);
    if (!key) {
        std::fprintf(stderr, "%s\n", key.error().what.c_str());
        return 1;
    }
    sign::Signer signer(*key);
    const std::vector<std::uint8_t> owner{4,   's', 'v', 'c', '7', 5,   'b', 'e', 'n', 'c',
                                          'h', 7,   'e', 'x', 'a', 'm', 'p', 'l', 'e', 0};
    const std::vector<std::uint8_t> apex(owner.begin() + 5, owner.end());
    std::vector<std::uint8_t> address{10, 0, 0, 0};
    std::uint32_t made = 0;
    std::size_t octets = 0;
    const double begin = cpu_seconds();
    double end = begin;
    while (end - begin < limit) {
        for (int i = 0; i < 100; ++i) {
            std::vector<std::uint8_t> rrsig(18);
            dns::put16(rrsig.data(), static_cast<std::uint16_t>(dns::Type::a));
            rrsig[2] = key->algorithm();
            rrsig[3] = 3;
            dns::put32(&rrsig[8], 1'900'000'000 + made);
            rrsig.insert(rrsig.end(), apex.begin(), apex.end());
            std::vector<sign::Bytes> rdatas{address};
            const auto signature =
                signer.sign(sign::signed_octets(rrsig, owner, dns::Type::a, rdatas));
            if (!signature)
                return 1;
            rrsig.insert(rrsig.end(), signature->begin(), signature->end());
            octets += rrsig.size();
            ++made;
        }
        end = cpu_seconds();
    }
    std::printf("{\"signatures\": %u, \"octets\": %zu, \"a_second\": %.1f}\n", made, octets,
                made / (end - begin));
    return 0;
}
