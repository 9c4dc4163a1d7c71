// Preloaded into a program, has one of its threads hang: in cblas_sgemm, as an engine in an endless loop, or in pread,
// as a loader before a disk that answers no more. A call hangs when the file is there that a variable names; the file
// is removed first, so that it tells when, and the next process lives. It goes on when the file is there again.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <unistd.h>

static void hang_if_told(const char *variable) {
    const char *path = getenv(variable);
    if (path == NULL || unlink(path) != 0) return;
    while (unlink(path) != 0) usleep(1000);
}

typedef void sgemm(int order, int a_transposed, int b_transposed, int rows, int columns, int inner, float alpha,
                   const float *a, int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride);

void cblas_sgemm(int order, int a_transposed, int b_transposed, int rows, int columns, int inner, float alpha,
                 const float *a, int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride) {
    hang_if_told("HANG_IN_SGEMM");
    sgemm *next = (sgemm *)dlsym(RTLD_NEXT, "cblas_sgemm");
    next(order, a_transposed, b_transposed, rows, columns, inner, alpha, a, a_stride, b, b_stride, beta, c, c_stride);
}

typedef ssize_t reading(int file, void *bytes, size_t count, off_t place);

ssize_t pread(int file, void *bytes, size_t count, off_t place) {
    hang_if_told("HANG_IN_PREAD");
    return ((reading *)dlsym(RTLD_NEXT, "pread"))(file, bytes, count, place);
}
