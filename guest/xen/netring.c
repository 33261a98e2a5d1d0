// The packet rings; see netring.h.
//
// Each ring entry has its own page, granted to the backend when it connects and never revoked:
// backends are trusted with packets anyhow. The backend copies what it sends into receive pages and
// what we send out of transmit pages; only the two ring pages are ever mapped by it.
#include "netring.h"

#include <string.h>

#include "console.h"
#include "grant.h"
#include "hypervisor.h"

#define xen_mb() __sync_synchronize()
#define xen_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define xen_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#include <xen/io/netif.h>

enum {
    RECEIVE_PAGES = 128,
    TRANSMIT_PAGES = 64,

    TRANSMIT_RING_REF = GNTTAB_NR_RESERVED_ENTRIES,
    RECEIVE_RING_REF,
    RECEIVE_REF,
    TRANSMIT_REF = RECEIVE_REF + RECEIVE_PAGES,
};

const grant_ref_t netring_transmit_ref = TRANSMIT_RING_REF, netring_receive_ref = RECEIVE_RING_REF;

_Static_assert(TRANSMIT_REF + TRANSMIT_PAGES <= (int)GRANTS, "one page of grants is enough");

#define PAGE_ALIGNED __attribute__((aligned(PAGE_SIZE)))

static union {
    netif_tx_sring_t ring;
    uint8_t page[PAGE_SIZE];
} transmit_page PAGE_ALIGNED;
static union {
    netif_rx_sring_t ring;
    uint8_t page[PAGE_SIZE];
} receive_page PAGE_ALIGNED;
static uint8_t receive_pages[RECEIVE_PAGES][PAGE_SIZE] PAGE_ALIGNED;
static uint8_t transmit_pages[TRANSMIT_PAGES][PAGE_SIZE] PAGE_ALIGNED;

static netif_tx_front_ring_t transmit_ring;
static netif_rx_front_ring_t receive_ring;
static uint16_t transmit_free[TRANSMIT_PAGES];  // a stack of pages not in use
static unsigned transmit_free_count;
static bool receive_in_packet;  // the next descriptor continues a packet, which is dropped

static evtchn_port_t port;

static void offer_receive_page(unsigned page) {
    netif_rx_request_t* r = RING_GET_REQUEST(&receive_ring, receive_ring.req_prod_pvt);
    r->id = (uint16_t)page;
    r->gref = RECEIVE_REF + page;
    receive_ring.req_prod_pvt++;
}

static void push_receive_pages(void) {
    int notify;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&receive_ring, notify);
    if (notify) {
        event_notify(port);
    }
}

void netring_init(domid_t remote, evtchn_port_t event_channel) {
    port = event_channel;
    memset(&transmit_page, 0, sizeof transmit_page);
    memset(&receive_page, 0, sizeof receive_page);
    XEN_FRONT_RING_INIT(&transmit_ring, &transmit_page.ring, PAGE_SIZE);
    XEN_FRONT_RING_INIT(&receive_ring, &receive_page.ring, PAGE_SIZE);
    grant_page(TRANSMIT_RING_REF, remote, &transmit_page, false);
    grant_page(RECEIVE_RING_REF, remote, &receive_page, false);
    for (unsigned i = 0; i < RECEIVE_PAGES; i++) {
        grant_page(RECEIVE_REF + i, remote, receive_pages[i], false);
        offer_receive_page(i);
    }
    transmit_free_count = 0;
    for (unsigned i = 0; i < TRANSMIT_PAGES; i++) {
        grant_page(TRANSMIT_REF + i, remote, transmit_pages[i], true);
        transmit_free[transmit_free_count++] = (uint16_t)i;
    }
    receive_in_packet = false;
    push_receive_pages();
}

static void receive_response(const netif_rx_response_t* r,
                             void (*input)(const void* frame, size_t size)) {
    bool more = (r->flags & NETRXF_more_data) != 0;
    bool single = !more && !receive_in_packet && !(r->flags & NETRXF_extra_info);
    // Packets in several pieces, or with extra descriptors, are what we have not offered to take.
    receive_in_packet = more;
    if (single && r->status > 0 && r->offset <= PAGE_SIZE &&
        (size_t)r->status <= PAGE_SIZE - r->offset) {
        input(receive_pages[r->id] + r->offset, (size_t)r->status);
    }
}

void netring_receive(void (*input)(const void* frame, size_t size)) {
    int more;
    bool any = false;
    do {
        RING_IDX written = receive_ring.sring->rsp_prod;
        xen_rmb();
        for (; receive_ring.rsp_cons != written; receive_ring.rsp_cons++) {
            netif_rx_response_t r = *RING_GET_RESPONSE(&receive_ring, receive_ring.rsp_cons);
            if (r.id >= RECEIVE_PAGES) {
                panic("net: the backend answered for page %u", r.id);
            }
            receive_response(&r, input);
            offer_receive_page(r.id);
            any = true;
        }
        RING_FINAL_CHECK_FOR_RESPONSES(&receive_ring, more);
    } while (more);
    if (any) {
        push_receive_pages();
    }
}

// Takes back the pages that the backend has copied.
static void reclaim(void) {
    RING_IDX written = transmit_ring.sring->rsp_prod;
    xen_rmb();
    for (; transmit_ring.rsp_cons != written; transmit_ring.rsp_cons++) {
        netif_tx_response_t r = *RING_GET_RESPONSE(&transmit_ring, transmit_ring.rsp_cons);
        if (r.id >= TRANSMIT_PAGES || transmit_free_count == TRANSMIT_PAGES) {
            panic("net: the backend answered for page %u", r.id);
        }
        transmit_free[transmit_free_count++] = r.id;
    }
}

void netring_transmit(const void* frame, size_t size) {
    reclaim();
    if (transmit_free_count == 0 || size > PAGE_SIZE) {
        return;
    }
    uint16_t page = transmit_free[--transmit_free_count];
    memcpy(transmit_pages[page], frame, size);
    netif_tx_request_t* r = RING_GET_REQUEST(&transmit_ring, transmit_ring.req_prod_pvt);
    *r = (netif_tx_request_t){.gref = TRANSMIT_REF + page, .id = page, .size = (uint16_t)size};
    transmit_ring.req_prod_pvt++;
    int notify;
    RING_PUSH_REQUESTS_AND_CHECK_NOTIFY(&transmit_ring, notify);
    if (notify) {
        event_notify(port);
    }
}
