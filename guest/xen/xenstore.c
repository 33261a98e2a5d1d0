// The xenstore ring (xen/io/xs_wire.h, Xen: docs/misc/xenstore-ring.txt); see xenstore.h.
// Requests carry an id that the reply repeats. Only for one request at a time somebody waits; other
// replies are just looked at for errors.
#include "xenstore.h"

#include <string.h>
#include <xen/hvm/params.h>
#include <xen/io/xs_wire.h>

#include "../net/text.h"
#include "console.h"
#include "hypervisor.h"

static struct xenstore_domain_interface* ring;
static evtchn_port_t port;

// The message being received, a part at a time.
static struct {
    struct xsd_sockmsg head;
    char body[XENSTORE_PAYLOAD_MAX + 1];
} in;
static size_t in_size;

static uint32_t last_id;      // of the last request sent
static uint32_t awaited_id;   // of the request that somebody waits for, or 0
static bool awaited_arrived;  // its reply is in `in`
static uint32_t changes;

void xenstore_init(void) {
    ring = frame_pointer(hvm_param(HVM_PARAM_STORE_PFN));
    port = (evtchn_port_t)hvm_param(HVM_PARAM_STORE_EVTCHN);
    in_size = 0;
    awaited_id = 0;
    awaited_arrived = false;
    changes = 0;
}

evtchn_port_t xenstore_port(void) {
    return port;
}

// Takes up to `size` received bytes out of the ring.
static size_t take(char* to, size_t size) {
    XENSTORE_RING_IDX read = ring->rsp_cons;
    XENSTORE_RING_IDX written = __atomic_load_n(&ring->rsp_prod, __ATOMIC_ACQUIRE);
    size_t n = 0;
    for (; n < size && read != written; n++) {
        to[n] = ring->rsp[MASK_XENSTORE_IDX(read++)];
    }
    __atomic_store_n(&ring->rsp_cons, read, __ATOMIC_RELEASE);
    return n;
}

static void message_arrived(void) {
    in.body[in.head.len] = '\0';
    if (in.head.type == XS_WATCH_EVENT) {  // body: path, NUL, token, NUL
        size_t path = text_length(in.body);
        char token = path + 1 < in.head.len ? in.body[path + 1] : '\0';
        if (token >= '0' && token <= '9') {
            changes |= 1u << (token - '0');
        }
    } else if (in.head.req_id == awaited_id) {
        awaited_arrived = true;
        return;  // the waiter empties `in`
    } else if (in.head.type == XS_ERROR) {
        print("xenstore: request %u refused: %s", in.head.req_id, in.body);
    }
    in_size = 0;
}

// Receives what is there. Stops at the reply that is being waited for.
static void receive(void) {
    bool any = false;
    event_take(port);
    while (!awaited_arrived) {
        size_t want = sizeof in.head;
        if (in_size >= want) {
            if (in.head.len > XENSTORE_PAYLOAD_MAX) {
                panic("xenstore: reply of %u bytes", in.head.len);
            }
            want += in.head.len;
        }
        size_t n = take((char*)&in + in_size, want - in_size);
        in_size += n;
        any |= n > 0;
        if (in_size == want && (want > sizeof in.head || in.head.len == 0)) {
            message_arrived();
        } else if (n == 0) {
            break;
        }
    }
    if (any) {
        event_notify(port);  // there is room in the ring again
    }
}

static void put(const void* data, size_t size) {
    const char* from = data;
    while (size) {
        XENSTORE_RING_IDX written = ring->req_prod;
        XENSTORE_RING_IDX read = __atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE);
        if (written - read == XENSTORE_RING_SIZE) {
            receive();  // xenstored may wait for room for replies
            if (__atomic_load_n(&ring->req_cons, __ATOMIC_ACQUIRE) == read) {
                event_wait(&port, 1, UINT64_MAX);
            }
            continue;
        }
        for (; size && written - read < XENSTORE_RING_SIZE; size--) {
            ring->req[MASK_XENSTORE_IDX(written++)] = *from++;
        }
        __atomic_store_n(&ring->req_prod, written, __ATOMIC_RELEASE);
        event_notify(port);
    }
}

// Sends a request: `path`, its terminator, and `more_size` bytes of `more`. Returns its id.
static uint32_t send(uint32_t type, const char* path, const void* more, size_t more_size) {
    struct xsd_sockmsg head = {
        .type = type,
        .req_id = ++last_id,
        .len = (uint32_t)(text_length(path) + 1 + more_size),
    };
    put(&head, sizeof head);
    put(path, text_length(path) + 1);
    put(more, more_size);
    return head.req_id;
}

void xenstore_read_all(unsigned count, const char* const paths[],
                       char values[][XENSTORE_VALUE_MAX]) {
    awaited_id = last_id + 1;
    for (unsigned i = 0; i < count; i++) {
        send(XS_READ, paths[i], NULL, 0);
    }
    for (unsigned i = 0; i < count; i++) {  // replies come in the order of the requests
        for (receive(); !awaited_arrived; receive()) {
            event_wait(&port, 1, UINT64_MAX);
        }
        bool ok = in.head.type == XS_READ && in.head.len < XENSTORE_VALUE_MAX;
        text_format(values[i], XENSTORE_VALUE_MAX, "%s", ok ? in.body : "");
        awaited_id = i + 1 < count ? awaited_id + 1 : 0;
        awaited_arrived = false;
        in_size = 0;
    }
}

void xenstore_read(const char* path, char value[XENSTORE_VALUE_MAX]) {
    xenstore_read_all(1, &path, (char(*)[XENSTORE_VALUE_MAX])value);
}

void xenstore_write(const char* path, const char* value) {
    send(XS_WRITE, path, value, text_length(value));
}

void xenstore_watch(const char* path, unsigned id) {
    char token[2] = {(char)('0' + id), '\0'};
    send(XS_WATCH, path, token, sizeof token);
}

void xenstore_unwatch(const char* path, unsigned id) {
    char token[2] = {(char)('0' + id), '\0'};
    send(XS_UNWATCH, path, token, sizeof token);
}

uint32_t xenstore_changes(void) {
    receive();
    uint32_t result = changes;
    changes = 0;
    return result;
}
