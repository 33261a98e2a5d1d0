// Any bytes as a frame from a guest that is being probed, or the beginning of one.
#include <cstdlib>
#include <vector>

#include "summond/frames/build.hpp"
#include "summond/frames/packet.hpp"
#include "summond/host/http.hpp"

using namespace summond;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::vector<std::uint8_t> frame(data, data + size);  // reads past its end are seen
    const auto packet = frames::parse(frame, frames::Captured::beginning);
    // What a whole frame is, it is as a beginning, too.
    const auto strict = frames::parse(frame);
    if (strict.has_value() != packet.has_value())
        std::abort();
    if (!packet)
        return 0;
    if (strict->what.index() != 0 && strict->what.index() != packet->what.index())
        std::abort();
    if (const auto* ip = std::get_if<frames::IpPacket>(&packet->what)) {
        if (ip->from.is_v4() != ip->to.is_v4())
            std::abort();
        if (ip->kind != frames::IpPacket::Kind::tcp)
            return 0;
        // What is sent to such a station is a segment, too.
        const frames::Frame answer =
            frames::reset({{}, {ip->to, ip->to_port}}, {{}, {ip->from, ip->from_port}}, 0);
        const auto back = frames::parse(answer);
        const auto* reset = back ? std::get_if<frames::IpPacket>(&back->what) : nullptr;
        if (reset == nullptr || !reset->resets || reset->from != ip->to ||
            reset->from_port != ip->to_port || reset->to != ip->from ||
            reset->to_port != ip->from_port)
            std::abort();
        host::is_up(packet->payload);
    }
    if (const auto* question = std::get_if<frames::Solicitation>(&packet->what)) {
        if (question->asker.is_v4() || question->target.is_v4())
            std::abort();
        frames::answer({}, question->target, packet->from, question->asker);
    }
    if (const auto* arp = std::get_if<frames::Arp>(&packet->what))
        frames::answer({}, arp->target, arp->sender_mac, arp->sender);
    return 0;
}
