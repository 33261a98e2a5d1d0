// vm::Backend over one libxl context. One thread.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>

#include "control.hpp"
#include "dom0_memory.hpp"
#include "identity.hpp"
#include "libxl.hpp"
#include "log.hpp"
#include "osevent.hpp"
#include "readiness.hpp"
#include "saves.hpp"
#include "store.hpp"
#include "summond/host/announce.hpp"
#include "summond/host/meter.hpp"
#include "summond/vm/backend.hpp"
#include "vifs.hpp"

namespace summond::xen {

class LibxlBackend final : public vm::Backend {
  public:
    explicit LibxlBackend(boost::asio::io_context& io)
        : events_(io), dom0_memory_(io), spare_timer_(io), wakes_timer_(io), saves_(io) {}
    ~LibxlBackend() override;
    base::Result<void> open();

    void on_death(std::function<void(vm::DomId, vm::Death)> callback) override {
        died_ = std::move(callback);
    }
    base::Result<std::vector<vm::Found>> find() override;
    void build(const service::Template& service, Built done) override;
    void build_copy(const service::Template& service, unsigned number, Built done) override;
    base::Result<void> rest(vm::DomId domid, const service::Template& service,
                            const std::string& mark) override;
    base::Result<void> join(vm::DomId domid, const service::Template& service) override;
    void woken(vm::DomId domid, const service::Template& service) override;
    base::Result<void> adopt(vm::DomId domid) override;
    std::optional<vm::Found::Run> run(vm::DomId domid) override;
    base::Result<void> watch(vm::DomId domid) override { return watch_death(domid); }
    base::Result<void> unpause(vm::DomId domid) override;
    base::Result<void> pause(vm::DomId domid) override;
    base::Result<void> shutdown(vm::DomId domid) override;
    void keep_for_dom0(std::uint64_t kib) override { dom0_memory_.keep(kib); }
    void save_in(const std::string& directory) override { saves_.use(directory); }
    void keep_saved(const std::vector<service::Template>& services) override {
        saves_.keep(services);
    }
    void save(vm::DomId domid, const service::Template& service, Saved done) override;
    void stop_saving(vm::DomId domid) override;
    void resume(vm::DomId domid, Done done) override;
    bool saved(const service::Template& service) override { return saves_.has(service); }
    void restore(const service::Template& service, Built done) override;
    void discard_saved(service::Id service) override { saves_.discard(service); }
    base::Result<void> preserve(vm::DomId domid, const service::Template& service) override;
    std::string last_console_line(vm::DomId domid) override;
    void destroy(vm::DomId domid, Done done) override;
    void await_ready(vm::DomId domid, const service::Template& service,
                     std::function<void()> ready) override {
        readiness_->await(domid, service, std::move(ready));
    }
    base::Result<void> meter(const std::vector<service::Template>& services) override;
    base::Result<std::vector<vm::Traffic>> traffic() override { return meter_.read(); }
    void count_wakes(const service::Template& service, const vm::Wakes& wakes) override;

  private:
    struct Build;
    struct Destroy;
    struct Save;
    struct Resume;

    void post(std::function<void()> what);
    void operation_ended();
    void make_spares();
    std::optional<vm::DomId> domid_of(const Identity& identity);
    void build_numbered(const service::Template& service, unsigned number, Built done);
    void enqueue(const service::Template& service, unsigned number, base::UniqueFd image,
                 Built done);
    void settle(vm::DomId domid, const service::Template& service);
    void rename(vm::DomId domid, const std::string& name);
    void create_next();
    void create_first();
    void create(std::unique_ptr<Build> build);
    int begin(Build& build, const libxl_asyncop_how& how);
    void plumb(Build& build, vm::DomId domid);
    void settle(Build& build);
    std::optional<vm::BuildError> lacks_memory(libxl_domain_config& config);
    void settle(Destroy& destroy);
    void written(std::unique_ptr<Save> save);
    void run_on(std::unique_ptr<Save> save, const vm::SaveError& why);
    void withdraw_suspend(vm::DomId domid);
    bool was_asked_to_suspend(vm::DomId domid);
    void meter_scripted(vm::DomId domid, service::Id service);
    base::Result<void> watch_death(vm::DomId domid);
    void unwatch_death(vm::DomId domid);
    static void build_done(libxl_ctx* ctx, int rc, void* build);
    static void destroy_done(libxl_ctx* ctx, int rc, void* destroy);
    static void save_done(libxl_ctx* ctx, int rc, void* save);
    static void resume_done(libxl_ctx* ctx, int rc, void* resume);
    static void shutdown_done(libxl_ctx* ctx, int rc, void* backend);
    static void event_occurs(void* user, libxl_event* event);

    OsEvents events_;
    XenLog log_;
    libxl_ctx* ctx_ = nullptr;
    Control control_;
    Dom0Memory dom0_memory_;
    std::deque<std::unique_ptr<Build>> to_create_;  // the first is being created or about to be
    int outstanding_ = 0;                           // builds and destroys that libxl has not ended
    boost::asio::steady_timer spare_timer_;
    std::size_t spares_wanted_ = 0;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Vifs> vifs_;
    std::unique_ptr<Readiness> readiness_;
    host::Meter meter_;
    boost::asio::steady_timer wakes_timer_;
    host::Announcer announcer_;
    std::function<void(vm::DomId, vm::Death)> died_;
    std::map<vm::DomId, libxl_evgen_domain_death*> death_watches_;
    Saves saves_;
    std::map<vm::DomId, Save*> saving_;  // those that libxl is at
    // May yet suspend themselves until then, as they were asked to by a save that has failed since,
    // or by a process before this one.
    std::map<vm::DomId, std::chrono::steady_clock::time_point> may_suspend_;
};

}  // namespace summond::xen
