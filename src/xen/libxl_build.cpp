// LibxlBackend: from a service to its domain, built and paused with its vif on the bridge.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "domain_config.hpp"
#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/service/kernel_fault.hpp"

namespace summond::xen {
namespace {

std::optional<vm::BuildError> unreadable(const std::string& what, const std::string& path) {
    if (::access(path.c_str(), R_OK) == 0)
        return std::nullopt;
    return vm::BuildError{
        service::WakeFailure::no_kernel,
        fmt::format("{} {}: {}", what, path, std::generic_category().message(errno))};
}

// What libxl needs for this domain, with what is beyond its own size; none: the build will tell.
std::optional<std::uint64_t> needed_kib(libxl_ctx* ctx, libxl_domain_config& config) {
    std::uint64_t kib = 0;
    if (libxl_domain_need_memory(ctx, &config, static_cast<std::uint32_t>(INVALID_DOMID), &kib) !=
        0)
        return std::nullopt;
    return kib;
}

// With a script, what a bridge is and whether it is there is the script's business.
std::optional<vm::BuildError> lacks_bridge(Vifs& vifs, const service::Template& service) {
    for (const service::Interface& interface : service.interfaces)
        if (const auto r = vifs.check(interface.bridge); interface.script.empty() && !r)
            return vm::BuildError{service::WakeFailure::start_failed, r.error().what};
    return std::nullopt;
}

// libxc only says that it has found no loader.
std::string kernel_fault(const libxl_domain_config& config) {
    if (config.b_info.kernel == nullptr || config.b_info.bootloader != nullptr)
        return {};
    const bool is_pv = config.b_info.type == LIBXL_DOMAIN_TYPE_PV;
    const auto is_set = [](libxl_defbool value) {
        return !libxl_defbool_is_default(value) && libxl_defbool_val(value);
    };
    return service::kernel_fault(config.b_info.kernel,
                                 is_pv ? service::DomainType::pv : service::DomainType::pvh,
                                 !is_pv && is_set(config.b_info.u.pvh.pvshim));
}

}  // namespace

std::optional<vm::BuildError> LibxlBackend::lacks_memory(libxl_domain_config& config) {
    const auto need_kib = needed_kib(ctx_, config);
    std::uint64_t free_kib = 0;
    if (!need_kib || libxl_get_free_memory(ctx_, &free_kib) != 0 || *need_kib <= free_kib)
        return std::nullopt;
    const std::string& why = dom0_memory_.why_not();
    return vm::BuildError{service::WakeFailure::no_memory,
                          fmt::format("not enough memory: needs {} KiB, Xen has {} KiB free{}{}",
                                      *need_kib, free_kib, why.empty() ? "" : "; ", why)};
}

void LibxlBackend::build(const service::Template& service, Built done) {
    build_numbered(service, 0, std::move(done));
}

void LibxlBackend::build_numbered(const service::Template& service, unsigned number, Built done) {
    std::optional<vm::BuildError> refused;
    if (service.bootloader.empty()) {  // otherwise they are in the disk
        refused = unreadable("kernel", service.kernel);
        if (!refused && service.ramdisk)
            refused = unreadable("ramdisk", *service.ramdisk);
    }
    if (refused)
        post([done = std::move(done), error = std::move(*refused)] {
            done(tl::make_unexpected(error));
        });
    else
        enqueue(service, number, {}, std::move(done));
}

void LibxlBackend::restore(const service::Template& service, Built done) {
    auto image = saves_.open(service.id);
    if (!image)
        post([done = std::move(done), what = image.error().what] {
            done(tl::make_unexpected(
                vm::BuildError{service::WakeFailure::start_failed, what, true}));
        });
    else
        enqueue(service, 0, std::move(*image), std::move(done));
}

void LibxlBackend::enqueue(const service::Template& service, unsigned number, base::UniqueFd image,
                           Built done) {
    if (auto refused = lacks_bridge(*vifs_, service)) {
        post([done = std::move(done), error = std::move(*refused)] {
            done(tl::make_unexpected(error));
        });
        return;
    }
    auto build = std::make_unique<Build>(
        Build{*this, service.id, domain_config(ctx_, service, number), service.interfaces,
              host::announcements(service), service.rumprun.size(), std::move(done), number,
              std::move(image)});
    to_create_.push_back(std::move(build));
    if (to_create_.size() == 1)
        post([this] { create_next(); });
}

// libxl_domain_create_new does most of its work in the call. Between two such calls the loop
// attends to everything else, so that the first of many wakes is not held up by the last.
void LibxlBackend::create_next() {
    const auto need_kib = needed_kib(ctx_, to_create_.front()->config->config);
    if (!need_kib || !dom0_memory_.find(*need_kib, [this] { create_first(); }))
        create_first();
}

void LibxlBackend::create_first() {
    create(std::move(to_create_.front()));
    to_create_.pop_front();
    if (!to_create_.empty())
        post([this] { create_next(); });
}

int LibxlBackend::begin(Build& build, const libxl_asyncop_how& how) {
    libxl_domain_config* config = &build.config->config;
    if (!build.image)
        return libxl_domain_create_new(ctx_, config, &build.domid, &how, nullptr);
    libxl_domain_restore_params params;
    libxl_domain_restore_params_init(&params);
    params.stream_version = 2;  // libxl_domain_suspend's, LIBXL_HAVE_SRM_V2
    const int rc = libxl_domain_create_restore(ctx_, config, &build.domid, build.image.get(), -1,
                                               &params, &how, nullptr);
    libxl_domain_restore_params_dispose(&params);
    return rc;
}

void LibxlBackend::create(std::unique_ptr<Build> creating) {
    if (auto refused = lacks_memory(creating->config->config)) {
        creating->done(tl::make_unexpected(std::move(*refused)));
        return;
    }
    Build* build = creating.release();  // libxl's, until it calls back
    if (!build->interfaces.empty() && build->interfaces.front().script.empty())
        if ((build->chosen = vifs_->begin()))
            choose_domid(build->config->config, *build->chosen);
    const libxl_asyncop_how how{build_done, {.for_callback = build}};
    ++outstanding_;
    log_.during(&build->errors);
    const int rc = begin(*build, how);
    log_.during(nullptr);
    if (rc != 0) {  // the callback will not come
        build_done(ctx_, rc, build);
        return;
    }
    // libxl tells the domid only at the end. Memory and kernel are dealt with inside the call
    // (libxl_create.c does disks alone asynchronously), so no error so far means begun.
    const auto domid = build->ended    ? std::nullopt
                       : build->chosen ? build->chosen
                                       : domid_of({build->service, build->number});
    if (!domid)
        return;
    log_.of_domain(build->known_domid = *domid, &build->errors);
    if (build->errors.first.empty())
        post([this, build] { plumb(*build, build->known_domid); });
}

std::optional<vm::DomId> LibxlBackend::domid_of(const Identity& identity) {
    int count = 0;
    libxl_dominfo* domains = libxl_list_domain(ctx_, &count);
    std::optional<vm::DomId> domid;
    for (int i = 0; i < count; ++i)
        if (!domains[i].dying && identity_of(domains[i].uuid.uuid) == identity)
            domid = domains[i].domid;
    libxl_dominfo_list_free(domains, count);
    return domid;
}

// May run inside libxl_domain_create_new: goes through io, so that nobody is called back early and
// no libxl call is made from inside libxl.
void LibxlBackend::build_done(libxl_ctx*, int rc, void* for_callback) {
    auto* build = static_cast<Build*>(for_callback);
    build->ended = true;
    build->backend.post([build, rc] {
        build->created = rc;
        if (rc == 0 && !build->plumbed)
            build->backend.plumb(*build, build->domid);
        else
            build->backend.settle(*build);
    });
}

void LibxlBackend::plumb(Build& build, vm::DomId domid) {
    build.plumbed = true;
    const auto vifs = own_vifs(domid, build.interfaces);
    // libxl leaves out what xenstore does not take, and what is behind it, without a word.
    const bool lacks_rumprun =
        build.rumprun_octets > 0 && !store_->read(domain_path(domid) + "/" + rumprun_node);
    // From here on, so that the vif is not waited for when somebody destroys the domain.
    if (const auto watched = watch_death(build.known_domid = domid); !watched)
        build.vif = watched;
    else if (lacks_rumprun)
        build.vif = base::error(fmt::format(
            "xenstore does not take the {} octets of {}: see quota-maxsize in oxenstored.conf",
            build.rumprun_octets, rumprun_node));
    else if (vifs.empty())
        build.vif = base::Result<void>();
    else
        vifs_->connect(vifs, build.number != 0, [this, &build](auto result) {
            if (result && build.number == 0)
                announcer_.announce(build.interfaces.front().bridge, build.announcements);
            build.vif = std::move(result);
            settle(build);
        });
    settle(build);
}

void LibxlBackend::settle(Build& settling) {
    const bool plumbing = settling.plumbed && !settling.vif;
    if (!settling.created || plumbing)
        return;
    const std::unique_ptr<Build> build(&settling);
    operation_ended();
    log_.forget_domain(build->known_domid);
    if (*build->created == 0 && *build->vif && build->image)
        build->vif = store_->write(domain_path(build->domid) + "/" + restored_mark, "1");
    if (*build->created == 0 && *build->vif)
        build->vif = store_->write(domain_path(build->domid) + "/" + complete_mark, "1");
    if (*build->created == 0 && *build->vif) {
        const auto scripted = [](const service::Interface& i) { return !i.script.empty(); };
        if (std::ranges::any_of(build->interfaces, scripted))
            meter_scripted(build->domid, build->service);
        build->done(build->domid);
        return;
    }
    vm::BuildError error{service::WakeFailure::start_failed, ""};
    if (*build->created == 0) {
        error.what = build->vif->error().what;
    } else {
        error.what = explain("the domain could not be built", build->errors.first, *build->created);
        if (const std::string fault = kernel_fault(build->config->config); !fault.empty())
            error.what += "; " + fault;
        if (*build->created == ERROR_NOMEM || lacks_memory(build->config->config))
            error.why = service::WakeFailure::no_memory;
        // There was a domain to read it into, so it is the reading that has failed.
        else if (build->image && build->known_domid != static_cast<vm::DomId>(INVALID_DOMID))
            error.image_broken = true;
    }
    auto failed = [done = std::move(build->done), error = std::move(error)](const auto&) {
        done(tl::make_unexpected(error));
    };
    // Where libxl has failed, it has destroyed what it had built (libxl_domain_create_new,
    // libxl.h), but not what was plumbed.
    if (build->known_domid != static_cast<vm::DomId>(INVALID_DOMID))
        destroy(build->known_domid, std::move(failed));
    else if (build->chosen)  // not destroy: it may be the domid of somebody else's domain
        vifs_->remove(*build->chosen, std::move(failed));
    else
        failed(base::Result<void>());
}

}  // namespace summond::xen
