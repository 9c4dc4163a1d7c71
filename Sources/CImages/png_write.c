#include "images.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/// libpng's output, and the state of its error handler.
typedef struct sink {
    dseg_bytes *file;
    dseg_verdict verdict;
    char *reason;
} sink;

static void append(png_structp png, png_bytep bytes, size_t count) {
    sink *to = png_get_io_ptr(png);
    dseg_bytes *file = to->file;
    if (count > file->capacity - file->count) {
        size_t capacity = 2 * (file->count + count);
        uint8_t *base = realloc(file->base, capacity);
        if (base == NULL) {
            to->verdict = DSEG_NO_MEMORY;
            png_error(png, "no memory for the file");
        }
        file->base = base;
        file->capacity = capacity;
    }
    memcpy(file->base + file->count, bytes, count);
    file->count += count;
}

static void flush(png_structp png) { (void)png; }

static void give_up(png_structp png, png_const_charp sentence) {
    sink *to = png_get_error_ptr(png);
    snprintf(to->reason, DSEG_REASON_BYTES, "%s", sentence);
    png_longjmp(png, 1);
}

/// Makes libpng's warnings errors: after one it would leave out a text.
static void refuse(png_structp png, png_const_charp sentence) { png_error(png, sentence); }

static int colour_type(dseg_png_kind kind) {
    switch (kind) {
    case DSEG_PNG_INDEXED: return PNG_COLOR_TYPE_PALETTE;
    case DSEG_PNG_GREY: return PNG_COLOR_TYPE_GRAY;
    case DSEG_PNG_RGB: return PNG_COLOR_TYPE_RGB;
    case DSEG_PNG_RGBA: return PNG_COLOR_TYPE_RGB_ALPHA;
    }
    return PNG_COLOR_TYPE_GRAY;
}

static void set_palette(png_structp png, png_infop info, const uint8_t *palette) {
    png_color colours[256];
    for (size_t i = 0; i < 256; i++) {
        colours[i] = (png_color){palette[3 * i], palette[3 * i + 1], palette[3 * i + 2]};
    }
    png_set_PLTE(png, info, colours, 256);
}

/// Casts const away: libpng declares the strings writable, but only copies them.
static void set_text(png_structp png, png_infop info, const char *key, const char *value) {
    png_text text = {.compression = PNG_ITXT_COMPRESSION_NONE,
                     .key = (png_charp)(uintptr_t)key,
                     .text = (png_charp)(uintptr_t)value,
                     .itxt_length = strlen(value)};
    png_set_text(png, info, &text, 1);
}

static void write_header(png_structp png, png_infop info, const dseg_png_shape *shape, const uint8_t *palette,
                         const uint8_t *chunks, const char *texts) {
    png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
    png_set_compression_level(png, 6);
    png_set_IHDR(png, info, shape->width, shape->height, 8, colour_type(shape->kind), PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (palette != NULL) set_palette(png, info, palette);
    for (size_t i = 0; i < shape->text_count; i++) {
        const char *key = texts, *value = key + strlen(key) + 1;
        set_text(png, info, key, value);
        texts = value + strlen(value) + 1;
    }
    png_write_info_before_PLTE(png, info);
    append(png, (png_bytep)(uintptr_t)chunks, shape->chunk_bytes);
    png_write_info(png, info);
}

/// Writes a PNG file. Its stack frame holds the setjmp for libpng's errors.
static dseg_verdict write_png(sink *to, const dseg_png_shape *shape, const uint8_t *pixels, const uint8_t *palette,
                              const uint8_t *chunks, const char *texts) {
    to->verdict = DSEG_MALFORMED;
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, to, give_up, refuse);
    if (png == NULL) return DSEG_NO_MEMORY;
    png_infop info = png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_write_struct(&png, NULL);
        return DSEG_NO_MEMORY;
    }
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_write_fn(png, to, append, flush);
        write_header(png, info, shape, palette, chunks, texts);
        size_t stride = png_get_rowbytes(png, info);
        for (size_t y = 0; y < shape->height; y++) png_write_row(png, pixels + y * stride);
        png_write_end(png, NULL);
        to->verdict = DSEG_DONE;
    }
    png_destroy_write_struct(&png, &info);
    return to->verdict;
}

dseg_verdict dseg_png_write(const dseg_png_shape *shape, const uint8_t *pixels, const uint8_t *palette,
                            const uint8_t *chunks, const char *texts, dseg_bytes *file, char *reason) {
    sink to = {.file = file, .reason = reason};
    return write_png(&to, shape, pixels, palette, chunks, texts);
}

void dseg_bytes_free(dseg_bytes *file) {
    free(file->base);
    *file = (dseg_bytes){0};
}
