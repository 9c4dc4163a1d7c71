"""Makes the pictures in this folder and what Pillow and PyTorch read from them.

    pip install pillow numpy torch      # made with Pillow 13.0.0, numpy 2.4.6, torch 2.13.0
    python make_images.py               # needs cjpeg and jpegtran of libjpeg-turbo 2.1.5 for four pictures

For each picture NAME there is NAME.rgb: width and height as little-endian 32-bit numbers, then
[height, width, 3] bytes, then [height, width] bytes of alpha if the picture has any. They are what
`ImageOps.exif_transpose(Image.open(f)).convert("RGB")` holds, with two exceptions: 16-bit grey, which
Pillow clips, is cut to the high byte, as Pillow cuts 16-bit colours; alpha comes from the PNG's own
samples. resize.f32, square.f32, nearest.u32 and bicubic.u32: see
`resizes`, `squares`, `nearest` and `bicubic`.
"""

import io
import pathlib
import struct
import subprocess
import zlib

import numpy as np
import torch
from PIL import Image, ImageCms, ImageOps

HERE = pathlib.Path(__file__).parent
WIDTH, HEIGHT = 11, 9


def chunk(kind, payload):
    return struct.pack(">I", len(payload)) + kind + payload + struct.pack(">I", zlib.crc32(kind + payload))


