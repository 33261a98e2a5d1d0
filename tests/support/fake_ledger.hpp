// A Ledger that remembers what a test says, and shows what it was told.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "summond/vm/ledger.hpp"

namespace summond::test {

class FakeLedger final : public vm::Ledger {
  public:
    vm::Remembered remembers;

    std::map<service::Id, vm::Kept> kept;
    unsigned times_kept = 0;
    std::vector<service::Id> forgotten;
    std::optional<bool> is_drained;
    std::vector<vm::WakeRecord> wakes;

    vm::Remembered remembered() override { return remembers; }
    void keep(const vm::Kept& each) override {
        kept.insert_or_assign(each.service, each);
        ++times_kept;
    }
    void forget(service::Id service) override {
        kept.erase(service);
        forgotten.push_back(service);
    }
    void drained(bool drained) override { is_drained = drained; }
    void woke(const vm::WakeRecord& record) override { wakes.push_back(record); }

    std::map<base::IpAddress, vm::Lease> leases;
    std::uint64_t last_lease = 0;  // its number
    std::vector<base::IpAddress> released;
    void lease(const vm::Lease& lease, std::uint64_t number) override {
        leases.insert_or_assign(lease.address, lease);
        last_lease = number;
    }
    void release(const base::IpAddress& address) override {
        leases.erase(address);
        released.push_back(address);
    }
    void on_leased(std::function<void(std::uint64_t)>) override {}
};

}  // namespace summond::test
