// A Manager with a clock and a hypervisor that do what each test says.
#pragma once

#include <gtest/gtest.h>

#include <vector>

#include "fake_clock.hpp"
#include "fake_hypervisor.hpp"
#include "fake_ledger.hpp"
#include "fake_wall_clock.hpp"
#include "pass_time.hpp"
#include "service_builder.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

class ManagerFixture : public testing::Test {
  protected:
    service::Phase phase(service::Id id = test::www) const { return manager.status(id)->phase; }
    // Lets time pass the way vmm does: from deadline to deadline.
    void pass(base::Duration time) { test::pass(time, clock, manager); }
    // A domain that is ready.
    void bring_up(DomId domid, service::Id id = test::www) {
        manager.wake(id, service::WakeReason::dns);
        backend.finish_build(domid);
        backend.become_ready(domid);
    }

    test::FakeHypervisor backend;
    test::FakeClock clock;
    test::FakeWallClock wall_clock;
    test::FakeLedger ledger;
    std::vector<service::Id> changes;
    Manager manager{backend, clock, wall_clock,
                    [this](const service::Status& status) { changes.push_back(status.service); },
                    ledger};
};

}  // namespace summond::vm
