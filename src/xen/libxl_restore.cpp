// From the file of a suspended domain to a domain, paused with new vifs.
//
//     step                                              undo
//  1  the file is opened                                -
//  2  as create, with libxl_domain_create_restore       as create; the file stays in any case
//  3  the mark that its guest said before what it is    destroy
//     not going to say again; then as create
#include <utility>

#include "identity.hpp"
#include "libxl_create.hpp"

namespace summond::xen {
namespace {

class Restore final : public Create {
  public:
    Restore(Toolstack& toolstack, const service::Instance& service, base::UniqueFd image,
            vm::Built done)
        : Create(toolstack, service, 0, std::move(done)), image_(std::move(image)) {}

  private:
    int call() override {
        const auto asynchronous = how();
        libxl_domain_restore_params params;
        libxl_domain_restore_params_init(&params);
        params.stream_version = 2;  // libxl_domain_suspend's, LIBXL_HAVE_SRM_V2
        const int rc =
            libxl_domain_create_restore(toolstack_.ctx, &config_->config, &domid_, image_.get(), -1,
                                        &params, &asynchronous, nullptr);
        libxl_domain_restore_params_dispose(&params);
        return rc;
    }

    base::Result<void> mark() override {
        if (auto r = toolstack_.xenstore->write(domain_path(domid_) + "/" + restored_mark, "1"); !r)
            return r;
        return Create::mark();
    }

    // Where there was a domain to read it into, it is the reading that has failed.
    vm::BuildError failure(int rc) override {
        vm::BuildError error = Create::failure(rc);
        error.image_broken = error.why != service::WakeFailure::no_memory && has_domain();
        return error;
    }

    base::UniqueFd image_;
};

}  // namespace

void restore(Toolstack& toolstack, const service::Instance& service, vm::Built done) {
    auto image = toolstack.saves.open(service.id());
    if (!image) {
        toolstack.post([done = std::move(done), what = image.error().what] {
            done(tl::make_unexpected(
                vm::BuildError{service::WakeFailure::start_failed, what, true}));
        });
        return;
    }
    enqueue(toolstack, service,
            std::make_unique<Restore>(toolstack, service, std::move(*image), done), done);
}

}  // namespace summond::xen
