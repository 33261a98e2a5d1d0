// Builds the tree from yaml-cpp's events rather than from YAML::Node: that keeps the positions of
// keys, sees duplicate keys, and can stop at its limits while the text is being read.
#include "yaml.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <boost/locale/utf.hpp>
#include <exception>
#include <limits>
#include <sstream>
#include <unordered_map>
#include <utility>

namespace summond::config {

namespace {

constexpr std::size_t max_file_size = 16 * 1024 * 1024;
constexpr std::size_t max_depth = 32;
constexpr std::size_t max_weight = 2'000'000;
constexpr std::size_t text_per_weight = 64;

Mark to_mark(const YAML::Mark& mark) {
    return {mark.line + 1, mark.column + 1};
}

// Ends the reading from inside a yaml-cpp callback; never leaves this file.
struct Stop : std::exception {
    Stop(Mark mark, std::string message) : where(mark), text(std::move(message)) {}
    Mark where;
    std::string text;
};

class TreeBuilder final : public YAML::EventHandler {
  public:
    explicit TreeBuilder(Problems& problems) : problems_(problems) {}
    NodePtr root() const { return root_; }
    // Of the scalar that was read last.
    YAML::Mark last_scalar() const { return last_scalar_; }

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (++documents_ > 1)
            throw Stop(to_mark(mark), "a second YAML document; a configuration is one document");
    }
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        add(make(Node::Kind::empty, mark, "?"), anchor);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        auto node = make(Node::Kind::scalar, mark, tag);
        node->text = value;
        last_scalar_ = mark;
        node->anchored = anchor != YAML::NullAnchor;
        node->weight += value.size() / text_per_weight;
        add(std::move(node), anchor);
    }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto named = anchors_.find(anchor);
        if (named == anchors_.end())
            throw Stop(to_mark(mark), "an alias inside the very value that it stands for");
        grow(named->second->weight, to_mark(mark));
        add_to_parent(named->second);
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(make(Node::Kind::list, mark, tag), anchor);
    }
    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(make(Node::Kind::mapping, mark, tag), anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapEnd() override {
        refuse_duplicates(*stack_.back().node);
        close();
    }

  private:
    struct Open {
        std::shared_ptr<Node> node;
        YAML::anchor_t anchor;
        NodePtr key = nullptr;  // of a mapping: read, and waiting for its value
    };

    std::shared_ptr<Node> make(Node::Kind kind, const YAML::Mark& mark, const std::string& tag) {
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->where = to_mark(mark);
        // "?" and "!" are what plain and quoted values have without any tag.
        if (!tag.empty() && tag != "?" && tag != "!")
            problems_.error(node->where,
                            "the tag " + in_quotes(tag) + " means nothing here; leave it out");
        return node;
    }

    void open(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
        if (stack_.size() == max_depth)
            throw Stop(node->where, "nested too deeply; at most " + std::to_string(max_depth) +
                                        " levels are read");
        grow(node->weight, node->where);
        node->anchored = anchor != YAML::NullAnchor;
        stack_.push_back({std::move(node), anchor});
    }

    void close() {
        const Open done = std::move(stack_.back());
        stack_.pop_back();
        if (done.anchor != YAML::NullAnchor)
            anchors_[done.anchor] = done.node;
        add_to_parent(done.node);
    }

    void add(std::shared_ptr<Node> node, YAML::anchor_t anchor) {
        grow(node->weight, node->where);
        if (anchor != YAML::NullAnchor)
            anchors_[anchor] = node;
        add_to_parent(std::move(node));
    }

    void add_to_parent(NodePtr node) {
        if (stack_.empty()) {
            root_ = std::move(node);
            return;
        }
        Open& parent = stack_.back();
        parent.node->weight += node->weight;
        parent.node->anchored |= node->anchored;
        if (parent.node->kind == Node::Kind::list) {
            parent.node->items.push_back(std::move(node));
        } else if (!parent.key) {
            parent.key = std::move(node);
        } else {
            const NodePtr key = std::exchange(parent.key, nullptr);
            if (key->kind == Node::Kind::scalar)
                parent.node->entries.push_back({key->text, key->where, std::move(node)});
            else
                problems_.error(key->where, "a key must be a word");
        }
    }

    void refuse_duplicates(Node& mapping) {
        std::unordered_map<std::string, int> lines;
        std::erase_if(mapping.entries, [&](const Entry& entry) {
            const auto [first, is_new] = lines.try_emplace(entry.key, entry.where.line);
            if (!is_new)
                problems_.error(entry.where, "the key " + in_quotes(entry.key) +
                                                 " is already there, at line " +
                                                 std::to_string(first->second) + "; keep one");
            return !is_new;
        });
    }

    void grow(std::size_t weight, Mark where) {
        total_ += weight;
        if (total_ > max_weight)
            throw Stop(where, "too many values, aliases counted each time they are used; at most " +
                                  std::to_string(max_weight) + " are read");
    }

    Problems& problems_;
    NodePtr root_;
    YAML::Mark last_scalar_;
    std::vector<Open> stack_;
    std::unordered_map<YAML::anchor_t, NodePtr> anchors_;  // only complete ones: no cycles
    std::size_t total_ = 0;
    int documents_ = 0;
};

