// One domain being made. libxl holds its address (the configuration, domid) until its part is over.
#pragma once

#include <memory>
#include <optional>

#include "domain_config.hpp"
#include "libxl_operations.hpp"

namespace summond::xen {

class Create : public Operation {
  public:
    Create(Toolstack& toolstack, const service::Instance& service, unsigned number, vm::Built done);

    // What libxl needs for it, with what is beyond its own size; none: the build will tell.
    std::optional<std::uint64_t> needed_kib();
    void begin();

  protected:
    // libxl's part.
    virtual int call();
    virtual base::Result<void> mark();
    virtual vm::BuildError failure(int rc);
    bool has_domain() const { return known_domid_ != static_cast<vm::DomId>(INVALID_DOMID); }

    Toolstack& toolstack_;
    std::unique_ptr<DomainConfig> config_;
    vm::DomId domid_ = static_cast<vm::DomId>(INVALID_DOMID);  // libxl writes it at the end

  private:
    std::optional<vm::BuildError> lacks_memory();
    void ended(int rc) override;
    void plumb(vm::DomId domid);
    void conclude();
    void undo(vm::BuildError error, vm::Built done) const;

    service::Instance service_;
    vm::Built done_;
    unsigned number_;  // of a standby domain, whose vifs stay off their bridges
    // Begun by Vifs, and nobody's until libxl has made the domain.
    std::optional<vm::DomId> chosen_{};
    vm::DomId known_domid_ = domid_;            // sooner than libxl tells it
    bool plumbed_ = false;                      // its vifs are made, or being made
    std::optional<int> created_{};              // libxl's result
    std::optional<base::Result<void>> vifs_{};  // there, all of them, or failed
};

// Of its turn, and of dom0's memory where Xen lacks some. Fails before that where the bridges are
// not there.
void enqueue(Toolstack& toolstack, const service::Instance& service, std::unique_ptr<Create> create,
             const vm::Built& done);

}  // namespace summond::xen
