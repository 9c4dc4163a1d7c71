#!/usr/bin/env python3
"""What the demo's captioner writes, and which of the demo's labels the reference reads in it.

    python3 make_captions.py WORDS SCENES > captions.tsv      # needs what score_words.py needs: torch, transformers

WORDS holds figures.json, blip/ and recipe/score_words.py, SCENES the demo's scenes. A line for each caption: the
caption, a tab, and the names that score_words' `named` finds, between bars. Captions are those of figures.json, and of
each scene the caption from nothing, behind "a photograph of X" for each X that is there, behind "a picture of" and
behind "there is".
"""

import json
import sys

import numpy as np
import torch
from PIL import Image

words, scenes = sys.argv[1:]
sys.path.insert(0, f"{words}/recipe")
import score_words  # noqa: E402


def recorded(value):
    if isinstance(value, dict):
        yield from (value[key] for key in ("caption", "continued") if isinstance(value.get(key), str))
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from recorded(entry)


def written():
    blip = score_words.Blip(f"{words}/blip")
    for scene in open(f"{scenes}/ImageSets/Segmentation/val.txt").read().split():
        pixels = score_words.pixels(Image.open(f"{scenes}/JPEGImages/{scene}.jpg").convert("RGB"))
        truth = np.asarray(Image.open(f"{scenes}/SegmentationClass/{scene}.png"))
        there = [score_words.NAMES[index - 1] for index in np.unique(truth) if 0 < index < 255]
        prompts = [None] + [f"a photograph of {name}" for name in there] + ["a picture of", "there is"]
        yield from (blip.caption(pixels, prompt) for prompt in prompts)


torch.set_grad_enabled(False)
captions = [*recorded(json.load(open(f"{words}/figures.json"))), *written()]
for caption in dict.fromkeys(captions):
    names = sorted(score_words.NAMES[index] for index in score_words.named(caption))
    print(caption, "|".join(names), sep="\t")