def packed(samples, depth):
    """Rows of samples [height, n] as PNG packs them, each after filter byte 0."""
    rows = b""
    for row in samples:
        if depth == 16:
            data = row.astype(">u2").tobytes()
        elif depth == 8:
            data = row.astype(np.uint8).tobytes()
        else:
            bits = ((row[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8).reshape(-1)
            data = np.packbits(bits).tobytes()
        rows += b"\0" + data
    return rows


def png(samples, colour, depth, interlaced=False, before=(), after=()):
    """A PNG file of `samples` [height, width, channels]."""
    height, width, channels = samples.shape
    flat = samples.reshape(height, width * channels)
    if interlaced:
        data = b""
        for x, y, dx, dy in [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4),
                             (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]:
            part = samples[y::dy, x::dx]
            if part.size:
                data += packed(part.reshape(part.shape[0], -1), depth)
    else:
        data = packed(flat, depth)
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    parts = [chunk(b"IHDR", header), *before, chunk(b"IDAT", zlib.compress(data, 9)), *after,
             chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def exif(orientation, order="<"):
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return (mark + struct.pack(order + "IH", 8, 2)
            + struct.pack(order + "HHII", 0x010F, 2, 4, 0x41424300)
            + struct.pack(order + "HHIHH", 0x0112, 3, 1, orientation, 0) + struct.pack(order + "I", 0))


def save(name, data, alpha=None, grey16=None):
    (HERE / name).write_bytes(data)
    image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    rgb = np.asarray(image.convert("RGB"))
    if grey16 is not None:
        rgb = np.repeat((grey16 >> 8).astype(np.uint8), 3, axis=2)
    raw = struct.pack("<II", rgb.shape[1], rgb.shape[0]) + rgb.tobytes()
    if alpha is not None:
        raw += alpha.astype(np.uint8).tobytes()
    (HERE / (name + ".rgb")).write_bytes(raw)


def pngs(random):
    for depth in (1, 2, 4, 8, 16):
        top = 1 << depth
        scale = 255 // (top - 1) if depth <= 8 else 1
        for way in (False, True):
            tail = f"-{depth}{'-interlaced' if way else ''}.png"
            grey = random.integers(0, top, (HEIGHT, WIDTH, 1))
            save("grey" + tail, png(grey, 0, depth, way), grey16=grey if depth == 16 else None)
            key = int(grey[3, 4, 0])
            hole = (grey[..., 0] != key) * 255
            before = [chunk(b"tRNS", struct.pack(">H", key))]
            save("grey-trns" + tail, png(grey, 0, depth, way, before), hole,
                 grey if depth == 16 else None)
            if depth <= 8:
                colours = random.integers(0, 256, (min(top, 200), 3))
                index = random.integers(0, len(colours), (HEIGHT, WIDTH, 1))
                plte = chunk(b"PLTE", colours.astype(np.uint8).tobytes())
                save("palette" + tail, png(index, 3, depth, way, [plte]))
                few = random.integers(0, 256, len(colours) // 2 or 1)
                every = np.concatenate([few, np.full(len(colours) - len(few), 255)])
                trns = chunk(b"tRNS", few.astype(np.uint8).tobytes())
                save("palette-trns" + tail, png(index, 3, depth, way, [plte, trns]), every[index[..., 0]])
            if depth >= 8:
                shift = depth - 8
                rgb = random.integers(0, top, (HEIGHT, WIDTH, 3))
                save("rgb" + tail, png(rgb, 2, depth, way))
                hole = (rgb != rgb[2, 5]).any(axis=2) * 255
                trns = chunk(b"tRNS", struct.pack(">HHH", *map(int, rgb[2, 5])))
                save("rgb-trns" + tail, png(rgb, 2, depth, way, [trns]), hole)
                two = random.integers(0, top, (HEIGHT, WIDTH, 2))
                save("grey-alpha" + tail, png(two, 4, depth, way), two[..., 1] >> shift)
                four = random.integers(0, top, (HEIGHT, WIDTH, 4))
                save("rgba" + tail, png(four, 6, depth, way), four[..., 3] >> shift)


def odd_pngs(random):
    rgb = random.integers(0, 256, (3, 4, 3))
    save("exif-6.png", png(rgb, 2, 8, before=[chunk(b"eXIf", exif(6))]))
    save("exif-5-late.png", png(rgb, 2, 8, after=[chunk(b"eXIf", exif(5, ">"))]))
    save("gamma-profile.png", png(rgb, 2, 8, before=[
        chunk(b"gAMA", struct.pack(">I", 100000)),
        chunk(b"iCCP", b"none\0\0" + zlib.compress(b"\0" * 200))]))
    frame = struct.pack(">IIIIIHHBB", 0, 4, 3, 0, 0, 1, 10, 0, 0)
    second = (255 - rgb).reshape(3, 12)
    save("animated.png", png(rgb, 2, 8, before=[
        chunk(b"acTL", struct.pack(">II", 2, 0)), chunk(b"fcTL", frame)], after=[
        chunk(b"fcTL", struct.pack(">I", 1) + frame[4:]),
        chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(packed(second, 8)))]))
    save("one.png", png(random.integers(0, 256, (1, 1, 3)), 2, 8))


def smooth(random, height, width, channels):
    """Something a JPEG file keeps: a few slow waves."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [127 + 120 * np.sin(x * a + y * b + c) for a, b, c in random.uniform(0, .4, (channels, 3))]
    return np.stack(waves, axis=2).astype(np.uint8)


def jpeg(picture, mode, **options):
    file = io.BytesIO()
    Image.fromarray(picture.squeeze(), mode).save(file, "JPEG", quality=92, **options)
    return file.getvalue()


def jpegs(random):
    rgb = smooth(random, 21, 34, 3)
    for orientation in range(1, 9):
        block = b"Exif\0\0" + exif(orientation, "<" if orientation % 2 else ">")
        save(f"exif-{orientation}.jpg", jpeg(rgb, "RGB", exif=block))
    save("grey.jpg", jpeg(smooth(random, 20, 19, 1), "L"))
    save("cmyk.jpg", jpeg(smooth(random, 17, 18, 4), "CMYK"))
    save("progressive.jpg", jpeg(rgb, "RGB", progressive=True))
    for name, sampling in [("444", 0), ("422", 1), ("420", 2)]:
        save(f"sampling-{name}.jpg", jpeg(rgb, "RGB", subsampling=sampling))
    save("kept-rgb.jpg", jpeg(rgb, "RGB", keep_rgb=True))
    data = bytearray(jpeg(smooth(random, 17, 18, 4), "CMYK"))
    at = data.index(b"Adobe")
    data[at + 11] = 2  # the same samples, said to be YCCK
    save("ycck.jpg", bytes(data))
    ppm = b"P6 34 21 255\n" + rgb.tobytes()
    for name, options in [("odd-sampling.jpg", ["-sample", "3x1,1x1,1x1"]), ("arithmetic.jpg", ["-arithmetic"]),
                          ("arithmetic-progressive.jpg", ["-arithmetic", "-progressive"])]:
        save(name, subprocess.run(
            ["cjpeg", "-quality", "92", *options], input=ppm, capture_output=True, check=True).stdout)
    save("separate-scans.jpg", subprocess.run(
        ["jpegtran", "-scans", "/dev/stdin", str(HERE / "sampling-420.jpg")],
        input=b"0; 1; 2;", capture_output=True, check=True).stdout)


def webp(picture, **options):
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "WEBP", **{"quality": 80, "method": 6, **options})
    return file.getvalue()


def riff(*chunks):
    body = b"WEBP"
    for kind, payload in chunks:
        body += kind + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def animation(canvas, frames):
    """A WebP file of frames (picture, left, top), whose places are even."""
    def three(number):
        return struct.pack("<I", number)[:3]
    chunks = [(b"VP8X", bytes([0x12, 0, 0, 0]) + three(canvas[0] - 1) + three(canvas[1] - 1)),
              (b"ANIM", bytes([9, 8, 7, 255, 0, 0]))]
    for picture, left, top in frames:
        place = [left // 2, top // 2, picture.shape[1] - 1, picture.shape[0] - 1, 100]
        pixels = webp(picture, lossless=True)[12:]
        chunks.append((b"ANMF", b"".join(map(three, place)) + b"\2" + pixels))
    return riff(*chunks)


def webps(random):
    rgb, alpha = smooth(random, 21, 34, 3), random.integers(0, 3, (21, 34, 1)) * 127
    rgba = np.concatenate([rgb, alpha], axis=2).astype(np.uint8)
    save("lossy.webp", webp(rgb))
    save("lossless.webp", webp(rgb, lossless=True))
    for name, options in [("lossy-alpha.webp", {}), ("lossless-alpha.webp", {"lossless": True, "exact": True})]:
        data = webp(rgba, **options)
        save(name, data, np.asarray(Image.open(io.BytesIO(data)))[..., 3])
    save("exif-6.webp", webp(rgb, exif=exif(6)))
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes(12)  # when it was made
    save("profile.webp", webp(rgb, icc_profile=bytes(profile)))
    save("animated.webp", animation((34, 21), [(rgb, 0, 0), (255 - rgb, 0, 0)]))
    corner = np.zeros((21, 34))
    corner[2:12, 4:24] = 255
    save("animated-corner.webp", animation((34, 21), [(rgb[:10, :20], 4, 2), (rgb, 0, 0), (rgb, 0, 0)]), corner)


def interpolated(tensor, height, width):
    return torch.nn.functional.interpolate(
        tensor, size=(height, width), mode="bilinear", align_corners=False)


def resizes(random):
    """resize.f32: for each case five 32-bit numbers (height, width, channels, new height, new width),
    the map [height, width, channels] and PyTorch's answer [new height, new width, channels], f32."""
    cases = [(1, 1, 1, 5, 3), (5, 3, 1, 1, 1), (2, 3, 4, 7, 7), (7, 9, 3, 4, 4), (6, 6, 1, 6, 6),
             (64, 2, 3, 5, 31), (1, 40, 1, 3, 1001), (13, 1, 4, 29, 2), (1, 4001, 1, 1, 37)]
    with open(HERE / "resize.f32", "wb") as file:
        for height, width, channels, to_height, to_width in cases:
            x = random.random((height, width, channels), dtype=np.float32)
            y = interpolated(torch.from_numpy(x).permute(2, 0, 1)[None], to_height, to_width)
            file.write(struct.pack("<5I", height, width, channels, to_height, to_width))
            file.write(x.tobytes() + y[0].permute(1, 2, 0).contiguous().numpy().tobytes())


def squares():
    """square.f32: exif-6.jpg (upright), rgb-8.png and one.png squared to 16, [16, 16, 3] each."""
    with open(HERE / "square.f32", "wb") as file:
        for name in ("exif-6.jpg", "rgb-8.png", "one.png"):
            rgb = np.asarray(ImageOps.exif_transpose(Image.open(HERE / name)).convert("RGB"))
            x = torch.from_numpy(rgb.copy()).permute(2, 0, 1)[None].float() / 255
            file.write(interpolated(x, 16, 16)[0].permute(1, 2, 0).contiguous().numpy().tobytes())


def nearest():
    """nearest.u32: for each case an axis' length and its new length, then which sample PyTorch's nearest takes for each
    of the new ones, 32-bit numbers. In five cases it is not floor(i length / new length) for all of them."""
    cases = [(1, 1), (1, 7), (7, 1), (5, 3), (3, 5), (8, 8), (8, 16), (7, 49), (190, 96), (20000, 64), (64, 5000),
             (62, 14), (126, 54), (150, 72), (226, 108), (254, 116)]
    with open(HERE / "nearest.u32", "wb") as file:
        for length, to_length in cases:
            x = torch.arange(length, dtype=torch.float32)[None, None, None]
            y = torch.nn.functional.interpolate(x, size=(1, to_length), mode="nearest").flatten().int()
            file.write(struct.pack("<2I", length, to_length) + y.numpy().tobytes())


def drawn(seed, height, width, hard):
    """A picture [height, width, 3] of the low bytes of SplitMix64's numbers, or of 0 and 255 by their lowest bits."""
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) + np.arange(1, height * width * 3 + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in [(30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)]:
            mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    mixed ^= mixed >> np.uint64(31)
    samples = (mixed & np.uint64(1)) * np.uint64(255) if hard else mixed & np.uint64(255)
    return samples.astype(np.uint8).reshape(height, width, 3)


def bicubic():
    """bicubic.u32: for each case ten 32-bit numbers: whether the picture `drawn` of the case's number is hard, its
    width and height, those of Pillow's bicubic resize, left, top, width and height of a window of that, and the CRC-32
    of the window's bytes. Columns are resized first where the height loses more than twice as many pixels as the width:
    some cases lie at either side of that."""
    whole = [(1, 1, 7, 5), (9, 7, 1, 1), (1, 1, 1, 1), (2, 2, 3, 3), (7, 5, 7, 5), (7, 5, 7, 50), (50, 5, 9, 5),
             (61, 47, 32, 32), (47, 61, 32, 32), (20, 30, 45, 50), (20, 30, 45, 29), (20, 30, 15, 20), (20, 30, 15, 19),
             (190, 150, 48, 48), (150, 190, 48, 48), (100, 400, 40, 40), (400, 100, 40, 40), (3, 1000, 33, 33),
             (1000, 3, 33, 33), (1, 500, 20, 20), (500, 1, 20, 20), (320, 239, 31, 30), (17, 19, 64, 64),
             (211, 5, 106, 3), (33, 47, 34, 46), (63, 65, 62, 66)]
    cut = [(190, 150, 70, 56, 7, 0, 56, 56), (150, 190, 56, 70, 0, 7, 56, 56), (1, 2000, 56, 112000, 0, 55972, 56, 56),
           (2000, 1, 112000, 56, 55972, 0, 56, 56), (300, 90, 186, 56, 65, 0, 56, 56),
           (90, 301, 56, 187, 0, 65, 56, 56), (64, 64, 96, 80, 95, 79, 1, 1), (64, 64, 20, 15, 3, 2, 11, 7),
           (40, 200, 39, 100, 38, 0, 1, 100)]
    cases = [(w, h, w2, h2, 0, 0, w2, h2) for w, h, w2, h2 in whole] + cut
    with open(HERE / "bicubic.u32", "wb") as file:
        for number, case in enumerate([(hard, *case) for hard in (0, 1) for case in cases]):
            hard, width, height, to_width, to_height, left, top, columns, rows = case
            picture = Image.fromarray(drawn(number, height, width, hard))
            resized = np.asarray(picture.resize((to_width, to_height), Image.BICUBIC))
            window = resized[top:top + rows, left:left + columns]
            file.write(struct.pack("<10I", *case, zlib.crc32(window.tobytes())))


if __name__ == "__main__":
    random = np.random.default_rng(20260801)
    pngs(random)
    odd_pngs(random)
    jpegs(random)
    resizes(random)
    squares()
    nearest()
    bicubic()
    webps(np.random.default_rng(20261126))
