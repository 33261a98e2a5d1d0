// The directory that zones' keys are kept in, in BIND's format: for each key K<zone>+<algorithm>+
// <tag>.key, the DNSKEY record, and the same with .private, the private key and the times at which
// the key does what.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/dns/name.hpp"
#include "summond/sign/private_key.hpp"

namespace summond::sign {

// Unix time, seconds; none: not yet, and nobody has said when. What BIND calls them is in brackets.
struct KeyTimes {
    using Time = std::optional<std::int64_t>;
    Time created;
    Time publish;       // its DNSKEY is in the zone from then on
    Time activate;      // it signs
    Time inactive;      // it signs no more
    Time removed;       // its DNSKEY is in the zone no more [Delete]
    Time ds_publish;    // the parent has its DS
    Time sync_publish;  // it has CDS and CDNSKEY records
    Time sync_delete;   // no more
    friend bool operator==(const KeyTimes&, const KeyTimes&) = default;
};

struct Key {
    dns::Name zone;
    std::uint16_t flags = 0;
    PrivateKey secret;
    KeyTimes times;
    std::vector<std::uint8_t> dnskey;  // RDATA
    std::uint16_t tag = 0;

    static Key of(const dns::Name& zone, std::uint16_t flags, PrivateKey secret,
                  const KeyTimes& times);
    // KSK or CSK: what a DS record may point at (RFC 4034 §2.1.1).
    bool is_sep() const { return (flags & flag_sep) != 0; }
    // "Kjit.example.+013+12345".
    std::string file_name() const;
};

// "20261130083000", as key files and RRSIG records have it (RFC 4034 §3.2).
std::string time_text(std::int64_t time);
std::optional<std::int64_t> time_of(std::string_view text);

// A new one, whose tag is none of those of `others`, to be published now. algorithm: one of the
// two.
base::Result<Key> make_key(const dns::Name& zone, std::uint16_t flags, std::uint8_t algorithm,
                           const std::vector<Key>& others, std::int64_t now);

class KeyDirectory {
  public:
    // Errors, with what would be right: it is not there and is not to be made, belongs to somebody
    // else than this process's user, may be read by others.
    enum class Missing : std::uint8_t { error, make };
    static base::Result<KeyDirectory> open(const std::string& path, Missing missing);

    const std::string& path() const { return path_; }
    // Of a zone, in the order of their tags. Errors: a file that is missing, may be read by others,
    // cannot be read, is of another zone, or does not fit its other half.
    base::Result<std::vector<Key>> read(const dns::Name& zone) const;
    // Both files, or the times of a key that is there; it is on the disk when this returns.
    base::Result<void> write(const Key& key) const;
    // Until this object's end others wait who write: each of them calls it before it reads.
    base::Result<void> lock();

  private:
    KeyDirectory(std::string path, base::UniqueFd fd);
    base::Result<void> list();
    void finish_writes() const;
    base::Result<void> rename(const std::string& from, const std::string& to) const;
    base::Result<void> write_file(const std::string& name, const Secret& text, unsigned mode) const;

    std::string path_;
    base::UniqueFd fd_;
    // By the zone's name as file names have it.
    std::multimap<std::string, std::string> names_;  // file names, without what follows the dot
    std::vector<std::string> unfinished_;            // file names
};

// A key from both files' texts. shown: their path, for errors, without what follows the dot.
base::Result<Key> parse_key(std::string_view public_text, std::string_view private_text,
                            const std::string& shown);

// One key, for an import: a file of BIND's or ldns's, either half (the other one is beside it), or
// PKCS #8 in PEM. flags: of a key in PEM. Times are those of the file.
base::Result<Key> import_key(const std::string& file, const dns::Name& zone, std::uint16_t flags);

}  // namespace summond::sign
