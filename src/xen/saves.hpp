// The directory where suspended domains are kept, a file each: <service>.<digest>.save, where the
// digest is of all that the domain was built from. A file being written ends in .saving, and is
// renamed once it is whole and on the disk; so what ends in .save can be relied on.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "summond/base/result.hpp"
#include "summond/base/unique_fd.hpp"
#include "summond/service/instance.hpp"

namespace summond::xen {

class Saves {
  public:
    using Done = std::function<void(base::Result<void>)>;  // called from io's loop

    // A file being written: at fd, from its beginning. Ends by finish or abandon.
    struct Writing {
        service::Id service = 0;
        std::string directory;
        std::string stem;  // of its name
        base::UniqueFd fd;
    };

    explicit Saves(boost::asio::io_context& io) : io_(io) {}
    ~Saves() { disk_.join(); }

    void use(const std::string& directory) { directory_ = directory; }
    // Removes what does not fit these services any more and what is not whole. Looks at nothing
    // that is not named as above.
    void keep(const std::vector<service::Instance>& services);

    // Whether there is a file of the service with its settings of now; removes one of others.
    bool has(const service::Instance& service);
    base::Result<base::UniqueFd> open(service::Id service) const;
    void discard(service::Id service);

    // Makes the directory if need be, and sees that there is room for that much.
    base::Result<Writing> begin(const service::Instance& service, std::uint64_t bytes);
    // Puts it on the disk, which may take long and is not waited for here, and gives it its name.
    void finish(Writing file, Done done);
    void abandon(Writing file);

  private:
    base::Result<base::UniqueFd> directory() const;
    base::Result<base::UniqueFd> make_directory() const;
    void finished(const Writing& file, base::Result<void> result, const Done& done);

    boost::asio::io_context& io_;
    std::string directory_;
    std::map<service::Id, std::string> stems_;  // of files that are whole
    std::set<std::string> writing_;             // stems of files that are not, of ours
    boost::asio::thread_pool disk_{1};          // for what waits for a disk
};

}  // namespace summond::xen
