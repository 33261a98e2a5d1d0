// Hypercalls and the clock; see ../arch.h. Xen: docs/misc/pvh.pandoc, xen/arch-x86/cpuid.h.
#include <stdint.h>
#include <xen/arch-x86/cpuid.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>

#include "../../xen/console.h"
#include "../../xen/hypervisor.h"
#include "../arch.h"

enum { EVENT_VECTOR = 0xf3 };  // any but those of exceptions

// Xen fills this page with one entry point of 32 bytes for each hypercall.
static uint8_t hypercall_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

static void cpuid(uint32_t leaf, uint32_t out[4]) {
    __asm__ volatile("cpuid"
                     : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                     : "a"(leaf), "c"(0));
}

static uint64_t rdtsc(void) {
    uint32_t low, high;
    __asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t)high << 32 | low;
}

long hypercall(unsigned number, uint64_t a, uint64_t b, uint64_t c) {
    long result;
    __asm__ volatile("call *%[entry]"
                     : "=a"(result), "+D"(a), "+S"(b), "+d"(c)
                     : [entry] "r"(hypercall_page + number * 32)
                     : "rcx", "r8", "r9", "r10", "r11", "memory", "cc");
    return result;
}

static uint32_t find_xen(void) {
    for (uint32_t base = 0x40000000; base < 0x40010000; base += 0x100) {
        uint32_t out[4];
        cpuid(base, out);
        if (out[1] == XEN_CPUID_SIGNATURE_EBX && out[2] == XEN_CPUID_SIGNATURE_ECX &&
            out[3] == XEN_CPUID_SIGNATURE_EDX) {
            return base;
        }
    }
    panic("this is not Xen");
}

void hypercall_init(void) {
    uint32_t out[4];
    cpuid(find_xen() + 2, out);  // ebx: the MSR that places the hypercall page
    uint64_t page = (uint64_t)hypercall_page;
    __asm__ volatile("wrmsr" ::"c"(out[1]), "a"((uint32_t)page), "d"((uint32_t)(page >> 32))
                     : "memory");
    // Events never interrupt us, but the toolstack takes a guest without a callback for one that
    // knows nothing of Xen, and does not tell it of a suspend that was cancelled (libxenguest,
    // modify_returncode).
    struct xen_hvm_param callback = {
        .domid = DOMID_SELF,
        .index = HVM_PARAM_CALLBACK_IRQ,
        .value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | EVENT_VECTOR};
    hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, (uint64_t)&callback, 0);
}

const char* arch_command_line(const void* start) {
    const struct hvm_start_info* info = start;
    if (info->magic != XEN_HVM_START_MAGIC_VALUE) {
        panic("not started as a PVH guest");
    }
    return info->cmdline_paddr ? (const char*)(uintptr_t)info->cmdline_paddr : "";
}

const char* arch_module(const void* start, size_t* size) {
    const struct hvm_start_info* info = start;
    if (info->nr_modules == 0) {
        return NULL;
    }
    const struct hvm_modlist_entry* module = (const void*)(uintptr_t)info->modlist_paddr;
    *size = module->size;
    return (const char*)(uintptr_t)module->paddr;
}

void arch_time_init(void) {}

uint64_t arch_time(const volatile vcpu_time_info_t* t) {
    uint32_t version;
    uint64_t now;
    do {  // Xen makes the version odd while it writes
        version = t->version & ~1u;
        __asm__ volatile("" ::: "memory");
        uint64_t delta = rdtsc() - t->tsc_timestamp;
        int shift = t->tsc_shift;
        delta = shift < 0 ? delta >> -shift : delta << shift;
        now = t->system_time + (uint64_t)((unsigned __int128)delta * t->tsc_to_system_mul >> 32);
        __asm__ volatile("" ::: "memory");
    } while (t->version != version);
    return now;
}

void arch_random(uint64_t seed[4]) {
    uint32_t out[4];
    cpuid(1, out);
    if (out[2] & 1u << 30) {
        for (unsigned i = 0; i < 4; i++) {
            __asm__ volatile("rdrand %0" : "=r"(seed[i])::"cc");  // 0 if it fails
        }
    }
}

void arch_log(const char* text) {
    for (const char* s = text; *s; s++) {
        __asm__ volatile("outb %0, %1" ::"a"(*s), "Nd"((uint16_t)XEN_HVM_DEBUGCONS_IOPORT));
    }
}
