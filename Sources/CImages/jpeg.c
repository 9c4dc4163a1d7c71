#include "images.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>

#include <jerror.h>

/// libjpeg's decoder, the state of its error handler, and signs of truncation.
typedef struct decoder {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    jmp_buf escape;
    dseg_verdict verdict;
    char *reason;
    const uint8_t *bytes;
    int ended;    ///< the bytes ended without an EOI marker; libjpeg goes on as if there were one
    int lacking;  ///< entropy-coded data ended before the last MCU row of a scan
    int in_last;  ///< entropy-coded data ended in the last MCU row of a scan
    size_t rows;  ///< complete rows of pixels when `lacking` or `in_last` was first set
} decoder;

/// libjpeg's error_exit, which must not return: jumps to the setjmp of `begin`'s caller.
static void give_up(j_common_ptr jpeg) {
    decoder *from = jpeg->client_data;
    from->verdict = jpeg->err->msg_code == JERR_OUT_OF_MEMORY ? DSEG_NO_MEMORY
                    : from->ended                             ? DSEG_CUT_OFF
                                                              : DSEG_MALFORMED;
    char sentence[JMSG_LENGTH_MAX];
    jpeg->err->format_message(jpeg, sentence);
    snprintf(from->reason, DSEG_REASON_BYTES, "%s", sentence);
    longjmp(from->escape, 1);
}

/// Ignores warnings, which are harmless oddities of cameras, except those that mean truncation.
///
/// JWRN_JPEG_EOF alone does not, as libjpeg reads ahead. JWRN_HIT_MARKER comes once a scan or restart
/// interval, when the decoder needs a bit and finds a marker. Before a restart marker that costs a few
/// blocks only, as of a spoilt memory card, and decoding resumes after it: not counted as truncation.
static void on_warning(j_common_ptr jpeg, int level) {
    decoder *from = jpeg->client_data;
    if (level >= 0) return;
    if (jpeg->err->msg_code == JWRN_JPEG_EOF) from->ended = 1;
    int marker = from->jpeg.unread_marker;
    if (jpeg->err->msg_code != JWRN_HIT_MARKER || (marker >= JPEG_RST0 && marker <= JPEG_RST0 + 7)) return;
    if (!from->lacking && !from->in_last) from->rows = from->jpeg.output_scanline;
    int is_last = from->jpeg.input_iMCU_row + 1 >= from->jpeg.total_iMCU_rows;
    *(is_last ? &from->in_last : &from->lacking) = 1;
}

static void begin(decoder *from, const uint8_t *bytes, size_t count) {
    from->bytes = bytes;
    jpeg_create_decompress(&from->jpeg);
    jpeg_mem_src(&from->jpeg, bytes, count);
    jpeg_read_header(&from->jpeg, TRUE);
}

static void prepare(decoder *from, char *reason) {
    memset(from, 0, sizeof *from);
    from->reason = reason;
    from->jpeg.client_data = from;
    from->jpeg.err = jpeg_std_error(&from->errors);
    from->errors.error_exit = give_up;
    from->errors.emit_message = on_warning;
}

static int is_cmyk(const decoder *from) {
    J_COLOR_SPACE stored = from->jpeg.jpeg_color_space;
    return stored == JCS_CMYK || stored == JCS_YCCK;
}

/// libjpeg leaves by longjmp, so the decoder outlives the frame that sets the jump.
static dseg_verdict read_header(decoder *from, const uint8_t *bytes, size_t count, dseg_picture *picture) {
    if (setjmp(from->escape) != 0) return from->verdict;
    begin(from, bytes, count);
    picture->width = from->jpeg.image_width;
    picture->height = from->jpeg.image_height;
    picture->channels = is_cmyk(from) ? 4 : 3;
    return DSEG_DONE;
}

dseg_verdict dseg_jpeg_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason) {
    decoder from;
    prepare(&from, reason);
    dseg_verdict verdict = read_header(&from, bytes, count, picture);
    jpeg_destroy_decompress(&from.jpeg);
    return verdict;
}

/// Polls the dseg_watch; ends the decoding by longjmp if the caller has cancelled it.
static void ask(decoder *from, const dseg_watch *watch) {
    if (watch->is_wanted(watch->context)) return;
    from->verdict = DSEG_UNWANTED;
    longjmp(from->escape, 1);
}

/// Whether a scan ended in zero bytes that go on to the file's end, as in an unfinished download whose
/// file was preallocated. Zeros are legal Huffman codes, so libjpeg decodes them without a warning.
static int scan_was_zeros(const decoder *from) {
    const struct jpeg_source_mgr *source = from->jpeg.src;
    if (from->ended || source->next_input_byte - from->bytes < 32) return 0;
    const uint8_t *at = source->next_input_byte - 32, *end = at + 32 + source->bytes_in_buffer;
    while (at < end && *at == 0) at++;
    return at == end;
}

/// Whether each component had a scan; with `wholly`, whether its scans held all bits of all its coefficients.
static int has_components(const decoder *from, const int *seen, int wholly) {
    for (int c = 0; c < from->jpeg.num_components; c++) {
        if (!seen[c]) return 0;
        if (!wholly || !from->jpeg.progressive_mode) continue;
        for (int k = 0; k < DCTSIZE2; k++) {
            if (from->jpeg.coef_bits[c][k] != 0) return 0;
        }
    }
    return 1;
}

