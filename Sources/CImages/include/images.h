#ifndef DSEG_IMAGES_H
#define DSEG_IMAGES_H

#include <stddef.h>
#include <stdint.h>

#pragma clang assume_nonnull begin

// Pictures are rows of interleaved 8-bit samples without padding: [height, width, channels].
// No function here prints or keeps state after it returns; the only callback is a dseg_watch.

/// The result of decoding or encoding a file.
typedef enum dseg_verdict {
    DSEG_DONE,
    DSEG_CUT_OFF,    ///< truncated: the bytes end before the last pixel
    DSEG_MALFORMED,  ///< the bytes are no legal picture
    DSEG_NO_MEMORY,
    DSEG_UNWANTED,  ///< cancelled by the dseg_watch
} dseg_verdict;

/// Room for a library's error message, with its NUL.
#define DSEG_REASON_BYTES 256

/// A picture's sizes, from its file's header.
typedef struct dseg_picture {
    size_t width;
    size_t height;
    size_t channels;  ///< of the decoded samples: RGB or RGBA, of JPEG RGB or CMYK as stored
    size_t rows;      ///< complete rows of a truncated file, or DSEG_ROWS_UNKNOWN
} dseg_picture;

#define DSEG_ROWS_UNKNOWN PTRDIFF_MAX

/// Cancellation: polled while pixels are decoded, on the caller's thread; 0 ends the decoding.
typedef struct dseg_watch {
    int (*is_wanted)(void *context);
    void *context;
} dseg_watch;

// -- png_read.c

/// Reads a PNG file up to its first pixel.
///
/// reason  [DSEG_REASON_BYTES]  filled unless the verdict is DSEG_DONE
dseg_verdict dseg_png_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason);

/// Reads a whole PNG file whose header is `picture`: palettes, grey and transparency expanded,
/// 16 bits reduced to the high byte, colour profiles and gamma ignored. Nothing after the last row
/// is read.
///
/// pixels  [height, width, channels]
dseg_verdict dseg_png_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                             const dseg_watch *watch, char *reason);

/// The same for a file with a palette or with grey of at most 8 bits: its samples as stored, unscaled.
///
/// indices  [height, width]
dseg_verdict dseg_png_indices(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *indices,
                              const dseg_watch *watch, char *reason);

// -- png_write.c

typedef enum dseg_png_kind {
    DSEG_PNG_INDEXED,  ///< one sample, an index into 256 colours
    DSEG_PNG_GREY,
    DSEG_PNG_RGB,
    DSEG_PNG_RGBA,
} dseg_png_kind;

/// The parameters of a file to be written.
typedef struct dseg_png_shape {
    dseg_png_kind kind;
    uint32_t width;
    uint32_t height;
    size_t text_count;   ///< iTXt chunks
    size_t chunk_bytes;  ///< length of `chunks`
} dseg_png_shape;

/// A growing buffer, filled by dseg_png_write or dseg_deflate; dseg_bytes_free frees it.
typedef struct dseg_bytes {
    uint8_t *_Nullable base;
    size_t count;
    size_t capacity;
} dseg_bytes;

/// Writes a PNG file of 8 bits a sample to memory. The same arguments give the same bytes.
///
/// pixels   [height, width, 1, 3 or 4]
/// palette  [256, 3] for DSEG_PNG_INDEXED, otherwise NULL
/// chunks   [chunk_bytes]  complete chunks, copied between the header and the palette
/// texts    for each iTXt chunk a Latin-1 key of 1 to 79 bytes and a UTF-8 text, each with its NUL
/// file     empty before; to be freed after, whatever the verdict
dseg_verdict dseg_png_write(const dseg_png_shape *shape, const uint8_t *pixels, const uint8_t *_Nullable palette,
                            const uint8_t *chunks, const char *texts, dseg_bytes *file, char *reason);

void dseg_bytes_free(dseg_bytes *file);

// -- deflate.c

/// Compresses bytes in zlib's format.
///
/// packed  empty before; to be freed after, whatever the verdict
dseg_verdict dseg_deflate(const uint8_t *bytes, size_t count, dseg_bytes *packed);

/// Decompresses the beginning of data in zlib's format; returns how many bytes it wrote, at most `room`.
///
/// bytes  [room]
size_t dseg_inflate(const uint8_t *packed, size_t count, uint8_t *bytes, size_t room);

