// A guest's small xenstore client, over /dev/xen/xenbus. Role: `xs write KEY VALUE`,
// `xs read KEY`, and `xs wait KEY`, which prints the value once it is not empty.
// Keys are relative to the domain's own directory. Wire format: xen/io/xs_wire.h.

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { kRead = 2, kWatch = 4, kWrite = 11, kWatchEvent = 15, kError = 16, kPayloadMax = 4096 };

struct header {
  uint32_t type, request, transaction, length;
};

static int send_message(int fd, uint32_t type, const char* data, size_t length) {
  // xenbus parses what arrives in one write or several; one buffer keeps it whole.
  char buffer[sizeof(struct header) + kPayloadMax];
  const struct header head = {type, 1, 0, (uint32_t)length};
  if (length > kPayloadMax) return -1;
  memcpy(buffer, &head, sizeof head);
  memcpy(buffer + sizeof head, data, length);
  const ssize_t total = (ssize_t)(sizeof head + length);
  return write(fd, buffer, (size_t)total) == total ? 0 : -1;
}

static int read_all(int fd, void* target, size_t length) {
  for (size_t done = 0; done < length;) {
    const ssize_t r = read(fd, (char*)target + done, length - done);
    if (r <= 0) return -1;
    done += (size_t)r;
  }
  return 0;
}

// The next message's type, or 0 when the connection broke; its payload ends with a zero byte.
static uint32_t receive(int fd, char payload[kPayloadMax + 1]) {
  struct header head;
  if (read_all(fd, &head, sizeof head) != 0 || head.length > kPayloadMax) return 0;
  if (read_all(fd, payload, head.length) != 0) return 0;
  payload[head.length] = 0;
  return head.type;
}

static uint32_t receive_reply(int fd, char payload[kPayloadMax + 1]) {
  uint32_t type;
  do type = receive(fd, payload);
  while (type == kWatchEvent);
  return type;
}

int main(int argc, char** argv) {
  char data[kPayloadMax + 1];
  const int fd = open("/dev/xen/xenbus", O_RDWR);
  if (fd < 0) return perror("/dev/xen/xenbus"), 1;
  if (argc == 4 && strcmp(argv[1], "write") == 0) {
    const int length = snprintf(data, sizeof data, "%s%c%s", argv[2], 0, argv[3]);
    if (length > kPayloadMax || send_message(fd, kWrite, data, (size_t)length) != 0) return 1;
    return receive_reply(fd, data) == kWrite ? 0 : 1;
  }
  const int waits = argc == 3 && strcmp(argv[1], "wait") == 0;
  if (argc != 3 || (!waits && strcmp(argv[1], "read") != 0)) {
    fputs("usage: xs write KEY VALUE | read KEY | wait KEY\n", stderr);
    return 2;
  }
  if (waits) {
    const int length = snprintf(data, sizeof data, "%s%ctoken%c", argv[2], 0, 0);
    if (length > kPayloadMax || send_message(fd, kWatch, data, (size_t)length) != 0) return 1;
    if (receive_reply(fd, data) != kWatch) return 1;
  }
  for (;;) {
    if (send_message(fd, kRead, argv[2], strlen(argv[2]) + 1) != 0) return 1;
    const uint32_t type = receive_reply(fd, data);
    if (type == kRead && (!waits || data[0] != 0)) return puts(data) == EOF;
    if (type == 0 || !waits) return 1;
    if (receive(fd, data) == 0) return 1;  // the watch fired, or the connection broke
  }
}
