// What differs from one architecture to another; arch/x86 and arch/arm64 each have all of it, beside
// the first instructions (entry.S), which call guest_main, and the layout in memory (guest.ld).
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <xen/xen.h>

// CPU exceptions: from now on each ends the guest with a line on the console instead of a silent
// reset. Interrupts stay disabled for the guest's whole life.
void trap_init(void);

// Must come before any hypercall; after a suspend, too.
void hypercall_init(void);

// Issues a hypercall with up to three arguments; negative results are -errno of xen/errno.h.
long hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c);

// The command line, in what guest_main was given.
const char* arch_command_line(const void* start);

// The first module that was loaded with us (`ramdisk` of a configuration), in what guest_main was
// given; NULL if there is none.
const char* arch_module(const void* start, size_t* size);

// Must come before arch_time, with the shared page in its place; after a suspend, too.
void arch_time_init(void);
// Nanoseconds since Xen booted, by Xen's clock.
uint64_t arch_time(const volatile vcpu_time_info_t* time);

// Random bits, as far as the CPU has a generator for them; others stay as they are.
void arch_random(uint64_t seed[4]);

// Writes to Xen's own log, where it takes that from guests.
void arch_log(const char* text);
