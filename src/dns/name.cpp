#include "summond/dns/name.hpp"

#include <algorithm>
#include <cassert>
#include <optional>

#include "idn.hpp"

namespace summond::dns {

namespace {

constexpr std::size_t first_beyond_ascii = 0x80;

// What is not simply an octet of a label: characters that mean something else in a name unless they
// are escaped (RFC 1035 §5.1), and those outside ASCII.
constexpr auto make_special() {
    std::array<bool, 256> special{};
    for (const char c : std::string_view(".\\\""))
        special[static_cast<unsigned char>(c)] = true;
    for (std::size_t i = first_beyond_ascii; i < special.size(); ++i)
        special[i] = true;
    return special;
}
constexpr auto special = make_special();

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// One octet of a label starting at text[i], which moves past it. Nothing: a bad escape.
std::optional<char> label_octet(std::string_view text, std::size_t& i) {
    const char c = text[i++];
    if (c != '\\')
        return c;
    if (i == text.size())
        return std::nullopt;
    if (!is_digit(text[i]))
        return text[i++];
    if (text.size() - i < 3 || !is_digit(text[i + 1]) || !is_digit(text[i + 2]))
        return std::nullopt;
    const int value = (text[i] - '0') * 100 + (text[i + 1] - '0') * 10 + (text[i + 2] - '0');
    if (value > 255)
        return std::nullopt;
    i += 3;
    return static_cast<char>(value);
}

tl::unexpected<base::Error> no_name(std::string_view text, const char* what) {
    return base::error("\"" + std::string(text) + "\" is not a domain name: " + what);
}

tl::unexpected<base::Error> not_ascii(std::string_view text) {
    if (const auto ascii = ascii_form(text))
        return no_name(text, ("DNS writes it " + *ascii).c_str());
    return no_name(text,
                   "it has characters outside ASCII; DNS writes words of other scripts as xn--..., "
                   "and any other octet as \\DDD");
}

void append_hex_labels(std::string& text, std::uint8_t byte) {
    constexpr char digits[] = "0123456789abcdef";
    for (const int nibble : {byte & 0xf, byte >> 4}) {
        text.push_back('\1');
        text.push_back(digits[nibble]);
    }
}

}  // namespace

base::Result<std::size_t> parse_name(std::string_view text, std::span<const std::uint8_t> origin,
                                     Case letters, NameBuffer& wire) {
    constexpr const char* label_too_long = "a label is longer than 63 octets";
    if (text.empty())
        return no_name(text, "it is empty");
    if (text == ".") {
        wire[0] = 0;
        return 1;
    }
    std::size_t size = 0;
    if (text != "@") {
        bool final_dot = false;
        for (std::size_t i = 0; i < text.size();) {
            const std::size_t length_at = size++;
            final_dot = false;
            while (i < text.size()) {
                char c = text[i];
                if (!special[static_cast<unsigned char>(c)]) {
                    ++i;
                } else if (c == '.') {
                    ++i;
                    final_dot = true;
                    break;
                } else if (c == '\\') {
                    const auto octet = label_octet(text, i);
                    if (!octet)
                        return no_name(text,
                                       "a backslash takes one character or three digits up to 255");
                    c = *octet;
                } else if (static_cast<unsigned char>(c) >= first_beyond_ascii) {
                    return not_ascii(text);
                } else {
                    return no_name(text, "names stand without quotation marks");
                }
                // The root label's octet is kept free.
                if (size == max_name_size - 1)
                    return no_name(text, size - length_at > max_label_size
                                             ? label_too_long
                                             : "it is longer than 255 octets");
                wire[size++] = static_cast<std::uint8_t>(letters == Case::fold ? lower(c) : c);
            }
            const std::size_t label = size - length_at - 1;
            if (label == 0)
                return no_name(text, "it has an empty label");
            if (label > max_label_size)
                return no_name(text, label_too_long);
            wire[length_at] = static_cast<std::uint8_t>(label);
            // No room for the length of another label, or the root's.
            if (size == max_name_size - 1 && i < text.size())
                return no_name(text, "it is longer than 255 octets");
        }
        if (final_dot) {
            wire[size++] = 0;
            return size;
        }
    }
    if (size + origin.size() > max_name_size) {
        const auto below = Name::from_wire(origin);
        return base::error("\"" + std::string(text) + "\" below " +
                           (below ? below->to_string() : "") + " is longer than 255 octets");
    }
    std::copy(origin.begin(), origin.end(), wire.begin() + static_cast<std::ptrdiff_t>(size));
    return size + origin.size();
}

base::Result<Name> Name::parse(std::string_view text) {
    return parse(text, Name());
}

base::Result<Name> Name::parse(std::string_view text, const Name& origin) {
    NameBuffer wire;
    const auto size = parse_name(text, origin.wire(), Case::fold, wire);
    if (!size)
        return tl::make_unexpected(size.error());
    Name name;
    name.wire_.assign(reinterpret_cast<const char*>(wire.data()), *size);
    return name;
}

base::Result<Name> Name::from_wire(std::span<const std::uint8_t> wire) {
    std::size_t i = 0;
    while (true) {
        if (i >= wire.size())
            return base::error("domain name is cut short");
        const std::uint8_t length = wire[i];
        if (length == 0)
            break;
        if (length > max_label_size)
            return base::error("domain name has a compression pointer or an unknown label type");
        i += 1U + length;
        if (i >= max_name_size)
            return base::error("domain name is longer than 255 octets");
    }
    if (i + 1 != wire.size())
        return base::error("domain name is followed by other bytes");
    Name name;
    name.wire_.assign(reinterpret_cast<const char*>(wire.data()), wire.size());
    // Length octets are at most 63, below 'A', so folding the whole string leaves them alone.
    std::transform(name.wire_.begin(), name.wire_.end(), name.wire_.begin(), lower);
    return name;
}

Name Name::reverse(const base::IpAddress& address) {
    Name name;
    name.wire_.clear();
    const auto bytes = address.bytes();
    for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte) {
        if (address.is_v6()) {
            append_hex_labels(name.wire_, *byte);
        } else {
            const std::string decimal = std::to_string(*byte);
            name.wire_.push_back(static_cast<char>(decimal.size()));
            name.wire_ += decimal;
        }
    }
    name.wire_ += address.is_v6() ? std::string_view("\3ip6\4arpa\0", 10)
                                  : std::string_view("\7in-addr\4arpa\0", 14);
    return name;
}

