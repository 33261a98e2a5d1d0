// What can be asked for over the control socket: the one list of paths, their parameters and who
// may use them. From it requests are understood, docs/openapi.yaml is checked, and summonctl asks.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "summond/service/status.hpp"

namespace summond::control {

enum class Method : std::uint8_t { get, post };
enum class Right : std::uint8_t { read, command };
enum class Operation : std::uint8_t {
    status,
    services,
    service,
    zones,
    wakes,
    events,
    metrics,
    page,
    wake,
    sleep,
    pin,
    unpin,
    touch,
    adopt,
    drain,
    undrain,
    reload,
    webhooks,
    hosts,
    ping,
};

struct Parameter {
    enum class In : std::uint8_t { path, query };
    enum class Kind : std::uint8_t { text, word, boolean, duration, number, wake };
    std::string_view name;
    In in;
    Kind kind;
    std::span<const std::string_view> words{};  // of kind word
};

struct Route {
    Method method;
    std::string_view path;  // "/v1/services/{service}/wake"
    Right right;
    Operation operation;
    std::span<const Parameter> parameters{};
};

std::span<const Route> routes();
std::string_view to_string(Method method);

// What a browser says of who has sent it. Whoever tunnels the socket to a port of localhost makes
// it a web server, which any page may try to reach.
struct Browser {
    std::string host;    // of the field Host; empty: none
    std::string origin;  // of the field Origin; empty: none
};

// What a request says.
struct Asked {
    const Route* route = nullptr;
    std::string service;                    // its name; of ping: the webhook's
    std::optional<service::Phase> phase{};  // only services that are in it
    enum class Wait : std::uint8_t { no, running, ready } wait = Wait::no;
    std::chrono::milliseconds timeout{60'000};          // of wait
    std::optional<std::chrono::milliseconds> length{};  // `for`, of a pin
    bool force = false;
    bool follow = true;                     // of events: those to come, too
    std::optional<unsigned> last{};         // only so many of those that there were
    std::optional<std::uint64_t> before{};  // of wakes: only those before that number
};

// Why something is not done: an answer with this status.
struct Refusal {
    unsigned status;
    std::string error;       // what is wrong
    std::string expected{};  // what would be right
    std::string allow{};     // of 405: the methods that the path has
};

// method: as in HTTP; HEAD is a GET. target: as in the request line, of any octets.
tl::expected<Asked, Refusal> understand(std::string_view method, std::string_view target);

// Why not: a name that is not ours, which another site may point here (DNS rebinding), or a command
// that a page gives. names: what this host is called besides localhost, summond and its addresses,
// lower case and without the final dot. Nothing: go on.
std::optional<Refusal> suspicious(const Browser& browser, Right right,
                                  std::span<const std::string> names = {});

}  // namespace summond::control
