// libxl's descriptors and timeouts, driven by a Boost.Asio io_context (libxl_event.h,
// libxl_osevent_register_hooks). Single-threaded: hooks and occurrences both on io's thread, and
// an occurrence is always reported from io's loop, never from inside libxl.
#pragma once

#include <boost/asio/io_context.hpp>

#include "libxl.hpp"

namespace summond::xen {

class OsEvents {
  public:
    explicit OsEvents(boost::asio::io_context& io) : io_(io) {}
    // ctx: just allocated. The OsEvents outlives it.
    void attach(libxl_ctx* ctx);

    boost::asio::io_context& io() { return io_; }
    libxl_ctx* ctx() { return ctx_; }

  private:
    boost::asio::io_context& io_;
    libxl_ctx* ctx_ = nullptr;
};

}  // namespace summond::xen
