// Making and comparing text without a C library; see text.h.
#include "text.h"

struct output {
    char* out;
    size_t size, used;
};

static void put(struct output* o, char c) {
    if (o->used + 1 < o->size) {
        o->out[o->used++] = c;
    }
}

static void put_number(struct output* o, uint64_t value, unsigned base, unsigned width, char pad) {
    char digits[20];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    for (; width > n; width--) {
        put(o, pad);
    }
    while (n) {
        put(o, digits[--n]);
    }
}

size_t text_vformat(char* out, size_t size, const char* format, va_list args) {
    struct output o = {out, size, 0};
    for (const char* f = format; *f; f++) {
        if (*f != '%') {
            put(&o, *f);
            continue;
        }
        char pad = ' ';
        unsigned width = 0;
        bool wide = false;
        for (f++; *f >= '0' && *f <= '9'; f++) {
            if (*f == '0' && width == 0) {
                pad = '0';
            }
            width = width * 10 + (unsigned)(*f - '0');
        }
        for (; *f == 'l'; f++) {
            wide = true;
        }
        switch (*f) {
            case 'c':
                put(&o, (char)va_arg(args, int));
                break;
            case 's':
                for (const char* s = va_arg(args, const char*); *s; s++) {
                    put(&o, *s);
                }
                break;
            case 'd': {
                int64_t v = wide ? va_arg(args, long) : va_arg(args, int);
                if (v < 0) {
                    put(&o, '-');
                }
                put_number(&o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
                break;
            }
            case 'u':
            case 'x': {
                uint64_t v = wide ? va_arg(args, unsigned long) : va_arg(args, unsigned);
                put_number(&o, v, *f == 'x' ? 16 : 10, width, pad);
                break;
            }
            case '\0':  // a format that ends in %: stay on the terminator
                f--;
                break;
            default:
                put(&o, *f);
        }
    }
    o.out[o.used] = '\0';
    return o.used;
}

size_t text_format(char* out, size_t size, const char* format, ...) {
    va_list args;
    va_start(args, format);
    size_t used = text_vformat(out, size, format, args);
    va_end(args);
    return used;
}

size_t text_length(const char* s) {
    size_t n = 0;
    while (s[n]) {
        n++;
    }
    return n;
}

bool text_equal(const char* a, const char* b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

bool text_number(const char* s, size_t length, uint64_t max, uint64_t* value) {
    uint64_t v = 0;
    for (size_t i = 0; i < length; i++) {
        if (s[i] < '0' || s[i] > '9' || v > max / 10) {
            return false;
        }
        v = v * 10 + (uint64_t)(s[i] - '0');
        if (v > max) {
            return false;
        }
    }
    *value = v;
    return length > 0;
}
