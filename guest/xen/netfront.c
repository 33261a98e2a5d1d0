// The network interface's handshake with its backend (xen/io/xenbus.h); see netfront.h.
#include "netfront.h"

#include <string.h>
#include <xen/io/xenbus.h>

#include "../net/text.h"
#include "console.h"
#include "hypervisor.h"
#include "netring.h"
#include "xenstore.h"

enum { PATH_MAX = XENSTORE_VALUE_MAX + 32 };

static char backend[XENSTORE_VALUE_MAX];  // the backend's directory, or ""
static domid_t remote;                    // the backend's domain
static uint8_t mac[6];
static bool connected;  // rings and grants are set up
static bool up;         // and the backend uses them
static evtchn_port_t port;

void netfront_start(void) {
    *backend = '\0';
    connected = up = false;
    port = 0;
    xenstore_watch("device/vif/0/backend", WATCH_VIF);
}

static bool parse_mac(const char* text) {
    if (text_length(text) != 17) {
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

// Sets up fresh rings and tells the backend, which is in state InitWait: it uses nothing of ours.
static void connect(void) {
    port = event_allocate(remote);
    netring_init(remote, port);
    offer("tx-ring-ref", netring_transmit_ref);
    offer("rx-ring-ref", netring_receive_ref);
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

// The path of a key in the backend's directory.
static void backend_path(const char* key, char path[PATH_MAX]) {
    text_format(path, PATH_MAX, "%s/%s", backend, key);
}

// The device has come, gone, or been given another backend.
static void device_changed(void) {
    static const char* const paths[] = {"device/vif/0/backend", "device/vif/0/backend-id",
                                        "device/vif/0/mac"};
    char values[3][XENSTORE_VALUE_MAX], path[PATH_MAX];
    uint64_t domain;
    xenstore_read_all(3, paths, values);
    if (text_equal(values[0], backend)) {
        return;
    }
    disconnect();
    if (*backend) {
        backend_path("state", path);
        xenstore_unwatch(path, WATCH_VIF_BACKEND);
    }
    memcpy(backend, values[0], sizeof backend);
    if (!*backend) {
        return;
    }
    if (!text_number(values[1], text_length(values[1]), DOMID_FIRST_RESERVED - 1, &domain) ||
        !parse_mac(values[2])) {
        print("net: device/vif/0 has a backend but no good backend-id or mac");
        *backend = '\0';
        return;
    }
    remote = (domid_t)domain;
    backend_path("state", path);
    xenstore_watch(path, WATCH_VIF_BACKEND);
}

// The handshake of xen/io/xenbus.h, seen from the front.
static void backend_changed(void) {
    char state_path[PATH_MAX], copy_path[PATH_MAX], values[2][XENSTORE_VALUE_MAX];
    const char* const paths[] = {state_path, copy_path};
    uint64_t state = XenbusStateUnknown;
    if (!*backend) {
        return;
    }
    backend_path("state", state_path);
    backend_path("feature-rx-copy", copy_path);
    xenstore_read_all(2, paths, values);
    text_number(values[0], text_length(values[0]), XenbusStateReconfigured, &state);
    switch (state) {
        case XenbusStateInitWait:
            if (up) {
                disconnect();  // it has started anew
            }
            if (!text_equal(values[1], "1")) {
                print("net: the backend does not copy");  // only decades-old ones do not
            } else if (!connected) {
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
    if (changes & 1u << WATCH_VIF) {
        device_changed();
    }
    if (changes & 1u << WATCH_VIF_BACKEND) {
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

void netfront_receive(void (*input)(const void* frame, size_t size)) {
    if (connected) {
        event_take(port);
        netring_receive(input);
    }
}

void netfront_transmit(const void* frame, size_t size) {
    if (up) {
        netring_transmit(frame, size);
    }
}
