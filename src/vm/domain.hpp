// One domain of a service, from its build until nothing is left of it: what is done to it, and what
// is done where that fails. When and why is its owner's business (Lifecycle, Standby). vmm's thread
// only.
//
//   step         what it does                            where it fails, or undoes it
//   build        a paused domain, marked and watched     the hypervisor leaves nothing of it
//   restore      the same, of a file                     the same; the file stays
//   adopt        one of an earlier process is watched    destroy
//   start        it runs                                 destroy
//   await_ready  its guest shows that it is ready        not in time: an error; destroy
//   rest         a standby domain waits                  destroy
//   become       a shell is this service's, when woken   -
//   wake         it runs, its ports join their bridges   destroy
//   pause        it does not run                         unpause
//   save         its state is in a file                  it runs on; resume, Snapshots::discard
//   shutdown     its guest is asked to end               destroy
//   destroy      nothing of it is left                   tried again, every 5 s, until it is so
//
// Whatever is called back may destroy the Domain.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "summond/base/clock.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::vm {

// For a domain of ours of which no configured service is known.
service::Instance of_no_service(service::Id id);

class Domain {
  public:
    enum class Origin : std::uint8_t { built, restored, standby, shell, adopted };
    using Made = std::function<void(tl::expected<void, BuildError>)>;

    // hypervisor and clock outlive it. The second: of a domain that is there; it is ours from now
    // on, to be adopted or destroyed.
    Domain(Hypervisor& hypervisor, const base::Clock& clock, const service::Instance& service);
    Domain(Hypervisor& hypervisor, const base::Clock& clock, const service::Instance& service,
           const Found& found);
    Domain(const Domain&) = delete;
    Domain& operator=(const Domain&) = delete;

    // number: of a standby domain, 1 to 1023; 0: it is the service's domain from the start.
    void build(unsigned number, Made done);
    void restore(Made done);
    base::Result<void> adopt() { return hypervisor_.domains().adopt(domid_); }

    base::Result<void> start();
    // Error: not within its service's ready.timeout. Given up by destroy, and by stop_waiting.
    void await_ready(Done done);
    void stop_waiting() { waits_.reset(); }
    // Asks for a page that nobody reads.
    void warm_up(std::uint16_t port);

    base::Result<void> rest(const std::string& mark);
    // Of a shell, which rests.
    void become(const service::Instance& service);
    base::Result<void> wake();
    // After wake, when nobody waits for it any more.
    void woken() { hypervisor_.standby_ports().woken(domid_, service_); }
    // A process before this one has begun to wake it.
    void woken_before();

    base::Result<void> pause() { return hypervisor_.domains().pause(domid_); }
    base::Result<void> unpause() { return hypervisor_.domains().unpause(domid_); }
    void save(Saved done) { hypervisor_.snapshots().save(domid_, service_, std::move(done)); }
    void stop_saving() { hypervisor_.snapshots().stop_saving(domid_); }
    void resume(Done done) { hypervisor_.domains().resume(domid_, std::move(done)); }
    base::Result<void> shutdown() { return hypervisor_.domains().shutdown(domid_); }

    // What it does at this moment, whoever has made it do so; none: it is not there.
    std::optional<Found::Run> run() const { return hypervisor_.domains().run(domid_); }
    // Anew, of one that somebody else has suspended and resumed.
    base::Result<void> watch() { return hypervisor_.domains().watch(domid_); }

    // What its guest has written last to its console, to be added to why it has failed.
    std::string last_words() const;

    // Both: it is nobody's any more, and the Domain can be dropped.
    base::Result<void> preserve() { return hypervisor_.domains().preserve(domid_, service_); }
    // each_try: without an error, nothing of it is left.
    void destroy(Done each_try);

    // As it was built.
    const service::Instance& service() const { return service_; }
    // What can change under a running domain.
    void set_ready(const service::Ready& ready) { ready_ = ready; }
    Origin origin() const { return origin_; }
    // Once it is built.
    bool is_there() const { return is_there_; }
    DomId domid() const { return domid_; }
    base::TimePoint begun_at() const { return begun_at_; }
    base::TimePoint built_at() const { return built_at_; }
    base::TimePoint started_at() const { return started_at_; }

    // When tick() has to be called next. Every step can change it.
    std::optional<base::TimePoint> deadline() const;
    void tick();

  private:
    struct Waits {
        Done done;
        base::TimePoint since;
    };
    struct Leaves {
        Done each_try;
        std::optional<base::TimePoint> again_at{};  // the last try has failed
    };

    Built made_by(Origin origin, Made done);
    void try_to_destroy();

    Hypervisor& hypervisor_;
    const base::Clock& clock_;
    service::Instance service_;
    service::Ready ready_;
    Origin origin_ = Origin::built;
    bool is_there_ = false;
    DomId domid_ = 0;
    base::TimePoint begun_at_;
    base::TimePoint built_at_{};
    base::TimePoint started_at_{};
    std::optional<Waits> waits_;
    std::optional<Leaves> leaves_;
};

}  // namespace summond::vm
