"""What the reference makes of the files that folders of a WordPiece tokenizer carry.

    python wordpiece_folders.py

needs transformers 5.24.0 and writes wordpiece_folders.json beside itself.
"""
import json, os, tempfile

from transformers import BertTokenizer

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "[", "]", "dec", "##s", "don", "'", "t", "do", "not",
         "n't", "s", "zebra", ".", "'s", "d", "##e", "##c", "enc", "x"]
LINES = "\n".join(WORDS) + "\n"


def found(content, **more): return dict(content=content, lstrip=False, rstrip=False, single_word=False) | more


def typed(content, **more): return found(content, **more) | {"__type": "AddedToken"}


def whole(**model):
    """A tokenizer.json as the library writes it."""
    normal = dict(type="BertNormalizer", clean_text=True, handle_chinese_chars=True, strip_accents=None, lowercase=True)
    model = dict(type="WordPiece", unk_token="[UNK]", continuing_subword_prefix="##", max_input_chars_per_word=100,
                 vocab={w: i for i, w in enumerate(WORDS)}) | model
    return dict(version="1.0", added_tokens=[], normalizer=normal, pre_tokenizer=dict(type="BertPreTokenizer"),
                model={k: v for k, v in model.items() if v is not None})


as_is = dict(normalized=False, special=True)
listed = {"27": found("[ENC]", **as_is), "26": found("[DEC]", **as_is)}
plain = {"26": found("[DEC]", normalized=True, special=False), "27": found("[ENC]", normalized=False, special=False)}
both = dict(bos_token="[DEC]", additional_special_tokens=["[ENC]"])
added = [dict(id=26, **found("[DEC]", **as_is)), dict(id=27, **found("[ENC]", **as_is))]
# A name, tokenizer_config.json, and further files.
cases = [
    ("vocabulary alone", None, {}), ("empty configuration", {}, {}),
    ("Windows line ends", {}, {"vocab.txt": LINES.replace("\n", "\r\n")}),
    ("blanks at line ends", {}, {"vocab.txt": LINES.replace("dog\n", "dog \t\u3000\n").removesuffix("\n")}),
    ("an empty line", {}, {"vocab.txt": LINES.replace("dog\n", "dog\n\n")}),
    ("a text that is tidied", dict(clean_up_tokenization_spaces=True), {}),
    ("a text that is not", dict(clean_up_tokenization_spaces=False), {}),
    ("BLIP as published", dict(do_lower_case=True, do_basic_tokenize=True, strip_accents=None, never_split=None,
     tokenize_chinese_chars=True, model_max_length=512), {"special_tokens_map.json": dict(mask_token="[MASK]")}),
    ("named in the map", {}, {"special_tokens_map.json": both}), ("named in the configuration", both, {}),
    ("objects in the map", {}, {"special_tokens_map.json": both | dict(bos_token=found("[DEC]", normalized=False))}),
    ("an object without options", {}, {"special_tokens_map.json": dict(bos_token={"content": "[DEC]"})}),
    ("found after lower-casing", {}, {"special_tokens_map.json": dict(bos_token=found("[DEC]", normalized=True))}),
    ("typed objects", dict(additional_special_tokens=[typed("[ENC]", normalized=False)]), {}),
    ("typed objects that say that they are special", dict(additional_special_tokens=[typed("[ENC]", **as_is)]), {}),
    ("configuration before map", dict(additional_special_tokens=["[ENC]"]),
     {"special_tokens_map.json": dict(additional_special_tokens=["[DEC]"])}),
    ("map adds to extra", dict(extra_special_tokens=["[ENC]"]),
     {"special_tokens_map.json": dict(extra_special_tokens=["[DEC]"])}),
    ("extra roles", dict(extra_special_tokens=dict(enc_token="[ENC]")), {}),
    ("an own role", dict(enc_token="[ENC]", add_bos_token=False, image_token=None), {}),
    ("listed", dict(added_tokens_decoder=listed), {}),
    ("listed before map", dict(added_tokens_decoder=listed), {"special_tokens_map.json": dict(bos_token="dog")}),
    ("listed, not special", dict(added_tokens_decoder=plain), {}),
    ("listed and named", dict(bos_token="[DEC]", added_tokens_decoder=plain), {}),
    ("listed and extra", both | dict(bos_token=None, added_tokens_decoder={"27": plain["27"]}), {}),
    ("listed elsewhere", dict(added_tokens_decoder={"99": listed["26"]}), {}),
    ("added tokens", {}, {"added_tokens.json": {"[ENC]": 27, "[DEC]": 26}}),
    ("added tokens that are named", {},
     {"added_tokens.json": {"[DEC]": 26, "[ENC]": 27}, "special_tokens_map.json": both}),
    ("no mask", {}, {"vocab.txt": LINES.replace("[MASK]\n", ""), "special_tokens_map.json": both}),
    ("no padding", both, {"vocab.txt": LINES.replace("[PAD]\n", "")}),
    ("other roles", dict(cls_token="dog", sep_token="a", unk_token="x", pad_token="zebra", mask_token="s"), {}),
    ("a word that ends", dict(eos_token="dog"), {}), ("cased", dict(do_lower_case=False), {}),
    ("cased without accents", dict(do_lower_case=False, strip_accents=True), {}),
    ("accents", dict(strip_accents=False), {}), ("ideographs in words", dict(tokenize_chinese_chars=False), {}),
    ("spelled with accents and ideographs", dict(added_tokens_decoder={"26": found("É漢", normalized=True)}), {}),
    ("one file", None, {"vocab.txt": None, "tokenizer.json": whole()}),
    ("one file without a type", None, {"vocab.txt": None, "tokenizer.json": whole(type=None)}),
    ("one file before lines", None, {"vocab.txt": LINES.replace("dog\n", "cat\n"), "tokenizer.json": whole()}),
    ("one file with added tokens", None, {"vocab.txt": None, "tokenizer.json": whole() | dict(added_tokens=added)}),
    ("one file and a map", None, {"vocab.txt": None, "tokenizer.json": whole(), "special_tokens_map.json": both}),
    ("one file and a list", dict(added_tokens_decoder={}), {"tokenizer.json": whole() | dict(added_tokens=added)}),
]
texts = ["[DEC] a dog[ENC] [dec] [MASK]", "Don't [cls] dogs. É漢x e 漢 ẑebra [PAD]", "a漢 A x", ""]
tokens = [25, 26, 27, 28, 5, 6, 12, 17, 10, 11, 16, 14, 15, 19, 4, 18, 20, 1000]
rows = []
for name, configuration, more in cases:
    files = {"vocab.txt": LINES, "tokenizer_config.json": configuration} | more
    files = {f: v if v is None or isinstance(v, str) else json.dumps(v, ensure_ascii=False) for f, v in files.items()}
    folder = tempfile.mkdtemp()
    for file, text in files.items():
        if text is not None: open(f"{folder}/{file}", "w", encoding="utf-8", newline="").write(text)
    tokenizer = BertTokenizer.from_pretrained(folder)
    roles = [tokenizer.cls_token_id, tokenizer.sep_token_id, tokenizer.pad_token_id, tokenizer.unk_token_id]
    rows.append(dict(name=name, files=files, texts=texts, tokens=[tokenizer(t).input_ids for t in texts],
                     decoded=tokens, text=tokenizer.decode(tokens, skip_special_tokens=True),
                     count=len(tokenizer), roles=roles))
path = os.path.dirname(os.path.abspath(__file__)) + "/wordpiece_folders.json"
open(path, "w").write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
