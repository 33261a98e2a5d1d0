#include "summond/loop/deadline_timer.hpp"

#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace summond::loop {

struct DeadlineTimer::State {
    boost::asio::steady_timer timer;
    std::function<void()> due;

    State(boost::asio::io_context& io, std::function<void()> callback)
        : timer(io), due(std::move(callback)) {}
};

DeadlineTimer::DeadlineTimer(boost::asio::io_context& io, std::function<void()> due)
    : state_(std::make_shared<State>(io, std::move(due))) {}

DeadlineTimer::~DeadlineTimer() = default;

void DeadlineTimer::set(std::optional<base::TimePoint> deadline) {
    if (!deadline) {
        state_->timer.cancel();
        return;
    }
    state_->timer.expires_at(*deadline);
    // A timer that has expired cannot be cancelled any more: its owner may be gone by then.
    state_->timer.async_wait([state = std::weak_ptr(state_)](const auto& error) {
        if (const auto self = error ? nullptr : state.lock())
            self->due();
    });
}

}  // namespace summond::loop
