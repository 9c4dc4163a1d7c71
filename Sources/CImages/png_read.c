#include "images.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/// libpng's input, and the state of its error handler.
typedef struct source {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    size_t head;  ///< offset of the next chunk
    dseg_verdict verdict;
    char *reason;
    int as_stored;   ///< one sample a pixel, unscaled
    int by_crc;      ///< check the chunks' CRCs, but ignore the Adler-32 of the compressed data
    int passes;      ///< Adam7 passes: 7, or 1 without interlacing
    size_t unasked;  ///< pixels since the dseg_watch was polled
    size_t height;   ///< rows; 0 before the first is read
    size_t rows;     ///< complete rows when libpng gave up
} source;

/// Patches the header of a chunk at which libpng would fail though no pixel depends on it.
///
/// The length of a truncated IDAT becomes what is left of it: libpng reads ahead, and would not decode
/// the rows that are there. An unknown critical chunk, and a PLTE that is only suggested (for true
/// colour), get the ancillary bit, so that libpng skips them.
static void adapt(uint8_t *head, const source *from) {
    static const char pixels[4][5] = {"IHDR", "PLTE", "IDAT", "IEND"};
    static const size_t colour_type = 25;
    size_t left = from->count - from->position;
    int kind = 0;
    while (kind < 4 && memcmp(head + 4, pixels[kind], 4) != 0) kind++;
    if (kind == 2 && left < png_get_uint_32(head)) png_save_uint_32(head, (png_uint_32)left);
    int is_suggested = kind == 1 && from->count > colour_type && from->bytes[colour_type] != PNG_COLOR_TYPE_PALETTE;
    if (kind == 4 || is_suggested) head[4] |= 0x20;
}

static void read_bytes(png_structp png, png_bytep to, size_t count) {
    source *from = png_get_io_ptr(png);
    if (count > from->count - from->position) {
        from->verdict = DSEG_CUT_OFF;
        png_error(png, "the file ends early");
    }
    int is_head = from->position == from->head;
    memcpy(to, from->bytes + from->position, count);
    from->position += count;
    if (!is_head) return;
    from->head += 12 + (size_t)png_get_uint_32(to);
    adapt(to, from);
}

/// libpng's error function, which must not return: jumps to the setjmp in `read_png`.
///
/// After the last row libpng reads on to the end of the compressed data. Errors there are ignored, as
/// all pixels are decoded by then. Each pass of an interlaced file adds pixels to all rows, so before
/// its last pass no row counts as complete.
static void give_up(png_structp png, png_const_charp sentence) {
    source *from = png_get_error_ptr(png);
    snprintf(from->reason, DSEG_REASON_BYTES, "%s", sentence);
    if (from->height > 0) {
        int is_interlaced = from->passes > 1;
        from->rows = !is_interlaced                          ? png_get_current_row_number(png)
                     : png_get_current_pass_number(png) == 7 ? from->height
                                                             : DSEG_ROWS_UNKNOWN;
        if (from->rows == from->height && !from->by_crc) from->verdict = DSEG_DONE;
    }
    png_longjmp(png, 1);
}

/// Ignores libpng's warnings: they are about chunks that it skips, on which no pixel depends.
static void ignore(png_structp png, png_const_charp sentence) {
    (void)png;
    (void)sentence;
}

