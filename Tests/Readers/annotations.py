"""Reads COCO's documents with pycocotools and YOLO's lines with OpenCV, and prints how they differ from an index mask.

Arguments: the index mask, then .rle.json, .polygons.json, .boxes.json and .txt of the same picture. Printed: the file's
name and size as the documents say them, then a line for each label: its name, how many pixels of it run lengths,
polygons and YOLO's lines have or lack, and whether area and box are right in each document.
"""

import contextlib
import io
import sys

import cv2
import numpy as np
from PIL import Image
from pycocotools.coco import COCO

index = np.asarray(Image.open(sys.argv[1]))
height, width = index.shape
with contextlib.redirect_stdout(io.StringIO()):
    rle, polygons, boxes = (COCO(path) for path in sys.argv[2:5])
# Corners lie between pixels: of four by four parts of a pixel the one behind its middle lies on no line.
yolo = np.zeros((256, height, width), bool)
for line in open(sys.argv[5]):
    kind, *numbers = line.split()
    corners = np.array(numbers, float).reshape(-1, 2) * (width, height)
    assert np.abs(corners - np.rint(corners)).max() < 1e-2
    canvas = np.zeros((4 * height, 4 * width), np.uint8)
    cv2.fillPoly(canvas, [4 * np.rint(corners).astype(np.int32)], 1)
    yolo[int(kind)] ^= canvas[2::4, 2::4] == 1

for document in (rle, polygons, boxes):
    (image,) = document.dataset["images"]
    print(image["file_name"], image["width"], image["height"])
for number, category in sorted(rle.cats.items()):
    part = index == number
    rows, columns = np.nonzero(part)
    facts = []
    for document in (rle, polygons, boxes):
        annotations = document.loadAnns(document.getAnnIds(catIds=[number]))
        assert len(annotations) == (1 if part.any() else 0)
        for annotation in annotations:
            x, y, w, h = annotation["bbox"]
            box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
            facts.append(annotation["area"] == part.sum() and [x, y, x + w, y + h] == box)
    masks = [document.annToMask(*document.loadAnns(document.getAnnIds(catIds=[number]))) if part.any() else part
             for document in (rle, polygons)]
    differences = [int((mask != part).sum()) for mask in [*masks, yolo[number - 1]]]
    print(category["name"], *differences, all(facts))
