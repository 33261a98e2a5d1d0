// The console ring (xen/io/console.h), output only; see console.h.
#include "console.h"

#include <xen/hvm/params.h>
#include <xen/io/console.h>

#include "../net/text.h"
#include "hypervisor.h"

enum { LINE_MAX = 256 };

static struct xencons_interface* ring;  // NULL until console_init
static evtchn_port_t port;

void console_init(void) {
    ring = frame_pointer(hvm_param(HVM_PARAM_CONSOLE_PFN));
    port = (evtchn_port_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
}

static void put(const char* s) {
    if (!ring) {
        return;
    }
    XENCONS_RING_IDX read = __atomic_load_n(&ring->out_cons, __ATOMIC_ACQUIRE);
    XENCONS_RING_IDX written = ring->out_prod;
    for (; *s && written - read < sizeof ring->out; s++) {
        ring->out[MASK_XENCONS_IDX(written++, ring->out)] = *s;
    }
    __atomic_store_n(&ring->out_prod, written, __ATOMIC_RELEASE);
    event_notify(port);
}

void print(const char* format, ...) {
    char line[LINE_MAX];
    va_list args;
    va_start(args, format);
    size_t n = text_vformat(line, sizeof line - 2, format, args);
    va_end(args);
    text_format(line + n, sizeof line - n, "\r\n");
    put(line);
}

_Noreturn void panic(const char* format, ...) {
    char line[LINE_MAX], whole[LINE_MAX];
    va_list args;
    va_start(args, format);
    text_vformat(line, sizeof line, format, args);
    va_end(args);
    text_format(whole, sizeof whole, "panic: %s\r\n", line);
    put(whole);
    arch_log(whole);
    guest_shutdown(SHUTDOWN_crash);
}
