"""The reference's tokens for whole prompts, padded and truncated to two lengths.

    python prompts.py TINY_TOKENIZER_FOLDER

needs transformers 5.23.0 and writes clip_tokens.json and clip_tokens_odd.json beside itself, and into the folder
tiny-json the same tokenizer as the library saves it.
"""
import json, os, sys

from transformers import CLIPTokenizer

texts = ["a photograph of a dog", "a photograph of teddy bear", "A PHOTOGRAPH  of   the café, n°3!", "",
         "it's 1234 don't", "a photograph of " + "very " * 90 + "long prompt", "日本語 🙂 emoji",
         "hot-dog's <|endoftext|> end", "\t tabs\nnewline "]
tok = CLIPTokenizer.from_pretrained(sys.argv[1])
tok.save_pretrained(f"{os.path.dirname(os.path.abspath(__file__))}/tiny-json")
for name, length in [("clip_tokens.json", 77), ("clip_tokens_odd.json", 40)]:
    ids = tok(texts, padding="max_length", max_length=length, truncation=True).input_ids
    rows = [json.dumps(dict(text=t, ids=i), ensure_ascii=False) for t, i in zip(texts, ids)]
    open(f"{os.path.dirname(os.path.abspath(__file__))}/{name}", "w").write("[\n" + ",\n".join(rows) + "\n]\n")
