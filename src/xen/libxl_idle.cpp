// LibxlBackend: domains asked to shut down, suspended to disk, and resumed.

#include <chrono>
#include <utility>

#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

// What a file of the domain takes: its memory, some octets a page for what the page is, and what
// Xen and libxl know of it.
std::uint64_t image_size(const service::Template& service) {
    const std::uint64_t memory = service.memory_kib * 1024;
    return memory + memory / 128 + 2 * 1024 * 1024;
}

// libxl waits as long for a guest to acknowledge that it is to suspend, and again for it to do so.
constexpr std::chrono::seconds guest_suspends_within{60};

// libxl (libxl_dom_suspend.c) tells a guest that takes no notice of the request from other failures
// by this message only, and one that acknowledges it but does nothing by an error of its own.
bool refused(const ErrorSink& errors, int rc) {
    return rc == ERROR_GUEST_TIMEDOUT ||
           errors.first.find("guest didn't acknowledge suspend") != std::string::npos;
}

}  // namespace

base::Result<void> LibxlBackend::shutdown(vm::DomId domid) {
    // Ends when the guest has acknowledged it, or at the domain's end.
    const libxl_asyncop_how how{shutdown_done, {.for_callback = this}};
    ++outstanding_;
    if (const int rc = libxl_domain_shutdown(ctx_, domid, &how); rc != 0) {
        operation_ended();
        return base::error(explain("cannot ask for a shutdown", log_.last(), rc));
    }
    return {};
}

void LibxlBackend::shutdown_done(libxl_ctx*, int, void* for_callback) {
    static_cast<LibxlBackend*>(for_callback)->operation_ended();
}

void LibxlBackend::save(vm::DomId domid, const service::Template& service, Saved done) {
    const auto fail = [&](const base::Error& why) {
        post([done = std::move(done), what = why.what] {
            done(tl::make_unexpected(vm::SaveError{what}));
        });
    };
    auto file = saves_.begin(service, image_size(service));
    if (!file) {
        fail(file.error());
        return;
    }
    if (const auto r = store_->write(domain_path(domid) + "/" + saving_mark, "1"); !r) {
        saves_.abandon(std::move(*file));
        fail(r.error());
        return;
    }
    // libxl reports one shutdown of a domain and no more, and the suspension is one.
    unwatch_death(domid);
    readiness_->forget(domid);
    auto* save = new Save{*this, domid, std::move(*file), std::move(done)};
    saving_[domid] = save;
    ++outstanding_;
    log_.of_domain(domid, &save->errors);
    const libxl_asyncop_how how{save_done, {.for_callback = save}};
    if (const int rc = libxl_domain_suspend(ctx_, domid, save->file.fd.get(), 0, &how); rc != 0)
        save_done(ctx_, rc, save);
}

void LibxlBackend::stop_saving(vm::DomId domid) {
    const auto it = saving_.find(domid);
    if (it == saving_.end())
        return;
    const libxl_asyncop_how how{save_done, {.for_callback = it->second}};
    libxl_ao_abort(ctx_, &how);
}

void LibxlBackend::save_done(libxl_ctx*, int rc, void* for_callback) {
    auto* saved = static_cast<Save*>(for_callback);
    LibxlBackend& backend = saved->backend;
    backend.saving_.erase(saved->domid);
    backend.post([&backend, saved, rc] {
        std::unique_ptr<Save> save(saved);
        backend.operation_ended();
        backend.log_.forget_domain(save->domid);
        if (rc == 0) {
            backend.written(std::move(save));
            return;
        }
        backend.saves_.abandon(std::move(save->file));
        const vm::SaveError why{explain("save", save->errors.first, rc), refused(save->errors, rc)};
        backend.run_on(std::move(save), why);
    });
}

// libxl has written all of it.
void LibxlBackend::written(std::unique_ptr<Save> save) {
    auto file = std::move(save->file);
    const std::shared_ptr<Save> waiting(std::move(save));
    saves_.finish(std::move(file), [this, waiting](base::Result<void> result) {
        if (result)
            waiting->done({});
        else
            run_on(std::make_unique<Save>(std::move(*waiting)), {result.error().what});
    });
}

// The undo of a save. libxl leaves the domain as it was when the save failed (libxl.h,
// libxl_domain_suspend): suspended or not, the request withdrawn or not.
void LibxlBackend::run_on(std::unique_ptr<Save> failed, const vm::SaveError& why) {
    const vm::DomId domid = failed->domid;
    withdraw_suspend(domid);
    auto ended = [done = std::move(failed->done),
                  error = vm::SaveError(why)](const base::Result<void>& resumed) mutable {
        if (!resumed)
            error.what += "; " + resumed.error().what;
        done(tl::make_unexpected(error));
    };
    if (run(domid) == vm::Found::Run::suspended)
        resume(domid, std::move(ended));
    else
        ended(watch_death(domid));  // which tells if it has died meanwhile
}

// A guest that has not yet seen the request does not obey any more. One that has may still.
void LibxlBackend::withdraw_suspend(vm::DomId domid) {
    const std::string request = domain_path(domid) + "/control/shutdown";
    const auto withdrawn = store_->transact("withdraw a request", [&](auto& transaction) {
        return (transaction.read(request) != "suspend" || transaction.write({request, ""})) &&
               transaction.remove(domain_path(domid) + "/" + saving_mark);
    });
    if (!withdrawn)
        spdlog::warn("domid {}: {}", domid, withdrawn.error().what);
    may_suspend_[domid] = std::chrono::steady_clock::now() + guest_suspends_within;
}

void LibxlBackend::resume(vm::DomId domid, Done done) {
    unwatch_death(domid);
    may_suspend_.erase(domid);
    if (const auto r = store_->remove(domain_path(domid) + "/" + saving_mark); !r)
        spdlog::warn("domid {} is still marked as being saved: {}", domid, r.error().what);
    auto* resume = new Resume{*this, domid, std::move(done)};
    ++outstanding_;
    log_.of_domain(domid, &resume->errors);
    const libxl_asyncop_how how{resume_done, {.for_callback = resume}};
    constexpr int cooperative = 1;  // its devices stay connected
    if (const int rc = libxl_domain_resume(ctx_, domid, cooperative, &how); rc != 0)
        resume_done(ctx_, rc, resume);
}

void LibxlBackend::resume_done(libxl_ctx*, int rc, void* for_callback) {
    auto* resumed = static_cast<Resume*>(for_callback);
    resumed->backend.post([resumed, rc] {
        const std::unique_ptr<Resume> resume(resumed);
        LibxlBackend& backend = resume->backend;
        backend.operation_ended();
        backend.log_.forget_domain(resume->domid);
        const auto watched = backend.watch_death(resume->domid);
        if (rc != 0)
            resume->done(base::error(explain("resume", resume->errors.first, rc)));
        else
            resume->done(watched);
    });
}

}  // namespace summond::xen
