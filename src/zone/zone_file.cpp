#include "zone_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "generate.hpp"
#include "rdata.hpp"
#include "scanner.hpp"
#include "summond/base/path.hpp"

namespace summond::zone {

namespace {

constexpr int max_includes = 16;
constexpr std::uint32_t fallback_ttl = 3600;

// Which class a word names; nothing: it is no class.
std::optional<bool> is_class_in(std::string_view word) {
    if (same_text(word, "IN") || same_text(word, "CLASS1"))
        return true;
    for (const char* other : {"CH", "HS", "CS"}) {
        if (same_text(word, other))
            return false;
    }
    if (word.size() > 5 && same_text(word.substr(0, 5), "CLASS"))
        return false;
    return std::nullopt;
}

// Which one a file begins with, that some editors write; null: none. To a zone file it is part of
// the first word, or each of its octets is half a character.
const char* byte_order_mark(int fd) {
    char head[3] = {};
    const auto r = ::pread(fd, head, sizeof head, 0);
    const std::string_view begin(head, r > 0 ? static_cast<std::size_t>(r) : 0);
    if (begin.starts_with("\xef\xbb\xbf"))
        return "UTF-8";
    if (begin.starts_with("\xff\xfe") || begin.starts_with("\xfe\xff"))
        return "UTF-16";
    return nullptr;
}

class Reader {
  public:
    Reader(ZoneData& zone, Report& report) : zone_(zone), report_(report) {
        set_origin(zone.apex());
    }

    void read_file(const std::string& path, Where included_at);
    void read(Scanner scanner, Where base);
    void set_default_ttl(std::uint32_t ttl) { default_ttl_ = ttl; }
    void forbid_directives() { directives_ = false; }

  private:
    void set_origin(const dns::Name& origin) {
        origin_ = origin;
        rdata_.set_origin(origin);
    }
    void directive(const Entry& entry, Where where);
    void include(const Entry& entry, Where where);
    void generate(const Entry& entry, Where where);
    void record(const Entry& entry, Where where);
    bool set_owner(const Entry& entry, Where where);
    void error(Where where, std::string what) { report_.error(where, std::move(what)); }
    // At one of the entry's words. Records in the configuration have no places of their own.
    void error(const Entry& entry, std::string_view word, Where where, const std::string& what) {
        error_at(entry, static_cast<std::size_t>(word.data() - entry.text.data()), where, what);
    }
    void error_at(const Entry& entry, std::size_t at, Where where, std::string what);

