#include "serials.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <system_error>

#include "summond/base/unique_fd.hpp"
#include "summond/sign/signature.hpp"

namespace summond::zone {
namespace {

bool write_serials(const std::string& path, const std::string& text) {
    const base::UniqueFd fd(
        ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
    return fd && ::write(fd.get(), text.data(), text.size()) == ssize_t(text.size()) &&
           ::fsync(fd.get()) == 0;
}

}  // namespace

// A line that cannot be read is one of a zone that has none.
void Serials::read() {
    is_read_ = true;
    std::ifstream file(path_);
    std::string line;
    while (std::getline(file, line)) {
        std::istringstream fields(line);
        std::string name;
        MadeSerial made;
        if (fields >> name >> made.serial >> made.content)
            made_[name] = made;
    }
}

std::optional<MadeSerial> Serials::find(const dns::Name& zone) {
    if (!is_read_)
        read();
    const auto found = made_.find(zone.to_string());
    return found == made_.end() ? std::nullopt : std::optional(found->second);
}

void Serials::set(const dns::Name& zone, const MadeSerial& made) {
    if (!is_read_)
        read();
    MadeSerial& known = made_[zone.to_string()];
    changed_ = changed_ || known.serial != made.serial || known.content != made.content;
    known = made;
}

std::optional<std::string> Serials::save() {
    if (!changed_)
        return std::nullopt;
    std::ostringstream text;
    for (const auto& [name, made] : made_)
        text << name << ' ' << made.serial << ' ' << made.content << '\n';
    const std::string fresh = path_ + ".new";
    if (write_serials(fresh, text.str()) && ::rename(fresh.c_str(), path_.c_str()) == 0)
        return std::nullopt;
    const std::string why = std::generic_category().message(errno);
    ::unlink(fresh.c_str());
    return path_ + ": serials cannot be kept: " + why +
           "; after a restart they may be smaller than those that secondaries have";
}

std::uint32_t next_serial(config::SerialPolicy policy, std::uint32_t given, std::uint64_t content,
                          const std::optional<MadeSerial>& last, std::int64_t now) {
    if (last && last->content == content && !sign::is_before(last->serial, given))
        return last->serial;
    std::uint32_t next = policy == config::SerialPolicy::unixtime ? static_cast<std::uint32_t>(now)
                         : last                                   ? last->serial + 1
                                                                  : given;
    if (sign::is_before(next, given))
        next = given;
    if (last && !sign::is_before(last->serial, next))
        next = last->serial + 1;
    return next;
}

}  // namespace summond::zone
