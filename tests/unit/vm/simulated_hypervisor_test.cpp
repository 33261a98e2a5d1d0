// What `--simulate` must keep of the Hypervisor's contract.
#include "summond/vm/simulated_hypervisor.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace summond::vm {
namespace {

class SimulatedHypervisorTest : public testing::Test {
  protected:
    DomId build() {
        DomId domid = 0;
        domains.build(service::Template(), 0, [&](auto built) { domid = *built; });
        pass();
        return domid;
    }
    // All that is to be done later is done.
    void pass() {
        for (const auto& step : std::exchange(steps, {}))
            step();
    }

    std::vector<std::function<void()>> steps;
    SimulatedHypervisor hypervisor{
        [this](base::Duration, std::function<void()> step) { steps.push_back(std::move(step)); }};
    Domains& domains = hypervisor.domains();
};

TEST_F(SimulatedHypervisorTest, DomainBecomesReady) {
    bool ready = false;
    domains.await_ready(build(), service::Template(), service::ReadyLink(), [&] { ready = true; });
    EXPECT_FALSE(ready);
    pass();
    EXPECT_TRUE(ready);
}

TEST_F(SimulatedHypervisorTest, WaitingForReadyEndsWithTheDomain) {
    const DomId domid = build();
    bool ready = false;
    bool destroyed = false;
    domains.await_ready(domid, service::Template(), service::ReadyLink(), [&] { ready = true; });
    domains.destroy(domid, [&](const auto&) { destroyed = true; });
    pass();
    EXPECT_TRUE(destroyed);
    EXPECT_FALSE(ready);
}

}  // namespace
}  // namespace summond::vm
