// The grant table: which of our pages other domains may map or copy.
#pragma once

#include <stdbool.h>
#include <xen/grant_table.h>

enum { GRANTS = 512 };  // one page of them

void grant_init(void);

// Lets `domain` use the static page `page` under reference `ref` (GNTTAB_NR_RESERVED_ENTRIES up to
// GRANTS). Replaces what the reference meant before, which nobody may be using any more.
void grant_page(grant_ref_t ref, domid_t domain, const void* page, bool read_only);
