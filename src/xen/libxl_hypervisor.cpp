// vm::Hypervisor over one libxl context.
#include <utility>

#include "libxl_domains.hpp"
#include "summond/host/wake_counters.hpp"
#include "summond/xen/hypervisor.hpp"

namespace summond::xen {
namespace {

class LibxlSnapshots final : public vm::Snapshots {
  public:
    explicit LibxlSnapshots(Toolstack& toolstack) : toolstack_(toolstack) {}

    void use(const std::string& directory) override { toolstack_.saves.use(directory); }
    void keep(const std::vector<service::Instance>& services) override {
        toolstack_.saves.keep(services);
    }
    bool has(const service::Instance& service) override { return toolstack_.saves.has(service); }
    void discard(service::Id service) override { toolstack_.saves.discard(service); }
    void save(vm::DomId domid, const service::Instance& service, vm::Saved done) override {
        xen::save(toolstack_, domid, service, std::move(done));
    }
    void stop_saving(vm::DomId domid) override { xen::stop_saving(toolstack_, domid); }
    void restore(const service::Instance& service, vm::Built done) override {
        xen::restore(toolstack_, service, std::move(done));
    }

  private:
    Toolstack& toolstack_;
};

class LibxlStandbyPorts final : public vm::StandbyPorts {
  public:
    explicit LibxlStandbyPorts(Toolstack& toolstack) : toolstack_(toolstack) {}

    base::Result<void> rest(vm::DomId domid, const service::Instance& service,
                            const std::string& mark) override {
        return xen::rest(toolstack_, domid, service, mark);
    }
    base::Result<void> become(vm::DomId domid, const service::Instance& service) override {
        return xen::become(toolstack_, domid, service);
    }
    base::Result<void> join(vm::DomId domid, const service::Instance& service) override {
        return xen::join(toolstack_, domid, service);
    }
    void woken(vm::DomId domid, const service::Instance& service) override {
        xen::woken(toolstack_, domid, service);
    }

  private:
    Toolstack& toolstack_;
};

class LibxlHypervisor final : public vm::Hypervisor {
  public:
    explicit LibxlHypervisor(boost::asio::io_context& io) : toolstack_(io), wakes_(io) {}
    base::Result<void> open() { return toolstack_.open(); }

    vm::Domains& domains() override { return domains_; }
    vm::Snapshots& snapshots() override { return snapshots_; }
    vm::StandbyPorts& standby_ports() override { return standby_ports_; }
    vm::TrafficMeter& traffic_meter() override { return toolstack_.meter; }
    vm::WakeCounters& wake_counters() override { return wakes_; }
    void keep_for_dom0(std::uint64_t kib) override { toolstack_.dom0_memory.keep(kib); }

  private:
    Toolstack toolstack_;
    LibxlDomains domains_{toolstack_};
    LibxlSnapshots snapshots_{toolstack_};
    LibxlStandbyPorts standby_ports_{toolstack_};
    host::WakeCounters wakes_;
};

}  // namespace

base::Result<std::unique_ptr<vm::Hypervisor>> connect(boost::asio::io_context& io) {
    auto hypervisor = std::make_unique<LibxlHypervisor>(io);
    if (const auto r = hypervisor->open(); !r)
        return tl::make_unexpected(r.error());
    return hypervisor;
}

}  // namespace summond::xen
