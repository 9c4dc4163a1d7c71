// Files in memory: calls of Linux that POSIX lacks.
#define _GNU_SOURCE  // memfd_create, fallocate, F_ADD_SEALS
#include <fcntl.h>
#include <sys/mman.h>

#include "internal.h"

// Of Linux 6.3; some systems demand it (vm.memfd_noexec), older ones refuse it.
#if !defined(MFD_NOEXEC_SEAL)
#define MFD_NOEXEC_SEAL 8U
#endif
// Of Linux 6.1.
#if !defined(MADV_COLLAPSE)
#define MADV_COLLAPSE 25
#endif

static const int seals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;

int dseg_memory_file(const char *name) {
    const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    const int file = memfd_create(name, flags | MFD_NOEXEC_SEAL);
    return file >= 0 ? file : memfd_create(name, flags);
}

bool dseg_commit_file(int file, size_t offset, size_t bytes) {
    return fallocate(file, 0, (off_t)offset, (off_t)bytes) == 0;
}

void dseg_collapse_pages(void *memory, size_t bytes) { madvise(memory, bytes, MADV_COLLAPSE); }

bool dseg_seal_file(int file) { return fcntl(file, F_ADD_SEALS, seals) == 0; }

bool dseg_is_sealed(int file) {
    const int found = fcntl(file, F_GET_SEALS);
    return found >= 0 && (found & seals) == seals;
}
