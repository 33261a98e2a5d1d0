// Tells from xenstore when domains are built and when their guests are ready, whoever builds them.
// For scripts/bench xen, in dom0.
//
//   bench_xen_observe PREFIX N    until N domains whose names begin with PREFIX are ready
//
// Prints, with seconds since the epoch, `watching T` when it is about to wait, `built T` when the
// last of them is introduced to xenstored (its memory is filled), `ready T` when the last of them
// has data/ready. It asks for no more than news, so as not to slow down what is measured.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include <xenstore.h>
}

namespace {

struct Free {
    void operator()(void* p) const { std::free(p); }
};

class Store {
  public:
    Store() : handle_(::xs_open(0)) {
        if (handle_ == nullptr) {
            std::perror("bench_xen_observe: xenstore");
            std::exit(1);
        }
    }
    ~Store() { ::xs_close(handle_); }
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    std::string read(const std::string& path) const {
        unsigned size = 0;
        const std::unique_ptr<void, Free> value(::xs_read(handle_, XBT_NULL, path.c_str(), &size));
        return value ? std::string(static_cast<const char*>(value.get()), size) : std::string();
    }
    std::vector<std::string> list(const std::string& path) const {
        unsigned count = 0;
        const std::unique_ptr<char*, Free> names(
            ::xs_directory(handle_, XBT_NULL, path.c_str(), &count));
        return {names.get(), names.get() + count};
    }
    void watch(const std::string& path) { ::xs_watch(handle_, path.c_str(), path.c_str()); }
    // Waits for an event; the path that was watched.
    std::string wait() {
        unsigned count = 0;
        const std::unique_ptr<char*, Free> event(::xs_read_watch(handle_, &count));
        return event ? event.get()[XS_WATCH_TOKEN] : std::string();
    }

  private:
    xs_handle* handle_;
};

void say(const char* what) {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    std::printf("%s %.6f\n", what, std::chrono::duration<double>(now).count());
    std::fflush(stdout);
}

void observe(const std::string& prefix, std::size_t count) {
    const std::string domains = "/local/domain/";
    const std::string introduced = "@introduceDomain";
    Store store;
    // One that is only being built, or of which only a vif has been prepared, has a directory, but
    // is not introduced yet.
    const auto introduced_already = [&](const std::string& domid) {
        return !store.read(domains + domid + "/store/port").empty();
    };
    std::set<std::string> known;
    for (const std::string& domid : store.list("/local/domain"))
        if (introduced_already(domid))
            known.insert(domid);
    store.watch(introduced);
    store.wait();  // a new watch fires at once
    say("watching");
    std::size_t built = 0;
    std::set<std::string> ready;
    while (ready.size() < count) {
        const std::string event = store.wait();
        if (event != introduced) {
            if (!store.read(event).empty())
                ready.insert(event);
            continue;
        }
        for (const std::string& domid : store.list("/local/domain")) {
            if (known.contains(domid) || !introduced_already(domid))
                continue;
            known.insert(domid);
            if (!store.read(domains + domid + "/name").starts_with(prefix))
                continue;
            store.watch(domains + domid + "/data/ready");
            if (++built == count)
                say("built");
        }
    }
    say("ready");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fprintf(stderr, "usage: bench_xen_observe PREFIX N\n");
        return 2;
    }
    observe(argv[1], std::strtoul(argv[2], nullptr, 10));
    return 0;
}
