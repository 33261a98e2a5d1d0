#include "summond/fleet/etcd.hpp"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <span>

#include "summond/base/base64.hpp"

namespace summond::fleet::etcd {
namespace {

namespace json = boost::json;

constexpr std::size_t longest_token = 4096;

std::string base64(std::string_view octets) {
    return base::to_base64({reinterpret_cast<const std::uint8_t*>(octets.data()), octets.size()});
}

std::string number(std::int64_t value) {
    return std::to_string(value);
}

// The first key that is behind all with the prefix: its last octet that can be counted up is.
std::string end_of(std::string prefix) {
    while (!prefix.empty() && static_cast<unsigned char>(prefix.back()) == 0xff)
        prefix.pop_back();
    if (prefix.empty())
        return std::string(1, '\0');
    prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
    return prefix;
}

Request put_if(json::object compare, const std::string& key, const std::string& value,
               LeaseId lease) {
    compare.emplace("key", base64(key));
    compare.emplace("result", "EQUAL");
    const json::object put{
        {"key", base64(key)}, {"value", base64(value)}, {"lease", number(lease)}};
    const json::object range{{"key", base64(key)}};
    return {"/v3/kv/txn", json::serialize(json::object{
                              {"compare", json::array{std::move(compare)}},
                              {"success", json::array{json::object{{"request_put", put}}}},
                              {"failure", json::array{json::object{{"request_range", range}}}}})};
}

// -- Reading: what is not there is as if it were 0, as protocol buffers have it.

base::Result<json::object> object_of(std::string_view text) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = 16;
    json::value parsed =
        json::parse(json::string_view(text.data(), text.size()), error, {}, options);
    json::object* const object = error ? nullptr : parsed.if_object();
    if (object == nullptr)
        return base::error("etcd has said no JSON object");
    return std::move(*object);
}

const json::object* object_at(const json::object& object, const char* key) {
    const json::value* const value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_object();
}

const json::array* array_at(const json::object& object, const char* key) {
    const json::value* const value = object.if_contains(key);
    return value == nullptr ? nullptr : value->if_array();
}

std::string_view text_at(const json::object& object, const char* key) {
    const json::value* const value = object.if_contains(key);
    const json::string* const text = value == nullptr ? nullptr : value->if_string();
    return text == nullptr ? std::string_view() : std::string_view(text->data(), text->size());
}

std::int64_t number_at(const json::object& object, const char* key) {
    const json::value* const value = object.if_contains(key);
    if (value == nullptr)
        return 0;
    if (const std::int64_t* const plain = value->if_int64())
        return *plain;
    const std::string_view text = text_at(object, key);
    std::int64_t read = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), read);
    return error == std::errc() && end == text.data() + text.size() ? read : 0;
}

bool flag_at(const json::object& object, const char* key) {
    const json::value* const value = object.if_contains(key);
    const bool* const flag = value == nullptr ? nullptr : value->if_bool();
    return flag != nullptr && *flag;
}

Revision revision_of(const json::object& object) {
    const json::object* const header = object_at(object, "header");
    return header == nullptr ? 0 : number_at(*header, "revision");
}

std::optional<KeyValue> key_value_of(const json::object& object) {
    auto key = base::from_base64(text_at(object, "key"));
    auto value = base::from_base64(text_at(object, "value"));
    if (!key || key->empty() || !value)
        return std::nullopt;
    return KeyValue{std::move(*key), std::move(*value), number_at(object, "mod_revision"),
                    number_at(object, "lease")};
}

// What streams say stands in `result`.
base::Result<json::object> result_of(std::string_view text) {
    auto object = object_of(text);
    if (!object)
        return object;
    if (object->contains("error"))
        return base::error(refusal(0, text));
    json::value* const result = object->if_contains("result");
    if (result == nullptr || !result->is_object())
        return base::error("etcd has said no result");
    return std::move(result->get_object());
}

std::string printable(std::string_view text) {
    constexpr std::size_t longest = 160;
    std::string out;
    for (const char c : text.substr(0, longest))
        out += c >= 0x20 && c < 0x7f ? c : ' ';
    return out;
}

}  // namespace

Request authenticate(const std::string& user, const std::string& password) {
    return {"/v3/auth/authenticate",
            json::serialize(json::object{{"name", user}, {"password", password}})};
}

Request grant(std::int64_t seconds) {
    return {"/v3/lease/grant", json::serialize(json::object{{"TTL", number(seconds)}})};
}

Request keep_alive(LeaseId lease) {
    return {"/v3/lease/keepalive", json::serialize(json::object{{"ID", number(lease)}})};
}

Request revoke(LeaseId lease) {
    return {"/v3/lease/revoke", json::serialize(json::object{{"ID", number(lease)}})};
}

