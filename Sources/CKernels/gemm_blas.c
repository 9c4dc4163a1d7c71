// Products in f32: all calls of OpenBLAS.
#include "internal.h"

#include <cblas.h>

void dseg_start_blas(void) { openblas_set_num_threads(1); }

// OpenBLAS exports these, but cblas.h does not declare them.
void *blas_memory_alloc(int position);
void blas_memory_free(void *buffer);

void dseg_reserve_blas(size_t calls) {
    if (calls == 0) return;
    void *buffer = blas_memory_alloc(0);
    dseg_reserve_blas(calls - 1);
    blas_memory_free(buffer);
}

const char *dseg_blas_build(void) { return openblas_get_config(); }

const char *dseg_blas_core(void) { return openblas_get_corename(); }

void dseg_gemm_f32(const dseg_product *p) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, p->transposed ? CblasTrans : CblasNoTrans, (blasint)p->rows,
                (blasint)p->columns, (blasint)p->inputs, 1.0f, p->x, (blasint)p->x_stride, p->w, (blasint)p->w_stride,
                p->adding ? 1.0f : 0.0f, p->c, (blasint)p->c_stride);
}
