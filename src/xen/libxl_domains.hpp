// vm::Domains over libxl: what is found, adopted, looked at, paused and woken in one call. What
// takes longer: libxl_operations.hpp.
#pragma once

#include "libxl_operations.hpp"

namespace summond::xen {

class LibxlDomains final : public vm::Domains {
  public:
    explicit LibxlDomains(Toolstack& toolstack) : toolstack_(toolstack) {}

    void on_death(std::function<void(vm::DomId, vm::Death)> callback) override {
        toolstack_.died = std::move(callback);
    }
    base::Result<std::vector<vm::Found>> find() override;
    void expect(const std::vector<service::Instance>& services) override;
    void build(const service::Instance& service, unsigned number, vm::Built done) override {
        create(toolstack_, service, number, std::move(done));
    }
    base::Result<void> adopt(vm::DomId domid) override;
    base::Result<vm::Found> claim(const service::Instance& service) override {
        return xen::claim(toolstack_, service, *this);
    }
    std::optional<vm::Found::Run> run(vm::DomId domid) override {
        return run_of(toolstack_, domid);
    }
    base::Result<void> watch(vm::DomId domid) override { return toolstack_.deaths.watch(domid); }
    base::Result<void> unpause(vm::DomId domid) override;
    base::Result<void> pause(vm::DomId domid) override;
    base::Result<void> shutdown(vm::DomId domid) override;
    void resume(vm::DomId domid, vm::Done done) override {
        xen::resume(toolstack_, domid, std::move(done));
    }
    void await_ready(vm::DomId domid, const service::Instance& service,
                     const service::ReadyHow& how, std::function<void()> ready) override {
        toolstack_.readiness->await(domid, service, how, std::move(ready));
    }
    base::Result<void> preserve(vm::DomId domid, const service::Instance& service) override;
    std::string last_console_line(vm::DomId domid) override;
    void destroy(vm::DomId domid, vm::Done done) override {
        xen::destroy(toolstack_, domid, std::move(done));
    }

  private:
    Toolstack& toolstack_;
};

}  // namespace summond::xen
