// The network interface: one vif, one queue, packets copied by the backend.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xen/event_channel.h>

// The ids of the xenstore watches that it uses.
enum { WATCH_VIF = 1, WATCH_VIF_BACKEND = 2 };

// Begins to look for device/vif/0. It may be there already or come, go and come again later. Also
// after a suspend, when it is a new one, and the old one's grants and event channel are gone.
void netfront_start(void);

// Does what the backend's state asks for; `changes` is what xenstore_changes returned.
void netfront_changed(uint32_t changes);

// Is the link up? And its MAC address, if it is.
bool netfront_is_up(void);
const uint8_t* netfront_mac(void);

// The channel to wait on for packets, or 0.
evtchn_port_t netfront_port(void);

// Hands every received frame to `input`.
void netfront_receive(void (*input)(const void* frame, size_t size));

// Sends a frame of at most a page; drops it if the link is down or the ring full.
void netfront_transmit(const void* frame, size_t size);
