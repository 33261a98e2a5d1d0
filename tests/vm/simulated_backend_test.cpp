// What `--simulate` must keep of the Backend's contract.
#include "summond/vm/simulated_backend.hpp"

#include <gtest/gtest.h>

#include "fake_clock.hpp"

namespace summond::vm {
namespace {

class SimulatedBackendTest : public testing::Test {
  protected:
    DomId build() {
        DomId domid = 0;
        backend.build({}, [&](auto built) { domid = *built; });
        pass();
        return domid;
    }
    void pass() {
        clock.advance(std::chrono::seconds(1));
        backend.tick();
    }

    test::FakeClock clock;
    SimulatedBackend backend{clock};
};

TEST_F(SimulatedBackendTest, DomainBecomesReady) {
    bool ready = false;
    backend.await_ready(build(), {}, [&] { ready = true; });
    EXPECT_FALSE(ready);
    pass();
    EXPECT_TRUE(ready);
}

TEST_F(SimulatedBackendTest, WaitingForReadyEndsWithTheDomain) {
    const DomId domid = build();
    bool ready = false;
    bool destroyed = false;
    backend.await_ready(domid, {}, [&] { ready = true; });
    backend.destroy(domid, [&](const auto&) { destroyed = true; });
    pass();
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(ready);
}

}  // namespace
}  // namespace summond::vm
