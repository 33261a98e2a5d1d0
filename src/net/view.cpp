#include "view.hpp"

#include <algorithm>

namespace summond::net {

using answer::Availability;
using std::chrono::milliseconds;

namespace {

// The domain runs and is not known to be ready.
View running(milliseconds woken_ago, const service::AnswerWhen& when) {
    switch (when.kind) {
        case service::AnswerWhen::Kind::ready:
            return {Availability::starting};
        case service::AnswerWhen::Kind::delay:
            if (woken_ago < when.delay)
                return {Availability::starting, when.delay - woken_ago};
            break;
        case service::AnswerWhen::Kind::booting:
            break;
    }
    return {Availability::answerable};
}

}  // namespace

View view_of(const ipc::State& state, const service::AnswerWhen& when) {
    switch (state.phase) {
        case service::Phase::asleep:
            // Others are to be answered when the domain runs, and not before.
            return {state.at_once != 0 && when.kind == service::AnswerWhen::Kind::booting
                        ? Availability::waiting
                        : Availability::asleep};
        case service::Phase::building:
            return {Availability::starting};
        case service::Phase::booting:
            return running(milliseconds(state.woken_ms_ago), when);
        case service::Phase::ready:
            return {Availability::answerable};
        case service::Phase::failed:
            break;
    }
    return {Availability::failed,
            std::max<base::Duration>(milliseconds(state.retry_after_ms), failure_minimum)};
}

}  // namespace summond::net
