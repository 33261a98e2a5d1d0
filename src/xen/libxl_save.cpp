// A domain's state into a file. It is not running any more afterwards, but still there.
//
//     step                                          undo
//  1  the file is begun                             Saves::abandon
//  2  the mark that it is summond who saves         the request to the guest withdrawn, and the
//  mark 3  nobody is told of its death (to libxl, the    its death is watched again
//     suspension is one)
//  4  libxl_domain_suspend                          resume (libxl_resume.cpp), where it is
//  suspended 5  the file is put on the disk and named         Saves' own; then 4's
#include <utility>

#include "identity.hpp"
#include "libxl_operations.hpp"

namespace summond::xen {
namespace {

// What a file of the domain takes: its memory, some octets a page for what the page is, and what
// Xen and libxl know of it.
std::uint64_t image_size(const service::Instance& service) {
    const std::uint64_t memory = service->memory_kib * 1024;
    return memory + memory / 128 + 2 * 1024 * 1024;
}

// libxl (libxl_dom_suspend.c) tells a guest that takes no notice of the request from other failures
// by this message only, and one that acknowledges it but does nothing by an error of its own.
bool refused(const ErrorSink& errors, int rc) {
    return rc == ERROR_GUEST_TIMEDOUT ||
           errors.first.find("guest didn't acknowledge suspend") != std::string::npos;
}

}  // namespace

class Save final : public Operation {
  public:
    Save(Toolstack& toolstack, vm::DomId domid, Saves::Writing file, vm::Saved done)
        : toolstack_(toolstack), domid_(domid), file_(std::move(file)), done_(std::move(done)) {}

    void begin() {
        toolstack_.saves_under_way[domid_] = this;
        toolstack_.log.of_domain(domid_, &errors_);
        const auto asynchronous = how();
        if (const int rc =
                libxl_domain_suspend(toolstack_.ctx, domid_, file_.fd.get(), 0, &asynchronous);
            rc != 0)
            toolstack_.operations.over(*this, rc);
    }
    // Of no effect once libxl's part is over.
    void stop() {
        const auto asynchronous = how();
        libxl_ao_abort(toolstack_.ctx, &asynchronous);
    }

  private:
    void ended(int rc) override {
        toolstack_.saves_under_way.erase(domid_);
        toolstack_.log.forget_domain(domid_);
        if (rc != 0) {
            toolstack_.saves.abandon(std::move(file_));
            undo({explain("save", errors_.first, rc), refused(errors_, rc)});
            return;
        }
        toolstack_.saves.finish(std::move(file_), [this](base::Result<void> result) {
            if (!result) {
                undo({result.error().what});
                return;
            }
            const auto self = toolstack_.operations.take(*this);
            done_({});
        });
    }

    // libxl leaves the domain as it was when the save failed (libxl.h, libxl_domain_suspend):
    // suspended or not, the request withdrawn or not.
    void undo(vm::SaveError why) {
        const auto self = toolstack_.operations.take(*this);
        const bool is_suspended = run_of(toolstack_, domid_) == vm::Found::Run::suspended;
        toolstack_.suspend_requests.withdraw(*toolstack_.xenstore, domid_, is_suspended);
        auto ended = [done = std::move(done_),
                      error = std::move(why)](const base::Result<void>& resumed) mutable {
            if (!resumed)
                error.what += "; " + resumed.error().what;
            done(tl::make_unexpected(error));
        };
        if (is_suspended)
            resume(toolstack_, domid_, std::move(ended));
        else
            ended(toolstack_.deaths.watch(domid_));  // which tells if it has died meanwhile
    }

    Toolstack& toolstack_;
    vm::DomId domid_;
    Saves::Writing file_;
    vm::Saved done_;
};

void save(Toolstack& toolstack, vm::DomId domid, const service::Instance& service, vm::Saved done) {
    const auto fail = [&](const base::Error& why) {
        toolstack.post([done = std::move(done), what = why.what] {
            done(tl::make_unexpected(vm::SaveError{what}));
        });
    };
    auto file = toolstack.saves.begin(service, image_size(service));
    if (!file) {
        fail(file.error());
        return;
    }
    if (const auto r =
            toolstack.xenstore->write(domain_path(domid) + "/" + saving_mark, saving_now);
        !r) {
        toolstack.saves.abandon(std::move(*file));
        fail(r.error());
        return;
    }
    toolstack.deaths.unwatch(domid);
    toolstack.readiness->forget(domid);
    toolstack.operations
        .add(std::make_unique<Save>(toolstack, domid, std::move(*file), std::move(done)))
        .begin();
}

void stop_saving(Toolstack& toolstack, vm::DomId domid) {
    if (const auto it = toolstack.saves_under_way.find(domid);
        it != toolstack.saves_under_way.end())
        it->second->stop();
}

}  // namespace summond::xen
