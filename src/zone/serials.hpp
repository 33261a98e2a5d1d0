// Serials that are made here, kept over restarts: a daemon that starts anew must not fall behind
// what secondaries have (RFC 1982). One text file, a line a zone: name, serial, content.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "summond/config/config.hpp"
#include "summond/dns/name.hpp"

namespace summond::zone {

// What a zone was when its serial was made last.
struct MadeSerial {
    std::uint32_t serial = 0;
    std::uint64_t content = 0;  // image::ZoneRecord::content; 0: not known
};

class Serials {
  public:
    explicit Serials(const std::string& directory) : path_(directory + "/serials") {}

    // None: none has been made.
    std::optional<MadeSerial> find(const dns::Name& zone);
    void set(const dns::Name& zone, const MadeSerial& made);
    // What has been set, if anything, on the disk when this returns; the reason why not, which is
    // not serious while the daemon runs.
    std::optional<std::string> save();

  private:
    void read();

    const std::string path_;
    bool is_read_ = false;
    bool changed_ = false;
    std::map<std::string, MadeSerial> made_;  // by name in presentation format
};

// The next serial of a zone. given: as its file or configuration has it, which is followed when it
// is larger than all before. now: Unix time.
std::uint32_t next_serial(config::SerialPolicy policy, std::uint32_t given, std::uint64_t content,
                          const std::optional<MadeSerial>& last, std::int64_t now);

}  // namespace summond::zone
