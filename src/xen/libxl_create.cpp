// From a service to its domain, built and paused with its vif on the bridge.
//
//     step                                              undo
//  1  kernel, ramdisk and bridges are there             -
//  2  its turn: one libxl_domain_create_new at a time   -
//  3  dom0 gives memory, where Xen has too little       - (dom0 grows by xl mem-set only)
//  4  Vifs::begin: a domid, netback begins              Vifs::remove
//  5  libxl_domain_create_new                           its own
//  6  beside 5, once there is a domain: its death is
//     watched, Vifs::connect, announcements             destroy (libxl_destroy.cpp)
//  7  the mark that it is complete                      destroy
//
// libxl_domain_create_new does most of its work in the call. Between two such calls the loop
// attends to everything else, so that the first of many wakes is not held up by the last.
#include "libxl_create.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "identity.hpp"
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

// With a script, what a bridge is and whether it is there is the script's business.
std::optional<vm::BuildError> lacks_bridge(Vifs& vifs, const service::Instance& service) {
    for (const service::Interface& interface : service->interfaces)
        if (const auto r = vifs.check(interface.bridge); interface.script.empty() && !r)
            return vm::BuildError{service::WakeFailure::start_failed, r.error().what};
    return std::nullopt;
}

void refuse(Toolstack& toolstack, vm::BuildError error, const vm::Built& done) {
    toolstack.post([done, error = std::move(error)] { done(tl::make_unexpected(error)); });
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

std::optional<vm::DomId> domid_of(libxl_ctx* ctx, const Identity& identity) {
    int count = 0;
    libxl_dominfo* domains = libxl_list_domain(ctx, &count);
    std::optional<vm::DomId> domid;
    for (int i = 0; i < count; ++i)
        if (!domains[i].dying && identity_of(domains[i].uuid.uuid) == identity)
            domid = domains[i].domid;
    libxl_dominfo_list_free(domains, count);
    return domid;
}

void create_first(Toolstack& toolstack);

void create_next(Toolstack& toolstack) {
    const auto need_kib = toolstack.creates.front()->needed_kib();
    if (!need_kib ||
        !toolstack.dom0_memory.find(*need_kib, [&toolstack] { create_first(toolstack); }))
        create_first(toolstack);
}

void create_first(Toolstack& toolstack) {
    Create* first = toolstack.creates.front();
    first->begin();
    toolstack.creates.pop_front();
    if (!toolstack.creates.empty())
        toolstack.post([&toolstack] { create_next(toolstack); });
}

}  // namespace

void create(Toolstack& toolstack, const service::Instance& service, unsigned number,
            vm::Built done) {
    std::optional<vm::BuildError> refused;
    if (service->bootloader.empty()) {  // otherwise they are in the disk
        refused = unreadable("kernel", service->kernel);
        if (!refused && service->ramdisk)
            refused = unreadable("ramdisk", *service->ramdisk);
    }
    if (refused)
        refuse(toolstack, std::move(*refused), done);
    else
        enqueue(toolstack, service, std::make_unique<Create>(toolstack, service, number, done),
                done);
}

void enqueue(Toolstack& toolstack, const service::Instance& service, std::unique_ptr<Create> create,
             const vm::Built& done) {
    if (auto refused = lacks_bridge(*toolstack.vifs, service)) {
        refuse(toolstack, std::move(*refused), done);
        return;
    }
    toolstack.creates.push_back(&toolstack.operations.add(std::move(create)));
    if (toolstack.creates.size() == 1)
        toolstack.post([&toolstack] { create_next(toolstack); });
}

Create::Create(Toolstack& toolstack, const service::Instance& service, unsigned number,
               vm::Built done)
    : toolstack_(toolstack),
      config_(domain_config(toolstack.ctx, service, number)),
      service_(service),
      done_(std::move(done)),
      number_(number) {}

std::optional<std::uint64_t> Create::needed_kib() {
    std::uint64_t kib = 0;
    if (libxl_domain_need_memory(toolstack_.ctx, &config_->config,
                                 static_cast<std::uint32_t>(INVALID_DOMID), &kib) != 0)
        return std::nullopt;
    return kib;
}

std::optional<vm::BuildError> Create::lacks_memory() {
    const auto need_kib = needed_kib();
    std::uint64_t free_kib = 0;
    if (!need_kib || libxl_get_free_memory(toolstack_.ctx, &free_kib) != 0 || *need_kib <= free_kib)
        return std::nullopt;
    const std::string& why = toolstack_.dom0_memory.why_not();
    return vm::BuildError{service::WakeFailure::no_memory,
                          fmt::format("not enough memory: needs {} KiB, Xen has {} KiB free{}{}",
                                      *need_kib, free_kib, why.empty() ? "" : "; ", why)};
}

