// A domain that is suspended and still there goes on.
//
//  1  nobody is told of its death, which its suspension is to libxl
//  2  the mark that it is summond who has suspended it, if it is not there any more
//  3  libxl_domain_resume
//  4  its death is watched, however 3 has ended; where it runs, the mark goes
//
// Nothing of it is undone: whoever has asked destroys what does not resume.
#include <utility>

#include "identity.hpp"
#include "libxl_operations.hpp"
#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

std::string mark_of(vm::DomId domid) {
    return domain_path(domid) + "/" + saving_mark;
}

class Resume final : public Operation {
  public:
    Resume(Toolstack& toolstack, vm::DomId domid, vm::Done done)
        : toolstack_(toolstack), domid_(domid), done_(std::move(done)) {}

    void begin() {
        toolstack_.log.of_domain(domid_, &errors_);
        const auto asynchronous = how();
        constexpr int cooperative = 1;  // its devices stay connected
        if (const int rc = libxl_domain_resume(toolstack_.ctx, domid_, cooperative, &asynchronous);
            rc != 0)
            toolstack_.operations.over(*this, rc);
    }

  private:
    void ended(int rc) override {
        const auto self = toolstack_.operations.take(*this);
        toolstack_.log.forget_domain(domid_);
        const auto watched = toolstack_.deaths.watch(domid_);
        if (rc != 0) {
            done_(base::error(explain("resume", errors_.first, rc)));
            return;
        }
        if (const auto r = toolstack_.xenstore->remove(mark_of(domid_)); !r)
            spdlog::warn("domid {} is still marked as being saved: {}", domid_, r.error().what);
        done_(watched);
    }

    Toolstack& toolstack_;
    vm::DomId domid_;
    vm::Done done_;
};

}  // namespace

void resume(Toolstack& toolstack, vm::DomId domid, vm::Done done) {
    toolstack.deaths.unwatch(domid);
    toolstack.suspend_requests.forget(domid);
    // A process that finds it suspended and not marked would leave it to somebody else.
    if (const auto r = toolstack.xenstore->write(mark_of(domid), saving_now); !r)
        spdlog::warn("domid {} is not marked as suspended by summond: {}", domid, r.error().what);
    toolstack.operations.add(std::make_unique<Resume>(toolstack, domid, std::move(done))).begin();
}

}  // namespace summond::xen
