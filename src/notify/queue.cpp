#include "summond/notify/queue.hpp"

#include <algorithm>

namespace summond::notify {

bool Queue::add(Notice notice) {
    const bool full = notices_.size() == most;
    if (full)
        notices_.erase(notices_.begin() + (under_way_ ? 1 : 0));
    notices_.push_back({std::move(notice), clock_.now()});
    return !full;
}

const Notice* Queue::begin() {
    if (under_way_ || notices_.empty() || clock_.now() < not_before_)
        return nullptr;
    under_way_ = true;
    return &notices_.front().notice;
}

std::optional<base::TimePoint> Queue::due() const {
    if (under_way_ || notices_.empty())
        return std::nullopt;
    return not_before_;
}

void Queue::taken() {
    next();
    not_before_ = {};
    delay_ = first_delay;
}

bool Queue::not_taken(std::chrono::milliseconds retry_for) {
    const auto wait =
        std::chrono::duration_cast<std::chrono::milliseconds>(delay_ * (0.5 + 0.5 * chance_()));
    delay_ = std::min(2 * delay_, longest_delay);
    not_before_ = clock_.now() + wait;
    under_way_ = false;
    if (not_before_ - notices_.front().added <= retry_for)
        return true;
    next();
    return false;
}

void Queue::next() {
    notices_.pop_front();
    under_way_ = false;
}

}  // namespace summond::notify