/// Reads up to the first pixel. Chunks that are not needed for pixels are skipped, so that no profile
/// or text takes memory.
static void read_header(png_structp png, png_infop info, dseg_picture *picture) {
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_chunk_cache_max(png, 128);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_read_info(png, info);
    int has_alpha =
        (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0 || png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    picture->width = png_get_image_width(png, info);
    picture->height = png_get_image_height(png, info);
    picture->channels = has_alpha ? 4 : 3;
}

/// Pixels between two polls, a millisecond's work.
static const size_t ask_after = 1 << 16;

/// Ends the decoding by longjmp if the caller has cancelled it; polls before the first row and after every
/// `ask_after` pixels.
static void ask(png_structp png, source *from, const dseg_watch *watch, size_t pixels) {
    from->unasked += pixels;
    if (from->unasked < ask_after) return;
    from->unasked = 0;
    if (watch->is_wanted(watch->context)) return;
    from->verdict = DSEG_UNWANTED;
    png_longjmp(png, 1);
}

/// Has samples made of 8 bits: a byte for each that is stored, or RGB or RGBA.
static void set_samples(png_structp png, const source *from) {
    if (from->as_stored) {
        png_set_packing(png);
        return;
    }
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
}

/// Reads all rows; of an interlaced file in seven passes.
static void read_rows(png_structp png, png_infop info, source *from, const dseg_picture *picture, uint8_t *pixels,
                      const dseg_watch *watch) {
    set_samples(png, from);
    from->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = picture->width * picture->channels;
    if (png_get_image_height(png, info) != picture->height || png_get_rowbytes(png, info) != stride) {
        png_error(png, "the rows are not as the header says");
    }
    from->height = picture->height;
    for (int pass = 0; pass < from->passes; pass++) {
        for (size_t y = 0; y < picture->height; y++) {
            ask(png, from, watch, picture->width);
            png_read_row(png, pixels + y * stride, NULL);
        }
    }
}

/// Reads a PNG file, only its header if `pixels` is NULL. Its stack frame holds the setjmp for libpng's errors.
static dseg_verdict read_png(source *from, dseg_picture *picture, uint8_t *_Nullable pixels,
                             const dseg_watch *_Nullable watch) {
    from->verdict = DSEG_MALFORMED;
    from->head = 8;
    png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, from, give_up, ignore);
    if (png == NULL) return DSEG_NO_MEMORY;
    png_infop info = png_create_info_struct(png);
    if (info == NULL) {
        png_destroy_read_struct(&png, NULL, NULL);
        return DSEG_NO_MEMORY;
    }
    if (setjmp(png_jmpbuf(png)) == 0) {
        png_set_read_fn(png, from, read_bytes);
        if (from->by_crc) png_set_option(png, PNG_IGNORE_ADLER32, PNG_OPTION_ON);
        if (pixels == NULL) {
            // No limit here: the caller refuses a large size with a message that states it.
            png_set_user_limits(png, PNG_UINT_31_MAX, PNG_UINT_31_MAX);
            read_header(png, info, picture);
        } else {
            dseg_picture found;
            png_set_user_limits(png, (png_uint_32)picture->width, (png_uint_32)picture->height);
            read_header(png, info, &found);
            read_rows(png, info, from, picture, pixels, watch);
        }
        from->verdict = DSEG_DONE;
    }
    png_destroy_read_struct(&png, &info, NULL);
    return from->verdict;
}

dseg_verdict dseg_png_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason) {
    source from = {.bytes = bytes, .count = count, .reason = reason};
    return read_png(&from, picture, NULL, NULL);
}

/// Whether a wrong Adler-32 may be the only fault: zlib then withholds the last row; of an interlaced
/// file the last row of any pass.
static int may_be_checksum(const source *from) { return from->passes > 1 || from->rows + 1 == from->height; }

/// Reads a whole file.
///
/// Where a wrong Adler-32 may be the only fault, the file is decoded again without it. If all chunk CRCs
/// are right, which cover the same bytes, then the writer computed the Adler-32 wrong and the pixels are
/// intact.
static dseg_verdict read_whole(source *from, dseg_picture *picture, uint8_t *pixels, const dseg_watch *watch) {
    from->rows = DSEG_ROWS_UNKNOWN;
    from->unasked = ask_after;
    source again = *from;
    dseg_verdict verdict = read_png(from, picture, pixels, watch);
    picture->rows = from->rows;
    if (verdict != DSEG_MALFORMED || !may_be_checksum(from)) return verdict;
    char other_reason[DSEG_REASON_BYTES];
    again.reason = other_reason;
    again.by_crc = 1;
    dseg_verdict second = read_png(&again, picture, pixels, watch);
    return second == DSEG_DONE || second == DSEG_UNWANTED ? second : verdict;
}

dseg_verdict dseg_png_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                             const dseg_watch *watch, char *reason) {
    source from = {.bytes = bytes, .count = count, .reason = reason};
    return read_whole(&from, picture, pixels, watch);
}

dseg_verdict dseg_png_indices(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *indices,
                              const dseg_watch *watch, char *reason) {
    source from = {.bytes = bytes, .count = count, .reason = reason, .as_stored = 1};
    picture->channels = 1;
    return read_whole(&from, picture, indices, watch);
}
