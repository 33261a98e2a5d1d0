#include "operations.hpp"

#include <boost/asio/post.hpp>
#include <utility>

namespace summond::xen {

std::unique_ptr<Operation> Operations::take(const Operation& operation) {
    const auto it = all_.find(operation.id_);
    auto taken = std::move(it->second);
    all_.erase(it);
    each_end_();
    return taken;
}

// Goes through io, so that nobody is called back early and no libxl call is made from inside libxl.
void Operations::over(libxl_ev_user id, int rc) {
    const auto it = all_.find(id);
    if (it == all_.end())
        return;
    it->second->over_ = true;
    boost::asio::post(io_, [this, id, rc] {
        if (const auto ending = all_.find(id); ending != all_.end())
            ending->second->ended(rc);
    });
}

}  // namespace summond::xen
