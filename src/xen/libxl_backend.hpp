// vm::Backend over one libxl context. One thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <map>
#include <memory>
#include <optional>

#include "announce.hpp"
#include "libxl.hpp"
#include "log.hpp"
#include "meter.hpp"
#include "osevent.hpp"
#include "readiness.hpp"
#include "store.hpp"
#include "summond/vm/backend.hpp"
#include "vifs.hpp"

namespace summond::xen {

class LibxlBackend final : public vm::Backend {
  public:
    explicit LibxlBackend(boost::asio::io_context& io) : events_(io), spare_timer_(io) {}
    ~LibxlBackend() override;
    base::Result<void> open();

    void on_death(std::function<void(vm::DomId, vm::Death)> callback) override {
        died_ = std::move(callback);
    }
    base::Result<std::vector<vm::Found>> find() override;
    void build(const config::Service& service, Begun begun, Built done) override;
    base::Result<void> adopt(vm::DomId domid) override;
    base::Result<void> unpause(vm::DomId domid) override;
    base::Result<void> pause(vm::DomId domid) override;
    void destroy(vm::DomId domid, Done done) override;
    void await_ready(vm::DomId domid, const config::Service& service,
                     std::function<void()> ready) override {
        readiness_->await(domid, service, std::move(ready));
    }
    base::Result<void> meter(const std::vector<config::Service>& services) override;
    base::Result<std::vector<vm::Traffic>> traffic() override { return meter_.read(); }

  private:
    struct Build;
    struct Destroy;

    void post(std::function<void()> what);
    void operation_ended();
    void make_spares();
    std::optional<vm::DomId> domid_of(config::ServiceId service);
    void create_next();
    void create(std::unique_ptr<Build> build);
    void plumb(Build& build, vm::DomId domid);
    void settle(Build& build);
    void settle(Destroy& destroy);
    void meter_scripted(vm::DomId domid, config::ServiceId service);
    base::Result<void> watch_death(vm::DomId domid);
    void unwatch_death(vm::DomId domid);
    static void build_done(libxl_ctx* ctx, int rc, void* build);
    static void destroy_done(libxl_ctx* ctx, int rc, void* destroy);
    static void event_occurs(void* user, libxl_event* event);

    OsEvents events_;
    XenLog log_;
    libxl_ctx* ctx_ = nullptr;
    std::deque<std::unique_ptr<Build>> to_create_;  // the first is being created or about to be
    int outstanding_ = 0;                           // builds and destroys that libxl has not ended
    boost::asio::steady_timer spare_timer_;
    std::size_t spares_wanted_ = 0;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Vifs> vifs_;
    std::unique_ptr<Readiness> readiness_;
    Meter meter_;
    Announcer announcer_;
    std::function<void(vm::DomId, vm::Death)> died_;
    std::map<vm::DomId, libxl_evgen_domain_death*> death_watches_;
};

}  // namespace summond::xen