/// The CRC-32 of ISO 3309: it closes a PNG chunk, over the chunk's type and payload, and checks a zip's member.
uint32_t dseg_crc(const uint8_t *bytes, size_t count);

// -- jpeg.c

/// Reads the header of a JPEG file.
dseg_verdict dseg_jpeg_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason);

/// Reads a whole JPEG file whose header is `picture`. Nothing after the last coded pixel is read,
/// also no EOI marker.
///
/// pixels  [height, width, channels]
dseg_verdict dseg_jpeg_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                              const dseg_watch *watch, char *reason);

/// A marker segment; `start` and `count` are of its payload, without marker and length.
typedef struct dseg_jpeg_segment {
    uint8_t marker;
    size_t start;
    size_t count;
} dseg_jpeg_segment;

/// Finds the first complete marker segment at or after a position; skips entropy-coded data, fill
/// bytes and markers without a length, except EOI, which counts as an empty segment. Returns 0 if
/// there is none.
int dseg_jpeg_next(const uint8_t *bytes, size_t count, size_t position, dseg_jpeg_segment *segment);

// -- webp.c

/// Reads the header of a WebP file.
dseg_verdict dseg_webp_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason);

/// Reads the picture of a WebP file whose header is `picture`; of an animated one the first frame,
/// on a transparent canvas.
///
/// pixels  [height, width, channels]
dseg_verdict dseg_webp_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                              const dseg_watch *watch, char *reason);

// -- pixels.c

/// Splits RGBA into RGB and alpha.
///
/// rgba   [count, 4]
/// rgb    [count, 3]
/// alpha  [count]
void dseg_split_alpha(const uint8_t *rgba, size_t count, uint8_t *rgb, uint8_t *alpha);

/// Turns CMYK, stored inverted as Adobe's programs do (0 is full ink), into RGB.
///
/// cmyk  [count, 4]
/// rgb   [count, 3]
void dseg_cmyk_to_rgb(const uint8_t *cmyk, size_t count, uint8_t *rgb);

/// Composites a picture over white.
///
/// rgb, seen  [count, 3]
/// alpha      [count]
void dseg_over_white(const uint8_t *rgb, const uint8_t *alpha, size_t count, uint8_t *seen);

/// Looks up each sample in its channel's table.
///
/// rgb    [count, 3]
/// table  [3, 256]
/// out    [count, 3]
void dseg_look_up(const uint8_t *rgb, size_t count, const float *table, float *out);

/// Applies an EXIF orientation.
///
/// stored       [height, width, channels]
/// upright      [height, width, channels], or [width, height, channels] for orientations 5 to 8
/// orientation  1 to 8, as EXIF's tag 0x0112 numbers them
void dseg_turn_upright(const uint8_t *stored, size_t width, size_t height, size_t channels, int orientation,
                       uint8_t *upright);

// -- resampling.c

/// Resizes a map as PyTorch's `interpolate(mode="bilinear", align_corners=False)` does:
/// half-pixel centres, edges repeated, no antialiasing. No size is 0.
///
/// map  [height, width, channels]
/// out  [out_height, out_width, channels], distinct from map
void dseg_bilinear(const float *map, size_t width, size_t height, size_t channels, size_t out_width, size_t out_height,
                   float *out);

/// The same on 8-bit samples, each divided by 255 first.
///
/// pixels  [height, width, channels]
/// out     [out_height, out_width, channels]
void dseg_bilinear_bytes(const uint8_t *pixels, size_t width, size_t height, size_t channels, size_t out_width,
                         size_t out_height, float *out);

/// Resizes 8-bit samples, divided by 255, as PyTorch's `interpolate(mode="nearest")` does: output i of n is sample
/// floor(i (count / n)) of an axis of `count`, quotient and product each rounded to f32, or the last sample where that
/// lies beyond it. No size is 0, and none exceeds 2^24.
///
/// pixels  [height, width, channels]
/// out     [out_height, out_width, channels]
void dseg_nearest_bytes(const uint8_t *pixels, size_t width, size_t height, size_t channels, size_t out_width,
                        size_t out_height, float *out);

/// The source positions of both bilinear resizes along one axis of `count` samples: output `out` lies weight[out]
/// of the way from sample first[out] to the next one, if there is a next.
///
/// first, weight  [out_count]
void dseg_bilinear_line(size_t count, size_t out_count, uint32_t *first, float *weight);

