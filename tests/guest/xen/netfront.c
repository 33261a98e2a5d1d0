// The network interface (xen/io/netif.h); see netfront.h.
//
// Each ring entry has its own page, granted to the backend when it connects and never revoked:
// backends are trusted with packets anyhow. The backend copies what it sends into receive pages and
// what we send out of transmit pages, so a page is never mapped for long.
//
// For a resume after suspend or migration: the grant table and event channels are gone then, and
// netfront_changed finds a new backend in state InitWait, which takes the same path as the first.
#include "netfront.h"

#include <string.h>

#include "console.h"
#include "grant.h"
#include "hypervisor.h"
#include "xenstore.h"

#define xen_mb() __sync_synchronize()
#define xen_rmb() __asm__ volatile("" ::: "memory")  // x86 keeps loads, and stores, in order
#define xen_wmb() __asm__ volatile("" ::: "memory")
#include <xen/io/netif.h>
#include <xen/io/xenbus.h>

#include "../net/text.h"

enum {
    RECEIVE_PAGES = 128,
    TRANSMIT_PAGES = 64,

    TRANSMIT_RING_REF = GNTTAB_NR_RESERVED_ENTRIES,
    RECEIVE_RING_REF,
    RECEIVE_REF,
    TRANSMIT_REF = RECEIVE_REF + RECEIVE_PAGES,
};

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

static unsigned device_id, backend_id;   // the watches
static char backend[XENSTORE_PATH_MAX];  // the backend's directory, or ""
static bool connected;                   // rings and grants are set up
static bool up;                          // and the backend uses them
static evtchn_port_t port;
static uint8_t mac[6];

void netfront_start(unsigned device_watch, unsigned backend_watch) {
    device_id = device_watch;
    backend_id = backend_watch;
    xenstore_watch("device/vif/0/backend", device_id);
}

static bool read_mac(void) {
    char text[18];
    if (!xenstore_read("device/vif/0/mac", text, sizeof text) || text_length(text) != 17) {
        return false;
    }
    for (unsigned i = 0; i < 17; i++) {
        char c = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];
        if (i % 3 == 2) {
            if (c != ':') {
                return false;
            }
            continue;
        }
        bool digit = c >= '0' && c <= '9';
        if (!digit && (c < 'a' || c > 'f')) {
            return false;
        }
        mac[i / 3] = (uint8_t)(mac[i / 3] << 4 | (digit ? c - '0' : c - 'a' + 10));
    }
    return true;
}

static void offer(const char* key, uint32_t value) {
    char path[64], text[12];
    text_format(path, sizeof path, "device/vif/0/%s", key);
    text_format(text, sizeof text, "%u", value);
    xenstore_write(path, text);
}

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

// Sets up fresh rings and tells the backend, which is in state InitWait: it uses nothing of ours.
static void connect(void) {
    uint32_t domain;
    char path[XENSTORE_PATH_MAX];
    text_format(path, sizeof path, "%s/feature-rx-copy", backend);
    uint32_t rx_copy;
    if (!xenstore_read_number("device/vif/0/backend-id", &domain) ||
        domain >= DOMID_FIRST_RESERVED || !read_mac() || !xenstore_read_number(path, &rx_copy) ||
        rx_copy != 1) {
        print("net: device/vif/0 or its backend is not usable");
        return;
    }
    domid_t remote = (domid_t)domain;
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
    port = event_allocate(remote);
    push_receive_pages();

    offer("tx-ring-ref", TRANSMIT_RING_REF);
    offer("rx-ring-ref", RECEIVE_RING_REF);
    offer("event-channel", port);
    offer("request-rx-copy", 1);
    offer("feature-rx-notify", 1);
    offer("feature-no-csum-offload", 1);  // packets come with their checksums filled in
    offer("state", XenbusStateConnected);
    connected = true;
}

static void disconnect(void) {
    if (connected) {
        event_close(port);
        port = 0;
        connected = false;
        up = false;
        print("net: link down");
    }
}

// The device has come, gone, or been given another backend.
static void device_changed(void) {
    char now[XENSTORE_PATH_MAX - 32];  // leaves room for a key's name
    char path[XENSTORE_PATH_MAX];
    xenstore_read("device/vif/0/backend", now, sizeof now);
    if (text_equal(now, backend)) {
        return;
    }
    disconnect();
    if (*backend) {
        text_format(path, sizeof path, "%s/state", backend);
        xenstore_unwatch(path, backend_id);
    }
    text_format(backend, sizeof backend, "%s", now);
    if (*backend) {
        text_format(path, sizeof path, "%s/state", backend);
        xenstore_watch(path, backend_id);
    }
}

// The handshake of xen/io/xenbus.h, seen from the front.
static void backend_changed(void) {
    char path[XENSTORE_PATH_MAX];
    uint32_t state;
    if (!*backend) {
        return;
    }
    text_format(path, sizeof path, "%s/state", backend);
    xenstore_read_number(path, &state);
    switch (state) {
        case XenbusStateInitWait:
            if (up) {
                disconnect();  // it has started anew
            }
            if (!connected) {
                connect();
            }
            break;
        case XenbusStateConnected:
            if (connected && !up) {
                up = true;
                print("net: link up");
            }
            break;
        case XenbusStateClosing:
            disconnect();
            offer("state", XenbusStateClosed);
            break;
        case XenbusStateUnknown:  // it is gone
        case XenbusStateClosed:
            disconnect();
            break;
        default:
            break;
    }
}

void netfront_changed(uint32_t changes) {
    if (changes & 1u << device_id) {
        device_changed();
    }
    if (changes & 1u << backend_id) {
        backend_changed();
    }
}

bool netfront_is_up(void) {
    return up;
}

const uint8_t* netfront_mac(void) {
    return mac;
}

evtchn_port_t netfront_port(void) {
    return port;
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

void netfront_receive(void (*input)(const void* frame, size_t size)) {
    if (!connected) {
        return;
    }
    event_take(port);
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

void netfront_transmit(const void* frame, size_t size) {
    if (!up || size > PAGE_SIZE) {
        return;
    }
    reclaim();
    if (transmit_free_count == 0) {
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
