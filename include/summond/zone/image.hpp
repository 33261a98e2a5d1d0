// The layout of a zone image, for the code that builds it and the code that answers from it.
//
//   Header
//   zones    ZoneRecord for each zone
//   services service::Id for each service
//   nodes    Node, its name, its RRsets; one after another
//   slots    open-addressing hash table over all owner names of all zones
//
// A look-up touches a slot, a node and the RRset behind it, which lie in one or two cache lines.
// Every name between an owner and the root has a node: empty non-terminals (RFC 4592 §2.2.2) and
// the names above a zone, which belong to no zone. So the names that exist among the suffixes of
// any name are its shortest ones, and the closest encloser can be found by bisection.
#pragma once

#include <cstdint>
#include <span>

#include "summond/dns/types.hpp"

namespace summond::zone::image {

// An offset into the image in units of 8 octets, so an image holds at most 32 GiB. 0 is none.
using Ref = std::uint32_t;
inline constexpr std::size_t unit = 8;

inline constexpr std::uint64_t magic = 0x35656e6f7a6d7573;  // "sumzone5"; changes with the layout
inline constexpr std::uint32_t none = 0xffffffff;

struct Header {
    std::uint64_t magic;
    std::uint64_t size;        // octets
    std::uint64_t seed;        // of hash(); random, so that owners of zones cannot aim at one slot
    std::uint32_t slot_mask;   // slots - 1; a power of two, at most 2/3 of them taken
    std::uint32_t max_labels;  // of any owner name
    std::uint32_t zone_count;
    std::uint32_t service_count;
    Ref slots;
    Ref zones;
    Ref services;
    std::uint32_t node_count;
    std::uint32_t unloaded_zone_count;  // zones without a negative_soa
    std::uint32_t transfer_count;       // zones that secondaries may have (config::Zone::transfer)
    // Unix time, seconds: when the zones that are signed here were, and when they are to be loaded
    // again, for new signatures or keys that take over. 0: there are none.
    std::int64_t signed_at;
    std::int64_t sign_again_at;
    std::uint32_t compact_count;  // zones with names that are signed when they are asked for
    std::uint32_t reserved;
};

struct Slot {
    std::uint32_t tag;  // the upper half of the name's hash
    Ref node;           // 0: free
};

struct ZoneRecord {
    Ref apex;
    // The apex's name as the parent zone has it, when that is in the image too: the answer to DS
    // queries (RFC 4035 §3.1.4.1).
    Ref parent_side;
    // The SOA RRset as negative answers carry it, with TTL min(SOA TTL, MINIMUM) (RFC 2308 §3).
    // 0: the zone could not be loaded. None of its names has records or a cut, a wildcard or a
    // service, so that whoever asks for one gets here.
    Ref negative_soa;
    Ref chain;  // of a signed zone; 0: the zone is not signed
    // Of a zone that is signed here, or has its serial from here: a hash of its records, but for
    // the SOA's serial and what only signing puts there. Where it stays the same, so does the
    // serial. 0: neither.
    std::uint64_t content;
    std::int64_t signed_until;  // Unix time when its first signature ends; 0: it has none
};

// How a signed zone denies names: those that have an NSEC record, or, where `hashed`, the NSEC3
// records of the chain that the apex's NSEC3PARAM is about, in canonical order (RFC 4034 §6.1). The
// salt follows, filled up to 8 octets, then `count` keys (dns::canonical_key, below the apex), and
// as many Refs to nodes. The nodes of NSEC3 records have no slot: nobody can ask for them (RFC 5155
// §7.2.8). In them, `wildcard` is the one that has or covers the hash of "*" below the name that
// theirs is the hash of.
struct Chain {
    std::uint32_t count;  // not 0
    std::uint16_t iterations;
    std::uint8_t salt_size;
    std::uint8_t hashed;
    std::uint32_t apex_labels;
    std::uint32_t compact;  // 1: no chain, but NSEC records that deny nothing but types of their
                            // own name (RFC 9824); each name that exists has one

