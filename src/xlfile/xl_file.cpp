// libxlutil checks the syntax and reads the values. It does not tell which keys there are, nor
// where they stand, so that is found by a scan over a text that it has accepted.
#include "summond/xlfile/xl_file.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>

extern "C" {
#include <libxlutil.h>
}

namespace summond::xlfile {
namespace {

constexpr std::size_t max_size = std::size_t{1} << 20;

// A text that libxlutil has read, and what it says of it.
class XluConfig {
  public:
    XluConfig() : report_(::open_memstream(&said_, &said_size_)) {
        if (report_ != nullptr)
            config_ = xlu_cfg_init(report_, "xl");
        if (config_ == nullptr) {
            close();
            throw std::bad_alloc();
        }
    }
    ~XluConfig() {
        xlu_cfg_destroy(config_);
        close();
    }
    XluConfig(const XluConfig&) = delete;
    XluConfig& operator=(const XluConfig&) = delete;

    XLU_Config* get() const { return config_; }
    // The first line of what it has said, without the name of the file.
    std::string said() {
        std::fflush(report_);
        const std::string_view all(said_, said_size_);
        const std::string_view line = all.substr(0, all.find('\n'));
        return std::string(line.starts_with("xl:") ? line.substr(3) : line);
    }

  private:
    void close() {
        if (report_ != nullptr)
            std::fclose(report_);
        std::free(said_);
    }

    char* said_ = nullptr;
    std::size_t said_size_ = 0;
    FILE* report_;
    XLU_Config* config_ = nullptr;
};

// Of its report "3: config parsing error near `x': syntax error, ...".
XlError syntax_error(XluConfig& config) {
    const std::string said = config.said();
    XlError error;
    error.line = std::atoi(said.c_str());
    const auto colon = said.find(": ");
    error.what = colon == std::string::npos ? "not in xl's syntax" : said.substr(colon + 2);
    if (error.what.find("near <newline>") != std::string::npos)
        ++error.line;  // for the end of a line it says the line before
    return error;
}

// Walks over a text that libxlutil has accepted.
class Scanner {
  public:
    explicit Scanner(std::string_view text) : text_(text) {}

    // The keys and the items of their lists, without the values.
    std::vector<XlSetting> settings() {
        std::vector<XlSetting> found;
        int depth = 0;
        bool added = false;  // `+=` was the last operator
        while (next_ < text_.size()) {
            const XlMark where = where_;
            const char c = text_[next_];
            const bool starts_value = c == '"' || c == '\'' || (c >= '0' && c <= '9') || c == '[';
            if (depth == 1 && starts_value && !found.empty())
                found.back().items.push_back({"", where});
            if (c == '#')
                skip_while([](char octet) { return octet != '\n'; });
            else if (c == '"' || c == '\'')
                skip_string(c);
            else if (c >= 'a' && c <= 'z')
                found.push_back({skip_word(), where, {}, {}});
            else if (c >= '0' && c <= '9')
                skip_word();
            else
                step();
            if (c == '+' || c == '=') {
                if (c == '=' && !found.empty())
                    merge(found, added);
                added = c == '+';
            }
            if (c == '[')
                ++depth;
            if (c == ']')
                --depth;
        }
        return found;
    }

  private:
    // The last of found is set again: takes the place of, or adds to, what there was.
    static void merge(std::vector<XlSetting>& found, bool added) {
        const auto same = [&](const XlSetting& other) { return other.key == found.back().key; };
        const auto before = std::find_if(found.begin(), found.end() - 1, same);
        if (before == found.end() - 1)
            return;
        if (added)
            found.back().items = before->items;
        found.erase(before);
    }

    void step() {
        if (text_[next_++] == '\n')
            where_ = {where_.line + 1, 1};
        else
            ++where_.column;
    }
    template <typename Condition>
    std::string skip_while(Condition condition) {
        const std::size_t begin = next_;
        while (next_ < text_.size() && condition(text_[next_]))
            step();
        return std::string(text_.substr(begin, next_ - begin));
    }
    std::string skip_word() {
        return skip_while([](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '_' || c == '.';  // vif.default.script, of xl.conf
        });
    }
    void skip_string(char quote) {
        step();
        while (next_ < text_.size() && text_[next_] != quote) {
            if (text_[next_] == '\\')
                step();
            if (next_ < text_.size())
                step();
        }
        if (next_ < text_.size())
            step();
    }

