"""Hashes of transformers' tokens for 20,000 awkward lines, and of the reference's Unicode.

    python awkward.py TINY_TOKENIZER_FOLDER

needs transformers 5.23.0 and tokenizers 0.23.3 and writes awkward.json beside itself.
The test makes the same lines from the same numbers: `fragments.txt` holds one fragment a line,
its scalars in hexadecimal, and `Numbers` is xorshift64*.
"""
import json, os, sys, tempfile

from tokenizers import Regex, normalizers, pre_tokenizers
from transformers import CLIPTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
MERGES = f"{HERE}/../../../Sources/dsegd/Resources/clip/merges.txt"
LINES, BLOCK, SEED, MASK = 20_000, 500, 0x9E3779B97F4A7C15, 2**64 - 1
# Where a random scalar comes from: first and last, surrogates apart.
RANGES = [(0x00, 0x7F), (0x80, 0x24F), (0x250, 0x52F), (0x530, 0x8FF), (0x900, 0xDFF), (0xE00, 0x10FF),
          (0x1100, 0x1FFF), (0x2000, 0x2BFF), (0x2C00, 0x33FF), (0x3400, 0xA4CF), (0xA4D0, 0xABFF),
          (0xAC00, 0xD7FF), (0xE000, 0xFFFF), (0x10000, 0x11FFF), (0x16000, 0x1BFFF), (0x1D000, 0x1FBFF),
          (0x20000, 0x3347F), (0xE0000, 0xE01EF), (0x0, 0xD7FF), (0xE000, 0x10FFFF)]


class Numbers:
    def __init__(self, seed): self.state = seed

    def below(self, n):
        s = self.state
        s ^= s >> 12; s = (s ^ (s << 25)) & MASK; s ^= s >> 27
        self.state = s
        return ((s * 0x2545F4914F6CDD1D & MASK) >> 33) % n


class Hash:
    """FNV-1a, 64 bits."""
    def __init__(self): self.value = 0xCBF29CE484222325

    def add(self, data):
        for byte in data: self.value = (self.value ^ byte) * 0x100000001B3 & MASK

    def text(self): return f"{self.value:016x}"


def line(numbers, fragments):
    parts = []
    for _ in range(numbers.below(12)):
        kind = numbers.below(8)
        if kind < 5: parts.append(fragments[numbers.below(len(fragments))])
        elif kind < 7:
            low, high = RANGES[numbers.below(len(RANGES))]
            parts.append(chr(low + numbers.below(high - low + 1)))
        elif numbers.below(40) == 0: parts.append(fragments[numbers.below(len(fragments))] * numbers.below(120))
        else: parts.append(" ")
    return "".join(parts)


def awkward_lines(fragments):
    numbers = Numbers(SEED)
    return [line(numbers, fragments) for _ in range(LINES)]


def published():
    """CLIP's vocabulary from its merges, as the files that the reference reads."""
    merges = open(MERGES, encoding="utf-8").read().split("\n")[1:-1]
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    base = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    tokens = base + [c + "</w>" for c in base] + [m.replace(" ", "") for m in merges]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    folder = tempfile.mkdtemp()
    json.dump({t: i for i, t in enumerate(tokens)}, open(f"{folder}/vocab.json", "w"))
    open(f"{folder}/merges.txt", "w", encoding="utf-8").write("\n".join(["#version: 0.2", *merges, ""]))
    return CLIPTokenizer(vocab=f"{folder}/vocab.json", merges=f"{folder}/merges.txt")


def hashes(tokenizer, lines):
    """One hash a block of lines, of each line's tokens as 4 bytes, least first, and an end."""
    result = []
    for start in range(0, len(lines), BLOCK):
        h = Hash()
        for tokens in tokenizer(lines[start:start + BLOCK], add_special_tokens=False)["input_ids"]:
            for token in tokens + [0xFFFFFFFF]: h.add(token.to_bytes(4, "little"))
        result.append(h.text())
    return result


def long_hashes(tokenizer):
    """The tokens of words of tens of thousands of letters."""
    result = {}
    for word in ["a", "dog", "photograph", "th", "日"]:
        h = Hash()
        for token in tokenizer(word * 20_000, add_special_tokens=False)["input_ids"]: h.add(token.to_bytes(4, "little"))
        result[word] = h.text()
    return result


def scalars(): return (c for c in [*range(0x33480), *range(0xE0000, 0xE0200)] if not 0xD800 <= c < 0xE000)


def unicode_hashes():
    """For each 4,096 scalars: what kind each is, its normal form, and NFC with marks around it."""
    nfc, whole = normalizers.NFC(), normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    kinds = [(b"L", Regex(r"\p{L}")), (b"N", Regex(r"\p{N}")), (b"S", Regex(r"\s"))]
    kinds = [(k, pre_tokenizers.Split(r, behavior="removed", invert=True)) for k, r in kinds]
    blocks = {}
    for c in scalars():
        h = blocks.setdefault(f"{c >> 12:x}", Hash())
        h.add(next((k for k, split in kinds if split.pre_tokenize_str(chr(c))), b"O"))
        for text in [whole.normalize_str(chr(c)), nfc.normalize_str(f"b\u0345{chr(c)}b\u0334"),
                     nfc.normalize_str(f"\u00e0{chr(c)}\u0300\u0323")]:
            h.add(text.encode() + b"\xff")
    return {k: h.text() for k, h in blocks.items()}


if __name__ == "__main__":
    fragments = ["".join(chr(int(x, 16)) for x in row.split()) for row in open(f"{HERE}/fragments.txt")]
    lines = awkward_lines(fragments)
    text = Hash()
    for each in lines: text.add(each.encode() + b"\xff")
    json.dump({"seed": f"{SEED:016x}", "lines": LINES, "block": BLOCK, "ranges": RANGES, "text": text.text(),
               "published": hashes(published(), lines),
               "tiny": hashes(CLIPTokenizer.from_pretrained(sys.argv[1]), lines),
               "long": long_hashes(published()),
               "unicode": unicode_hashes()}, open(f"{HERE}/awkward.json", "w"), indent=1, ensure_ascii=False)
