// Any bytes as a frame from a guest that is being probed.
#include <cstdlib>
#include <vector>

#include "summond/frames/probe.hpp"

using namespace summond;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::uint8_t> frame(data, data + size);  // reads past its end are seen
    const auto heard = frames::hear(frame);
    if (const auto* segment = std::get_if<frames::Segment>(&heard)) {
        if (segment->from.address.is_v4() != segment->to.address.is_v4())
            std::abort();
        // What is sent to such a station is a segment, too.
        const auto back = frames::hear(frames::reset({{}, segment->to}, {{}, segment->from}, 0));
        const auto* reset = std::get_if<frames::Segment>(&back);
        if (reset == nullptr || !reset->rst || reset->from != segment->to ||
            reset->to != segment->from)
            std::abort();
        frames::is_up(segment->payload);
    }
    if (const auto* question = std::get_if<frames::Question>(&heard)) {
        if (question->asker.is_v4() != question->target.is_v4())
            std::abort();
        frames::answer({}, question->target, question->asker_mac, question->asker);
    }
    return 0;
}
