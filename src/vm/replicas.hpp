// When a service with replicas gets one more, and which of them goes (docs/design/replicas.md).
// Pure, the clock injected; vmm's thread only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "summond/base/clock.hpp"
#include "summond/service/template.hpp"
#include "summond/vm/manager.hpp"

namespace summond::vm {

class Replicas {
  public:
    // One of a service's, as it stands now.
    struct Member {
        enum class Is : std::uint8_t {
            asleep,  // can be woken
            waking,
            up,
            out,  // of no use: it backs off, is on its way out, and so on
        };
        service::Id id = 0;
        std::uint64_t packets = 0;  // to it, up to now
        Is is = Is::out;
        bool may_go = false;
    };
    struct Verdict {
        std::vector<Manager::Load> loads;  // of those that are up
        std::uint64_t packets = 0;         // to all of these in a second
        std::optional<service::Id> wake;
        std::optional<service::Id> put_away;  // said again until it is gone
    };

    explicit Replicas(const base::Clock& clock) : clock_(clock) {}

    // members: all of its, in their order. idle: how long it does with less before one goes; none:
    // none goes. What is measured is the time between two calls for the same service.
    Verdict look(const service::Replicas& of, const std::vector<Member>& members,
                 std::optional<base::Duration> idle);
    // Those that a new configuration has no more are forgotten.
    void keep(const std::vector<service::Id>& services);

  private:
    struct Counted {
        std::uint64_t packets = 0;
        base::TimePoint at{};
        std::uint64_t rate = 0;  // thousandths in a second
        bool measured = false;
    };
    struct Group {
        std::map<service::Id, Counted> counted;    // those that are up
        std::optional<base::TimePoint> low_since;  // less than half of the mark
        service::Id spare = 0;                     // 0: none
    };
    void measure(Group& group, const std::vector<Member>& members) const;

    const base::Clock& clock_;
    std::map<service::Id, Group> groups_;  // by the first one
};

}  // namespace summond::vm
