#include "serials.hpp"

#include <gtest/gtest.h>

#include "builder.hpp"
#include "summond/zone/records.hpp"

using namespace summond;
using config::SerialPolicy;
using zone::MadeSerial;
using zone::next_serial;

namespace {

TEST(NextSerial, OnlyGrows) {
    constexpr std::int64_t now = 1'900'000'000;
    const auto unixtime = [](std::uint32_t given, std::uint64_t content,
                             std::optional<MadeSerial> last) {
        return next_serial(SerialPolicy::unixtime, given, content, last, now);
    };
    EXPECT_EQ(unixtime(1, 7, {}), now);
    EXPECT_EQ(unixtime(2026113001, 7, {}), 2026113001U);  // later than the time
    EXPECT_EQ(unixtime(1, 7, MadeSerial{5, 7}), 5U);      // nothing has changed
    EXPECT_EQ(unixtime(9, 7, MadeSerial{5, 7}), now);     // but somebody wants a larger one
    EXPECT_EQ(unixtime(1, 8, MadeSerial{5, 7}), now);
    EXPECT_EQ(unixtime(1, 8, MadeSerial{now, 7}), now + 1);
    EXPECT_EQ(unixtime(1, 8, MadeSerial{now + 99, 7}), now + 100);  // the clock was set back
    const auto increment = [](std::uint32_t given, std::uint64_t content,
                              std::optional<MadeSerial> last) {
        return next_serial(SerialPolicy::increment, given, content, last, now);
    };
    EXPECT_EQ(increment(1, 7, {}), 1U);
    EXPECT_EQ(increment(1, 7, MadeSerial{5, 7}), 5U);
    EXPECT_EQ(increment(1, 8, MadeSerial{5, 7}), 6U);
    EXPECT_EQ(increment(100, 8, MadeSerial{5, 7}), 100U);
    EXPECT_EQ(increment(1, 8, MadeSerial{4294967295, 7}), 1U);  // RFC 1982: larger than that
    EXPECT_EQ(increment(7, 8, MadeSerial{4294967295, 7}), 7U);
}

class SerialsOf : public ::testing::Test {
  protected:
    SerialsOf() {
        config::Zone& zone = builder.zone("jit.example");
        zone.transfer.emplace();
        zone.serial = SerialPolicy::increment;
        zone.soa.serial = 10;
        builder.config.save_dir = builder.path("");
        builder.checks.keys = zone::KeyUse::keep;
    }
    // Of the next load; before: null at a start.
    std::uint32_t serial(const zone::Zones* before = nullptr) {
        EXPECT_EQ(builder.tolerated(before), "");
        image = builder.built.image;
        return zone::serial_of(*zone::Zones::open(image), 0);
    }
    void change() {
        builder.config.zones[0].records.push_back(
            {"n" + std::to_string(++changes) + " A 192.0.2.1", {}});
    }

    test::ZoneBuilder builder;
    std::vector<std::uint8_t> image;
    int changes = 0;
};

TEST_F(SerialsOf, OverReloadsAndRestarts) {
    EXPECT_EQ(serial(), 10U);
    EXPECT_EQ(serial(), 10U);
    change();
    EXPECT_EQ(serial(), 11U);
    auto image_before = image;
    auto before = *zone::Zones::open(image_before);
    EXPECT_EQ(serial(&before), 11U);
    change();
    EXPECT_EQ(serial(&before), 12U);
    EXPECT_EQ(serial(), 12U);  // a restart
    builder.config.zones[0].soa.serial = 20;
    EXPECT_EQ(serial(), 20U);
    builder.service("web", "web.jit.example", "192.0.2.80");
    EXPECT_EQ(serial(), 21U);  // its address is part of the zone
}

TEST_F(SerialsOf, CheckWritesNothing) {
    builder.checks.keys = zone::KeyUse::as_found;
    EXPECT_EQ(serial(), 10U);
    change();
    EXPECT_EQ(serial(), 10U);
    EXPECT_FALSE(std::filesystem::exists(builder.path("serials")));
}

TEST_F(SerialsOf, WithoutItsFileItGoesOn) {
    builder.config.save_dir = builder.path("none");
    EXPECT_EQ(serial(), 10U);
    ASSERT_EQ(builder.built.notes.size(), 1U);
    EXPECT_NE(builder.built.notes[0].find("serials cannot be kept: No such file or directory"),
              std::string::npos);
    std::filesystem::create_directory(builder.path("none"));
    builder.file("none/serials", "nonsense\njit.example. 77\njit.example. 30 5\n");
    EXPECT_EQ(serial(), 31U);
}

}  // namespace
