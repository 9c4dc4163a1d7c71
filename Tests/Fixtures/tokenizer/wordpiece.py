"""Hashes of transformers' WordPiece tokens and decoded texts for 20,000 awkward lines, on a vocabulary of our own.

    python wordpiece.py

needs transformers 5.24.0 and tokenizers 0.23.3 and writes wordpiece/vocab.txt, wordpiece/fragments.txt and
wordpiece.json beside itself. Lines are those of awkward.py with further fragments.
"""
import json, os

from tokenizers import normalizers, pre_tokenizers
from transformers import BertTokenizer

from awkward import BLOCK, HERE, LINES, MASK, MERGES, RANGES, SEED, Hash, Numbers, awkward_lines, hashes, scalars

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
FURTHER = SPECIAL + [
    "[DEC]", "[enc]", "[cls]", "[CLS", "##", "##s", "do not", "don't", "n't", " ' ", "'s", "?!", " .", "un",
    "believable", "zebra", "café", "cafe\u0301", "naïve", "ÅNGSTRÖM", "Straße", "İstanbul", "ΣΊΣΥΦΟΣ", "ὈΔΥΣΣΕΎΣ",
    "ЁЛКА", "Й", "漢字", "仮名", "かな", "ガ", "한국어", "ภาษาไทย", "हिन्दी", "हि\u0928\u093c", "עברית", "العربية", "Ελληνικά",
    "\u302e", "\U0001d165", "\U0001d16d", "\u0345", "\u0334", "\ufffd", "\x00", "\x7f", "\x85", "\xa0", "\xad",
    "\u200b", "\u200d", "\u2028", "\u3000", "\ufeff", "\ue000", "\U000f0000", "\u166d", "\u1734", "\u1885", "\ua9bd",
    "\U000111c9", "\U0001171e", "\U0002f800", "\U0002b820", "\U0002b920", "\U00030000", "\u9fff", "\uf900", "ﬁ", "Ǆ",
    "K", "Å", "…", "—", "«", "»", "_", "$", "€", "42", "Ⅻ", "x" * 99, "y" * 100, "é" * 100, "z" * 101]


def pieces(numbers):
    """Words and word parts of CLIP's merges, letters of many scripts alone and in pairs, punctuation, and spellings
    that decoding changes."""
    normal = normalizers.BertNormalizer()
    merges = [m.replace(" ", "") for m in open(MERGES, encoding="utf-8").read().split("\n")[1:-1]]
    plain = lambda words: [w for w in words if w.isascii() and w.isalpha()]
    yield from plain(m.removesuffix("</w>") for m in merges[:2500] if m.endswith("</w>"))
    yield from ("##" + w for w in plain(m.removesuffix("</w>") for m in merges[:1200]))
    yield from [".", "?", "!", ",", "'", "n't", "'m", "'s", "'ve", "'re", "do not", "not", "'story", ".net", "' s",
                "?!", "a . b ' c do not", "##n't", "##'s", "## .", "##", "###", "##do not", "don't"]
    letters = [chr(c) for first, last in [(0x21, 0x7e), (0xa1, 0x17f), (0x370, 0x3ff), (0x400, 0x45f), (0x5d0, 0x5ea),
               (0x620, 0x64a), (0x905, 0x939), (0xe01, 0xe30), (0x1100, 0x1112), (0x1161, 0x1175), (0x11a8, 0x11c2),
               (0x3041, 0x3093), (0x30a1, 0x30f3), (0x4e00, 0x4e20), (0x2010, 0x2027)] for c in range(first, last + 1)]
    for _ in range(2000):
        low, high = RANGES[numbers.below(len(RANGES))]
        c = low + numbers.below(high - low + 1)
        if not 0xD800 <= c < 0xE000: letters.append(chr(c))
    letters = [w for c in letters + [f for f in FURTHER if len(f) < 3] for w in normal.normalize_str(c).split()]
    for i, letter in enumerate(letters): yield from [letter, "##" + letter] if i % 3 else [letter + "##", letter]
    for _ in range(500): yield letters[numbers.below(400)] + letters[numbers.below(400)]