Request create(const std::string& key, const std::string& value, LeaseId lease) {
    return put_if({{"target", "CREATE"}, {"create_revision", "0"}}, key, value, lease);
}

Request replace(const std::string& key, const std::string& value, LeaseId lease,
                Revision modified) {
    return put_if({{"target", "MOD"}, {"mod_revision", number(modified)}}, key, value, lease);
}

Request update(const std::string& key, const std::string& value, LeaseId lease) {
    return put_if({{"target", "LEASE"}, {"lease", number(lease)}}, key, value, lease);
}

Request list(const std::string& prefix, std::size_t most) {
    return {"/v3/kv/range",
            json::serialize(json::object{{"key", base64(prefix)},
                                         {"range_end", base64(end_of(prefix))},
                                         {"limit", number(static_cast<std::int64_t>(most))}})};
}

Request watch(const std::string& prefix, Revision from) {
    const json::object create{{"key", base64(prefix)},
                              {"range_end", base64(end_of(prefix))},
                              {"start_revision", number(from)},
                              {"fragment", true}};
    return {"/v3/watch", json::serialize(json::object{{"create_request", create}})};
}

std::string refusal(unsigned status, std::string_view body) {
    std::string_view said;
    const auto object = object_of(body);
    if (object) {
        said = text_at(*object, "message");
        const json::object* const error = object_at(*object, "error");  // of a stream
        if (said.empty() && error != nullptr)
            said = text_at(*error, "message");
        if (said.empty())
            said = text_at(*object, "error");
    }
    if (!said.empty())
        return printable(said);
    return "HTTP status " + std::to_string(status);
}

base::Result<std::string> read_token(std::string_view body) {
    const auto object = object_of(body);
    if (!object)
        return tl::make_unexpected(object.error());
    const std::string_view token = text_at(*object, "token");
    for (const char c : token)
        if (c <= 0x20 || c >= 0x7f)  // it goes into a header
            return base::error("etcd has given no token");
    if (token.empty() || token.size() > longest_token)
        return base::error("etcd has given no token");
    return std::string(token);
}

base::Result<Lease> read_lease(std::string_view body) {
    const auto object = object_of(body);
    if (!object)
        return tl::make_unexpected(object.error());
    const Lease lease{number_at(*object, "ID"), number_at(*object, "TTL")};
    if (lease.id == 0 || lease.seconds <= 0)
        return base::error("etcd has given no lease");
    return lease;
}

base::Result<Lease> read_kept_alive(std::string_view body) {
    // One answer to one request; a line, since it might be more.
    const auto result = result_of(body.substr(0, body.find('\n')));
    if (!result)
        return tl::make_unexpected(result.error());
    return Lease{number_at(*result, "ID"), number_at(*result, "TTL")};
}

base::Result<Put> read_put(std::string_view body) {
    const auto object = object_of(body);
    if (!object)
        return tl::make_unexpected(object.error());
    Put put{flag_at(*object, "succeeded"), revision_of(*object)};
    const json::array* const responses = array_at(*object, "responses");
    if (put.done || responses == nullptr || responses->empty() || !responses->front().is_object())
        return put;
    const json::object* const range = object_at(responses->front().get_object(), "response_range");
    const json::array* const keys = range == nullptr ? nullptr : array_at(*range, "kvs");
    if (keys != nullptr && !keys->empty() && keys->front().is_object())
        put.found = key_value_of(keys->front().get_object());
    return put;
}

base::Result<Listing> read_listing(std::string_view body) {
    const auto object = object_of(body);
    if (!object)
        return tl::make_unexpected(object.error());
    Listing listing{revision_of(*object), {}, flag_at(*object, "more")};
    if (listing.revision <= 0)
        return base::error("etcd has said no revision");
    if (const json::array* const keys = array_at(*object, "kvs"))
        for (const json::value& each : *keys)
            if (each.is_object())
                if (auto key = key_value_of(each.get_object()))
                    listing.keys.push_back(std::move(*key));
    return listing;
}

base::Result<News> read_news(std::string_view line) {
    const auto result = result_of(line);
    if (!result)
        return tl::make_unexpected(result.error());
    News news;
    news.created = flag_at(*result, "created");
    news.canceled = flag_at(*result, "canceled");
    news.compacted = number_at(*result, "compact_revision") != 0;
    news.reason = printable(text_at(*result, "cancel_reason"));
    const json::array* const events = array_at(*result, "events");
    if (events == nullptr)
        return news;
    for (const json::value& each : *events) {
        const json::object* const event = each.if_object();
        const json::object* const pair = event == nullptr ? nullptr : object_at(*event, "kv");
        auto key = pair == nullptr ? std::nullopt : key_value_of(*pair);
        if (key)
            news.events.push_back({text_at(*event, "type") == "DELETE", std::move(*key)});
    }
    return news;
}

}  // namespace summond::fleet::etcd