    ZoneData& zone_;
    Report& report_;
    RdataReader rdata_;
    dns::Name origin_;
    std::string path_;
    int includes_ = 0;
    bool directives_ = true;
    const std::string* generated_ = nullptr;  // the record that $GENERATE has made last, while read
    std::optional<std::uint32_t> default_ttl_;
    std::optional<std::uint32_t> last_ttl_;
    // Lower case, wire format; of no octets: none yet.
    std::string_view owner() const {
        return {reinterpret_cast<const char*>(owner_.data()), owner_size_};
    }
    dns::NameBuffer owner_;
    std::size_t owner_size_ = 0;
    std::string owner_word_;  // that owner_ was parsed from, relative to origin_
};

void Reader::read_file(const std::string& path, Where included_at) {
    // Without O_NONBLOCK the opening of a pipe waits until somebody writes to it.
    base::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        return error(included_at, "cannot read zone file " + path + ": " + std::strerror(errno));
    // A directory, or a device or pipe that may never end.
    struct stat status {};
    if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
        return error(included_at, "cannot read zone file " + path + ": not a regular file");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (const char* mark = byte_order_mark(file.get()))
        return error({report_.file(path), 1, 0},
                     std::string("the file begins with a byte order mark (") + mark +
                         "); save it without one, as plain ASCII or UTF-8");
    zone_.expect(size);
    const std::string before = std::exchange(path_, path);
    read(Scanner(std::move(file), size), {report_.file(path), 0, 0});
    path_ = before;
}

void Reader::read(Scanner scanner, Where base) {
    Entry entry;
    while (!report_.full() && scanner.next(entry)) {
        // Records in the configuration have its position instead of a line of their own.
        const Where where = base.line == 0 ? Where{base.file, entry.line, 0} : base;
        if (!entry.problem.empty())
            error_at(entry, entry.problem_at, where, entry.problem);
        else if (entry.words[0][0] == '$' && !entry.starts_blank)
            directive(entry, where);
        else
            record(entry, where);
    }
}

void Reader::error_at(const Entry& entry, std::size_t at, Where where, std::string what) {
    if (entry.long_string) {
        const auto begin = entry.place(*entry.long_string);
        what += "; quotation marks that open on line " + std::to_string(begin.line) +
                " enclose the end of that line: is one missing there?";
    }
    if (generated_ != nullptr) {
        what += ", in \"" + *generated_ + "\" of $GENERATE";
    } else if (directives_) {
        const auto place = entry.place(at);
        where.line = place.line;
        where.column = place.column;
    }
    // A line of the log each, whatever the words hold.
    std::string printable;
    for (const char c : what) {
        if (static_cast<unsigned char>(c) < ' ' || c == 0x7f)
            printable += "\\" + std::to_string(1000 + c).substr(1);
        else
            printable += c;
    }
    error(where, std::move(printable));
}

void Reader::directive(const Entry& entry, Where where) {
    const std::string_view name = entry.words[0];
    const std::size_t arguments = entry.words.size() - 1;
    if (!directives_)
        return error(where, "a record is expected here, not a directive");
    if (same_text(name, "$INCLUDE"))
        return include(entry, where);
    if (same_text(name, "$GENERATE"))
        return generate(entry, where);
    if (same_text(name, "$ORIGIN")) {
        const auto origin = arguments == 1 ? dns::Name::parse(entry.words[1], origin_)
                                           : base::error("$ORIGIN takes one domain name");
        if (!origin)
            return error(entry, entry.words[arguments > 0 ? 1 : 0], where, origin.error().what);
        owner_word_.clear();
        return set_origin(*origin);
    }
    if (same_text(name, "$TTL")) {
        const auto ttl =
            arguments == 1 ? seconds_from_text(entry.words[1], dns::max_ttl) : std::nullopt;
        if (!ttl)
            return error(entry, entry.words[arguments > 0 ? 1 : 0], where,
                         "$TTL takes a time such as 3600 or 1h, up to 2147483647 seconds");
        default_ttl_ = ttl;
        return;
    }
    error(entry, name, where,
          std::string(name) +
              " is not a directive known here; $ORIGIN, $TTL, $INCLUDE and $GENERATE are");
}

// $GENERATE range owner [TTL] [class] type RDATA; each record is read as if it stood there.
void Reader::generate(const Entry& entry, Where where) {
    if (entry.words.size() < 5)
        return error(where, "$GENERATE takes a range, an owner, a type and data");
    const auto range = read_range(entry.words[1]);
    if (!range)
        return error(entry, entry.words[1], where, range.error().what);
    const std::size_t before = report_.errors();
    for (std::uint64_t number = range->first; number <= range->last; number += range->step) {
        std::string text;
        for (std::size_t i = 2; i < entry.words.size(); ++i) {
            std::string_view template_text = entry.words[i];
            // BIND takes all data as one string in quotation marks, which are not part of it.
            if (i + 1 == entry.words.size() && template_text.size() > 2 &&
                template_text.front() == '"' && type_from_text(entry.words[i - 1]))
                template_text = template_text.substr(1, template_text.size() - 2);
            const auto word = generated_text(template_text, static_cast<std::uint32_t>(number));
            if (!word)
                return error(entry, entry.words[i], where, word.error().what);
            text += text.empty() ? *word : " " + *word;
        }
        Entry made;
        generated_ = &text;
        if (Scanner scanner(text); scanner.next(made)) {
            if (made.problem.empty())
                record(made, where);
            else
                error_at(made, made.problem_at, where, made.problem);
        }
        generated_ = nullptr;
        if (report_.errors() > before)  // the others have it as well
            return;
    }
}

void Reader::include(const Entry& entry, Where where) {
    if (entry.words.size() < 2 || entry.words.size() > 3)
        return error(where, "$INCLUDE takes a file name and perhaps an origin");
    if (includes_ == max_includes)
        return error(where, "$INCLUDE within " + std::to_string(max_includes) +
                                " others; does a file include itself?");
    dns::Name origin = origin_;
    if (entry.words.size() == 3) {
        auto given = dns::Name::parse(entry.words[2], origin_);
        if (!given)
            return error(entry, entry.words[2], where, given.error().what);
        origin = std::move(*given);
    }
    std::string_view name = entry.words[1];
    if (name.size() >= 2 && name.front() == '"' && name.back() == '"')
        name = name.substr(1, name.size() - 2);

    // RFC 1035 §5.1: the origin of the including file stays what it is, and so does its last owner.
    const dns::Name outer_origin = origin_;
    const auto outer_owner = owner_;
    const auto outer_owner_size = owner_size_;
    ++includes_;
    set_origin(origin);
    owner_word_.clear();
    read_file(base::path_beside(path_, name), where);
    --includes_;
    set_origin(outer_origin);
    owner_ = outer_owner;
    owner_size_ = outer_owner_size;
    owner_word_.clear();
}

bool Reader::set_owner(const Entry& entry, Where where) {
    if (entry.starts_blank) {
        if (owner_size_ == 0)
            error(where, "the first record has no owner name");
        return owner_size_ > 0;
    }
    if (entry.words[0] == owner_word_)
        return true;
    const auto size = dns::parse_name(entry.words[0], origin_.wire(), dns::Case::fold, owner_);
    owner_word_.clear();
    owner_size_ = size.value_or(0);
    if (!size) {
        error(entry, entry.words[0], where, size.error().what);
        return false;
    }
    owner_word_ = entry.words[0];
    return true;
}

// [owner] [TTL] [class] type RDATA, or with TTL and class the other way round.
void Reader::record(const Entry& entry, Where where) {
    if (!set_owner(entry, where))
        return;
    auto word = entry.words.begin() + (entry.starts_blank ? 0 : 1);
    std::optional<std::uint32_t> ttl;
    bool has_class = false;
    for (; word != entry.words.end(); ++word) {
        if (!ttl && (*word)[0] >= '0' && (*word)[0] <= '9') {
            ttl = seconds_from_text(*word, dns::max_ttl);
            if (!ttl)
                return error(entry, *word, where,
                             "\"" + std::string(*word) +
                                 "\" is not a TTL; 3600 or 1h is, "
                                 "up to 2147483647 seconds");
        } else if (const auto in = is_class_in(*word); in && !has_class) {
            if (!*in)
                return error(entry, *word, where,
                             "class " + std::string(*word) + " is not served; IN is");
            has_class = true;
        } else {
            break;
        }
    }
    if (word == entry.words.end())
        return error(entry, entry.words.back(), where, "the record type is missing");
    const auto type = type_from_text(*word);
    if (!type)
        return error(entry, *word, where, "\"" + std::string(*word) + "\" is not a record type");
    if (dns::is_meta(*type))
        return error(entry, *word, where, std::string(*word) + " is not a type of data in a zone");
    const auto rdata = rdata_.read(*type, {word + 1, entry.words.end()});
    if (!rdata)
        return error(entry, word[static_cast<std::ptrdiff_t>(rdata.error().word)], where,
                     "bad " + type_to_text(*type) + " record: " + rdata.error().what);
    if (!is_at_or_below(owner(), view(zone_.apex())))
        return error(
            entry, entry.words[0], where,
            to_name(owner()).to_string() + " is not in the zone " + zone_.apex().to_string());
    if (!ttl)
        ttl = default_ttl_ ? default_ttl_ : last_ttl_;
    last_ttl_ = ttl.value_or(fallback_ttl);
    zone_.add(zone_.owner(owner(), where), *type, *last_ttl_, *rdata, where);
}

}  // namespace

void read_zone_file(const std::string& path, Where where, ZoneData& zone, Report& report) {
    Reader(zone, report).read_file(path, where);
}

void read_record_text(const config::RecordText& text, std::uint32_t default_ttl, ZoneData& zone,
                      Report& report) {
    Reader reader(zone, report);
    reader.set_default_ttl(default_ttl);
    reader.forbid_directives();
    Where where = report.where(text.where);
    where.line = std::max(where.line, 1U);
    reader.read(Scanner(text.text), where);
}

}  // namespace summond::zone
