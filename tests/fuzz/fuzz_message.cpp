// Any bytes as a query message.
#include <algorithm>
#include <cstdlib>
#include <vector>

#include "summond/dns/message.hpp"

using namespace summond::dns;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::uint8_t> message(data, data + size);  // reads past its end are seen
    Query query;
    if (parse_query(message, query) != Parsed::query)
        return 0;
    // The question lies behind the header and begins with the name that was folded.
    if (query.question.data() != message.data() + header_size ||
        query.question.size() != query.name.size + 4U || query.name.labels > max_labels)
        std::abort();
    const auto name = Name::from_wire(query.question.first(query.name.size));
    if (!name || name->label_count() != query.name.labels ||
        !std::equal(name->wire().begin(), name->wire().end(), query.name.wire.begin()))
        std::abort();
    return 0;
}
