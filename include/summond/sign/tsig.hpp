// Transaction signatures (RFC 8945): reads them from messages, verifies and makes them. The keys
// are shared secrets, in files of their own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/dns/name.hpp"

namespace summond::sign {

// Those of RFC 8945 §6 that are not broken, by the length of the hash.
enum class TsigAlgorithm : std::uint8_t { sha1, sha224, sha256, sha384, sha512, last = sha512 };

struct TsigKey {
    dns::Name name;
    TsigAlgorithm algorithm = TsigAlgorithm::sha256;
    std::vector<std::uint8_t> secret;  // not empty
};

// "hmac-sha256".
std::string_view to_string(TsigAlgorithm algorithm);

// A key as tsig-keygen(8), keymgr(8) or nsd.conf(5) have it: its name, algorithm and secret. Errors
// do not show the secret.
base::Result<TsigKey> parse_tsig_key(std::string_view text);
// From a file. Errors besides: it belongs to somebody else than this process's user, or others may
// read it.
base::Result<TsigKey> read_tsig_key(const std::string& path);

// RFC 8945 §3.
enum class TsigError : std::uint16_t {
    none = 0,
    badsig = 16,
    badkey = 17,
    badtime = 18,
    badtrunc = 22,
};

// The TSIG record at the end of a message; the spans refer to the message.
struct TsigRecord {
    std::size_t at = 0;  // where the record begins
    dns::Name key;
    dns::Name algorithm;
    std::uint64_t time = 0;  // Unix time, 48 bits
    std::uint16_t fudge = 0;
    std::span<const std::uint8_t> mac;
    std::uint16_t original_id = 0;
    TsigError error{};
    std::span<const std::uint8_t> other;
};
// None: there is none at the end of the message, or one that is ill-formed.
std::optional<TsigRecord> read_tsig(std::span<const std::uint8_t> message);

inline constexpr std::uint16_t tsig_fudge = 300;  // seconds, RFC 8945 §10

// Whether a query's, or with request_mac a response's, signature holds. `formerr` where it cannot
// even be one (§5.2.2.1), error otherwise.
struct TsigVerdict {
    TsigError error = TsigError::none;
    bool formerr = false;
    bool good() const { return error == TsigError::none && !formerr; }
};
// key: the one that the record names; null: it is not known. now: Unix time.
TsigVerdict verify_tsig(std::span<const std::uint8_t> message, const TsigRecord& record,
                        const TsigKey* key, std::uint64_t now,
                        std::span<const std::uint8_t> request_mac = {});

// Loads what libcrypto reads from files, for a process that is about to lose them.
void prepare_tsig();

// Signs the messages of one response, or a request.
class TsigSigner {
  public:
    // Of a request that has been verified, or failed with BADTIME or BADTRUNC.
    TsigSigner(const TsigKey& key, const TsigRecord& request);
    // Of a request of our own.
    explicit TsigSigner(const TsigKey& key) : key_(key) {}

    // Octets that sign adds.
    std::size_t size() const;
    // Adds the record to a message, the next of the response. error: BADTIME has the server's time
    // in it, and the client's as the time of signing (§5.2.3).
    void sign(std::vector<std::uint8_t>& message, std::uint64_t now,
              TsigError error = TsigError::none);
    // Of the last message.
    std::span<const std::uint8_t> mac() const { return mac_; }

  private:
    TsigKey key_;
    std::uint64_t request_time_ = 0;
    std::vector<std::uint8_t> mac_;  // of the request or the message before
    bool answers_ = false;           // mac_ is of the request
    bool first_ = true;
};

// Says why in a response to a request whose key or MAC is wrong: with the record, without a
// signature (§5.2).
void add_unsigned_tsig(std::vector<std::uint8_t>& message, const TsigRecord& request,
                       TsigError error);

}  // namespace summond::sign
