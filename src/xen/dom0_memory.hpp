// dom0's memory, of which domains get theirs where Xen itself has too little: as xl does it
// (freemem() of xl_vmcontrol.c), where xl would, but without waiting in the call.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "libxl.hpp"

namespace summond::xen {

// Whether xl takes dom0's memory: what xl.conf(5) says as `autoballoon`, and where that is `auto`
// or missing, only if Xen's own command line gives dom0 no size. xl_conf: the text of the file.
bool takes_dom0_memory(std::string_view xl_conf, std::string_view xen_command_line);

class Dom0Memory {
  public:
    explicit Dom0Memory(boost::asio::io_context& io) : timer_(io) {}
    // Reads /etc/xen/xl.conf. ctx outlives this.
    void open(libxl_ctx* ctx);
    // What dom0 keeps in any case.
    void keep(std::uint64_t kib) { floor_kib_ = kib; }

    // Has dom0 give what Xen lacks for so much to be free. False: it lacks nothing, or cannot be
    // had, and nothing has been done. Otherwise done is called from io's loop when it is free, or
    // is not to be expected any more; until then no other call.
    bool find(std::uint64_t need_kib, std::function<void()> done);
    // Why find has returned false though memory is lacking, or has found too little: for the log.
    const std::string& why_not() const { return why_not_; }

  private:
    bool lower(std::uint64_t lack_kib);
    void look();
    void wait();

    libxl_ctx* ctx_ = nullptr;
    bool on_ = false;
    std::uint64_t floor_kib_ = 0;
    std::string why_not_;
    // While it looks for some:
    boost::asio::steady_timer timer_;
    std::uint64_t need_kib_ = 0;
    std::uint64_t lowered_kib_ = 0;  // dom0's target
    std::uint64_t free_kib_ = 0;     // when it was looked at last
    std::chrono::steady_clock::time_point give_up_at_{};
    std::function<void()> done_;
};

}  // namespace summond::xen
