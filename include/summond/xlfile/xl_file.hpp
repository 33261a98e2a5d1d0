// Files in the syntax of xl.cfg(5), read by libxlutil as xl reads them. A library of its own
// that reaches no Xen and no file, so that module config may use it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "summond/base/result.hpp"

namespace summond::xlfile {

// Both from 1.
struct XlMark {
    int line = 1;
    int column = 1;
};

// A string or a number in a list.
struct XlItem {
    std::string text;
    XlMark where;
};

// `key = value`. A key that is set again has its last value, as in xl; += adds to it.
struct XlSetting {
    std::string key;
    XlMark where;                     // of the key
    std::optional<std::string> text;  // a string or a number, as xl takes it; none: a list
    std::vector<XlItem> items;        // of the list
};

struct XlError {
    int line = 0;  // 0: of the file as a whole
    std::string what;
};

// In the order of the file. The first syntax error, if there is one.
tl::expected<std::vector<XlSetting>, XlError> parse_xl(std::string_view text);

// One item of `disk`, xl-disk-configuration(5).
struct XlDisk {
    std::string target;
    std::string vdev;
    std::string format;  // in its own words, "raw" by default; "empty": a CD drive without a disk
    bool writable = true;
    bool cdrom = false;
    std::string script;       // empty: none
    std::string backendtype;  // in its own words; empty: not said
    bool direct_io_safe = false;
    std::optional<bool> discard;
    bool trusted = true;
    // A parameter for which summond has no use: "backend", "colo", "specification"; empty: none.
    std::string beyond;
};
// Errors in libxlutil's words.
base::Result<XlDisk> parse_xl_disk(const std::string& text);

// `rate` of a vif, xl-network-configuration(5): so many bytes in each interval.
struct XlRate {
    std::uint64_t bytes = 0;
    std::uint32_t microseconds = 0;
};
base::Result<XlRate> parse_xl_rate(const std::string& text);

// `cpuid`, xl.cfg(5): one text that begins with "host", or lines in xend's form.
base::Result<void> check_xl_cpuid(const std::string& text);

}  // namespace summond::xlfile
