// Frames of strangers and of the guest, in any order, with the guest's comings and goings between
// them. An input is a row of steps: what, length (two octets), octets.
#include <cstdlib>
#include <vector>

#include "fake_clock.hpp"
#include "summond/wire/sleep_proxy.hpp"

using namespace summond;

namespace {

struct Counter final : wire::Actions {
    std::size_t held_back = 0;
    bool attached = false;
    void to_bridge(unsigned tap, std::span<const std::uint8_t> frame) override {
        // Only ever as the service itself.
        if (tap != 0 || frame.size() < 42 || frame[6] != 0 || frame[11] != 1)
            std::abort();
    }
    void to_guest(service::Id, std::span<const std::uint8_t>) override {
        if (!attached)
            std::abort();
    }
    void wake_in(service::Id, const frames::IpPacket&, bool) override {}
    void wake(service::Id, const frames::IpPacket& first, bool) override {
        if (first.to != base::IpAddress::v4({10, 0, 2, 50}) && first.to.is_v4() &&
            first.kind != frames::IpPacket::Kind::later_fragment)
            std::abort();
    }
    void grown(service::Id) override {}
    void first_byte(service::Id) override {}
    void handed_over(service::Id, const wire::HandOver&) override {}
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    test::FakeClock clock;
    Counter actions;
    wire::SleepProxy proxy(clock, actions, {});
    constexpr service::Id service = 1;
    proxy.put({service,
               0,
               {0x00, 0x16, 0x3e, 0x80, 0x00, 0x01},
               {base::IpAddress::v4({10, 0, 2, 50}),
                base::IpAddress::v6({0xfe, 0xc0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x50})},
               {},
               {},
               std::chrono::seconds(30)});
    std::span<const std::uint8_t> rest(data, size);
    while (rest.size() >= 3) {
        const unsigned what = rest[0];
        const std::size_t length = std::min(std::size_t{rest[1]} << 8 | rest[2], rest.size() - 3);
        const std::vector<std::uint8_t> frame(rest.begin() + 3,
                                              rest.begin() + 3 + static_cast<long>(length));
        rest = rest.subspan(3 + length);
        switch (what % 8) {
            case 0:
            case 1:
            case 2:
                proxy.from_bridge(0, frame);
                break;
            case 3:
                proxy.from_guest(service, frame);
                break;
            case 4:
                proxy.set_state(service, static_cast<wire::GuestState>(length % 6));
                break;
            case 5:
                proxy.under_pressure(length % 2 != 0);
                actions.attached = true;
                proxy.attach(service);
                break;
            case 6:
                actions.attached = false;
                proxy.detach(service);
                break;
            default:
                clock.advance(std::chrono::milliseconds(length));
                proxy.tick();
                break;
        }
    }
    clock.advance(std::chrono::minutes(1));
    for (int i = 0; i < 3; ++i)
        proxy.tick();
    if (proxy.deadline())
        std::abort();  // something is held for ever
    return 0;
}