// -- area.c

/// Averages a picture over adaptive cells as PyTorch's `interpolate(mode="area")` does: output i of h covers samples
/// floor(i H / h) up to, but not including, ceil((i + 1) H / h). Samples are divided by 255. Sums are exact. No size is
/// 0, and none exceeds 2^24.
///
/// rgb      [height, width, 3]
/// columns  [width, 3]  scratch
/// out      [out_height, out_width, 3]
void dseg_area(const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height, uint32_t *columns,
               float *out);

/// The same rounded to 8-bit samples, halves up.
///
/// out  [out_height, out_width, 3]
void dseg_area_bytes(const uint8_t *rgb, size_t width, size_t height, size_t out_width, size_t out_height,
                     uint32_t *columns, uint8_t *out);

// -- bicubic.c

/// The pixels that are wanted of a resized picture. No size is 0, and the window does not leave the resized picture.
typedef struct dseg_window {
    size_t width, height;          ///< of the picture
    size_t out_width, out_height;  ///< of the resized picture
    size_t left, top;              ///< the window's first pixel in it
    size_t columns, rows;          ///< of the window
} dseg_window;

/// Bytes of scratch for dseg_bicubic: less than 40 for each pixel of the picture's longer side where the window is no
/// longer than the resized picture's shorter side, and some kilobytes.
size_t dseg_bicubic_scratch(const dseg_window *window);

/// Resizes a picture by cubic convolution, antialiased where it shrinks, bit for bit as Pillow 13's
/// `resize((out_width, out_height), Image.BICUBIC)` does: coefficients of 22 bits behind the point, one axis resized to
/// 8 bits before the other. Rows are shortened first, but columns where the height loses more than twice as many pixels
/// as the width. Only the window is computed, and only what it reads of the picture is read.
///
/// rgb      [height, width, 3]
/// scratch  [dseg_bicubic_scratch(window)] bytes, aligned to 16
/// out      [rows, columns, 3]
dseg_verdict dseg_bicubic(const uint8_t *rgb, const dseg_window *window, void *scratch, const dseg_watch *watch,
                          uint8_t *out);

// -- composite.c

/// Blends each pixel half and half with the palette's colour of its index; index 0 leaves the pixel
/// unchanged.
///
/// rgb, tinted  [count, 3]
/// indices      [count]
/// palette      [256, 3]
void dseg_tint(const uint8_t *rgb, const uint8_t *indices, size_t count, const uint8_t *palette, uint8_t *tinted);

/// Copies the pixels of one index with their alpha (opaque if `alpha` is NULL), and those that are
/// wholly transparent anyway. All others become transparent black, so that no colours of the picture
/// can be recovered from them.
///
/// rgb    [count, 3]
/// alpha  [count], or NULL
/// rgba   [count, 4]
void dseg_cut_out(const uint8_t *rgb, const uint8_t *_Nullable alpha, const uint8_t *indices, size_t count,
                  uint8_t index, uint8_t *rgba);

/// Sets the bits of the pixels whose alpha is 0, least significant bit first; returns how many.
///
/// alpha  [count]
/// bits   [(count + 7) / 8]  zeros before
size_t dseg_transparent(const uint8_t *alpha, size_t count, uint8_t *bits);

/// Sets indices to 0 where the bit is set.
///
/// bits     [(count + 7) / 8]
/// indices  [count]
void dseg_clear_where(const uint8_t *bits, size_t count, uint8_t *indices);

/// The least and the greatest of finite scores.
///
/// scores  [count], count is not 0
void dseg_range(const float *scores, size_t count, float *low, float *high);

/// Min-max scales finite scores to 0...255, rounded; scores that are all equal become 0.
///
/// scores, grey  [count], count is not 0
void dseg_grey(const float *scores, size_t count, uint8_t *grey);

/// Multiplies scores by a factor, each product rounded once.
///
/// scores, scaled  [count]
void dseg_scale_scores(const float *scores, size_t count, float factor, float *scaled);

/// Min-max scales finite scores to 0...1; scores that are all equal become 0.
///
/// scores, scaled  [count], count is not 0
void dseg_unit_range(const float *scores, size_t count, float *scaled);

#pragma clang assume_nonnull end

#endif
