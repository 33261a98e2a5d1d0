// Checks a rumprun configuration the way in which the guest reads it: jsmn finds strings, objects,
// arrays and words, and takes commas and white space for nothing at all.
#include <algorithm>
#include <array>

#include "rumprun.hpp"

namespace summond::config {

namespace {

constexpr int max_depth = 16;
constexpr std::array<std::string_view, 4> texts{"cmdline", "env", "hostname", "rc"};
constexpr std::array<std::string_view, 7> net_keys{"if",   "cloner", "type", "method",
                                                   "addr", "mask",   "gw"};
constexpr std::array<std::string_view, 4> blk_keys{"source", "path", "fstype", "mountpoint"};

// Leaves the reading; never leaves this file.
struct Stop {
    RumprunFault fault;
};

class Reader {
  public:
    Reader(std::string_view text, std::vector<RumprunFault>& unknown,
           std::vector<RumprunDisk>& disks)
        : text_(text), unknown_(unknown), disks_(disks) {}

    void read() {
        // The guest looks for the first brace (it takes kernel command lines, too).
        while (!at_end() && peek() != '{')
            step();
        if (at_end())
            throw Stop{{{1, 1}, "no rumprun configuration: there is no { in it"}};
        read_top(0);
        skip_white();
        if (!at_end())
            fail("something after the } that ends the configuration");
        if (!has_program_)
            throw Stop{{{1, 1}, "has no cmdline, the program that the guest runs"}};
    }

  private:
    bool at_end() const { return next_ == text_.size(); }
    char peek() const { return text_[next_]; }
    void step() {
        if (text_[next_++] == '\n')
            where_ = {where_.line + 1, 1};
        else
            ++where_.column;
    }
    [[noreturn]] void fail(std::string what) const { throw Stop{{where_, std::move(what)}}; }
    void skip_white() {
        while (!at_end() && std::string_view(" \t\r\n,").find(peek()) != std::string_view::npos)
            step();
    }
    void expect(char c, const char* after) {
        skip_white();
        if (at_end() || peek() != c)
            fail(std::string("no ") + c + " after " + after);
        step();
    }

    std::string_view read_string() {
        step();
        const std::size_t begin = next_;
        while (!at_end() && peek() != '"') {
            if (peek() == '\0')
                fail("an octet of zero");
            if (peek() == '\\')
                step();
            if (!at_end())
                step();
        }
        if (at_end())
            fail("a text without the quote that ends it");
        const std::string_view found = text_.substr(begin, next_ - begin);
        step();
        return found;
    }

    // The keys of an object, each with its value read by the caller.
    template <typename ReadValue>
    void read_object(int depth, ReadValue read_value) {
        if (depth > max_depth)
            fail("nested too deeply");
        step();
        for (skip_white(); !at_end() && peek() != '}'; skip_white()) {
            if (peek() == '{' && depth <= 1) {  // the guest looks through these
                read_top(depth + 1);
                continue;
            }
            if (peek() != '"')
                fail("no key, which is a text in quotes");
            const Mark where = where_;
            const std::string_view key = read_string();
            expect(':', ("the key " + in_quotes(key)).c_str());
            skip_white();
            if (at_end())
                fail("the key " + in_quotes(key) + " has no value");
            read_value(key, where);
        }
        if (at_end())
            fail("a { without the } that ends it");
        step();
    }

    void read_top(int depth) {
        read_object(depth, [&](std::string_view key, Mark where) {
            has_program_ = has_program_ || key == "cmdline" || key.starts_with("rc");
            const bool is_text = std::ranges::find(texts, key) != texts.end() && key != "rc";
            if (is_text && peek() != '"')
                fail("the value of " + in_quotes(key) + " is no text in quotes");
            if ((key == "net" || key == "blk") && peek() != '{')
                fail("the value of " + in_quotes(key) + " is no object in braces");
            if (key == "net")
                read_device("net", net_keys, depth + 1);
            else if (key == "blk")
                read_device("blk", blk_keys, depth + 1);
            else
                read_value(depth + 1);
            if (!is_text && key != "net" && key != "blk" && !key.starts_with("rc"))
                warn(where, in_quotes(key));
        });
    }

    void read_device(const std::string& name, std::span<const std::string_view> keys, int depth) {
        RumprunDisk disk{where_, {}};
        bool etfs = false;
        read_object(depth + 1, [&](std::string_view key, Mark where) {
            if (peek() != '"')
                fail("the value of " + in_quotes(key) + " is no text in quotes");
            const std::string_view value = read_string();
            etfs = etfs || (key == "source" && value == "etfs");
            if (key == "path")
                disk.path = value;
            if (std::ranges::find(keys, key) == keys.end())
                warn(where, in_quotes(key) + " of " + name);
        });
        if (etfs && name == "blk")
            disks_.push_back(std::move(disk));
    }

    void warn(Mark where, const std::string& key) {
        unknown_.push_back({where, "rumprun knows no key " + key + "; a guest that does not ends"});
    }

    // Of a key that the guest may know more about than we do.
    void read_value(int depth) {
        if (depth > max_depth)
            fail("nested too deeply");
        if (peek() == '"') {
            read_string();
        } else if (peek() == '{') {
            read_object(depth + 1, [&](std::string_view, Mark) { read_value(depth + 1); });
        } else if (peek() == '[') {
            step();
            for (skip_white(); !at_end() && peek() != ']'; skip_white())
                read_value(depth + 1);
            if (at_end())
                fail("a [ without the ] that ends it");
            step();
        } else {
            read_word();
        }
    }

    void read_word() {
        const std::size_t begin = next_;
        while (!at_end() &&
               std::string_view(" \t\r\n,:]}").find(peek()) == std::string_view::npos) {
            if (static_cast<unsigned char>(peek()) < 0x20 || peek() == '\x7f')
                fail("a control character");
            step();
        }
        if (next_ == begin)
            fail("no value");
    }

    std::string_view text_;
    std::vector<RumprunFault>& unknown_;
    std::vector<RumprunDisk>& disks_;
    std::size_t next_ = 0;
    Mark where_{1, 1};
    bool has_program_ = false;
};

}  // namespace

std::optional<RumprunFault> check_rumprun(std::string_view text, std::vector<RumprunFault>& unknown,
                                          std::vector<RumprunDisk>& disks) {
    try {
        Reader(text, unknown, disks).read();
    } catch (const Stop& stop) {
        return stop.fault;
    }
    return std::nullopt;
}

}  // namespace summond::config
