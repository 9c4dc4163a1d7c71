"""Prints how the pixels of COCO's documents, run lengths and YOLO's lines in a folder differ from the masks there.

For each mask: whether pycocotools has the same compressed counts; how many pixels, boxes and areas of the annotations
in its three documents differ; how many pixels not on the boundary OpenCV fills otherwise.
"""

import contextlib
import json
import os
import pathlib
import sys

import cv2
import numpy as np
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO


def documents(name, mask):
    """What differs: pixels, boxes, areas. Boxes alone have no pixels."""
    pixels = boxes = areas = 0
    for kind in ("none", "runs", "polygons"):
        with contextlib.redirect_stdout(open(os.devnull, "w")):
            coco = COCO(f"{name}-{kind}.json")
        expected = {number: part for number, part in ((1, mask), (3, 1 - mask)) if part.any()}
        annotations = coco.loadAnns(coco.getAnnIds(imgIds=1))
        boxes += [annotation["category_id"] for annotation in annotations] != list(expected)
        for annotation, part in zip(annotations, expected.values()):
            encoded = coco_mask.encode(np.asfortranarray(part))
            boxes += annotation["bbox"] != coco_mask.toBbox(encoded).tolist()
            areas += annotation["area"] != coco_mask.area(encoded)
            if kind != "none":
                pixels += int((coco.annToMask(annotation) != part).sum())
            else:
                pixels += annotation["segmentation"] != []
    return pixels, boxes, areas


def filled(name, mask, number):
    """How many pixels differ though no line touches them. OpenCV fills the lines' own pixels, too."""
    height, width = mask.shape
    found = np.zeros_like(mask)
    for line in pathlib.Path(f"{name}-yolo.txt").read_text().splitlines():
        label, *shares = line.split(" ")
        assert int(label) == number
        corners = np.array(shares, float).reshape(-1, 2) * (width, height)
        assert np.abs(corners - np.rint(corners)).max() < 1e-4
        cv2.fillPoly(found, [np.rint(corners).astype(np.int32)], 1)
    padded = np.pad(mask, 1)
    neighbours = [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
    boundary = np.any([neighbour != mask for neighbour in neighbours], axis=0)
    return int(((found != mask) & ~boundary).sum())


folder = pathlib.Path(sys.argv[1])
for number, path in enumerate(sorted(folder.glob("*-mask.npy"))):
    name = str(path).removesuffix("-mask.npy")
    mask = np.load(path).astype(np.uint8)
    counts = coco_mask.encode(np.asfortranarray(mask))["counts"].decode()
    same = counts == pathlib.Path(f"{name}-counts.txt").read_text()
    print("same" if same else "other", *documents(name, mask), filled(name, mask, number))
