// The service manager keeps the parent's sockets while there is no parent: what arrives during a
// restart, an upgrade or after a crash waits in them and is answered by the next one (sd_notify(3),
// FDSTORE; sd_listen_fds(3)). Without a manager that does so there is nothing kept.
#pragma once

#include <map>
#include <string>

#include "parent_generation.hpp"

namespace summond::roles {

class KeptSockets {
  public:
    // What the run before has left, as its last generation: listeners only, null when there is
    // nothing. Once, before anything is started. Descriptors that are not the daemon's are closed.
    GenerationPtr take();
    // From now on these, and no others, are kept.
    void keep(const Generation& generation);

  private:
    std::map<std::string, int> kept_;  // names, in the manager's store
};

}  // namespace summond::roles
