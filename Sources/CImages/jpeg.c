#include "images.h"

#include <stdio.h>
#include <turbojpeg.h>

/// The picture in a file's header; false with TurboJPEG's sentence if there is none.
///
/// TurboJPEG fails a header whose sampling factors it has no name for, though it decodes the
/// picture; it has filled in the size and the colours by then.
static int read_header(tjhandle decoder, const uint8_t *bytes, size_t count,
                       dseg_picture *picture, char *reason) {
    int width = 0, height = 0, sampling = -1, colours = -1;
    int failed = tjDecompressHeader3(decoder, bytes, count, &width, &height, &sampling, &colours);
    if (failed && (width < 1 || height < 1 || colours < 0)) {
        snprintf(reason, DSEG_REASON_BYTES, "%s", tjGetErrorStr2(decoder));
        return 0;
    }
    picture->width = (size_t)width;
    picture->height = (size_t)height;
    picture->channels = colours == TJCS_CMYK || colours == TJCS_YCCK ? 4 : 3;
    return 1;
}

dseg_verdict dseg_jpeg_header(const uint8_t *bytes, size_t count, dseg_picture *picture,
                              char *reason) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return DSEG_NO_MEMORY;
    int found = read_header(decoder, bytes, count, picture, reason);
    tjDestroy(decoder);
    return found ? DSEG_DONE : DSEG_MALFORMED;
}

dseg_verdict dseg_jpeg_pixels(const uint8_t *bytes, size_t count, const dseg_picture *picture,
                              uint8_t *pixels, char *reason) {
    tjhandle decoder = tjInitDecompress();
    if (decoder == NULL) return DSEG_NO_MEMORY;
    dseg_picture found;
    dseg_verdict verdict = DSEG_MALFORMED;
    if (read_header(decoder, bytes, count, &found, reason)) {
        int format = picture->channels == 4 ? TJPF_CMYK : TJPF_RGB;
        int failed = tjDecompress2(decoder, bytes, count, pixels, (int)picture->width, 0,
                                   (int)picture->height, format, TJFLAG_LIMITSCANS);
        if (!failed) {
            verdict = DSEG_DONE;
        } else {
            if (tjGetErrorCode(decoder) == TJERR_WARNING) verdict = DSEG_WARNED;
            snprintf(reason, DSEG_REASON_BYTES, "%s", tjGetErrorStr2(decoder));
        }
    }
    tjDestroy(decoder);
    return verdict;
}
