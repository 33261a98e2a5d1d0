#include "summond/sign/key_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <system_error>

#include "summond/dns/wire.hpp"

namespace summond::sign {

namespace {

constexpr std::size_t max_key_file = 65536;
constexpr unsigned mode_private = 0600;
constexpr unsigned mode_public = 0644;
constexpr unsigned mode_others = 077;

// What BIND calls the times.
struct TimeField {
    std::string_view name;
    KeyTimes::Time KeyTimes::*field;
};
constexpr std::array time_fields{TimeField{"Created", &KeyTimes::created},
                                 TimeField{"Publish", &KeyTimes::publish},
                                 TimeField{"Activate", &KeyTimes::activate},
                                 TimeField{"Inactive", &KeyTimes::inactive},
                                 TimeField{"Delete", &KeyTimes::removed},
                                 TimeField{"DSPublish", &KeyTimes::ds_publish},
                                 TimeField{"SyncPublish", &KeyTimes::sync_publish},
                                 TimeField{"SyncDelete", &KeyTimes::sync_delete}};

std::string octal(unsigned mode) {
    char text[8];
    const auto end = std::to_chars(text, text + sizeof text, mode & 07777, 8).ptr;
    return "0" + std::string(text, end);
}

// The name as part of a file's: letters, digits, - and _ as they are, others as %XX (BIND's way).
std::string name_for_file(const dns::Name& name) {
    constexpr std::string_view digits = "0123456789ABCDEF";
    std::string text;
    const auto wire = name.wire();
    for (std::size_t at = 0; wire[at] != 0; at += 1U + wire[at]) {
        for (const std::uint8_t octet : wire.subspan(at + 1, wire[at])) {
            const bool plain = (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') ||
                               octet == '-' || octet == '_';
            if (plain)
                text += static_cast<char>(octet);
            else
                (text += '%') += {digits[octet >> 4], digits[octet & 15]};
        }
        text += '.';
    }
    return text.empty() ? "." : text;
}

std::string padded(std::string number, std::size_t size) {
    return std::string(size - std::min(size, number.size()), '0') + number;
}

Secret to_base64(Bytes octets) {
    std::vector<std::uint8_t> text((octets.size() + 2) / 3 * 4 + 1);  // and a NUL
    const int size = EVP_EncodeBlock(text.data(), octets.data(), static_cast<int>(octets.size()));
    text.resize(static_cast<std::size_t>(size));
    return Secret(std::move(text));
}

// None: it is no base64.
std::optional<Secret> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0)
        return std::nullopt;
    Secret octets{std::vector<std::uint8_t>(text.size() / 4 * 3)};
    if (EVP_DecodeBlock(octets.octets().data(), reinterpret_cast<const std::uint8_t*>(text.data()),
                        static_cast<int>(text.size())) < 0)
        return std::nullopt;
    const auto padding =
        static_cast<std::size_t>(std::ranges::count(text.substr(text.size() - 2), '='));
    octets.octets().resize(octets.octets().size() - padding);
    return octets;
}

std::vector<std::string_view> lines_of(std::string_view text) {
    std::vector<std::string_view> lines;
    while (!text.empty()) {
        const auto end = std::min(text.find('\n'), text.size());
        lines.push_back(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return lines;
}

std::vector<std::string_view> words_of(std::string_view line) {
    std::vector<std::string_view> words;
    constexpr std::string_view blanks = " \t\r()";
    for (std::size_t at = line.find_first_not_of(blanks); at != std::string_view::npos;) {
        const std::size_t end = std::min(line.find_first_of(blanks, at), line.size());
        words.push_back(line.substr(at, end - at));
        at = line.find_first_not_of(blanks, end);
    }
    return words;
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
    Number number{};
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (problem != std::errc() || end != text.data() + text.size())
        return std::nullopt;
    return number;
}

// The other mistakes in a key's files are those of whoever wrote them; this one gives a key away.
base::Result<void> check_access(const std::string& path, const struct stat& status,
                                const std::string& mode) {
    if (status.st_uid != ::geteuid())
        return base::error(path + ": belongs to user " + std::to_string(status.st_uid) +
                           "; it holds private keys, so `chown " + std::to_string(::geteuid()) +
                           "` it");
    if ((status.st_mode & mode_others) != 0)
        return base::error(path + ": others may read or write it (mode " + octal(status.st_mode) +
                           "); `chmod " + mode + "` it");
    return {};
}

enum class Access { secret, any };

base::Result<Secret> read_file(int directory, const std::string& name, const std::string& shown,
                               Access access) {
    const base::UniqueFd fd(
        ::openat(directory, name.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return base::system_error(shown + ": cannot be read", errno);
    if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) > max_key_file)
        return base::error(shown + ": is no key file");
    if (access == Access::secret)
        if (auto ours = check_access(shown, status, "600"); !ours)
            return tl::make_unexpected(ours.error());
    Secret text{std::vector<std::uint8_t>(static_cast<std::size_t>(status.st_size))};
    const ssize_t r = ::pread(fd.get(), text.octets().data(), text.octets().size(), 0);
    if (r != ssize_t{status.st_size})
        return base::error(shown + ": cannot be read in full");
    return text;
}

struct PublicHalf {
    dns::Name zone;
    std::vector<std::uint8_t> rdata;
};

// "jit.example. 3600 IN DNSKEY 257 3 13 BASE64".
base::Result<PublicHalf> parse_public(std::string_view text, const std::string& shown) {
    for (const std::string_view line : lines_of(text)) {
        const auto words = words_of(line.substr(0, line.find(';')));
        const auto type = std::ranges::find(words, std::string_view("DNSKEY"));
        if (type == words.end() || type == words.begin() || words.end() - type < 5)
            continue;
        auto zone = dns::Name::parse(words[0]);
        const auto flags = number_of<std::uint16_t>(type[1]);
        const auto algorithm = number_of<std::uint8_t>(type[3]);
        std::string base64;
        for (auto word = type + 4; word != words.end(); ++word)
            base64 += *word;
        auto key = from_base64(base64);
        if (!zone || !flags || type[2] != "3" || !algorithm || !key)
            break;
        return PublicHalf{std::move(*zone), dnskey_rdata(*flags, *algorithm, key->bytes())};
    }
    return base::error(shown + ": has no DNSKEY record");
}

struct PrivateHalf {
    PrivateKey key;
    KeyTimes times;
};

base::Result<PrivateHalf> parse_private(std::string_view text, const std::string& shown) {
    std::optional<std::uint8_t> algorithm;
    std::optional<Secret> secret;
    KeyTimes times;
    for (const std::string_view line : lines_of(text)) {
        const auto colon = line.find(':');
        const auto words = words_of(line.substr(std::min(colon + 1, line.size())));
        if (colon == std::string_view::npos || words.empty())
            continue;
        const auto name = line.substr(0, colon);
        if (name == "Algorithm")
            algorithm = number_of<std::uint8_t>(words[0]);
        else if (name == "PrivateKey")
            secret = from_base64(words[0]);
        for (const TimeField& each : time_fields) {
            if (name != each.name)
                continue;
            const auto time = time_of(words[0]);
            if (!time)
                return base::error(shown + ": " + std::string(name) + " is " +
                                   std::string(words[0]) +
                                   "; it must be a time, such as 20261130083000");
            times.*each.field = *time;
        }
    }
    if (!algorithm || algorithm_name(*algorithm).empty())
        return base::error(shown + ": is of algorithm " +
                           (algorithm ? std::to_string(*algorithm) : "?") +
                           "; zones are signed with ecdsap256sha256 (13) or ed25519 (15)");
    if (!secret)
        return base::error(shown + ": has no line PrivateKey: with base64");
    // Before there were times, every key was in use (Private-key-format: v1.2).
    if (!times.publish && !times.activate)
        times.publish = times.activate = times.created.value_or(0);
    auto key = PrivateKey::from_secret(*algorithm, secret->bytes());
    if (!key)
        return base::error(shown + ": " + key.error().what);
    return PrivateHalf{std::move(*key), times};
}

// Both halves beside each other in a directory.
base::Result<Key> read_pair(int directory, const std::string& name, const std::string& shown,
                            Access access) {
    const auto open = read_file(directory, name + ".key", shown + ".key", Access::any);
    if (!open)
        return tl::make_unexpected(open.error());
    const auto secret = read_file(directory, name + ".private", shown + ".private", access);
    if (!secret)
        return tl::make_unexpected(secret.error());
    return parse_key(open->text(), secret->text(), shown);
}

}  // namespace

base::Result<Key> parse_key(std::string_view public_text, std::string_view private_text,
                            const std::string& shown) {
    auto open = parse_public(public_text, shown + ".key");
    if (!open)
        return tl::make_unexpected(open.error());
    auto secret = parse_private(private_text, shown + ".private");
    if (!secret)
        return tl::make_unexpected(secret.error());
    const std::uint16_t flags = dns::get16(open->rdata.data());
    Key key = Key::of(open->zone, flags, std::move(secret->key), secret->times);
    if (key.dnskey != open->rdata)
        return base::error(shown + ".private: is not the private key of " + shown + ".key");
    if ((flags & flag_zone) == 0 || (flags & flag_revoke) != 0)
        return base::error(shown + ".key: has flags " + std::to_string(flags) +
                           "; a zone is signed by keys with 256 (ZSK) or 257 (KSK, CSK)");
    return key;
}

Key Key::of(const dns::Name& zone, std::uint16_t flags, PrivateKey secret, const KeyTimes& times) {
    auto dnskey = dnskey_rdata(flags, secret.algorithm(), secret.public_octets());
    const std::uint16_t tag = key_tag(dnskey);
    return {zone, flags, std::move(secret), times, std::move(dnskey), tag};
}

std::string Key::file_name() const {
    return "K" + name_for_file(zone) + "+" + padded(std::to_string(secret.algorithm()), 3) + "+" +
           padded(std::to_string(tag), 5);
}

// Tags are to tell a zone's keys apart, though nothing but chance makes them different.
base::Result<Key> make_key(const dns::Name& zone, std::uint16_t flags, std::uint8_t algorithm,
                           const std::vector<Key>& others, std::int64_t now) {
    while (true) {
        auto secret = PrivateKey::generate(algorithm);
        if (!secret)
            return tl::make_unexpected(secret.error());
        KeyTimes times;
        times.created = times.publish = now;
        auto key = Key::of(zone, flags, std::move(*secret), times);
        if (std::ranges::find(others, key.tag, &Key::tag) == others.end())
            return key;
    }
}

std::string time_text(std::int64_t time) {
    const std::time_t value = time;
    std::tm parts{};
    ::gmtime_r(&value, &parts);
    char text[32];
    std::strftime(text, sizeof text, "%Y%m%d%H%M%S", &parts);
    return text;
}

std::optional<std::int64_t> time_of(std::string_view text) {
    std::tm parts{};
    const auto part = [&](std::size_t at, std::size_t size) {
        return number_of<int>(text.substr(at, size)).value_or(-1);
    };
    if (text.size() != 14 || text.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    parts.tm_year = part(0, 4) - 1900;
    parts.tm_mon = part(4, 2) - 1;
    parts.tm_mday = part(6, 2);
    parts.tm_hour = part(8, 2);
    parts.tm_min = part(10, 2);
    parts.tm_sec = part(12, 2);
    const std::time_t time = ::timegm(&parts);
    // What is no date has become another one.
    if (time < 0 || time_text(time) != text)
        return std::nullopt;
    return time;
}

KeyDirectory::KeyDirectory(std::string path, base::UniqueFd fd)
    : path_(std::move(path)), fd_(std::move(fd)) {}

base::Result<KeyDirectory> KeyDirectory::open(const std::string& path, Missing missing) {
    const auto make = [](const std::string& directory) {
        return ::mkdir(directory.c_str(), 0700) == 0 || errno == EEXIST;
    };
    // The one above, too: where systemd does not make it (StateDirectory=).
    if (missing == Missing::make && !make(path) &&
        (errno != ENOENT || !make(path.substr(0, path.rfind('/'))) || !make(path)))
        return base::system_error(path + ": the directory of keys cannot be made", errno);
    base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return base::system_error(path + ": the directory of keys cannot be opened", errno);
    if (auto ours = check_access(path, status, "700"); !ours)
        return tl::make_unexpected(ours.error());
    KeyDirectory directory(path, std::move(fd));
    if (auto listed = directory.list(); !listed)
        return tl::make_unexpected(listed.error());
    return directory;
}

// Once for all zones: there may be many.
base::Result<void> KeyDirectory::list() {
    const int copy = ::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(copy < 0 ? nullptr : ::fdopendir(copy),
                                                     &::closedir);
    if (!stream)
        return base::system_error(path_ + ": cannot be listed", errno);
    names_.clear();
    unfinished_.clear();
    while (const dirent* const entry = ::readdir(stream.get())) {
        const std::string_view name = entry->d_name;
        const auto dot = name.rfind('.');
        const auto plus = name.find('+');
        if (name.starts_with('K') && name.ends_with(".new"))
            unfinished_.emplace_back(name);
        if (!name.starts_with('K') || plus == std::string_view::npos || dot < plus ||
            (name.substr(dot) != ".key" && name.substr(dot) != ".private"))
            continue;
        const std::string zone(name.substr(1, plus - 1));
        const std::string key(name.substr(0, dot));
        const auto [first, last] = names_.equal_range(zone);
        if (std::none_of(first, last, [&](const auto& each) { return each.second == key; }))
            names_.emplace(zone, key);
    }
    return {};
}

base::Result<std::vector<Key>> KeyDirectory::read(const dns::Name& zone) const {
    std::vector<Key> keys;
    const auto [first, last] = names_.equal_range(name_for_file(zone));
    for (auto each = first; each != last; ++each) {
        const std::string& name = each->second;
        auto key = read_pair(fd_.get(), name, path_ + "/" + name, Access::secret);
        if (!key)
            return tl::make_unexpected(key.error());
        if (key->zone != zone || key->file_name() != name)
            return base::error(path_ + "/" + name + ".key: is " + key->file_name() +
                               ", which its name does not say; give both files that name");
        keys.push_back(std::move(*key));
    }
    std::ranges::sort(keys, {}, &Key::tag);
    return keys;
}

base::Result<void> KeyDirectory::lock() {
    while (::flock(fd_.get(), LOCK_EX) != 0)
        if (errno != EINTR)
            return base::system_error(path_ + ": cannot be locked", errno);
    if (auto listed = list(); !listed)
        return listed;
    finish_writes();
    return list();
}

// What somebody had begun who was killed: see write().
void KeyDirectory::finish_writes() const {
    for (const std::string& name : unfinished_) {
        const std::string key = name.substr(0, name.find_last_of('.', name.rfind('.') - 1));
        const bool is_public = name.ends_with(".key.new");
        if (is_public && ::faccessat(fd_.get(), (key + ".private").c_str(), F_OK, 0) == 0)
            ::renameat(fd_.get(), name.c_str(), fd_.get(), (key + ".key").c_str());
        else
            ::unlinkat(fd_.get(), name.c_str(), 0);
    }
}

base::Result<void> KeyDirectory::rename(const std::string& from, const std::string& to) const {
    if (::renameat(fd_.get(), from.c_str(), fd_.get(), to.c_str()) != 0)
        return base::system_error(path_ + "/" + to + ": cannot be put in place", errno);
    return {};
}

base::Result<void> KeyDirectory::write_file(const std::string& name, const Secret& text,
                                            unsigned mode) const {
    const auto failed = [&](const char* what) {
        return base::system_error(path_ + "/" + name + ": " + what, errno);
    };
    const base::UniqueFd fd(::openat(fd_.get(), name.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode));
    if (!fd)
        return failed("cannot be made");
    if (::fchmod(fd.get(), mode) != 0 ||
        ::write(fd.get(), text.bytes().data(), text.bytes().size()) !=
            static_cast<ssize_t>(text.bytes().size()) ||
        ::fsync(fd.get()) != 0)
        return failed("cannot be written");
    return {};
}

base::Result<void> KeyDirectory::write(const Key& key) const {
    const std::uint8_t algorithm = key.secret.algorithm();
    std::string upper(algorithm_name(algorithm));
    std::ranges::transform(upper, upper.begin(), [](char c) {
        return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    });
    const Secret secret = to_base64(key.secret.secret().bytes());
    std::string times;
    for (const TimeField& each : time_fields)
        if (const auto time = key.times.*each.field)
            (times += each.name) += ": " + time_text(*time) + "\n";
    Secret text{"Private-key-format: v1.3\nAlgorithm: " + std::to_string(algorithm) + " (" + upper +
                ")\nPrivateKey: "};
    auto& octets = text.octets();
    octets.reserve(octets.size() + secret.bytes().size() + times.size() + 1);
    octets.insert(octets.end(), secret.bytes().begin(), secret.bytes().end());
    octets.push_back('\n');
    octets.insert(octets.end(), times.begin(), times.end());

    const std::string name = key.file_name();
    const Secret record{"; key " + std::to_string(key.tag) + " of " + key.zone.to_string() + "\n" +
                        key.zone.to_string() + " IN DNSKEY " + std::to_string(key.flags) + " 3 " +
                        std::to_string(algorithm) + " " +
                        std::string(to_base64(key.secret.public_octets()).text()) + "\n"};
    // However far this comes, there are both halves or none: see finish_writes().
    if (auto written = write_file(name + ".key.new", record, mode_public); !written)
        return written;
    if (auto written = write_file(name + ".private.new", text, mode_private); !written)
        return written;
    for (const std::string suffix : {".private", ".key"})
        if (auto renamed = rename(name + suffix + ".new", name + suffix); !renamed)
            return renamed;
    if (::fsync(fd_.get()) != 0)
        return base::system_error(path_ + ": cannot be written", errno);
    return {};
}

base::Result<Key> import_key(const std::string& file, const dns::Name& zone, std::uint16_t flags) {
    std::string name = file;
    for (const std::string_view suffix : {".key", ".private"})
        if (name.ends_with(suffix)) {
            name.resize(name.size() - suffix.size());
            auto key = read_pair(AT_FDCWD, name, name, Access::any);
            if (key && key->zone != zone)
                return base::error(file + ": is a key of zone " + key->zone.to_string() +
                                   ", not of " + zone.to_string());
            return key;
        }
    const auto text = read_file(AT_FDCWD, file, file, Access::any);
    if (!text)
        return tl::make_unexpected(text.error());
    auto secret = PrivateKey::from_pem(*text);
    if (!secret)
        return base::error(file + ": " + secret.error().what);
    return Key::of(zone, flags, std::move(*secret), {});
}

}  // namespace summond::sign
