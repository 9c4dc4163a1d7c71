// Preloaded into a program, gives it a bad disk while the file is there that DISK_ORDER names. That has one line, of
// two words: what happens to reads and writes, "EIO" or how many milliseconds each takes longer, and the folder below
// which that happens to files.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Whether the descriptor is of a file below the folder.
static int is_below(const char *folder, int file) {
    char link[32], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    return length > 0 && strncmp(folder, path, strlen(folder)) == 0;
}

// Does as told; nonzero where the call is to fail.
static int obey(int file) {
    const char *order = getenv("DISK_ORDER");
    if (order == NULL) return 0;
    int told = (int)syscall(SYS_openat, AT_FDCWD, order, O_RDONLY | O_CLOEXEC);
    if (told < 0) return 0;
    char text[4096] = "", what[16] = "", folder[4096] = "";
    syscall(SYS_read, told, text, sizeof text - 1);
    syscall(SYS_close, told);
    if (sscanf(text, "%15s %4095s", what, folder) != 2 || !is_below(folder, file)) return 0;
    if (strcmp(what, "EIO") == 0) {
        errno = EIO;
        return 1;
    }
    usleep((useconds_t)atoi(what) * 1000);
    return 0;
}

typedef ssize_t reading(int, void *, size_t);
typedef ssize_t writing(int, const void *, size_t);
typedef ssize_t reading_at(int, void *, size_t, off_t);
typedef int syncing(int);

ssize_t read(int file, void *bytes, size_t count) {
    return obey(file) ? -1 : ((reading *)dlsym(RTLD_NEXT, "read"))(file, bytes, count);
}

ssize_t write(int file, const void *bytes, size_t count) {
    return obey(file) ? -1 : ((writing *)dlsym(RTLD_NEXT, "write"))(file, bytes, count);
}

ssize_t pread(int file, void *bytes, size_t count, off_t place) {
    return obey(file) ? -1 : ((reading_at *)dlsym(RTLD_NEXT, "pread"))(file, bytes, count, place);
}

int fsync(int file) { return obey(file) ? -1 : ((syncing *)dlsym(RTLD_NEXT, "fsync"))(file); }
