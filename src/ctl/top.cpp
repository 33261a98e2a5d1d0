// `summonctl top`: how services stand, drawn anew once a second.

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <cerrno>
#include <csignal>
#include <string>
#include <vector>

#include "program.hpp"
#include "views.hpp"

namespace summond::ctl {
namespace {

constexpr int redraw_ms = 1000;

volatile std::sig_atomic_t told_to_end = 0;

// The terminal as a page of keys and no echo, and as it was at the end.
class Page {
  public:
    Page() {
        ::tcgetattr(STDIN_FILENO, &before_);
        termios raw = before_;
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
        raw.c_cc[VMIN] = 0;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
        struct sigaction action {};
        action.sa_handler = [](int) { told_to_end = 1; };
        for (const int signal : {SIGINT, SIGTERM, SIGHUP})
            ::sigaction(signal, &action, nullptr);
        std::fputs("\x1b[?1049h\x1b[?25l", stdout);  // another screen, no cursor
    }
    Page(const Page&) = delete;
    Page& operator=(const Page&) = delete;
    ~Page() {
        std::fputs("\x1b[?25h\x1b[?1049l", stdout);
        std::fflush(stdout);
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    }

    // As many lines as there is room for.
    void draw(const std::vector<std::string>& lines) {
        winsize size{};
        ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
        const std::size_t rows = size.ws_row > 0 ? size.ws_row : 24;
        std::string page = "\x1b[H";
        for (std::size_t i = 0; i < rows; ++i)
            page += (i < lines.size() ? lines[i] : "") + "\x1b[K" + (i + 1 < rows ? "\r\n" : "");
        std::fwrite(page.data(), 1, page.size(), stdout);
        std::fflush(stdout);
    }

    // The keys pressed within a redraw's time.
    std::string keys() {
        pollfd input{STDIN_FILENO, POLLIN, 0};
        std::string keys(64, '\0');
        if (::poll(&input, 1, redraw_ms) <= 0)
            return {};
        const ssize_t r = ::read(STDIN_FILENO, keys.data(), keys.size());
        if (r == 0)
            return "q";  // the terminal is gone
        keys.resize(r > 0 ? static_cast<std::size_t>(r) : 0);
        return keys;
    }

  private:
    termios before_{};
};

// What moves first: what is waited for, then what is up, then the rest.
int rank(const boost::json::value& service) {
    const std::string phase = text_at(service, "phase");
    if (phase == "building" || phase == "booting")
        return 0;
    if (phase == "failed")
        return 1;
    if (phase == "ready")
        return 2;
    return text_at(service, "state") == "asleep" ? 4 : 3;
}

void add_lines(const std::string& text, std::vector<std::string>& lines) {
    for (std::size_t begin = 0; begin < text.size();) {
        const auto end = std::min(text.find('\n', begin), text.size());
        lines.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
}

}  // namespace

int Program::top() const {
    const Style style = style_of(stdout);
    if (style.width == 0 || ::isatty(STDIN_FILENO) == 0) {
        std::fprintf(stderr, "summonctl: top needs a terminal; `summonctl list` does not\n");
        return bad_usage;
    }
    if (const auto first = client_.request("GET", "/v1/status", std::chrono::seconds(5));
        first && first->status != 200)
        return fail(*first);
    Page page;
    std::size_t scrolled = 0;
    while (told_to_end == 0) {
        const Style now = style_of(stdout);
        std::vector<std::string> lines;
        std::size_t rest = 0;
        const auto status = client_.request("GET", "/v1/status", std::chrono::seconds(5));
        const auto services = client_.request("GET", "/v1/services", std::chrono::seconds(5));
        if (!status || !services) {
            lines.push_back(painted((!status ? status : services).error().what, Colour::red, now));
        } else {
            add_lines(summary_view(status->json, now), lines);
            lines.emplace_back();
            boost::json::value answer = services->json;
            auto* const list =
                answer.is_object() ? answer.as_object().if_contains("services") : nullptr;
            if (list != nullptr && list->is_array())
                std::ranges::stable_sort(list->as_array(), {}, rank);
            std::vector<std::string> table;
            add_lines(services_view(answer, now), table);
            rest = table.size();
            scrolled = std::min(scrolled, rest > 1 ? rest - 2 : 0);
            if (!table.empty())
                lines.push_back(table.front());
            for (std::size_t i = 1 + scrolled; i < table.size(); ++i)
                lines.push_back(table[i]);
        }
        page.draw(lines);
        const std::string keys = page.keys();
        if (keys.find('q') != std::string::npos)
            break;
        if (keys.ends_with("\x1b[B") || keys == "j")
            ++scrolled;
        if ((keys.ends_with("\x1b[A") || keys == "k") && scrolled > 0)
            --scrolled;
        if (keys.ends_with("\x1b[6~") || keys == " ")
            scrolled += 10;
        if (keys.ends_with("\x1b[5~"))
            scrolled -= std::min<std::size_t>(scrolled, 10);
    }
    return 0;
}

}  // namespace summond::ctl
