// See devicetree.h. The tree is the toolstack's, but its numbers are looked at before they are used.
#include "devicetree.h"

#include <stddef.h>

#include "../../net/text.h"

enum { MAGIC = 0xd00dfeed, BEGIN_NODE = 1, END_NODE = 2, PROPERTY = 3, NOP = 4 };

struct header {  // all numbers are big-endian
    uint32_t magic, total_size, structure, strings, reserved, version, compatible, boot_cpu;
    uint32_t strings_size, structure_size;
};

static uint32_t number(const uint32_t* at) {
    return __builtin_bswap32(*at);
}

// The words that `size` bytes take.
static uint32_t words(uint32_t size) {
    return size / 4 + (size % 4 != 0);
}

bool devicetree_is_at(const void* tree) {
    return number(tree) == MAGIC;
}

const char* devicetree_chosen(const void* tree, const char* property, uint32_t* found_size) {
    const struct header* header = tree;
    const char* base = tree;
    const char* strings = base + number(&header->strings);
    const uint32_t* at = (const uint32_t*)(base + number(&header->structure));
    const uint32_t* end = at + number(&header->structure_size) / 4;
    unsigned depth = 0;
    bool chosen = false;
    while (at < end) {
        switch (number(at++)) {
            case BEGIN_NODE: {
                const char* name = (const char*)at;
                depth++;
                chosen = chosen || (depth == 2 && text_equal(name, "chosen"));
                at += words((uint32_t)text_length(name) + 1);
                break;
            }
            case END_NODE:
                if (chosen && depth == 2) {
                    return NULL;
                }
                depth--;
                break;
            case PROPERTY: {
                if (end - at < 2) {
                    return NULL;
                }
                uint32_t size = number(at);
                const char* name = strings + number(at + 1);
                const char* value = (const char*)(at + 2);
                at += 2;
                if (words(size) > end - at) {
                    return NULL;
                }
                if (chosen && depth == 2 && text_equal(name, property)) {
                    *found_size = size;
                    return value;
                }
                at += words(size);
                break;
            }
            case NOP: break;
            default: return NULL;  // the end
        }
    }
    return NULL;
}
