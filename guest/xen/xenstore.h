// A client of xenstore: the tree of keys in which Xen's toolstack and guests tell each other
// things. Paths without a leading slash are below this domain's own directory.
#pragma once

#include <stdint.h>
#include <xen/event_channel.h>

enum {
    XENSTORE_VALUE_MAX = 128,  // with the terminator, of what this client reads
};

// At the start, and again after a suspend: nothing is watched then.
void xenstore_init(void);

// The channel to wait on for watches.
evtchn_port_t xenstore_port(void);

// Reads `count` values as text with one round trip. A value is empty if there is no such key, or if
// it is too long.
void xenstore_read_all(unsigned count, const char* const paths[],
                       char values[][XENSTORE_VALUE_MAX]);

void xenstore_read(const char* path, char value[XENSTORE_VALUE_MAX]);

// Writes a value. Does not wait for the answer, so that many writes cost one round trip; xenstored
// handles requests in order, and a refusal is printed.
void xenstore_write(const char* path, const char* value);

// From now on every change at or below `path` sets bit `id` in what xenstore_changes returns; so
// does, once, the beginning of the watch. Ids are 0 to 9.
void xenstore_watch(const char* path, unsigned id);
void xenstore_unwatch(const char* path, unsigned id);

// Returns the bits set since the last call. A bit means "look again", no more.
uint32_t xenstore_changes(void);
