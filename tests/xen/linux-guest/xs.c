// xs-write KEY VALUE: writes into the guest's own xenstore directory, over /dev/xen/xenbus.
// Wire format: xen/io/xs_wire.h.

#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kWrite = 11, kPayloadMax = 4096 };

struct message {
    uint32_t type, request, transaction, length;
    char payload[kPayloadMax];
};

int main(int argc, char** argv) {
    struct message message = {.type = kWrite};
    if (argc != 3 || strlen(argv[1]) + strlen(argv[2]) + 2 > kPayloadMax) {
        fputs("usage: xs-write KEY VALUE\n", stderr);
        return 2;
    }
    // Key, zero byte, value without a zero byte; snprintf's last byte is not sent.
    message.length = (uint32_t)snprintf(message.payload, sizeof message.payload, "%s%c%s",
                                        argv[1], 0, argv[2]);
    const ssize_t size = (ssize_t)(offsetof(struct message, payload) + message.length);
    const int fd = open("/dev/xen/xenbus", O_RDWR);
    if (fd < 0 || write(fd, &message, (size_t)size) != size) {
        perror("/dev/xen/xenbus");
        return 1;
    }
    struct message reply;
    if (read(fd, &reply, sizeof reply) < (ssize_t)offsetof(struct message, payload)) return 1;
    return reply.type == kWrite ? 0 : 1;
}