    std::span<const std::uint8_t> salt() const {
        return {reinterpret_cast<const std::uint8_t*>(this + 1), salt_size};
    }
    std::span<const std::uint64_t> keys() const {
        return {reinterpret_cast<const std::uint64_t*>(salt().data() +
                                                       (salt_size + unit - 1) / unit * unit),
                count};
    }
    std::span<const Ref> nodes() const {
        return {reinterpret_cast<const Ref*>(keys().data() + count), count};
    }
};

// Whether an RRset of this type points at names whose addresses go along with it: RFC 1035 §3.3.11
// and §3.3.9, RFC 2782, RFC 9460 §4.1.
constexpr bool has_targets(dns::Type type) {
    return type == dns::Type::ns || type == dns::Type::mx || type == dns::Type::srv ||
           type == dns::Type::svcb || type == dns::Type::https;
}

// Of a type with targets: octets of RDATA before the target's name.
constexpr std::size_t target_offset(dns::Type type) {
    switch (type) {
        case dns::Type::ns:
            return 0;
        case dns::Type::srv:
            return 6;
        default:
            return 2;
    }
}

// Where the records of an RRset stand that is the first of an answer whose question is their owner.
constexpr std::size_t records_offset(std::size_t owner_size) {
    return dns::header_size + owner_size + 4;
}

// How far from the RRset's beginning a name may stand that others in it point at. Before the RRset
// there are at most the question and the DNAME and CNAME records of 16 aliases, 9 KiB: what points
// there can do so (14 bits, RFC 1035 §4.1.4) wherever the RRset stands.
inline constexpr std::size_t max_pointed_at = 7 * 1024;

// All records of one owner and type, ready to be copied into an answer whose question is the owner:
// `size` octets of records, each with the compression pointer 0xC00C as its owner, and names in
// RDATA (of the types of RFC 1035, RFC 3597 §4) compressed against the owner, as if it stood at
// offset 12, and against the names before them in the RRset, as if that stood at records_offset.
// Then, aligned to 4 octets, for types with targets the Ref of each target's node or 0; then the
// position of each pointer in RDATA as 16 bits, for answers where the two stand elsewhere.
// Of a signed zone's RRset the signatures follow as an RRset of their own, of type RRSIG.
struct RRset {
    dns::Type type;
    std::uint16_t count;             // records
    std::uint16_t size;              // octets of records
    std::uint16_t pointers : 14;     // in RDATA
    std::uint16_t is_signed : 1;     // next() has its signatures
    std::uint16_t with_targets : 1;  // has_targets(type)

    const std::uint8_t* records() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
    std::span<const Ref> targets() const {
        return {reinterpret_cast<const Ref*>(records() + padded_size()), target_count()};
    }
    std::span<const std::uint16_t> pointer_positions() const {
        return {
            reinterpret_cast<const std::uint16_t*>(records() + padded_size() + 4 * target_count()),
            pointers};
    }
    const RRset* next() const {
        const std::size_t body = padded_size() + 4 * target_count() + 2U * pointers;
        return reinterpret_cast<const RRset*>(records() + (body + unit - 1) / unit * unit);
    }

  private:
    std::size_t padded_size() const { return (size + 3U) & ~3U; }
    std::size_t target_count() const { return with_targets != 0 ? count : 0; }
};

// What a node is, beyond what its RRsets say.
enum NodeFlag : std::uint8_t {
    apex = 1,
    delegation = 2,  // has NS, is not the apex
    cname = 4,
    dname = 8,
    service_pointer = 16,  // its PTR record was made for a service
    covered = 32,          // its `denial` has another name, and covers its own
    hashed = 64,           // its name is the hash of another: it has NSEC3 and no slot
};

struct Node {
    std::uint32_t zone;     // index into zones; none: above all zones
    std::uint32_t service;  // index into services whose addresses stand here; none
    // The topmost delegation at or above this name, or DNAME owner above it, in its zone: what
    // answers instead of this node (RFC 1034 §4.3.2 step 3b, RFC 6672 §3.2).
    Ref cut;
    Ref wildcard;  // the node "*" below this one
    std::uint16_t rrset_count;
    std::uint8_t flags;
    std::uint8_t name_size;
    // Of a name in a signed zone: the node in its chain that says which types the name has, or,
    // where the flag `covered` is set, that there is nothing, or (opt-out) nothing signed.
    Ref denial;

    // Lower case, followed by zeros up to a multiple of 8 octets.
    const std::uint8_t* name() const { return reinterpret_cast<const std::uint8_t*>(this + 1); }
    const RRset* first() const {
        return reinterpret_cast<const RRset*>(name() + (name_size + unit - 1) / unit * unit);
    }
    const RRset* find(dns::Type type) const {
        const RRset* rrset = first();
        for (unsigned i = 0; i < rrset_count; ++i, rrset = rrset->next()) {
            if (rrset->type == type)
                return rrset;
        }
        return nullptr;
    }
};

static_assert(sizeof(Header) == 88 && sizeof(Slot) == 8 && sizeof(ZoneRecord) == 32 &&
              sizeof(Chain) == 16);
static_assert(sizeof(RRset) == 8 && sizeof(Node) == 24);

// Of a lower-case name in wire format that at least 7 zero octets follow.
std::uint64_t hash(const std::uint8_t* name, std::size_t size, std::uint64_t seed);

}  // namespace summond::zone::image
