// CPU exceptions; see ../arch.h.
#include <stdint.h>

#include "../../xen/console.h"
#include "../arch.h"

enum { TRAPS = 32, TRAP_STUB_SIZE = 16, CODE_SELECTOR = 8, INTERRUPT_GATE = 0x8e };

struct gate {
    uint16_t offset_low, selector;
    uint8_t stack, type;
    uint16_t offset_middle;
    uint32_t offset_high, reserved;
};

struct trap_frame {
    uint64_t vector, error, rip, cs, flags, rsp, ss;
};

extern const uint8_t trap_stubs[];  // entry.S

_Noreturn void trap_fatal(const struct trap_frame* f);

_Noreturn void trap_fatal(const struct trap_frame* f) {
    uint64_t address;
    __asm__ volatile("mov %%cr2, %0" : "=r"(address));
    panic("exception %lu, error 0x%lx, at 0x%lx, stack 0x%lx, address 0x%lx", f->vector, f->error,
          f->rip, f->rsp, address);
}

void trap_init(void) {
    static struct gate gates[TRAPS] __attribute__((aligned(16)));
    for (unsigned i = 0; i < TRAPS; i++) {
        uint64_t offset = (uint64_t)trap_stubs + i * TRAP_STUB_SIZE;
        gates[i] = (struct gate){
            .offset_low = (uint16_t)offset,
            .selector = CODE_SELECTOR,
            .type = INTERRUPT_GATE,
            .offset_middle = (uint16_t)(offset >> 16),
            .offset_high = (uint32_t)(offset >> 32),
        };
    }
    struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) pointer = {sizeof gates - 1, (uint64_t)gates};
    __asm__ volatile("lidt %0" ::"m"(pointer));
}