def vocabulary(numbers):
    seen, lines = set(), []
    for piece in [*SPECIAL, *pieces(numbers)]:
        piece = piece.rstrip()
        if piece and "\n" not in piece and piece not in seen: lines.append(piece)
        seen.add(piece)
    return lines


def decoded(tokenizer, lines):
    """One hash a block of lines, of the text of each line's tokens."""
    result = []
    for start in range(0, len(lines), BLOCK):
        h = Hash()
        for tokens in tokenizer(lines[start:start + BLOCK])["input_ids"]:
            h.add(tokenizer.decode(tokens, skip_special_tokens=True).encode() + b"\xff")
        result.append(h.text())
    return result


def random_texts(tokenizer, count):
    """The texts of random tokens, some of them beyond the vocabulary."""
    h, numbers = Hash(), Numbers(SEED)
    for _ in range(count):
        tokens = [numbers.below(len(tokenizer) + 20) if numbers.below(2) else numbers.below(200) + len(tokenizer) // 3
                  for _ in range(numbers.below(20))]
        h.add(tokenizer.decode(tokens, skip_special_tokens=True).encode() + b"\xff")
    return h.text()


def unicode_hashes():
    """For each 4,096 scalars: the words of texts with each, between letters and among marks that are kept."""
    split = pre_tokenizers.BertPreTokenizer()
    plain = normalizers.BertNormalizer()
    cased, accented = (normalizers.BertNormalizer(lowercase=c, strip_accents=False, handle_chinese_chars=False)
                       for c in [False, True])
    blocks = {}
    for c in scalars():
        h = blocks.setdefault(f"{c >> 12:x}", Hash())
        for normal, text in [(plain, f"A{chr(c)}b"), (plain, f"\u302e{chr(c)}\U0001d165x"), (cased, f"A{chr(c)}\u0301"),
                             (accented, f"\u00c0{chr(c)}b")]:
            for word, _ in split.pre_tokenize_str(normal.normalize_str(text)): h.add(word.encode() + b"\xfe")
            h.add(b"\xff")
    return {k: h.text() for k, h in blocks.items()}


if __name__ == "__main__":
    os.makedirs(f"{HERE}/wordpiece", exist_ok=True)
    lines = vocabulary(Numbers(SEED))
    open(f"{HERE}/wordpiece/vocab.txt", "w", encoding="utf-8", newline="\n").write("\n".join(lines) + "\n")
    rows = [" ".join(f"{ord(c):x}" for c in f) for f in FURTHER]
    open(f"{HERE}/wordpiece/fragments.txt", "w").write("\n".join(rows) + "\n")
    fragments = ["".join(chr(int(x, 16)) for x in row.split()) for row in open(f"{HERE}/fragments.txt")] + FURTHER
    tokenizer = BertTokenizer.from_pretrained(f"{HERE}/wordpiece")
    tidy = BertTokenizer.from_pretrained(f"{HERE}/wordpiece", clean_up_tokenization_spaces=True)
    texts = awkward_lines(fragments)
    text = Hash()
    for each in texts: text.add(each.encode() + b"\xff")
    json.dump({"seed": f"{SEED:016x}", "lines": LINES, "block": BLOCK, "ranges": RANGES, "text": text.text(),
               "tokens": hashes(tokenizer, texts), "decoded": decoded(tokenizer, texts),
               "random": random_texts(tokenizer, 3000), "tidy": random_texts(tidy, 3000),
               "unicode": unicode_hashes()}, open(f"{HERE}/wordpiece.json", "w"), indent=1)
    flat = [t for ids in tokenizer(texts, add_special_tokens=False)["input_ids"] for t in ids]
    print(len(lines), "pieces;", len(flat), "tokens,", len(set(flat)), "different,", flat.count(1), "unknown")