    std::string_view text_;
    std::size_t next_ = 0;
    XlMark where_;
};

// The value of a key that the scan has found.
bool fill_in(XLU_Config* config, XlSetting& setting) {
    const char* text = nullptr;
    if (xlu_cfg_get_string(config, setting.key.c_str(), &text, 1) == 0) {
        setting.text = text;
        return true;
    }
    XLU_ConfigList* list = nullptr;
    int count = 0;
    if (xlu_cfg_get_list(config, setting.key.c_str(), &list, &count, 1) != 0)
        return false;
    setting.items.resize(static_cast<std::size_t>(count), {"", setting.where});
    for (int i = 0; i < count; ++i) {
        const char* item = xlu_cfg_get_listitem(list, i);
        setting.items[static_cast<std::size_t>(i)].text = item == nullptr ? "[...]" : item;
    }
    return true;
}

std::string beyond(const libxl_device_disk& disk) {
    if (disk.backend_domname != nullptr)
        return "backend";
    if (disk.specification == LIBXL_DISK_SPECIFICATION_VIRTIO)
        return "specification";
    if (!libxl_defbool_is_default(disk.colo_enable))
        return "colo";
    return "";
}

std::string text_of(const char* text) {
    return text == nullptr ? "" : text;
}

// What it says behind the last quotation of what is wrong.
std::string reason(XluConfig& config, std::string_view before) {
    const std::string said = config.said();
    const auto after = said.find(before);
    return after == std::string::npos ? said : said.substr(after + before.size());
}

}  // namespace

tl::expected<std::vector<XlSetting>, XlError> parse_xl(std::string_view text) {
    if (text.size() > max_size)
        return tl::make_unexpected(XlError{0, "larger than 1 MiB"});
    int line = 1;
    for (const char c : text) {
        const auto octet = static_cast<unsigned char>(c);
        if (octet == '\r')
            return tl::make_unexpected(
                XlError{line,
                        "a line that ends in CR LF, which xl does not take; convert the "
                        "file, such as with dos2unix"});
        if ((octet < 0x20 && octet != '\n' && octet != '\t') || octet == 0x7f)
            return tl::make_unexpected(XlError{line, "a control character"});
        line += c == '\n' ? 1 : 0;
    }
    XluConfig config;
    // A comment in the last line needs its end for libxlutil.
    const std::string ended = std::string(text) + "\n";
    if (xlu_cfg_readdata(config.get(), ended.data(), static_cast<int>(ended.size())) != 0)
        return tl::make_unexpected(syntax_error(config));
    auto settings = Scanner(ended).settings();
    for (XlSetting& setting : settings)
        if (!fill_in(config.get(), setting))
            return tl::make_unexpected(XlError{setting.where.line, "cannot be read"});
    return settings;
}

base::Result<XlDisk> parse_xl_disk(const std::string& text) {
    XluConfig config;
    libxl_device_disk disk;
    libxl_device_disk_init(&disk);
    const char* const spec = text.c_str();
    base::Result<XlDisk> result = XlDisk{};
    if (xlu_disk_parse(config.get(), 1, &spec, &disk) != 0) {
        result = base::error(reason(config, "specification: "));
    } else {
        result->target = text_of(disk.pdev_path);
        result->vdev = text_of(disk.vdev);
        result->format = text_of(libxl_disk_format_to_string(disk.format));
        result->writable = disk.readwrite != 0;
        result->cdrom = disk.is_cdrom != 0;
        result->script = text_of(disk.script);
        if (disk.backend != LIBXL_DISK_BACKEND_UNKNOWN)
            result->backendtype = text_of(libxl_disk_backend_to_string(disk.backend));
        result->direct_io_safe = disk.direct_io_safe;
        if (!libxl_defbool_is_default(disk.discard_enable))
            result->discard = libxl_defbool_val(disk.discard_enable);
        result->trusted = libxl_defbool_is_default(disk.trusted) || libxl_defbool_val(disk.trusted);
        result->beyond = beyond(disk);
    }
    libxl_device_disk_dispose(&disk);
    return result;
}

base::Result<XlRate> parse_xl_rate(const std::string& text) {
    XluConfig config;
    libxl_device_nic nic;
    libxl_device_nic_init(&nic);
    base::Result<XlRate> result = XlRate{};
    if (xlu_vif_parse_rate(config.get(), text.c_str(), &nic) != 0)
        result = base::error(reason(config, ": "));
    else
        result = XlRate{nic.rate_bytes_per_interval, nic.rate_interval_usecs};
    libxl_device_nic_dispose(&nic);
    return result;
}

base::Result<void> check_xl_cpuid(const std::string& text) {
    libxl_cpuid_policy_list policy = nullptr;
    const bool is_xend = !text.starts_with("host");
    std::string_view rest = text;
    base::Result<void> result;
    if (!is_xend)
        rest.remove_prefix(std::min(rest.find(',') + 1, rest.size()));
    while (!rest.empty() && result) {
        const auto end = std::min(rest.find(is_xend ? '\n' : ','), rest.size());
        const std::string part(rest.substr(0, end));
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const int rc = is_xend ? libxl_cpuid_parse_config_xend(&policy, part.c_str())
                               : libxl_cpuid_parse_config(&policy, part.c_str());
        if (rc != 0)
            result = base::error("\"" + part + "\" is not known to libxl");
    }
    libxl_cpuid_dispose(&policy);
    return result;
}

}  // namespace summond::xlfile
