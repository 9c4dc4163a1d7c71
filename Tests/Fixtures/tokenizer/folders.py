"""What the reference makes of the configuration files that checkpoints carry.

    python folders.py TINY_TOKENIZER_FOLDER

needs transformers 5.23.0 and writes folders.json beside itself.
"""
import json, os, shutil, sys, tempfile

from transformers import CLIPTokenizer

START, END = "<|startoftext|>", "<|endoftext|>"


def found(content, normalized=True, **more):
    return dict(content=content, lstrip=False, normalized=normalized, rstrip=False, single_word=False, **more)


def typed(content, **more): return found(content, **more) | {"__type": "AddedToken"}


# Stable Diffusion 1.5 and 2 as published, then the newer form, then folders that say less.
first = dict(bos_token=typed(START), eos_token=typed(END), unk_token=typed(END), pad_token=END, model_max_length=77)
named = dict(bos_token=found(START), eos_token=found(END), unk_token=found(END))
listed = {"0": found("!", False, special=True), "813": found(START, special=True), "814": found(END, special=True)}
cases = {
    "Stable Diffusion 1.5": (first, named | dict(pad_token=END)),
    "Stable Diffusion 2": (first, named | dict(pad_token="!")),
    "listed tokens": (dict(bos_token=START, eos_token=END, unk_token=END, pad_token="!", added_tokens_decoder=listed),
                      dict(pad_token="dog</w>")),
    "tokens found after lower-casing": (dict(pad_token=typed(END)), named),
    "other roles": (dict(bos_token=END, eos_token="?", unk_token="*", pad_token="$"), None),
    "a longest length": (dict(model_max_length=1000000000000000019884624838656), None),
    "padding alone": (dict(pad_token="!"), None),
    "a word for padding": (dict(pad_token="dog</w>"), None),
    "nothing": (None, None),
}
texts = ["wow! a dog!!", "a<|ENDOFTEXT|>b <|endoftext|>c", "e<|endoftext|>\u0301!",
         "!<|startoftext|>!", "$5? 2*3 dog</w>s",
         "DOG</W> <|endoftext|><|endoftext|> ", "", "!"]
rows = []
for name, (config, map_) in cases.items():
    folder, files = tempfile.mkdtemp(), {"tokenizer_config.json": config, "special_tokens_map.json": map_}
    for file in ["vocab.json", "merges.txt"]: shutil.copy(f"{sys.argv[1]}/{file}", folder)
    for file, value in files.items():
        if value is not None: json.dump(value, open(f"{folder}/{file}", "w"))
    tok = CLIPTokenizer.from_pretrained(folder)
    rows.append(dict(name=name, files={f: None if v is None else json.dumps(v) for f, v in files.items()}, texts=texts,
                     tokens=[tok(t, padding="max_length", max_length=20, truncation=True).input_ids for t in texts]))
json.dump(rows, open(os.path.dirname(os.path.abspath(__file__)) + "/folders.json", "w"), ensure_ascii=False)
