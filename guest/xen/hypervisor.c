// Hypercalls, events, time; see hypervisor.h.
#include "hypervisor.h"

#include <stdint.h>
#include <string.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>

#include "console.h"

static union {
    shared_info_t info;
    uint8_t page[PAGE_SIZE];
} shared __attribute__((aligned(PAGE_SIZE)));

void hypervisor_init(void) {
    hypercall_init();
    map_xen_page(XENMAPSPACE_shared_info, 0, &shared);
    memset(shared.info.evtchn_mask, 0xff, sizeof shared.info.evtchn_mask);
    arch_time_init();
}

uint64_t hvm_param(uint32_t index) {
    struct xen_hvm_param p = {.domid = DOMID_SELF, .index = index};
    if (hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, (uint64_t)&p, 0) != 0) {
        panic("cannot read HVM parameter %u", index);
    }
    return p.value;
}

void map_xen_page(unsigned space, uint64_t index, void* page) {
    struct xen_add_to_physmap x = {
        .domid = DOMID_SELF, .space = space, .idx = index, .gpfn = frame_number(page)};
    if (hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, (uint64_t)&x, 0) != 0) {
        panic("cannot map page %lu of Xen's space %u", index, space);
    }
}

// What our clock is ahead of Xen's, which begins anew with the host.
static uint64_t clock_ahead;
static uint64_t clock_last;

static uint64_t xen_time(void) {
    return arch_time(&shared.info.vcpu_info[0].time);
}

uint64_t clock_now(void) {
    uint64_t now = xen_time() + clock_ahead;
    if (now > clock_last) {
        clock_last = now;
    }
    return clock_last;
}

uint64_t clock_epoch(void) {
    const volatile shared_info_t* s = &shared.info;
    uint32_t version;
    uint64_t seconds, nanoseconds;
    do {
        version = s->wc_version & ~1u;
        __asm__ volatile("" ::: "memory");
        seconds = (uint64_t)s->wc_sec_hi << 32 | s->wc_sec;
        nanoseconds = s->wc_nsec;
        __asm__ volatile("" ::: "memory");
    } while (s->wc_version != version);
    return seconds * 1000000000 + nanoseconds - clock_ahead;
}

evtchn_port_t event_allocate(domid_t remote) {
    struct evtchn_alloc_unbound x = {.dom = DOMID_SELF, .remote_dom = remote};
    if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, (uint64_t)&x, 0) != 0) {
        panic("no event channel");
    }
    return x.port;
}

void event_close(evtchn_port_t port) {
    struct evtchn_close x = {.port = port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, (uint64_t)&x, 0);
}

void event_notify(evtchn_port_t port) {
    struct evtchn_send x = {.port = port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, (uint64_t)&x, 0);
}

bool event_take(evtchn_port_t port) {
    xen_ulong_t *word = &shared.info.evtchn_pending[port / 64], bit = 1ul << port % 64;
    return port && (__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST) & bit);
}

void event_wait(const evtchn_port_t* ports, unsigned count, uint64_t deadline) {
    evtchn_port_t used[4];
    uint64_t at = deadline > clock_ahead ? deadline - clock_ahead : 1;  // 0: never
    struct sched_poll x = {.timeout = deadline == UINT64_MAX ? 0 : at};
    for (unsigned i = 0; i < count && x.nr_ports < 4; i++) {
        if (ports[i]) {
            used[x.nr_ports++] = ports[i];
        }
    }
    set_xen_guest_handle(x.ports, used);
    if (hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&x, 0) != 0) {
        panic("SCHEDOP_poll failed");
    }
}

bool guest_suspend(void) {
    struct sched_shutdown x = {.reason = SHUTDOWN_suspend};
    if (hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&x, 0) != 0) {
        return false;
    }
    uint64_t last = clock_last;
    hypervisor_init();
    clock_ahead = 0;
    uint64_t now = xen_time();
    clock_ahead = now < last ? last - now : 0;
    return true;
}

_Noreturn void guest_shutdown(unsigned reason) {
    struct sched_shutdown x = {.reason = reason};
    for (;;) {
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, (uint64_t)&x, 0);
    }
}
