// The guest's command line: the names that MirageOS unikernels use, and switches for tests.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net.h"

struct options {
    char name[64];                    // --name=NAME (default "guest")
    struct net_interface ipv4, ipv6;  // --ipv4=A/LEN --ipv4-gateway=A, --ipv6=... likewise
    uint64_t ready_delay_ms;          // --ready-delay=MS: bring up the network this much later
    bool crash;                       // --crash-after=MS given
    uint64_t crash_after_ms;          // from entry
    bool exit;                        // --exit-after=MS given
    uint64_t exit_after_ms;           // from entry
    uint64_t listen_delay_ms;         // --listen-delay=MS: TCP listens this long after entry
    bool no_backlog;                  // --no-backlog: resets all connections but one in a row
    bool refuse_early;                // --refuse-early: until then it refuses connections
    bool no_announce;                 // --no-announce: says nothing when the link comes up
    bool ignore_shutdown;             // --ignore-shutdown
    bool no_ready;                    // --no-ready: do not write the ready mark
};

// Reads arguments separated by spaces. Those that do not start with "--" are skipped: a boot
// loader may put the kernel's name first. Returns NULL, or the argument (terminated) that is wrong.
const char* options_parse(struct options* o, char* command_line);
