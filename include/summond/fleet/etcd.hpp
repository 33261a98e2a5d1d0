// etcd's v3 API by its JSON gateway (etcd 3.4, "gRPC gateway"): requests to it and what it says, as
// text. Pure. Octets are base64 there, and 64-bit numbers are text. What etcd says is bounded by
// who reads it from the network, and taken for hostile.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "summond/base/result.hpp"

namespace summond::fleet::etcd {

struct Request {
    const char* path;  // below the server's URL, "/v3/kv/range"
    std::string body;
};

using LeaseId = std::int64_t;   // 0: none
using Revision = std::int64_t;  // of all that etcd holds; counts from 1

struct KeyValue {
    std::string key;
    std::string value;
    Revision modified = 0;
    LeaseId lease = 0;
};

// -- Requests

Request authenticate(const std::string& user, const std::string& password);
Request grant(std::int64_t seconds);
Request keep_alive(LeaseId lease);
Request revoke(LeaseId lease);
// Puts the key if there is none of that name.
Request create(const std::string& key, const std::string& value, LeaseId lease);
// Puts the key if nobody has written it since.
Request replace(const std::string& key, const std::string& value, LeaseId lease, Revision modified);
// Puts the key if it is still this lease's.
Request update(const std::string& key, const std::string& value, LeaseId lease);
// All keys with the prefix, at most so many.
Request list(const std::string& prefix, std::size_t most);
// What happens to them from that revision on, as lines.
Request watch(const std::string& prefix, Revision from);

// -- What it says

// Why a request was refused, for people; printable.
std::string refusal(unsigned status, std::string_view body);

base::Result<std::string> read_token(std::string_view body);

struct Lease {
    LeaseId id = 0;
    std::int64_t seconds = 0;  // that it still has; 0: it is over
};
base::Result<Lease> read_lease(std::string_view body);       // of grant
base::Result<Lease> read_kept_alive(std::string_view body);  // of keep_alive

// Of create, replace and update.
struct Put {
    bool done = false;
    Revision revision = 0;
    std::optional<KeyValue> found{};  // not done: what there is in its place
};
base::Result<Put> read_put(std::string_view body);

struct Listing {
    Revision revision = 0;
    std::vector<KeyValue> keys;
    bool more = false;  // than were asked for
};
base::Result<Listing> read_listing(std::string_view body);

struct Event {
    bool deleted = false;
    KeyValue key;
};
// One line of a watch.
struct News {
    bool created = false;    // the watch stands
    bool canceled = false;   // it has ended
    bool compacted = false;  // since what it was to begin with is not there any more
    std::string reason{};
    std::vector<Event> events{};
};
base::Result<News> read_news(std::string_view line);

}  // namespace summond::fleet::etcd
