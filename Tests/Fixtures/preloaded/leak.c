// Preloaded into a program, has it lose memory: LEAK_BYTES in every LEAK_EVERYth read(2), written to, so that it is
// resident.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

static size_t told(const char *name) {
    const char *text = getenv(name);
    return text == NULL ? 0 : strtoul(text, NULL, 10);
}

// Where the last loss lies: a place that the compiler must write to, so that it keeps the rest.
static void *volatile lost;

typedef ssize_t reading(int, void *, size_t);

ssize_t read(int file, void *bytes, size_t count) {
    static atomic_size_t calls;
    size_t every = told("LEAK_EVERY");
    if (every > 0 && atomic_fetch_add(&calls, 1) % every == 0) {
        size_t size = told("LEAK_BYTES");
        lost = malloc(size);
        if (lost != NULL) memset(lost, 0xA5, size);
    }
    return ((reading *)dlsym(RTLD_NEXT, "read"))(file, bytes, count);
}
