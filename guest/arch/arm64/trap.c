// CPU exceptions; see ../arch.h.
#include <stdint.h>

#include "../../xen/console.h"
#include "../arch.h"

extern const uint8_t trap_vectors[];  // entry.S

_Noreturn void trap_fatal(uint64_t vector, uint64_t syndrome, uint64_t at, uint64_t address,
                          uint64_t stack);

_Noreturn void trap_fatal(uint64_t vector, uint64_t syndrome, uint64_t at, uint64_t address,
                          uint64_t stack) {
    panic("exception %lu, syndrome 0x%lx, at 0x%lx, stack 0x%lx, address 0x%lx", vector, syndrome, at,
          stack, address);
}

void trap_init(void) {
    __asm__ volatile("msr vbar_el1, %0; isb" ::"r"(trap_vectors));
}
