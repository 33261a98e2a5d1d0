// The keys that zones are signed with: read, looked at, made where there are none, and written when
// it is certain that they are used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "report.hpp"
#include "summond/config/config.hpp"
#include "summond/sign/key_file.hpp"
#include "summond/sign/key_schedule.hpp"
#include "summond/zone/zone.hpp"

namespace summond::zone {

class ZoneKeys {
  public:
    ZoneKeys(const config::Config& config, KeyUse use, std::int64_t now, Report& report)
        : config_(config), use_(use), now_(now), report_(report) {}

    using Keys = std::vector<sign::Key>;
    // Those of a zone, as they are on the disk; may be empty. None: they cannot be used, and errors
    // say why.
    std::optional<Keys> open(const config::Zone& zone, Where where);
    // What they are to do now (sign::plan), with keys that have to be made. was_signed: the zone is
    // being served with signatures of ours. False: it cannot be signed, and errors say why.
    //   max_ttl: of the zone's records, in seconds.
    bool prepare(const config::Zone& zone, Where where, bool was_signed, std::uint32_t max_ttl,
                 Keys& keys);
    // Keys that have been prepared and signed with.
    void keep(Keys keys);
    // Writes those that are new or have changed. False: it cannot be written, and errors say why.
    bool save();

    // Unix time of the first change that there is to be among all keys; none: no change.
    std::optional<std::int64_t> next() const { return next_; }
    // Whether the clock is what keeps a zone from being signed.
    bool clock_is_wrong() const { return clock_is_wrong_; }
    // What has been decided of keys, for people.
    std::vector<std::string> take_notes() { return std::move(notes_); }

  private:
    bool open_directory(Where where);
    bool make(const config::Zone& zone, Where where, std::uint16_t flags, Keys& keys);
    bool make_first(const config::Zone& zone, Where where, Keys& keys);
    bool clock_fits(const config::Zone& zone, Where where, const Keys& keys);
    bool fit(const config::Zone& zone, Where where, const Keys& keys);
    void note(const config::Zone& zone, const std::string& what) {
        notes_.push_back("zone " + zone.name.to_string() + ": " + what);
    }

    const config::Config& config_;
    const KeyUse use_;
    const std::int64_t now_;
    Report& report_;
    bool opened_ = false;
    std::optional<sign::KeyDirectory> directory_;  // none: there is none yet
    std::map<std::string, sign::KeyTimes> found_;  // by file name
    Keys changed_;
    std::optional<std::int64_t> next_;
    bool clock_is_wrong_ = false;
    std::vector<std::string> notes_;
};

}  // namespace summond::zone
