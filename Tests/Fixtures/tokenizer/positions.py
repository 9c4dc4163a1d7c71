"""Where the reference finds a label's tokens in prompts made from its template.

    python positions.py TINY_TOKENIZER_FOLDER

needs transformers 5.23.0 and writes positions.json beside itself.
"""
import itertools, json, os, sys

from transformers import CLIPTokenizer

tok = CLIPTokenizer.from_pretrained(sys.argv[1])
labels = ["dog", "teddy bear", "hot-dog", "motorcycle", "t.v.", "café", "photograph", "a", "3d printer", "building"]
rests = ["", " sitting", " sitting on the grass", " on the grass", " that is running", " king", " ing", " in a ring",
         " singing loudly", ", sitting", " standing, alone", " sitting sitting"]


def positions(label, prompt):
    n = len(tok(label).input_ids) - 2
    index = list(range(4, 4 + n))
    words = prompt.split(" ")
    after = words[3 + len(label.split(" ")):]
    if after and after[0].endswith("ing"): index.append(index[-1] + 1)
    return index


rows = [dict(label=l, prompt=f"a photograph of {l}{r}") for l, r in itertools.product(labels, rests)]
for row in rows: row["positions"] = positions(**row)
path = os.path.dirname(os.path.abspath(__file__)) + "/positions.json"
open(path, "w").write("[\n" + ",\n".join(json.dumps(r, ensure_ascii=False) for r in rows) + "\n]\n")
