// The first instructions. Xen starts a PVH guest here, in 32-bit protected mode without paging,
// with the physical address of struct hvm_start_info in ebx (Xen: docs/misc/pvh.pandoc). This
// switches to 64-bit mode with the first 4 GiB mapped one to one, and calls guest_main.
// Below it are the entry points of CPU exceptions, all of which are fatal; see trap.c.

#define XEN_ELFNOTE_PHYS32_ENTRY 18  // xen/elfnote.h

#define PRESENT_WRITABLE 0x3
#define LARGE_PAGE       0x80
#define CODE_SELECTOR    8
#define DATA_SELECTOR    16

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long entry32

    .text
    .code32
    .globl entry32
entry32:
    cld
    mov $stack_top, %esp
    mov %cr4, %eax
    or $0x20, %eax              // CR4.PAE
    mov %eax, %cr4
    mov $page_map, %eax
    mov %eax, %cr3
    mov $0xc0000080, %ecx       // EFER
    rdmsr
    or $0x100, %eax             // EFER.LME
    wrmsr
    mov %cr0, %eax
    or $0x80010000, %eax        // CR0.PG, CR0.WP
    mov %eax, %cr0
    lgdt descriptor_table_pointer
    ljmp $CODE_SELECTOR, $entry64

    .code64
entry64:
    mov $DATA_SELECTOR, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %ebx, %edi
    xor %ebp, %ebp
    call guest_main
    ud2

// One stub for each exception: pushes an error code of 0 where the CPU pushed none, and the vector.
// The stubs are TRAP_STUB_SIZE (trap.c) bytes apart.
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set vector, 0
    .rept 32
    .balign 16
    .if !((0x60227d00 >> vector) & 1)  // vectors 8, 10-14, 17, 21, 29 and 30 push a code
    push $0
    .endif
    push $vector
    jmp trap_common
    .set vector, vector + 1
    .endr

trap_common:
    mov %rsp, %rdi
    and $-16, %rsp
    call trap_fatal

    .section .rodata
    .balign 8
descriptor_table:
    .quad 0
    .quad 0x00af9b000000ffff    // 64-bit code
    .quad 0x00cf93000000ffff    // data
descriptor_table_pointer:
    .short . - descriptor_table - 1
    .long descriptor_table

// The page tables, complete at build time. The first page is left out to catch null pointers.
    .data
    .balign 4096
page_map:
    .quad page_directory_pointers + PRESENT_WRITABLE
    .fill 511, 8, 0
page_directory_pointers:
    .set i, 0
    .rept 4
    .quad page_directories + i * 4096 + PRESENT_WRITABLE
    .set i, i + 1
    .endr
    .fill 508, 8, 0
page_directories:
    .quad first_pages + PRESENT_WRITABLE
    .set i, 1
    .rept 2047
    .quad i * 0x200000 + LARGE_PAGE + PRESENT_WRITABLE
    .set i, i + 1
    .endr
first_pages:
    .quad 0
    .set i, 1
    .rept 511
    .quad i * 4096 + PRESENT_WRITABLE
    .set i, i + 1
    .endr

    .bss
    .balign 16
    .skip 32768
stack_top:

    .section .note.GNU-stack, "", @progbits
