// xs read KEY, xs write KEY VALUE: in the guest's own xenstore directory, over /dev/xen/xenbus.
// Wire format: xen/io/xs_wire.h.

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kRead = 2, kWrite = 11, kPayloadMax = 4096 };

struct message {
    uint32_t type, request, transaction, length;
    char payload[kPayloadMax + 1];
};

int main(int argc, char** argv) {
    struct message message = {.type = argc == 3 ? kRead : kWrite};
    const char* value = argc == 4 ? argv[3] : "";
    if (argc < 3 || argc > 4 || strcmp(argv[1], argc == 3 ? "read" : "write") != 0 ||
        strlen(argv[2]) + strlen(value) + 1 > kPayloadMax) {
        fputs("usage: xs read KEY | xs write KEY VALUE\n", stderr);
        return 2;
    }
    // The key with its zero byte, the value without one.
    message.length = (uint32_t)snprintf(message.payload, sizeof message.payload, "%s%c%s", argv[2],
                                        0, value);
    const ssize_t size = (ssize_t)(offsetof(struct message, payload) + message.length);
    const int fd = open("/dev/xen/xenbus", O_RDWR);
    if (fd < 0 || write(fd, &message, (size_t)size) != size) {
        perror("/dev/xen/xenbus");
        return 1;
    }
    // The driver gives out header and payload piece by piece.
    struct message reply;
    const ssize_t header = (ssize_t)offsetof(struct message, payload);
    ssize_t have = 0;
    while (have < header || have < header + (ssize_t)reply.length) {
        const ssize_t r = read(fd, (char*)&reply + have, sizeof reply - (size_t)have);
        if (r <= 0) return 1;
        have += r;
    }
    if (reply.type != message.type) return 1;
    if (message.type == kRead) fwrite(reply.payload, 1, reply.length, stdout);
    return 0;
}
