// Creates and unpauses one domain with libxl, nothing else: what summond and `xl create` are
// measured beside. For scripts/bench xen, in dom0.
//
//   bench_xen_create NAME KERNEL CMDLINE [BRIDGE MAC SCRIPT]
//
// Prints {"build_ms": ..., "vif_ms": ..., "unpause_ms": ..., "unpaused_at": ...}. The process's
// start and the opening of libxl are not counted: a daemon does that once. build: until libxl turns
// to the vif, or all of the call where there is none.
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <string_view>

#include "libxl.hpp"

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::uint64_t memory_kib = 16 * 1024;

// libxl says at debug level when it turns to a vif.
struct Log {
    xentoollog_logger logger{message, nullptr, [](xentoollog_logger*) {}};
    std::optional<Clock::time_point> vif_began{};

    static void message(xentoollog_logger* logger, xentoollog_level level, int, const char*,
                        const char* format, va_list arguments) {
        char text[1024];
        std::vsnprintf(text, sizeof text, format, arguments);
        auto& self = *reinterpret_cast<Log*>(logger);
        if (!self.vif_began && std::strstr(text, "/vif/") != nullptr)
            self.vif_began = Clock::now();
        if (level >= XTL_WARN)
            std::fprintf(stderr, "%s\n", text);
    }
};

[[noreturn]] void fail(const char* what, int rc) {
    std::fprintf(stderr, "bench_xen_create: %s: libxl error %d\n", what, rc);
    std::exit(1);
}

double ms(Clock::duration d) {
    return std::chrono::duration<double, std::milli>(d).count();
}

void add_vif(libxl_domain_config& config, char** arguments) {
    config.nics = static_cast<libxl_device_nic*>(std::calloc(1, sizeof(libxl_device_nic)));
    config.num_nics = 1;
    libxl_device_nic& nic = config.nics[0];
    libxl_device_nic_init(&nic);
    nic.nictype = LIBXL_NIC_TYPE_VIF;
    nic.bridge = ::strdup(arguments[0]);
    unsigned mac[6];
    if (std::sscanf(arguments[1], "%x:%x:%x:%x:%x:%x", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4],
                    &mac[5]) != 6)
        fail("MAC", 0);
    for (int i = 0; i < 6; ++i)
        nic.mac[i] = static_cast<std::uint8_t>(mac[i]);
    nic.script = ::strdup(arguments[2]);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4 && argc != 7) {
        std::fprintf(stderr, "usage: bench_xen_create NAME KERNEL CMDLINE [BRIDGE MAC SCRIPT]\n");
        return 2;
    }
    Log log;
    libxl_ctx* ctx = nullptr;
    if (const int rc = libxl_ctx_alloc(&ctx, LIBXL_VERSION, 0, &log.logger); rc != 0)
        fail("libxl", rc);

    summond::xen::DomainConfig domain;
    libxl_domain_config& config = domain.config;
    config.c_info.type = LIBXL_DOMAIN_TYPE_PVH;
    config.c_info.name = ::strdup(argv[1]);
    libxl_uuid_generate(&config.c_info.uuid);
    libxl_domain_build_info_init_type(&config.b_info, LIBXL_DOMAIN_TYPE_PVH);
    config.b_info.max_memkb = config.b_info.target_memkb = memory_kib;
    config.b_info.shadow_memkb = 2048;
    config.b_info.max_vcpus = 1;
    config.b_info.kernel = ::strdup(argv[2]);
    config.b_info.cmdline = ::strdup(argv[3]);
    if (argc == 7)
        add_vif(config, argv + 4);

    std::uint32_t domid = 0;
    const auto began = Clock::now();
    if (const int rc = libxl_domain_create_new(ctx, &config, &domid, nullptr, nullptr); rc != 0)
        fail("create", rc);
    const auto created = Clock::now();
    if (const int rc = libxl_domain_unpause(ctx, domid, nullptr); rc != 0)
        fail("unpause", rc);
    const auto unpaused = Clock::now();
    const auto at = std::chrono::system_clock::now().time_since_epoch();

    const auto built = argc == 7 && log.vif_began ? *log.vif_began : created;
    std::printf(
        "{\"domid\": %u, \"build_ms\": %.1f, \"vif_ms\": %.1f, \"unpause_ms\": %.1f, "
        "\"unpaused_at\": %.6f}\n",
        domid, ms(built - began), ms(created - built), ms(unpaused - created),
        std::chrono::duration<double>(at).count());
    libxl_ctx_free(ctx);
    return 0;
}
