#include "log.hpp"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstdarg>
#include <cstdio>
#include <system_error>
#include <utility>

#include "summond/base/log.hpp"

namespace summond::xen {
namespace {

// libxl begins its messages with "libxl_create.c:730:libxl__domain_make: ", libxc with
// "panic: xg_dom_core.c:689: ", which helps nobody who reads a daemon's log.
std::string_view without_source(std::string_view text) {
    const auto source = text.find(".c:");
    if (source == std::string_view::npos)
        return text;
    const auto end = text.find(": ", source);
    return end == std::string_view::npos ? text : text.substr(end + 2);
}

}  // namespace

std::string explain(const std::string& what, const std::string& said, int rc) {
    return said.empty() ? fmt::format("{}: libxl error {}", what, rc)
                        : fmt::format("{}: {}", what, said);
}

XenLog::XenLog() : logger_{{message, nullptr, [](xentoollog_logger*) {}}, this} {}

void XenLog::message(xentoollog_logger* logger, xentoollog_level level, int errnoval,
                     const char* context, const char* format, va_list arguments) {
    std::array<char, 1024> buffer{};
    std::vsnprintf(buffer.data(), buffer.size(), format, arguments);
    std::string text(without_source(buffer.data()));
    if (errnoval >= 0)
        text += ": " + std::generic_category().message(errnoval);
    spdlog::log(level >= XTL_INFO ? spdlog::level::debug : spdlog::level::trace, "{}: {}",
                context == nullptr ? "libxl" : context, text);
    if (level >= XTL_ERROR)
        reinterpret_cast<Logger*>(logger)->owner->keep(text);
}

void XenLog::keep(std::string text) {
    // libxl says what the script has left in xenstore (hotplug-error), for no domain, and then, of
    // the domain, "unable to add disk devices".
    constexpr std::string_view script = "script: ";
    if (text.starts_with(script))
        script_said_ = text.substr(script.size());
    else if (!script_said_.empty() && text.find("unable to add") != std::string::npos)
        text += ": " + std::exchange(script_said_, "");
    last_ = text;
    ErrorSink* sink = during_;
    constexpr std::string_view mark = "Domain ";
    if (text.starts_with(mark)) {
        vm::DomId domid = 0;
        const char* begin = text.data() + mark.size();
        if (std::from_chars(begin, text.data() + text.size(), domid).ec == std::errc())
            if (const auto it = by_domain_.find(domid); it != by_domain_.end())
                sink = it->second;
    }
    if (sink != nullptr && sink->first.empty())
        sink->first = text;
}

}  // namespace summond::xen
