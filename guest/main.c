// The guest's life: boot, configuration, and the one loop that everything happens in.
//
// Nothing runs unless an event channel is signalled or a deadline has come, so an idle guest costs
// no CPU time.
#include <stdint.h>
#include <string.h>

#include "arch/arch.h"
#include "net/net.h"
#include "net/options.h"
#include "net/text.h"
#include "xen/console.h"
#include "xen/grant.h"
#include "xen/hypervisor.h"
#include "xen/netfront.h"
#include "xen/random.h"
#include "xen/xenstore.h"

enum { WATCH_SHUTDOWN = 0 };  // and those of netfront.h

#define MILLISECOND 1000000ull
#define EXIT_DELAY (200 * MILLISECOND)  // for the answer to GET /exit to leave

static struct options options;
static struct net net;
static bool net_running;
static bool network_started;
static bool said_ready;  // in this domain
static uint64_t exit_at = NEVER;

void guest_main(const void* start);

static void requested(enum http_action action) {
    if (action == HTTP_CRASH) {
        panic("asked to crash");
    }
    exit_at = clock_now() + EXIT_DELAY;
}

static void input(const void* frame, size_t size) {
    if (net_running) {
        net_input(&net, clock_now(), frame, size);
    }
}

// The link has come up: start the network on it and, the first time in this domain, say that we are
// ready.
static void link_up(void) {
    memcpy(net.mac, netfront_mac(), MAC_SIZE);
    net_link_up(&net, clock_now());
    net_running = true;
    if (!options.no_ready && !said_ready) {
        xenstore_write("data/ready", "1");
        said_ready = true;
    }
    if (net.http.ready_at) {
        return;
    }
    net.http.ready_at = clock_now();
    uint64_t boot_us = (net.http.ready_at - net.http.started_at) / 1000;
    print("ready after %lu.%03lu ms", boot_us / 1000, boot_us % 1000);
}

static void watch_shutdown(void) {
    if (!options.ignore_shutdown) {
        xenstore_write("control/feature-poweroff", "1");
        xenstore_write("control/feature-reboot", "1");
        xenstore_write("control/feature-suspend", "1");
    }
    xenstore_watch("control/shutdown", WATCH_SHUTDOWN);
}

static void acknowledge(void) {
    char word[XENSTORE_VALUE_MAX];
    xenstore_write("control/shutdown", "");
    xenstore_read("control/shutdown", word);  // waits until it is written
}

// What we hold of Xen's is found anew; the network stack keeps its state, as over a link that goes
// down and comes up.
static void suspend(void) {
    if (!guest_suspend()) {
        print("the suspend was cancelled");
        return;
    }
    console_init();
    print("resumed");
    grant_init();
    xenstore_init();
    said_ready = net_running = false;
    watch_shutdown();
    if (network_started) {
        netfront_start();
    }
}

// The toolstack asks for an end of this domain by writing a word to control/shutdown, and takes the
// emptied key for the promise to obey.
static void shutdown_changed(void) {
    static const struct {
        const char* word;
        unsigned reason;
    } requests[] = {
        {"poweroff", SHUTDOWN_poweroff},
        {"halt", SHUTDOWN_poweroff},
        {"reboot", SHUTDOWN_reboot},
    };
    char word[XENSTORE_VALUE_MAX];
    xenstore_read("control/shutdown", word);
    if (!*word) {
        return;
    }
    print("asked for %s", word);
    if (text_equal(word, "suspend") && !options.ignore_shutdown) {
        acknowledge();
        suspend();
        return;
    }
    for (unsigned i = 0; i < sizeof requests / sizeof *requests && !options.ignore_shutdown; i++) {
        if (text_equal(word, requests[i].word)) {
            acknowledge();
            guest_shutdown(requests[i].reason);
        }
    }
}

static void configure(const void* start) {
    static char command_line[1024];
    const char* given = arch_command_line(start);
    if (text_length(given) >= sizeof command_line) {
        panic("the command line is too long");
    }
    text_format(command_line, sizeof command_line, "%s", given);
    print("command line: %s", command_line);
    const char* wrong = options_parse(&options, command_line);
    if (wrong) {
        panic("bad argument: %s", wrong);
    }
}

// What a rumprun guest would take its configuration from, for a test to see that it was there from the
// very start.
static void tell_rumprun(void) {
    char cfg[XENSTORE_VALUE_MAX];
    xenstore_read("rumprun/cfg", cfg);
    if (*cfg) {
        print("rumprun/cfg: %s", cfg);
    }
}

// Sets up struct net but for what only the device knows.
static void prepare_net(const void* start, uint64_t started_at) {
    net.environment.transmit = netfront_transmit;
    net.environment.requested = requested;
    net.ipv4 = options.ipv4;
    net.ipv6 = options.ipv6;
    random_bytes(net.secret);
    net.http.started_at = started_at;
    net.listen_at = started_at + options.listen_delay_ms * MILLISECOND;
    net.refuse_early = options.refuse_early;
    net.no_backlog = options.no_backlog;
    net.no_announce = options.no_announce;
    net.http.wallclock_started = (clock_epoch() + started_at) / NANOSECONDS_PER_SECOND;
    memcpy(net.http.name, options.name, sizeof net.http.name);
    net.http.text = arch_module(start, &net.http.text_size);
}

void guest_main(const void* start) {
    trap_init();
    hypervisor_init();
    uint64_t started_at = clock_now();
    console_init();
    configure(start);
    grant_init();
    xenstore_init();
    tell_rumprun();
    prepare_net(start, started_at);
    watch_shutdown();

    uint64_t network_at = started_at + options.ready_delay_ms * MILLISECOND;
    uint64_t crash_at = options.crash ? started_at + options.crash_after_ms * MILLISECOND : NEVER;
    exit_at = options.exit ? started_at + options.exit_after_ms * MILLISECOND : NEVER;
    for (;;) {
        uint64_t now = clock_now(), deadline = NEVER;
        if (now >= crash_at) {
            panic("crashing after %lu ms, as told", options.crash_after_ms);
        }
        if (now >= exit_at) {
            guest_shutdown(SHUTDOWN_poweroff);
        }
        if (now >= network_at) {
            netfront_start();
            network_started = true;
            network_at = NEVER;
        }
        // Again until there are none: whoever waits for a reply also takes in changes.
        for (uint32_t changes; (changes = xenstore_changes()) != 0;) {
            netfront_changed(changes);  // first: the backend works while we read on
            if (changes & 1u << WATCH_SHUTDOWN) {
                shutdown_changed();
            }
            if (netfront_is_up() && !net_running) {
                link_up();
            }
            net_running = netfront_is_up();
        }
        netfront_receive(input);
        if (net_running) {
            deadline = net_tick(&net, clock_now());
        }
        deadline = deadline < crash_at ? deadline : crash_at;
        deadline = deadline < exit_at ? deadline : exit_at;
        deadline = deadline < network_at ? deadline : network_at;
        evtchn_port_t ports[] = {xenstore_port(), netfront_port()};
        event_wait(ports, 2, deadline);
    }
}
