#include "idn.hpp"

#include <idn2.h>

#include <algorithm>

namespace summond::dns {

namespace {

bool is_ascii(std::string_view text) {
    return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

bool append_label(std::string_view label, std::string& name) {
    if (is_ascii(label)) {  // "*" and "_tcp" are nothing that IDNA knows
        name += label;
        return true;
    }
    char* ascii = nullptr;
    if (idn2_to_ascii_8z(std::string(label).c_str(), &ascii,
                         IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
        return false;
    name += ascii;
    idn2_free(ascii);
    return true;
}

}  // namespace

std::optional<std::string> ascii_form(std::string_view text) {
    std::string name;
    while (true) {
        const auto dot = std::min(text.find('.'), text.size());
        if (!append_label(text.substr(0, dot), name))
            return std::nullopt;
        if (dot == text.size())
            return name;
        name += '.';
        text.remove_prefix(dot + 1);
    }
}

}  // namespace summond::dns
