// A service with an instance for each id: which ids there are by its rule, which names and which
// IPv6 address each has. But for IPv4 addresses, which are leased, all of it is computed, the same
// on every host with the same text, and costs nothing for ids that nobody asks for. Pure; nothing
// but making a rule allocates.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/ip_address.hpp"
#include "summond/dns/name.hpp"

namespace summond::service {

// Of SipHash-2-4.
using Key = std::array<std::uint8_t, 16>;

// With the fixed part of its label and the tag, an id has to fit into one (RFC 1035 §2.3.4).
inline constexpr std::size_t max_id = dns::max_label_size;
// A hyphen and 60 bits in base32hex (RFC 4648 §7), lower case.
inline constexpr std::size_t tag_size = 1 + 12;

// An id, where no string is to be made for it.
struct IdText {
    std::array<char, max_id> octets{};
    std::size_t size = 0;
    std::string_view view() const { return {octets.data(), size}; }
};

// What ids look like. Whatever it says, they are of lower-case letters, digits, - and _, and
// neither begin nor end with -: so none can leave its directory, its argument or its quotes.
struct IdGrammar {
    std::string characters = "-0123456789abcdefghijklmnopqrstuvwxyz";  // sorted, each once
    std::size_t shortest = 1;
    std::size_t longest = max_id;

    bool allows(std::string_view id) const noexcept;
};

// Ids, one a line, in memory as they are in the file.
class IdList {
  public:
    // Lines that are empty or begin with # are none. fault: of the first that is no id, its number.
    IdList(std::string text, const IdGrammar& grammar);
    bool contains(std::string_view id) const noexcept;
    std::size_t size() const { return lines_.size(); }
    std::optional<std::size_t> fault() const { return fault_; }

  private:
    struct Line {
        std::uint32_t offset;
        std::uint32_t size;
    };
    std::string_view text_of(const Line& line) const { return {&text_[line.offset], line.size}; }
    std::string text_;
    std::vector<Line> lines_;  // sorted
    std::optional<std::size_t> fault_;
};

// Which address of a prefix an id has. Where there are no more ids than addresses, a keyed
// permutation of the id's number: no two have the same, and an address tells its id. Elsewhere a
// keyed hash, of which two may be the same.
//
// Not given out: the first 65536 addresses of the prefix, which are the network's (routers, dom0,
// services by hand), and of a /64 those of RFC 5453.
class IdAddresses {
  public:
    // prefix: IPv6, of 64 to 96 bits.
    IdAddresses(const base::IpPrefix& prefix, const IdGrammar& grammar, const Key& key);

    const base::IpPrefix& prefix() const { return prefix_; }
    const Key& key() const { return key_; }
    // Whether each address has one id, at most.
    bool reversible() const { return reversible_; }
    // Below which its addresses have their names (RFC 3596 §2.5: a label a nibble).
    dns::Name reverse_parent() const;
    // Of an id that the grammar allows.
    base::IpAddress of(std::string_view id) const noexcept;
    // None: no id's, or not reversible. What it gives has the grammar's characters and length, and
    // may be no id for all that.
    std::optional<IdText> id_at(const base::IpAddress& address) const noexcept;
    // Whether an address of the prefix is never an id's.
    bool is_kept_free(const base::IpAddress& address) const noexcept;

  private:
    struct Range {
        std::uint64_t first;
        std::uint64_t last;
    };
    bool is_free(std::uint64_t host) const noexcept;
    std::uint64_t number_of(std::string_view id) const noexcept;
    std::uint64_t permuted(std::uint64_t number) const noexcept;
    std::uint64_t number_at(std::uint64_t host) const noexcept;
    std::uint64_t round(unsigned number, std::uint64_t half) const noexcept;
    std::uint64_t encrypt(std::uint64_t value) const noexcept;
    std::uint64_t decrypt(std::uint64_t value) const noexcept;

    base::IpPrefix prefix_;
    std::string characters_;
    std::size_t shortest_;
    std::size_t longest_;
    Key key_;
    unsigned bits_;  // of the host's part, 32 to 64
    std::vector<Range> free_;
    bool reversible_ = false;
    std::vector<std::uint64_t> shorter_;  // ids that are shorter, by length from shortest_ on
    std::uint64_t count_ = 0;             // of all; reversible only
};

// IPv4 addresses, of which an id has one for a while (vm::Leases). Of a network that is not a
// point-to-point one, neither the first (the network's own) nor the last (broadcast).
struct Pool {
    base::IpPrefix prefix;  // IPv4, of 22 to 32 bits

    std::uint32_t size() const;
    // Below size().
    base::IpAddress at(std::uint32_t number) const;
    // None: it is not among them.
    std::optional<std::uint32_t> number_of(const base::IpAddress& address) const;
    bool contains(const base::IpAddress& address) const { return number_of(address).has_value(); }
    // Below which its addresses have their names, a label an octet (RFC 1035 §3.5): of each 256.
    std::vector<dns::Name> reverse_parents() const;
    friend bool operator==(const Pool&, const Pool&) = default;
};

// Who is there, of those that the grammar allows.
enum class Who : std::uint8_t {
    any,
    list,
    tagged,  // whose names have the right tag behind the id
};

struct Pattern {
    // Which files of a directory are there makes the list: BEFORE{id}AFTER.
    struct Files {
        std::string directory;
        std::string before;
        std::string after;

        // None: the path has not {id} once, in the name of the file.
        static std::optional<Files> of(std::string_view path);
        // Of a file's name, without its directory. Whatever stands for {id}.
        std::optional<std::string_view> id_in(std::string_view file) const;
        friend bool operator==(const Files&, const Files&) = default;
    };
    struct Name {
        std::string before;  // fixed parts of the label that has the id
        std::string after;
        dns::Name parent;  // the labels behind it

        std::string to_string() const;  // "{id}.pages.jit.example."
    };

    std::vector<Name> names;  // in the order of the text; at least one
    IdGrammar grammar;
    Who who = Who::any;
    std::shared_ptr<const IdList> list;  // Who::list
    std::optional<Files> files;          // that the list was made of, and not of a file's lines
    Key secret{};                        // Who::tagged
    std::shared_ptr<const IdAddresses> addresses;
    std::optional<Pool> pool;

    // The id that a label (lower case) has by this name; none: there is no such name. It is a part
    // of the label.
    std::optional<std::string_view> id_in(std::string_view label, const Name& name) const noexcept;
    // Of what stands for {id} in a name.
    std::optional<std::string_view> id_of(std::string_view text) const noexcept;
    // Whether there is an instance of that id.
    bool has(std::string_view id) const noexcept;
    // What stands for {id} in the names of that id: itself, or with its tag.
    IdText text_of(std::string_view id) const noexcept;
    // Lower case, with the final dot; none: it is too long for a name.
    std::optional<dns::Name> name_of(std::string_view id, const Name& name) const;
    // Whether an address alone tells whose it is: of no tagged id.
    bool tells_ids() const { return who != Who::tagged && addresses->reversible(); }
    // None: no instance's, or it does not tell.
    std::optional<IdText> id_at(const base::IpAddress& address) const noexcept;
};

// Of a tagged pattern's secret, or without one of its service's name.
Key derived_key(const Key& secret, std::string_view purpose);
// "-0a1b2c3d4e5f".
std::array<char, tag_size> tag_of(std::string_view id, const Key& secret) noexcept;

}  // namespace summond::service
