// The end of a domain, whatever its state; and the undo of whatever else went wrong with it.
//
//  1  nobody is told of its death, nor of its guest being ready
//  2  Vifs::remove; first, so that libxl finds no vif to remove by its own means
//  3  beside 2: libxl_domain_destroy
//
// Nothing of it is undone. What fails is tried again by whoever has asked.
#include <optional>
#include <utility>

#include "libxl_operations.hpp"

namespace summond::xen {
namespace {

class Destroy final : public Operation {
  public:
    Destroy(Toolstack& toolstack, vm::DomId domid, vm::Done done)
        : toolstack_(toolstack), domid_(domid), done_(std::move(done)) {}

    void begin() {
        toolstack_.vifs->remove(domid_, [this](auto result) {
            vifs_ = std::move(result);
            conclude();
        });
        const auto asynchronous = how();
        toolstack_.log.of_domain(domid_, &errors_);
        if (const int rc = libxl_domain_destroy(toolstack_.ctx, domid_, &asynchronous); rc != 0)
            toolstack_.operations.over(*this, rc);
    }

  private:
    void ended(int rc) override {
        destroyed_ = rc;
        conclude();
    }

    void conclude() {
        if (!destroyed_ || !vifs_)
            return;
        const auto self = toolstack_.operations.take(*this);
        toolstack_.log.forget_domain(domid_);
        if (*destroyed_ != 0 && *destroyed_ != ERROR_DOMAIN_NOTFOUND)
            done_(base::error(explain("destroy", errors_.first, *destroyed_)));
        else
            done_(std::move(*vifs_));
    }

    Toolstack& toolstack_;
    vm::DomId domid_;
    vm::Done done_;
    std::optional<int> destroyed_{};
    std::optional<base::Result<void>> vifs_{};
};

}  // namespace

void destroy(Toolstack& toolstack, vm::DomId domid, vm::Done done) {
    toolstack.deaths.unwatch(domid);
    toolstack.suspend_requests.forget(domid);
    toolstack.readiness->forget(domid);
    toolstack.operations.add(std::make_unique<Destroy>(toolstack, domid, std::move(done))).begin();
}

}  // namespace summond::xen