int Create::call() {
    const auto asynchronous = how();
    return libxl_domain_create_new(toolstack_.ctx, &config_->config, &domid_, &asynchronous,
                                   nullptr);
}

void Create::begin() {
    if (auto refused = lacks_memory()) {
        const auto self = toolstack_.operations.take(*this);
        done_(tl::make_unexpected(std::move(*refused)));
        return;
    }
    if (!service_->interfaces.empty() && service_->interfaces.front().script.empty())
        if ((chosen_ = toolstack_.vifs->begin()))
            choose_domid(config_->config, *chosen_);
    toolstack_.log.during(&errors_);
    const int rc = call();
    toolstack_.log.during(nullptr);
    if (rc != 0) {
        toolstack_.operations.over(*this, rc);
        return;
    }
    // libxl tells the domid only at the end. Memory and kernel are dealt with inside the call
    // (libxl_create.c does disks alone asynchronously), so no error so far means begun.
    const auto domid = is_over() ? std::nullopt
                       : chosen_ ? chosen_
                                 : domid_of(toolstack_.ctx, {service_.id(), number_});
    if (!domid)
        return;
    toolstack_.log.of_domain(known_domid_ = *domid, &errors_);
    if (errors_.first.empty())
        toolstack_.post([this] { plumb(known_domid_); });  // before ended(), which is yet to come
}

void Create::ended(int rc) {
    created_ = rc;
    if (rc == 0 && !plumbed_)
        plumb(domid_);
    else
        conclude();
}

void Create::plumb(vm::DomId domid) {
    plumbed_ = true;
    const auto vifs = own_vifs(domid, service_);
    // libxl leaves out what xenstore does not take, and what is behind it, without a word.
    const bool lacks_rumprun = !service_->rumprun.empty() &&
                               !toolstack_.xenstore->read(domain_path(domid) + "/" + rumprun_node);
    // From here on, so that the vif is not waited for when somebody destroys the domain.
    if (const auto watched = toolstack_.deaths.watch(known_domid_ = domid); !watched)
        vifs_ = watched;
    else if (lacks_rumprun)
        vifs_ = base::error(fmt::format(
            "xenstore does not take the {} octets of {}: see quota-maxsize in oxenstored.conf",
            service_->rumprun.size(), rumprun_node));
    else if (vifs.empty())
        vifs_ = base::Result<void>();
    else
        toolstack_.vifs->connect(vifs, number_ != 0, [this](auto result) {
            if (result && number_ == 0)
                toolstack_.announcer.announce(service_->interfaces.front().bridge,
                                              host::announcements(service_));
            vifs_ = std::move(result);
            conclude();
        });
    conclude();
}

base::Result<void> Create::mark() {
    return toolstack_.xenstore->write(domain_path(domid_) + "/" + complete_mark, "1");
}

// Steps 5 and 6 are over, or go on.
void Create::conclude() {
    const bool plumbing = plumbed_ && !vifs_;
    if (!created_ || plumbing)
        return;
    const auto self = toolstack_.operations.take(*this);
    toolstack_.log.forget_domain(known_domid_);
    if (*created_ != 0) {
        undo(failure(*created_), std::move(done_));
        return;
    }
    if (*vifs_)
        vifs_ = mark();
    if (!*vifs_) {
        undo({service::WakeFailure::start_failed, vifs_->error().what}, std::move(done_));
        return;
    }
    const auto scripted = [](const service::Interface& i) { return !i.script.empty(); };
    if (std::ranges::any_of(service_->interfaces, scripted))
        meter_scripted(toolstack_, domid_, service_.id());
    done_(domid_);
}

// libxl has failed.
vm::BuildError Create::failure(int rc) {
    vm::BuildError error{service::WakeFailure::start_failed,
                         explain("the domain could not be built", errors_.first, rc)};
    if (const std::string fault = kernel_fault(config_->config); !fault.empty())
        error.what += "; " + fault;
    if (rc == ERROR_NOMEM || lacks_memory())
        error.why = service::WakeFailure::no_memory;
    return error;
}

// Where libxl has failed, it has destroyed what it had built (libxl_domain_create_new, libxl.h),
// but not what was plumbed.
void Create::undo(vm::BuildError error, vm::Built done) const {
    auto failed = [done = std::move(done), error = std::move(error)](const auto&) {
        done(tl::make_unexpected(error));
    };
    if (has_domain())
        destroy(toolstack_, known_domid_, std::move(failed));
    else if (chosen_)  // not destroy: it may be the domid of somebody else's domain
        toolstack_.vifs->remove(*chosen_, std::move(failed));
    else
        failed(base::Result<void>());
}

}  // namespace summond::xen
