// The rings that carry packets between this guest and one backend (xen/io/netif.h).
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <xen/event_channel.h>
#include <xen/grant_table.h>

// What the backend has to be told.
extern const grant_ref_t netring_transmit_ref, netring_receive_ref;

// Sets up empty rings for a backend in domain `remote` that uses nothing of ours yet, and offers it
// pages to receive into. `port` is the event channel of both rings.
void netring_init(domid_t remote, evtchn_port_t port);

// Hands every received frame to `input`.
void netring_receive(void (*input)(const void* frame, size_t size));

// Sends a frame of at most a page; drops it if the ring is full.
void netring_transmit(const void* frame, size_t size);
