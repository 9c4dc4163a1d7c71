#include "images.h"

#include <stdio.h>
#include <string.h>

#include <webp/decode.h>
#include <webp/demux.h>

/// Demuxes a file: finds its picture, or its first frame, and the canvas. On DSEG_DONE the caller must
/// `release` file and frame.
static dseg_verdict find(const uint8_t *bytes, size_t count, dseg_picture *canvas, WebPDemuxer **file,
                         WebPIterator *frame, char *reason) {
    WebPData data = {bytes, count};
    WebPDemuxState state;
    *file = WebPDemuxPartial(&data, &state);
    if (*file == NULL) {
        snprintf(reason, DSEG_REASON_BYTES, "its chunks contradict each other");
        return state == WEBP_DEMUX_PARSE_ERROR ? DSEG_MALFORMED : DSEG_CUT_OFF;
    }
    if (!WebPDemuxGetFrame(*file, 1, frame)) {
        snprintf(reason, DSEG_REASON_BYTES, "it has no picture");
        WebPDemuxDelete(*file);
        return state == WEBP_DEMUX_DONE ? DSEG_MALFORMED : DSEG_CUT_OFF;
    }
    canvas->width = WebPDemuxGetI(*file, WEBP_FF_CANVAS_WIDTH);
    canvas->height = WebPDemuxGetI(*file, WEBP_FF_CANVAS_HEIGHT);
    int is_covered = (size_t)frame->width == canvas->width && (size_t)frame->height == canvas->height;
    canvas->channels = frame->has_alpha || !is_covered ? 4 : 3;
    return DSEG_DONE;
}

static void release(WebPDemuxer *file, WebPIterator *frame) {
    WebPDemuxReleaseIterator(frame);
    WebPDemuxDelete(file);
}

dseg_verdict dseg_webp_header(const uint8_t *bytes, size_t count, dseg_picture *picture, char *reason) {
    WebPDemuxer *file;
    WebPIterator frame;
    dseg_verdict verdict = find(bytes, count, picture, &file, &frame, reason);
    if (verdict == DSEG_DONE) release(file, &frame);
    return verdict;
}

/// Decodes a frame incrementally, in sixteen parts, to poll for cancellation between them. More parts
/// would cost time: libwebp decodes what precedes the pixels anew until it is complete.
static dseg_verdict feed(WebPIDecoder *decoder, const WebPData *frame, const dseg_watch *watch, char *reason) {
    VP8StatusCode status = VP8_STATUS_SUSPENDED;
    for (size_t part = 1; part <= 16 && status == VP8_STATUS_SUSPENDED; part++) {
        if (!watch->is_wanted(watch->context)) return DSEG_UNWANTED;
        status = WebPIUpdate(decoder, frame->bytes, part < 16 ? frame->size / 16 * part : frame->size);
    }
    switch (status) {
    case VP8_STATUS_OK: return DSEG_DONE;
    case VP8_STATUS_SUSPENDED: return DSEG_CUT_OFF;
    case VP8_STATUS_OUT_OF_MEMORY: return DSEG_NO_MEMORY;
    default:
        snprintf(reason, DSEG_REASON_BYTES, "its pixels cannot be decoded (libwebp's status %d)", status);
        return DSEG_MALFORMED;
    }
}

/// Decodes a frame into its rectangle of the canvas.
static dseg_verdict draw(const WebPIterator *frame, dseg_picture *canvas, uint8_t *pixels, const dseg_watch *watch,
                         char *reason) {
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config)) return DSEG_NO_MEMORY;
    size_t stride = canvas->width * canvas->channels;
    size_t start = (size_t)frame->y_offset * stride + (size_t)frame->x_offset * canvas->channels;
    config.output.colorspace = canvas->channels == 4 ? MODE_RGBA : MODE_RGB;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = pixels + start;
    config.output.u.RGBA.stride = (int)stride;
    config.output.u.RGBA.size = canvas->height * stride - start;
    WebPIDecoder *decoder = WebPIDecode(NULL, 0, &config);
    if (decoder == NULL) return DSEG_NO_MEMORY;
    dseg_verdict verdict = feed(decoder, &frame->fragment, watch, reason);
    int rows = 0;
    WebPIDecGetRGB(decoder, &rows, NULL, NULL, NULL);
    canvas->rows = (size_t)frame->height == canvas->height ? (size_t)rows : DSEG_ROWS_UNKNOWN;
    WebPIDelete(decoder);
    return verdict;
}

dseg_verdict dseg_webp_pixels(const uint8_t *bytes, size_t count, dseg_picture *picture, uint8_t *pixels,
                              const dseg_watch *watch, char *reason) {
    WebPDemuxer *file;
    WebPIterator frame;
    dseg_picture canvas = *picture;
    dseg_verdict verdict = find(bytes, count, &canvas, &file, &frame, reason);
    if (verdict != DSEG_DONE) return verdict;
    memset(pixels, 0, canvas.width * canvas.height * canvas.channels);
    verdict = draw(&frame, &canvas, pixels, watch, reason);
    release(file, &frame);
    picture->rows = canvas.rows;
    return verdict;
}
