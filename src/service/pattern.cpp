#include "summond/service/pattern.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "summond/base/siphash.hpp"

namespace summond::service {
namespace {

constexpr std::string_view base32hex = "0123456789abcdefghijklmnopqrstuv";

std::span<const std::uint8_t> octets(std::string_view text) {
    return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace

bool IdGrammar::allows(std::string_view id) const noexcept {
    return id.size() >= shortest && id.size() <= longest && !id.empty() && id.front() != '-' &&
           id.back() != '-' && id.find_first_not_of(characters) == std::string_view::npos;
}

IdList::IdList(std::string text, const IdGrammar& grammar) : text_(std::move(text)) {
    if (text_.size() > std::numeric_limits<std::uint32_t>::max()) {
        fault_ = 0;
        return;
    }
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text_.size();) {
        ++number;
        std::size_t end = std::min(text_.find('\n', begin), text_.size());
        const std::size_t next = end + 1;
        if (end > begin && text_[end - 1] == '\r')
            --end;
        const std::string_view line(&text_[begin], end - begin);
        if (!line.empty() && line.front() != '#') {
            if (!grammar.allows(line)) {
                fault_ = number;
                return;
            }
            lines_.push_back(
                {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(line.size())});
        }
        begin = next;
    }
    const auto before = [this](const Line& a, const Line& b) { return text_of(a) < text_of(b); };
    if (!std::is_sorted(lines_.begin(), lines_.end(), before))
        std::sort(lines_.begin(), lines_.end(), before);
}

bool IdList::contains(std::string_view id) const noexcept {
    const auto found = std::partition_point(lines_.begin(), lines_.end(),
                                            [&](const Line& line) { return text_of(line) < id; });
    return found != lines_.end() && text_of(*found) == id;
}

Key derived_key(const Key& secret, std::string_view purpose) {
    Key key;
    for (std::uint8_t half = 0; half < 2; ++half) {
        std::string text(1, static_cast<char>(half));
        text += purpose;
        const auto hash = base::siphash_2_4(octets(text), secret);
        std::ranges::copy(hash, key.begin() + half * 8);
    }
    return key;
}

std::array<char, tag_size> tag_of(std::string_view id, const Key& secret) noexcept {
    const auto hash = base::siphash_2_4(octets(id), secret);
    std::uint64_t bits;
    std::memcpy(&bits, hash.data(), sizeof bits);
    std::array<char, tag_size> tag;
    tag[0] = '-';
    for (std::size_t i = 1; i < tag.size(); ++i, bits >>= 5)
        tag[i] = base32hex[bits & 31];
    return tag;
}

std::optional<Pattern::Files> Pattern::Files::of(std::string_view path) {
    constexpr std::string_view placeholder = "{id}";
    const auto at = path.find(placeholder);
    const auto slash = path.rfind('/');
    if (at == std::string_view::npos || slash == std::string_view::npos || at < slash ||
        path.find(placeholder, at + 1) != std::string_view::npos)
        return std::nullopt;
    return Files{std::string(slash == 0 ? "/" : path.substr(0, slash)),
                 std::string(path.substr(slash + 1, at - slash - 1)),
                 std::string(path.substr(at + placeholder.size()))};
}

std::optional<std::string_view> Pattern::Files::id_in(std::string_view file) const {
    if (file.size() <= before.size() + after.size() || !file.starts_with(before) ||
        !file.ends_with(after))
        return std::nullopt;
    return file.substr(before.size(), file.size() - before.size() - after.size());
}

std::string Pattern::Name::to_string() const {
    return before + "{id}" + after + "." + parent.to_string();
}

bool Pattern::has(std::string_view id) const noexcept {
    return grammar.allows(id) && (who != Who::list || list->contains(id));
}

std::optional<std::string_view> Pattern::id_of(std::string_view text) const noexcept {
    std::string_view id = text;
    if (who == Who::tagged) {
        if (text.size() <= tag_size)
            return std::nullopt;
        id.remove_suffix(tag_size);
    }
    if (!has(id))
        return std::nullopt;
    if (who == Who::tagged) {
        // Octet by octet without a branch: how long it takes tells nothing about the tag.
        const auto tag = tag_of(id, secret);
        unsigned different = 0;
        for (std::size_t i = 0; i < tag.size(); ++i)
            different |= static_cast<unsigned char>(tag[i] ^ text[id.size() + i]);
        if (different != 0)
            return std::nullopt;
    }
    return id;
}

std::optional<std::string_view> Pattern::id_in(std::string_view label,
                                               const Name& name) const noexcept {
    if (label.size() <= name.before.size() + name.after.size() || !label.starts_with(name.before) ||
        !label.ends_with(name.after))
        return std::nullopt;
    label.remove_prefix(name.before.size());
    label.remove_suffix(name.after.size());
    return id_of(label);
}

IdText Pattern::text_of(std::string_view id) const noexcept {
    IdText text;
    const auto append = [&text](std::string_view part) {
        const std::size_t size = std::min(part.size(), text.octets.size() - text.size);
        std::copy_n(part.begin(), size,
                    text.octets.begin() + static_cast<std::ptrdiff_t>(text.size));
        text.size += size;
    };
    append(id);
    if (who == Who::tagged) {
        const auto tag = tag_of(id, secret);
        append({tag.data(), tag.size()});
    }
    return text;
}

std::optional<dns::Name> Pattern::name_of(std::string_view id, const Name& name) const {
    const std::string label = name.before + std::string(text_of(id).view()) + name.after;
    auto made = dns::Name::parse(label, name.parent);
    return made ? std::optional(std::move(*made)) : std::nullopt;
}

std::optional<IdText> Pattern::id_at(const base::IpAddress& address) const noexcept {
    // Who has an address alone has not shown that he knows a tag, and is not to learn one (PTR).
    auto id = tells_ids() ? addresses->id_at(address) : std::nullopt;
    return id && has(id->view()) ? id : std::nullopt;
}

}  // namespace summond::service
