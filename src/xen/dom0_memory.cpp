#include "dom0_memory.hpp"

#include <fmt/format.h>

#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include "summond/base/log.hpp"
#include "summond/service/host.hpp"
#include "summond/xlfile/xl_file.hpp"

namespace summond::xen {
namespace {

constexpr char by_setting[] = "dom0 keeps its own, by dom0_mem or xl.conf's autoballoon";
// libxl 4.17: libxl_set_memory_target aborts the process there, since dom0's configuration does not
// say `acpi`, which libxl_arm.c asks for. xl mem-set 0 ends in the same way.
constexpr char by_host[] = "dom0 keeps its own, since libxl cannot lower it on arm64";
bool can_lower() {
    return service::this_host() != service::Host::arm64;
}

constexpr char xl_conf_file[] = "/etc/xen/xl.conf";
constexpr std::chrono::milliseconds look_after{20};
// dom0's kernel gives at once what it has free, and swaps for the rest.
constexpr std::chrono::seconds without_progress{5};
// Pages that the balloon driver has yet to give; its target is no more exact than that.
constexpr std::uint64_t nearly_kib = 1024;

std::optional<std::uint64_t> dom0_kib(libxl_ctx* ctx) {
    libxl_dominfo info;
    libxl_dominfo_init(&info);
    std::optional<std::uint64_t> kib;
    if (libxl_domain_info(ctx, &info, 0) == 0)
        kib = info.current_memkb;
    libxl_dominfo_dispose(&info);
    return kib;
}

}  // namespace

bool takes_dom0_memory(std::string_view xl_conf, std::string_view xen_command_line) {
    if (const auto settings = xlfile::parse_xl(xl_conf))
        for (const xlfile::XlSetting& setting : *settings)
            if (setting.key == "autoballoon" && setting.text) {
                if (*setting.text == "on" || *setting.text == "1")
                    return true;
                if (*setting.text == "off" || *setting.text == "0")
                    return false;
            }
    return !xen_command_line.starts_with("dom0_mem=") &&
           xen_command_line.find(" dom0_mem=") == std::string_view::npos;
}

void Dom0Memory::open(libxl_ctx* ctx) {
    ctx_ = ctx;
    std::ifstream file(xl_conf_file);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    const libxl_version_info* xen = libxl_get_version_info(ctx);
    on_ = can_lower() && takes_dom0_memory(text, xen == nullptr ? "" : xen->commandline);
    spdlog::debug("memory of dom0 is {}given to domains", on_ ? "" : "not ");
}

bool Dom0Memory::find(std::uint64_t need_kib, std::function<void()> done) {
    why_not_.clear();
    if (libxl_get_free_memory(ctx_, &free_kib_) != 0 || need_kib <= free_kib_)
        return false;
    if (!on_) {
        why_not_ = can_lower() ? by_setting : by_host;
        return false;
    }
    lowered_kib_ = 0;
    if (!lower(need_kib - free_kib_))
        return false;
    need_kib_ = need_kib;
    done_ = std::move(done);
    give_up_at_ = std::chrono::steady_clock::now() + without_progress;
    wait();
    return true;
}

bool Dom0Memory::lower(std::uint64_t lack_kib) {
    std::uint64_t target_kib = 0;
    if (libxl_get_memory_target(ctx_, 0, &target_kib) != 0) {
        why_not_ = "dom0's memory cannot be set";
        return false;
    }
    if (target_kib < floor_kib_ + lack_kib) {
        why_not_ = fmt::format("dom0 has {} KiB and keeps {} KiB, limits.dom0_memory", target_kib,
                               floor_kib_);
        return false;
    }
    constexpr int relative = 1;
    constexpr int enforce = 0;
    if (libxl_set_memory_target(ctx_, 0, -static_cast<std::int64_t>(lack_kib), relative, enforce) !=
        0) {
        why_not_ = "dom0's memory cannot be set";
        return false;
    }
    lowered_kib_ += lack_kib;
    spdlog::info("taking {} KiB of dom0's memory for a domain, {} KiB are left", lack_kib,
                 target_kib - lack_kib);
    return true;
}

void Dom0Memory::wait() {
    timer_.expires_after(look_after);
    timer_.async_wait([this](const auto& ec) {
        if (!ec)
            look();
    });
}

void Dom0Memory::look() {
    const auto now = std::chrono::steady_clock::now();
    std::uint64_t free_kib = 0;
    bool over = libxl_get_free_memory(ctx_, &free_kib) != 0 || need_kib_ <= free_kib;
    if (!over && free_kib > free_kib_)
        give_up_at_ = now + without_progress;
    free_kib_ = free_kib;
    if (!over) {
        std::uint64_t target_kib = 0;
        const auto has_kib = dom0_kib(ctx_);
        // dom0 has done its part, and somebody else has got some of it.
        if (has_kib && libxl_get_memory_target(ctx_, 0, &target_kib) == 0 &&
            *has_kib <= target_kib + nearly_kib)
            over = !lower(need_kib_ - free_kib);
        else if (now >= give_up_at_) {
            why_not_ = "dom0 does not give it";
            over = true;
            libxl_set_memory_target(ctx_, 0, static_cast<std::int64_t>(lowered_kib_), 1, 0);
        }
    }
    if (over)
        std::exchange(done_, nullptr)();
    else
        wait();
}

}  // namespace summond::xen
