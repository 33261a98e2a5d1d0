#include "summond/control/events.hpp"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace summond::control {
namespace {

EventText event_text(const std::string& id, std::string_view type,
                     const boost::json::object& data) {
    std::string text;
    if (!id.empty())
        text += "id: " + id + "\n";
    text += "event: " + std::string(type) + "\ndata: " + boost::json::serialize(data) + "\n\n";
    return std::make_shared<const std::string>(std::move(text));
}

bool read(std::string_view text, std::uint64_t& number) {
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    return problem == std::errc() && end == text.data() + text.size();
}

}  // namespace

EventText lagged() {
    static const EventText text =
        event_text("", "lagged", {{"expected", "read /v1/services and /v1/status again"}});
    return text;
}

EventText Events::add(std::string_view type, const boost::json::object& data,
                      const std::string& service) {
    const std::uint64_t number = first_ + events_.size();
    events_.push_back(
        {event_text(std::to_string(epoch_) + "-" + std::to_string(number), type, data), service});
    if (events_.size() > kept) {
        events_.pop_front();
        ++first_;
    }
    return events_.back().text;
}

std::vector<EventText> Events::since(std::string_view last_id, const std::string& service) const {
    if (last_id.empty())
        return {};
    const auto dash = last_id.find('-');
    std::uint64_t epoch = 0;
    std::uint64_t number = 0;
    const bool known = dash != std::string_view::npos && read(last_id.substr(0, dash), epoch) &&
                       read(last_id.substr(dash + 1), number) && epoch == epoch_ &&
                       number + 1 >= first_ && number < first_ + events_.size();
    if (!known)
        return {lagged()};
    std::vector<EventText> found;
    for (std::size_t i = number + 1 - first_; i < events_.size(); ++i)
        if (service.empty() || events_[i].service == service)
            found.push_back(events_[i].text);
    return found;
}

std::vector<EventText> Events::last(std::size_t count, const std::string& service) const {
    std::vector<EventText> found;
    for (auto each = events_.rbegin(); each != events_.rend() && found.size() < count; ++each)
        if (service.empty() || each->service == service)
            found.push_back(each->text);
    std::ranges::reverse(found);
    return found;
}

}  // namespace summond::control