// yaml-cpp takes octet 4 for the end of the text and guesses UTF-16 and UTF-32; neither may reach
// it. The rest of YAML's c-printable (YAML 1.2 §5.1) is left to it.
bool is_plain_utf8(std::string_view text, Problems& problems) {
    using Utf8 = boost::locale::utf::utf_traits<char>;
    Mark where{1, 1};
    const char* next = text.data();
    const char* const end = next + text.size();
    while (next != end) {
        const char* const begin = next;
        const auto code_point = Utf8::decode(next, end);
        if (!boost::locale::utf::is_valid_codepoint(code_point)) {
            problems.error(where, "not UTF-8; save the file as UTF-8 text");
            return false;
        }
        const bool is_white = code_point == '\t' || code_point == '\n' || code_point == '\r';
        if ((code_point < 0x20 && !is_white) || (code_point >= 0x7f && code_point < 0xa0)) {
            problems.error(where, "a control character; a configuration is plain UTF-8 text");
            return false;
        }
        if (code_point == '\n')
            where = {where.line + 1, 1};
        else
            where.column += static_cast<int>(next - begin);  // octets, as yaml-cpp counts
    }
    return true;
}

// yaml-cpp takes a quoted scalar whose closing quote is missing as ending with the text, and all
// that follows the opening quote with it. Only the last scalar can be one.
bool is_closed(std::string_view text, const YAML::Mark& scalar) {
    const bool has_mark = text.starts_with("\xef\xbb\xbf");  // not counted in positions
    auto start = static_cast<std::size_t>(scalar.pos) + (has_mark ? 3 : 0);
    if (start < text.size() && text[start] == '&')
        start = text.find_first_not_of(" \t\r\n", text.find_first_of(" \t\r\n", start));
    if (start >= text.size() || (text[start] != '"' && text[start] != '\''))
        return true;
    const char quote = text[start];
    for (std::size_t i = start + 1; i < text.size(); ++i) {
        if (quote == '"' && text[i] == '\\')
            ++i;
        else if (text[i] == quote && quote == '\'' && text.substr(i + 1).starts_with(quote))
            ++i;
        else if (text[i] == quote)
            return true;
    }
    return false;
}

}  // namespace

NodePtr read_yaml(std::string_view text, Problems& problems) {
    if (text.size() > max_file_size) {
        problems.error({}, "larger than 16 MiB; move static records into zone files (file:)");
        return nullptr;
    }
    if (!is_plain_utf8(text, problems))
        return nullptr;
    try {
        std::istringstream in{std::string(text)};
        YAML::Parser parser(in);
        TreeBuilder builder(problems);
        while (parser.HandleNextDocument(builder)) {
        }
        if (is_closed(text, builder.last_scalar()))
            return builder.root();
        problems.error(to_mark(builder.last_scalar()), "not YAML: the closing quote is missing");
    } catch (const Stop& stop) {
        problems.error(stop.where, stop.text);
    } catch (const YAML::ParserException& e) {
        problems.error(to_mark(e.mark),
                       "not YAML: " + e.msg +
                           "; text that has \": \" or \" #\" in it, or begins with one of "
                           "[ ] { } * & ! | > % @ `, goes in quotes");
    } catch (const YAML::Exception& e) {
        problems.error(to_mark(e.mark), "not YAML: " + e.msg);
    }
    return nullptr;
}

std::string without(std::string_view key, std::string_view text, const Node& root) {
    std::string rest(text);
    const auto entry = std::ranges::find(root.entries, key, &Entry::key);
    // In a block mapping (YAML 1.2 §8.2.2), which begins with its first key, each begins a line.
    const auto begins_line = [&](const Entry& e) { return e.where.column == 1; };
    if (entry == root.entries.end() || entry->value->anchored ||
        root.where.line != root.entries[0].where.line || root.where.column != 1 ||
        !std::ranges::all_of(root.entries, begins_line))
        return rest;
    const int end = std::next(entry) == root.entries.end() ? std::numeric_limits<int>::max()
                                                           : std::next(entry)->where.line;
    int line = 1;
    std::erase_if(rest, [&](char c) {
        const bool inside = line >= entry->where.line && line < end;
        line += c == '\n' ? 1 : 0;
        return inside && c != '\n';
    });
    return rest;
}

}  // namespace summond::config
