// The grant table, version 1; see grant.h.
#include "grant.h"

#include <xen/memory.h>

#include "hypervisor.h"

static union {
    grant_entry_v1_t entries[GRANTS];
    uint8_t page[PAGE_SIZE];
} table __attribute__((aligned(PAGE_SIZE)));

void grant_init(void) {
    map_xen_page(XENMAPSPACE_grant_table, 0, &table);
}

void grant_page(grant_ref_t ref, domid_t domain, const void* page, bool read_only) {
    grant_entry_v1_t* e = &table.entries[ref];
    __atomic_store_n(&e->flags, GTF_invalid, __ATOMIC_SEQ_CST);
    e->domid = domain;
    e->frame = (uint32_t)frame_number(page);
    uint16_t flags = GTF_permit_access | (read_only ? GTF_readonly : 0);
    __atomic_store_n(&e->flags, flags, __ATOMIC_RELEASE);  // last: it makes the entry valid
}
