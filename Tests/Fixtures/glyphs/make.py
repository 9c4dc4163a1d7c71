"""Writes Sources/CImages/glyphs-inl.h: the letters that captions are drawn with.

    make.py 6x13.pcf.gz | clang-format-14 > glyphs-inl.h

The font is 6x13 of X11's misc-fixed, "Public domain font. Share and enjoy.", as Debian's xfonts-base has it:
/usr/share/fonts/X11/misc/6x13.pcf.gz, in ISO 10646-1. A glyph has thirteen rows of six pixels; a row is one character
of the base64 alphabet, its highest bit the left pixel.
"""
import gzip
import struct
import sys

WIDTH, HEIGHT, ASCENT = 6, 13, 11
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# Latin with its extensions, Greek, Cyrillic, Vietnamese; quotes, dashes, currencies, arrows, a few signs.
WANTED = [
    (0x20, 0x7E), (0xA0, 0x24F), (0x259, 0x259), (0x2C6, 0x2DD), (0x370, 0x3FF), (0x400, 0x52F), (0x1E00, 0x1EFF),
    (0x2010, 0x2027), (0x2030, 0x2044), (0x20A0, 0x20BF), (0x2116, 0x2122), (0x2190, 0x2195), (0x2202, 0x2265),
    (0xFFFD, 0xFFFD),
]
METRICS, BITMAPS, ENCODINGS = 4, 8, 32


class Font:
    """A PCF file, as X.Org's libXfont reads it."""

    def __init__(self, data):
        assert data[:4] == b"\1fcp", "no PCF file"
        self.data = data
        count, = struct.unpack_from("<I", data, 4)
        entries = [struct.unpack_from("<4I", data, 8 + 16 * i) for i in range(count)]
        self.tables = {kind: (form, ">" if form & 4 else "<", offset + 4) for kind, form, _, offset in entries}
        self.metrics = self.read_metrics()
        self.encodings = self.read_encodings()

    def read_metrics(self):
        """Left and right edge, advance, ascent and descent of each glyph."""
        form, order, at = self.tables[METRICS]
        if form & 0x100:
            count, = struct.unpack_from(order + "H", self.data, at)
            boxes = (struct.unpack_from("5B", self.data, at + 2 + 5 * i) for i in range(count))
            return [tuple(byte - 0x80 for byte in box) for box in boxes]
        count, = struct.unpack_from(order + "I", self.data, at)
        return [struct.unpack_from(order + "5h", self.data, at + 4 + 12 * i) for i in range(count)]

    def read_encodings(self):
        """The glyph of each code point."""
        _, order, at = self.tables[ENCODINGS]
        low, high, first, last, _ = struct.unpack_from(order + "5H", self.data, at)
        codes = [row << 8 | column for row in range(first, last + 1) for column in range(low, high + 1)]
        glyphs = struct.unpack_from(f"{order}{len(codes)}H", self.data, at + 10)
        return {code: glyph for code, glyph in zip(codes, glyphs) if glyph != 0xFFFF}

    def rows(self, code):
        """The six bits of each row."""
        form, order, at = self.tables[BITMAPS]
        glyph = self.encodings[code]
        left, right, advance, ascent, descent = self.metrics[glyph]
        assert advance == WIDTH and left >= 0 and right <= WIDTH and ascent <= ASCENT, hex(code)
        assert descent <= HEIGHT - ASCENT and form >> 4 & 3 == 0 and form & 8, hex(code)
        count, = struct.unpack_from(order + "I", self.data, at)
        start, = struct.unpack_from(order + "I", self.data, at + 4 + 4 * glyph)
        stride = 1 << (form & 3)
        rows = [0] * HEIGHT
        for y in range(ascent + descent):
            # No row is longer than one byte, the left pixel in its highest bit.
            bits = self.data[at + 4 + 4 * count + 16 + start + y * stride]
            rows[ASCENT - ascent + y] = bits >> (8 - WIDTH) >> left
        return rows


def main():
    font = Font(gzip.open(sys.argv[1]).read())
    codes = [code for first, last in WANTED for code in range(first, last + 1) if code in font.encodings]
    runs = []
    for place, code in enumerate(codes):
        if runs and code == runs[-1][1] + 1:
            runs[-1][1] = code
        else:
            runs.append([code, code, place])
    texts = ["".join(ALPHABET[row] for row in font.rows(code)) for code in codes]
    print("// Written by Tests/Fixtures/glyphs/make.py from 6x13 of X11's misc-fixed, a font in the public domain.")
    print("\n// Code points that follow each other: the first, the last, and the place of the first's glyph.")
    print("static const struct {\n    uint32_t first, last, place;\n} runs[] = {")
    cells = ["{0x%X, 0x%X, %d}," % tuple(run) for run in runs]
    line = "   "
    for cell in cells:
        if len(line) + 1 + len(cell) > 118:
            print(line)
            line = "   "
        line += " " + cell
    print(line + "\n};\n\n// Thirteen rows of six pixels a glyph, each a character of the base64 alphabet.")
    print("static const char glyphs[] =")
    per_line = 8
    lines = ["    \"" + "".join(texts[i:i + per_line]) + "\"" for i in range(0, len(texts), per_line)]
    print("\n".join(lines) + ";")


main()
