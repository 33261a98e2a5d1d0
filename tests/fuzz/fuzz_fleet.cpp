// Any bytes as what etcd says: the first one says to what.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "summond/fleet/etcd.hpp"
#include "summond/fleet/host.hpp"

using namespace summond;
using namespace summond::fleet;

namespace {

void check_host(const std::string& value) {
    const auto host = from_value(value);
    if (!host)
        return;
    if (host->networks.size() > most_networks || host->location.size() > longest_location)
        std::abort();
    // What is taken can be said.
    const auto again = from_value(to_value(*host));
    if (!again || *again != *host)
        std::abort();
}

void check_printable(const std::string& text) {
    for (const char c : text)
        if (c < 0x20 || c == 0x7f)
            std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0)
        return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'h':
            check_host(std::string(text));
            break;
        case 'l':
            if (const auto listing = etcd::read_listing(text))
                for (const etcd::KeyValue& key : listing->keys)
                    check_host(key.value);
            break;
        case 'w':
            if (const auto news = etcd::read_news(text)) {
                check_printable(news->reason);
                for (const etcd::Event& event : news->events)
                    check_host(event.key.value);
            }
            break;
        case 'p':
            if (const auto put = etcd::read_put(text); put && put->done && put->found)
                std::abort();
            break;
        case 'g':
            if (const auto lease = etcd::read_lease(text);
                lease && (lease->id == 0 || lease->seconds <= 0))
                std::abort();
            break;
        case 'k':
            static_cast<void>(etcd::read_kept_alive(text));
            break;
        case 't':
            if (const auto token = etcd::read_token(text)) {
                check_printable(*token);
                if (token->empty())
                    std::abort();
            }
            break;
        default:
            check_printable(etcd::refusal(500, text));
    }
    return 0;
}
