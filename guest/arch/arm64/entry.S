// The first instructions. The file is an arm64 Image (Linux: Documentation/arm64/booting.rst); Xen puts
// it where memory begins and starts it at EL1 with the MMU off and the device tree's address in x0.
//
// The MMU goes on before anything else: what is shared with Xen has to be Normal cacheable memory
// (xen/arch-arm.h), and exclusive accesses work on such memory only. What is mapped, one to one, is the
// 3 GiB where memory is and the pages that the toolstack gives for console and xenstore.

// Descriptors (ARM ARM D8.3): a block, accessed, inner shareable, attributes 0 of MAIR_EL1.
#define BLOCK            0x701
#define TABLE            3
#define NORMAL_WRITEBACK 0xff           // MAIR_EL1, attributes 0
// TCR_EL1: 32 bits of address through TTBR0, none through TTBR1, walks as cacheable as all the rest.
#define TRANSLATION      (1 << 23 | 3 << 12 | 1 << 10 | 1 << 8 | 32)
#define MMU_AND_CACHES   (1 << 12 | 1 << 2 | 1)  // SCTLR_EL1.I, C, M

#define MAGIC_PAGES      0x39000000     // xen/arch-arm.h: GUEST_MAGIC_BASE, 16 MiB

    .section .head, "ax"
    .globl image_header
image_header:
    b entry
    .long 0
    .quad 0                     // text_offset, from the beginning of memory
    .quad image_size
    .quad 0xa                   // little-endian, pages of 4 KiB, anywhere in memory
    .quad 0, 0, 0
    .ascii "ARM\x64"
    .long 0

    .text
entry:
    mov x19, x0
    mov x1, #NORMAL_WRITEBACK
    msr mair_el1, x1
    ldr x1, =TRANSLATION
    msr tcr_el1, x1
    adrp x1, page_map
    msr ttbr0_el1, x1
    tlbi vmalle1
    ic iallu
    dsb sy
    isb
    mrs x1, sctlr_el1
    ldr x2, =MMU_AND_CACHES
    orr x1, x1, x2
    msr sctlr_el1, x1
    isb

    adrp x1, bss_start          // whole pages
    adrp x2, bss_end
1:  cmp x1, x2
    b.eq 2f
    stp xzr, xzr, [x1], #16
    b 1b
2:  adrp x1, stack_top
    mov sp, x1
    mov x29, xzr
    mov x30, xzr
    mov x0, x19
    bl guest_main
    brk #0

// Vector table: 16 entries of 128 bytes. All exceptions are fatal; see trap.c.
    .balign 2048
    .globl trap_vectors
trap_vectors:
    .set vector, 0
    .rept 16
    .balign 128
    mov x0, #vector
    b trap_common
    .set vector, vector + 1
    .endr

trap_common:
    mrs x1, esr_el1
    mrs x2, elr_el1
    mrs x3, far_el1
    mov x4, sp
    adrp x5, trap_stack_top     // the other one may be what is wrong
    mov sp, x5
    b trap_fatal

// The page tables, complete at build time.
    .data
    .balign 4096
page_map:                       // 1 GiB each
    .quad first_gigabyte + TABLE
    .set i, 1
    .rept 3
    .quad i << 30 | BLOCK
    .set i, i + 1
    .endr
    .balign 4096
first_gigabyte:                 // 2 MiB each
    .fill MAGIC_PAGES >> 21, 8, 0
    .set i, MAGIC_PAGES >> 21
    .rept 8
    .quad i << 21 | BLOCK
    .set i, i + 1
    .endr
    .fill 512 - (MAGIC_PAGES >> 21) - 8, 8, 0

    .bss
    .balign 4096
    .skip 32768
stack_top:
    .skip 4096
trap_stack_top:

    .section .note.GNU-stack, "", @progbits