std::string Name::to_string() const {
    if (is_root())
        return ".";
    std::string text;
    std::size_t i = 0;
    while (const auto length = static_cast<std::uint8_t>(wire_[i++])) {
        for (const char c : wire_.substr(i, length)) {
            const auto octet = static_cast<std::uint8_t>(c);
            if (octet <= 0x20 || octet >= 0x7f) {
                text += '\\';
                text += static_cast<char>('0' + octet / 100);
                text += static_cast<char>('0' + octet / 10 % 10);
                text += static_cast<char>('0' + octet % 10);
            } else {
                if (std::string_view(".\\\"();@$").find(c) != std::string_view::npos)
                    text += '\\';
                text += c;
            }
        }
        text += '.';
        i += length;
    }
    return text;
}

std::size_t Name::label_count() const {
    std::size_t count = 0;
    for (std::size_t i = 0; wire_[i] != 0; i += 1U + static_cast<std::uint8_t>(wire_[i]))
        ++count;
    return count;
}

bool Name::is_at_or_below(const Name& ancestor) const {
    // The suffix must begin at a label, not merely match as bytes.
    std::size_t i = 0;
    while (wire_.size() - i > ancestor.wire_.size())
        i += 1U + static_cast<std::uint8_t>(wire_[i]);
    return wire_.compare(i, std::string::npos, ancestor.wire_) == 0;
}

Name Name::parent() const {
    assert(!is_root());
    Name parent;
    parent.wire_ = wire_.substr(1U + static_cast<std::uint8_t>(wire_[0]));
    return parent;
}

}  // namespace summond::dns