/// Reads scans until the picture is complete, data are lacking or the file ends. Nothing after a complete picture is
/// read: a camera's own data, another picture, or a missing EOI marker. A progressive file may end
/// before all coefficients were refined, if no scan was truncated.
static void absorb_scans(decoder *from, const dseg_watch *watch) {
    int seen[MAX_COMPONENTS] = {0};
    for (;;) {
        int status = jpeg_consume_input(&from->jpeg);
        if (status == JPEG_REACHED_EOI) {
            from->lacking = from->lacking || from->in_last || from->ended || !has_components(from, seen, 0);
            return;
        }
        ask(from, watch);
        if (from->lacking) return;
        if (status != JPEG_SCAN_COMPLETED) continue;
        from->lacking = from->lacking || scan_was_zeros(from);
        for (int i = 0; i < from->jpeg.comps_in_scan; i++) {
            seen[from->jpeg.cur_comp_info[i]->component_index] = 1;
        }
        if (has_components(from, seen, 1)) return;
    }
}

/// Whether the file is truncated. Data that end in the last MCU row with a marker are accepted, as by
/// other decoders: a truncated file has no marker there. The arithmetic decoder gives no warning when it
/// runs out of data, so there a missing marker counts as truncation.
static int is_lacking(const decoder *from) {
    const struct jpeg_source_mgr *source = from->jpeg.src;
    dseg_jpeg_segment next;
    if (from->jpeg.arith_code && from->jpeg.unread_marker == 0 &&
        !dseg_jpeg_next(source->next_input_byte, source->bytes_in_buffer, 0, &next)) {
        return 1;
    }
    if (from->jpeg.arith_code && from->ended) return 1;
    return from->lacking || (from->in_last && from->ended);
}

/// Reads all rows as RGB or CMYK, or those before data are lacking: what libjpeg makes up for the rest of a picture
/// whose header states 64 megapixels takes it longer than any refusal may.
static void read_rows(decoder *from, const dseg_picture *picture, uint8_t *pixels, const dseg_watch *watch) {
    size_t stride = picture->width * picture->channels;
    while (from->jpeg.output_scanline < from->jpeg.output_height && !from->lacking) {
        if (from->jpeg.output_scanline % 64 == 0) ask(from, watch);
        JSAMPROW row = pixels + stride * from->jpeg.output_scanline;
        jpeg_read_scanlines(&from->jpeg, &row, 1);
    }
}

/// Decodes after `prepare`: a file of one scan row by row, one of several scans in libjpeg's
/// buffered-image mode, which reads all scans first.
static dseg_verdict read_pixels(decoder *from, const uint8_t *bytes, size_t count, dseg_picture *picture,
                                uint8_t *pixels, const dseg_watch *watch) {
    if (setjmp(from->escape) != 0) return from->verdict;
    begin(from, bytes, count);
    int has_scans = jpeg_has_multiple_scans(&from->jpeg);
    from->jpeg.buffered_image = has_scans;
    from->jpeg.out_color_space = is_cmyk(from) ? JCS_CMYK : JCS_RGB;
    jpeg_start_decompress(&from->jpeg);
    if (has_scans) {
        absorb_scans(from, watch);
        if (is_lacking(from)) return DSEG_CUT_OFF;
        jpeg_start_output(&from->jpeg, from->jpeg.input_scan_number);
    }
    read_rows(from, picture, pixels, watch);
    if (!has_scans && scan_was_zeros(from)) return DSEG_CUT_OFF;
    if (!is_lacking(from)) return DSEG_DONE;
    picture->rows = from->rows;
    return DSEG_CUT_OFF;
}

dseg_verdict dseg_jpeg_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                              const dseg_watch *watch, char *reason) {
    decoder from;
    prepare(&from, reason);
    dseg_verdict verdict = read_pixels(&from, bytes, count, picture, pixels, watch);
    jpeg_destroy_decompress(&from.jpeg);
    return verdict;
}

/// False for stuffed and fill bytes and for markers without a length (TEM, RSTn, SOI).
static int begins_segment(uint8_t marker) {
    return marker > 0x01 && marker != 0xFF && (marker < 0xD0 || marker > 0xD8);
}

int dseg_jpeg_next(const uint8_t *bytes, size_t count, size_t position, dseg_jpeg_segment *segment) {
    while (position + 1 < count) {
        const uint8_t *mark = memchr(bytes + position, 0xFF, count - position - 1);
        if (mark == NULL) return 0;
        position = (size_t)(mark - bytes) + 1;
        if (!begins_segment(mark[1])) continue;
        *segment = (dseg_jpeg_segment){.marker = mark[1], .start = position + 1, .count = 0};
        if (mark[1] == JPEG_EOI) return 1;
        if (count - position < 3) return 0;
        size_t length = (size_t)mark[2] << 8 | mark[3];
        if (length < 2 || length > count - position - 1) return 0;
        segment->start = position + 3;
        segment->count = length - 2;
        return 1;
    }
    return 0;
}
