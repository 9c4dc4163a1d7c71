#!/usr/bin/env python3
"""Draws scenes that are not square, in VOC layout, to judge how a model's grid should follow a picture's shape.

    PYTHONPATH=FOLDER python3 wide_scenes.py OUT COUNT SEED WIDTH HEIGHT

FOLDER has `scenes.py`, which drew the square scenes that the demo model was trained on, 128 x 128 pixels; it needs Noto
Color Emoji. Objects and backgrounds are those, as large in pixels as there. Their number grows with the area: as many
as in a square of 128 x 128, one to four, times the areas' ratio, rounded up or down by chance.
"""

import os
import sys
import numpy as np
import scenes
from PIL import Image

UNIT = 128  # pixels a side of the scenes that the model was trained on
SIZES = {1: (44, 104), 2: (36, 76), 3: (30, 60), 4: (28, 50)}  # longer sides of objects, by their number in a square


def smooth(rng, shape, cells):
    """Noise of `cells` cells a unit, interpolated."""
    grid = [max(2, round(n * cells / UNIT)) for n in shape]
    coarse = Image.fromarray(rng.random(grid).astype(np.float32))
    return np.asarray(coarse.resize(shape[::-1], Image.BICUBIC))[..., None]


def background(rng, kind, shape):
    y, x = (n[..., None] for n in np.mgrid[: shape[0], : shape[1]].astype(np.float32) / UNIT)

    def tint(*rgb):
        return np.array(rgb, np.float32) + rng.normal(0, 10, 3).astype(np.float32)

    s, fine = smooth(rng, shape, rng.integers(3, 7)), rng.random((*shape, 1)).astype(np.float32)
    if kind == "grass":
        im = tint(70, 140, 50) + (s * 0.5 + fine * 0.5 - 0.5) * np.array([60, 80, 40], np.float32)
    elif kind == "sky":
        cloud = np.clip((smooth(rng, shape, 6) - 0.5) * 3, 0, 1)
        im = (tint(90, 160, 230) + y * 60) * (1 - cloud * 0.6) + 255 * cloud * 0.6
    elif kind == "water":
        im = tint(30, 90, 160) + np.sin((y * rng.uniform(25, 45) + s * 4) * 2) * np.array([15, 25, 30], np.float32)
    elif kind == "sand":
        im = tint(215, 190, 130) + (fine - 0.5) * 30 + (s - 0.5) * 40
    elif kind == "snow":
        im = tint(235, 240, 245) + (s - 0.5) * 30
    elif kind == "brick wall":
        h = rng.integers(10, 16)
        row, column = y * UNIT, x * UNIT + (y * UNIT // h) % 2 * h
        mortar, brick = tint(200, 195, 185), tint(165, 75, 55) + (s - 0.5) * 50
        im = np.where((row % h < 1.6) | (column % (2 * h) < 1.6), mortar, brick)
    elif kind == "wood":
        grain = np.sin((x * rng.uniform(8, 16) + s * 2) * 6.28) * np.array([18, 14, 10], np.float32)
        im = tint(150, 105, 65) + grain + (fine - 0.5) * 12
    else:
        im = tint(18, 20, 45) + (s - 0.5) * 20 + (fine > 0.995) * 200
    return np.clip(im, 0, 255).astype(np.uint8)


def overlap(a, b):
    return max(0, min(a[2], b[2]) - max(a[0], b[0])) * max(0, min(a[3], b[3]) - max(a[1], b[1]))


def sprite(rng, glyphs, sizes):
    s = glyphs[rng.integers(len(glyphs))]
    r = rng.uniform(*sizes) / max(s.size)
    s = s.resize((max(8, int(s.width * r)), max(8, int(s.height * r))), Image.LANCZOS)
    if rng.random() < 0.5:
        s = s.transpose(Image.FLIP_LEFT_RIGHT)
    return s.rotate(rng.uniform(-15, 15), Image.BICUBIC, expand=True)


def compose(rng, glyphs, shape):
    """-> picture [height, width, 3], the class of each pixel [height, width], 0 the background."""
    kinds = list(scenes.WHERE)
    im, mask = Image.fromarray(background(rng, kinds[rng.integers(len(kinds))], shape)), np.zeros(shape, np.uint8)
    k = int(rng.choice([1, 2, 3, 4], p=[0.3, 0.35, 0.25, 0.1]))
    count = int(k * shape[0] * shape[1] / UNIT**2 + rng.random())
    boxes = []
    for c in rng.choice(len(glyphs), count, replace=False):
        s = sprite(rng, glyphs[c], SIZES[k])
        for _ in range(12):
            x, y = (int(rng.integers(0, max(1, n - m + 1))) for n, m in zip(shape[::-1], s.size))
            box = (x, y, x + s.width, y + s.height)
            if all(overlap(box, b) < 0.12 * s.width * s.height for b in boxes):
                break
        boxes.append(box)
        im.paste(s, box[:2], s)
        part = mask[y : y + s.height, x : x + s.width]
        part[(np.asarray(s)[..., 3] > 127)[: part.shape[0], : part.shape[1]]] = c + 1
    return np.clip(np.asarray(im).astype(np.float32) * rng.uniform(0.85, 1.1), 0, 255).astype(np.uint8), mask


def main(out, count, seed, width, height):
    rng, glyphs, names = np.random.default_rng(int(seed)), scenes.sprites(), []
    for folder in ("JPEGImages", "SegmentationClass", "ImageSets/Segmentation"):
        os.makedirs(f"{out}/{folder}", exist_ok=True)
    for i in range(int(count)):
        picture, mask = compose(rng, glyphs, (int(height), int(width)))
        names.append(f"scene_{seed}_{i:04d}")
        Image.fromarray(picture).save(f"{out}/JPEGImages/{names[-1]}.jpg", quality=95, subsampling=0)
        indexed = Image.fromarray(mask, "P")
        indexed.putpalette(scenes.palette())
        indexed.save(f"{out}/SegmentationClass/{names[-1]}.png")
    with open(f"{out}/ImageSets/Segmentation/val.txt", "w") as file:
        file.write("\n".join(names) + "\n")
    with open(f"{out}/classes.txt", "w") as file:
        file.writelines("=".join(dict.fromkeys([n[0], "|".join(n)])) + "\n" for n in scenes.NAMES)


if __name__ == "__main__":
    main(*sys.argv[1:])
