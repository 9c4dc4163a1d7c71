#include "images.h"

#include <png.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/// What libpng reads from, and what it leaves behind when it gives up.
typedef struct source {
    const uint8_t *bytes;
    size_t count;
    size_t position;
    size_t head;    ///< where the next chunk begins
    dseg_verdict verdict;
    char *reason;
    int by_crc;     ///< the chunks' CRCs must be right, the checksum of the data in them need not
    int passes;     ///< over the rows
    size_t unasked; ///< pixels since the caller was asked
    size_t height;  ///< of the rows that are read; 0 before
    size_t rows;    ///< that were whole when libpng gave up
} source;

/// Changes the head of a chunk that libpng would give up at, though no pixel is lacking or in doubt.
///
/// One that is cut off is as long as what is left of it: libpng reads ahead, and would not decode the
/// rows that are there. One that is called critical and makes no pixels is skipped as if it were not:
/// one of a kind that libpng does not know, and the palette that is suggested for true colours.
static void adapt(uint8_t *head, const source *from) {
    static const char pixels[4][5] = {"IHDR", "PLTE", "IDAT", "IEND"};
    static const size_t colour_type = 25;
    size_t left = from->count - from->position;
    int kind = 0;
    while (kind < 4 && memcmp(head + 4, pixels[kind], 4) != 0) kind++;
    if (kind == 2 && left < png_get_uint_32(head)) png_save_uint_32(head, (png_uint_32)left);
    int is_suggested = kind == 1 && from->count > colour_type &&
                       from->bytes[colour_type] != PNG_COLOR_TYPE_PALETTE;
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

/// Ends the call: libpng leaves by longjmp, back to the setjmp in `read_png`.
///
/// With the last row libpng reads on to the end of the compressed data. What is wrong or lacking
/// there, and behind it, is no fault of the pixels: all have been written by then. The passes of an
/// interlaced file add pixels everywhere, so before its last one has ended no row counts as whole.
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

/// A complaint about a chunk that is skipped changes no pixel.
static void ignore(png_structp png, png_const_charp sentence) {
    (void)png;
    (void)sentence;
}

/// Reads up to the first pixel. Of the chunks only those that make pixels are looked at, so that
/// neither a profile nor a text can ask for memory.
static void read_header(png_structp png, png_infop info, dseg_picture *picture) {
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
    png_set_chunk_cache_max(png, 128);
    png_set_chunk_malloc_max(png, 8 << 20);
    png_read_info(png, info);
    int has_alpha = (png_get_color_type(png, info) & PNG_COLOR_MASK_ALPHA) != 0 ||
                    png_get_valid(png, info, PNG_INFO_tRNS) != 0;
    picture->width = png_get_image_width(png, info);
    picture->height = png_get_image_height(png, info);
    picture->channels = has_alpha ? 4 : 3;
}

/// Pixels, a millisecond's work.
static const size_t ask_after = 1 << 16;

/// Ends the call if nobody wants the picture; asks before the first row, and whenever `ask_after` were read.
static void ask(png_structp png, source *from, const dseg_watch *watch, size_t pixels) {
    from->unasked += pixels;
    if (from->unasked < ask_after) return;
    from->unasked = 0;
    if (watch->is_wanted(watch->context)) return;
    from->verdict = DSEG_UNWANTED;
    png_longjmp(png, 1);
}

/// Reads all rows as RGB or RGBA of 8 bits. An interlaced file passes over the rows seven times,
/// each time adding pixels. The file is not read beyond them.
static void read_rows(png_structp png, png_infop info, source *from, const dseg_picture *picture,
                      uint8_t *pixels, const dseg_watch *watch) {
    png_set_expand(png);
    png_set_strip_16(png);
    png_set_gray_to_rgb(png);
    from->passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = picture->width * picture->channels;
    if (png_get_image_height(png, info) != picture->height ||
        png_get_rowbytes(png, info) != stride) {
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

/// The one frame that libpng's longjmp returns to. `pixels` is NULL to read the header alone.
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
            // Any legal size passes here: the caller refuses a large one with its numbers.
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

dseg_verdict dseg_png_header(const uint8_t *bytes, size_t count, dseg_picture *picture,
                             char *reason) {
    source from = {.bytes = bytes, .count = count, .reason = reason};
    return read_png(&from, picture, NULL, NULL);
}

/// Whether a wrong checksum may be all that is wrong: zlib withholds the last row for it. That of an
/// interlaced file is the last of any pass.
static int may_be_checksum(const source *from) {
    return from->passes > 1 || from->rows + 1 == from->height;
}

/// Where a wrong checksum may be the cause the file is read once more, without it. Where every CRC of the
/// chunks is right, which cover the same bytes, it was written wrong, and the rows are as they were.
dseg_verdict dseg_png_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture,
                             uint8_t *pixels, const dseg_watch *watch, char *reason) {
    source from = {.bytes = bytes, .count = count, .reason = reason, .rows = DSEG_ROWS_UNKNOWN,
                   .unasked = ask_after};
    source again = from;
    dseg_verdict verdict = read_png(&from, picture, pixels, watch);
    picture->rows = from.rows;
    if (verdict != DSEG_MALFORMED || !may_be_checksum(&from)) return verdict;
    char other_reason[DSEG_REASON_BYTES];
    again.reason = other_reason;
    again.by_crc = 1;
    dseg_verdict second = read_png(&again, picture, pixels, watch);
    return second == DSEG_DONE || second == DSEG_UNWANTED ? second : verdict;
}
