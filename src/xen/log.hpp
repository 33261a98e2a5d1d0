// libxl's and libxc's messages: to our log at debug level, and errors kept for whoever's operation
// failed.
#pragma once

#include <map>
#include <string>

#include "libxl.hpp"
#include "summond/vm/hypervisor.hpp"

namespace summond::xen {

// The first error that an operation met, which is the cause; what follows are its consequences.
struct ErrorSink {
    std::string first;
};

// "what: libxl's words", or its number where it said nothing.
std::string explain(const std::string& what, const std::string& said, int rc);

// Which operation an error belongs to is known in two ways: libxl says "Domain 5:" once there is a
// domid, and libxc, which does not, runs inside the call that begins the operation.
class XenLog {
  public:
    XenLog();
    XenLog(const XenLog&) = delete;
    XenLog& operator=(const XenLog&) = delete;

    xentoollog_logger* logger() { return &logger_.base; }

    // Errors without a domid are sink's until the next call; null for nobody's.
    void during(ErrorSink* sink) { during_ = sink; }
    // Errors that name this domain are sink's until forgotten.
    void of_domain(vm::DomId domid, ErrorSink* sink) { by_domain_[domid] = sink; }
    void forget_domain(vm::DomId domid) { by_domain_.erase(domid); }
    // The last error of all, for what fails before any operation.
    const std::string& last() const { return last_; }

  private:
    struct Logger {
        xentoollog_logger base;  // first, so that the callback finds its way back
        XenLog* owner;
    };
    static void message(xentoollog_logger* logger, xentoollog_level level, int errnoval,
                        const char* context, const char* format, va_list arguments);
    void keep(std::string text);

    Logger logger_;
    ErrorSink* during_ = nullptr;
    std::map<vm::DomId, ErrorSink*> by_domain_;
    std::string last_;
    std::string script_said_;  // a hotplug script that failed, until its domain is named
};

}  // namespace summond::xen
