// How queries for a service's address are answered: a view of what vmm says of it.
#pragma once

#include <chrono>
#include <optional>

#include "summond/answer/answer.hpp"
#include "summond/base/clock.hpp"
#include "summond/ipc/messages.hpp"
#include "summond/service/template.hpp"

namespace summond::net {

// A failure holds at least this long, so that every waiting query hears of it.
inline constexpr std::chrono::milliseconds failure_minimum{250};

struct View {
    answer::Availability availability = answer::Availability::asleep;
    // For how long, if vmm says nothing new: then it is answerable if it boots, asleep if it
    // failed.
    std::optional<base::Duration> lasts{};
};

View view_of(const ipc::State& state, const service::AnswerWhen& when);

}  // namespace summond::net
