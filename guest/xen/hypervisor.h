// What the guest asks of Xen directly: hypercalls, events, time, and its own end. One vCPU, no
// interrupts: all event channels stay masked, and the guest sleeps in SCHEDOP_poll until one of
// the channels that it names is signalled or a time has come.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/event_channel.h>
#include <xen/sched.h>
#include <xen/xen.h>

#include "../arch/arch.h"

#define PAGE_SIZE 4096ul

// Memory is mapped one to one, so this is a static page's guest frame number.
static inline uint64_t frame_number(const void* page) {
    return (uint64_t)page / PAGE_SIZE;
}

static inline void* frame_pointer(uint64_t frame) {
    return (void*)(frame * PAGE_SIZE);
}

// Must come first: finds the hypercalls and the page shared with Xen.
void hypervisor_init(void);

// The value of a HVM_PARAM_* (xen/hvm/params.h) of this domain.
uint64_t hvm_param(uint32_t index);

// Makes Xen's page `index` of `space` (XENMAPSPACE_*) appear in place of the static page `page`.
void map_xen_page(unsigned space, uint64_t index, void* page);

// Nanoseconds since Xen booted; never goes back.
uint64_t clock_now(void);
// Nanoseconds since 1970, UTC, at time 0 of that clock, as dom0 has told Xen.
uint64_t clock_epoch(void);

evtchn_port_t event_allocate(domid_t remote);
void event_close(evtchn_port_t port);
void event_notify(evtchn_port_t port);
// Was the channel signalled since this was last asked?
bool event_take(evtchn_port_t port);
// Sleeps until one of the channels is signalled or the clock reaches `deadline` (UINT64_MAX:
// never). May return early. Ports of 0 are skipped.
void event_wait(const evtchn_port_t* ports, unsigned count, uint64_t deadline);

// Stops until the toolstack lets it go on. True: in another domain, perhaps on another host. Grants
// and event channels are gone then, console and xenstore have new ones, and devices have to be
// looked for again; the clock has gone on, whatever the host's says. False: nothing has changed.
bool guest_suspend(void);

// Ends the domain; SHUTDOWN_* of xen/sched.h.
_Noreturn void guest_shutdown(unsigned reason);
