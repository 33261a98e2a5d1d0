// Hypercalls and the clock; see ../arch.h. Xen: xen/arch-arm.h.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <xen/sched.h>
#include <xen/vcpu.h>

#include "../../net/text.h"
#include "../../xen/console.h"
#include "../arch.h"
#include "devicetree.h"

#define NANOSECONDS 1000000000ull

void hypercall_init(void) {}

long hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c) {
    register uint64_t x0 __asm__("x0") = a;
    register uint64_t x1 __asm__("x1") = b;
    register uint64_t x2 __asm__("x2") = c;
    register uint64_t x16 __asm__("x16") = number;
    __asm__ volatile("hvc #0xea1" : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x16)::"x3", "x4", "memory");
    return (long)x0;
}

const char* arch_command_line(const void* start) {
    if (!devicetree_is_at(start)) {
        panic("not started with a device tree");
    }
    uint32_t size = 0;
    const char* found = devicetree_chosen(start, "bootargs", &size);
    return size && !found[size - 1] ? found : "";
}

// An address in /chosen: libxl writes those of the ramdisk with 64 bits. 0: there is none.
static uint64_t chosen_address(const void* tree, const char* property) {
    uint32_t size = 0;
    uint64_t address = 0;
    const char* value = devicetree_chosen(tree, property, &size);
    if (size != sizeof address) {
        return 0;
    }
    memcpy(&address, value, sizeof address);
    return __builtin_bswap64(address);
}

const char* arch_module(const void* start, size_t* size) {
    uint64_t first = chosen_address(start, "linux,initrd-start");
    uint64_t end = chosen_address(start, "linux,initrd-end");
    if (!first || end <= first) {
        return NULL;
    }
    *size = end - first;
    return (const char*)first;
}

static uint64_t counter_frequency(void) {
    uint64_t value;
    __asm__("mrs %0, cntfrq_el0" : "=r"(value));
    return value;
}

// The counter that Xen's clock is made of, in nanoseconds.
static uint64_t counter(void) {
    uint64_t ticks, frequency = counter_frequency();
    __asm__ volatile("isb; mrs %0, cntpct_el0" : "=r"(ticks)::"memory");
    return ticks / frequency * NANOSECONDS + ticks % frequency * NANOSECONDS / frequency;
}

// What the counter said when Xen's clock began.
static uint64_t counter_zero;

// Xen keeps no clock for guests in the shared page here, but it does say by its clock when it last let
// us run. After a short sleep that is just now: the smallest difference to the counter is the best.
void arch_time_init(void) {
    static struct vcpu_runstate_info runstate;
    struct vcpu_register_runstate_memory_area area = {.addr.v = &runstate};
    if (hypercall(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, (uint64_t)&area) != 0) {
        panic("no runstate area");
    }
    counter_zero = UINT64_MAX;
    for (unsigned i = 0; i < 4; i++) {
        struct sched_poll sleep = {.timeout = 1};  // long ago
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, (uint64_t)&sleep, 0);
        uint64_t since = *(volatile uint64_t*)&runstate.state_entry_time;
        uint64_t zero = counter() - since;
        counter_zero = zero < counter_zero ? zero : counter_zero;
    }
}

uint64_t arch_time(const volatile vcpu_time_info_t* time) {
    (void)time;
    return counter() - counter_zero;
}

void arch_random(uint64_t seed[4]) {
    uint64_t features;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(features));
    if (features >> 60) {  // RNDR, Armv8.5
        for (unsigned i = 0; i < 4; i++) {
            __asm__ volatile("mrs %0, s3_3_c2_c4_0" : "=r"(seed[i])::"cc");  // 0 if it fails
        }
    }
}

// Xen takes it in debug builds only.
void arch_log(const char* text) {
    hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, text_length(text), (uint64_t)text);
}
