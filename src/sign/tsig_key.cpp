// TSIG keys in files.
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "summond/base/unique_fd.hpp"
#include "summond/sign/tsig.hpp"

namespace summond::sign {
namespace {

constexpr std::size_t max_tsig_file = 4096;

// What stands between the punctuation of all three formats, without comments.
std::vector<std::string_view> words_of_key(std::string_view text) {
    std::vector<std::string_view> words;
    constexpr std::string_view between = " \t\r\n{};\":";
    for (std::size_t at = 0; at < text.size();) {
        if (text[at] == '#' || text.substr(at, 2) == "//") {
            at = std::min(text.find('\n', at), text.size());
        } else if (between.find(text[at]) != std::string_view::npos) {
            ++at;
        } else {
            const std::size_t end = std::min(text.find_first_of(between, at), text.size());
            words.push_back(text.substr(at, end - at));
            at = end;
        }
    }
    return words;
}

std::optional<std::vector<std::uint8_t>> secret_of(std::string_view text) {
    std::vector<std::uint8_t> octets(text.size() / 4 * 3 + 3);
    if (text.empty() || text.size() % 4 != 0)
        return std::nullopt;
    const int size =
        EVP_DecodeBlock(octets.data(), reinterpret_cast<const unsigned char*>(text.data()),
                        static_cast<int>(text.size()));
    if (size < 0)
        return std::nullopt;
    const auto padding =
        static_cast<std::size_t>(text.ends_with("==") ? 2 : (text.ends_with('=') ? 1 : 0));
    octets.resize(static_cast<std::size_t>(size) - padding);
    return octets;
}

std::optional<TsigAlgorithm> tsig_algorithm_of(std::string_view text) {
    if (text.ends_with('.'))
        text.remove_suffix(1);
    for (std::size_t i = 0; i <= static_cast<std::size_t>(TsigAlgorithm::last); ++i) {
        const auto algorithm = static_cast<TsigAlgorithm>(i);
        if (std::ranges::equal(text, to_string(algorithm), [](char a, char b) {
                return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
            }))
            return algorithm;
    }
    return std::nullopt;
}

}  // namespace

base::Result<TsigKey> parse_tsig_key(std::string_view text) {
    std::string_view name;
    std::string_view algorithm;
    std::string_view secret;
    const auto words = words_of_key(text);
    for (std::size_t i = 0; i + 1 < words.size(); ++i) {
        const auto& word = words[i];
        std::string_view* const field = word == "key" || word == "id" || word == "name" ? &name
                                        : word == "algorithm"                           ? &algorithm
                                        : word == "secret"                              ? &secret
                                                                                        : nullptr;
        if (field == nullptr || words[i + 1] == "-" || words[i + 1] == "id" ||
            words[i + 1] == "name")
            continue;
        if (!field->empty())
            return base::error("has more than one " + std::string(word) +
                               "; each key has a file of its own");
        *field = words[++i];
    }
    if (name.empty() || algorithm.empty() || secret.empty())
        return base::error(
            "is no TSIG key: it needs its name, algorithm and secret; `tsig-keygen NAME` makes "
            "one");
    TsigKey key;
    auto read = dns::Name::parse(name);
    if (!read)
        return base::error("the key's name: " + read.error().what);
    key.name = std::move(*read);
    const auto known = tsig_algorithm_of(algorithm);
    if (!known)
        return base::error("algorithm " + std::string(algorithm) +
                           " is not known; it must be hmac-sha256, or hmac-sha1, -sha224, "
                           "-sha384 or -sha512");
    key.algorithm = *known;
    auto octets = secret_of(secret);
    if (!octets)
        return base::error("the secret is no base64");
    key.secret = std::move(*octets);
    return key;
}

base::Result<TsigKey> read_tsig_key(const std::string& path) {
    const base::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0)
        return base::system_error(path + ": cannot be read", errno);
    if (!S_ISREG(status.st_mode) || static_cast<std::size_t>(status.st_size) > max_tsig_file)
        return base::error(path + ": is no key file");
    if (status.st_uid != ::geteuid())
        return base::error(path + ": belongs to user " + std::to_string(status.st_uid) +
                           "; it holds a secret, so `chown " + std::to_string(::geteuid()) +
                           "` it");
    constexpr unsigned others = 077;
    if ((status.st_mode & others) != 0)
        return base::error(path + ": others may read or write it; `chmod 600` it");
    std::string text(static_cast<std::size_t>(status.st_size), '\0');
    if (::pread(fd.get(), text.data(), text.size(), 0) != ssize_t{status.st_size})
        return base::error(path + ": cannot be read in full");
    auto key = parse_tsig_key(text);
    OPENSSL_cleanse(text.data(), text.size());
    if (!key)
        return base::error(path + ": " + key.error().what);
    return key;
}

}  // namespace summond::sign
