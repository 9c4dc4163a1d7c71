"""Makes a small imitation of a data set's folders.

usage: imitate.py LAYOUT DIR

Each picture is a JPEG file of 6 x 4 pixels, each truth a PNG file with a palette of that size, as the layout's own
files are: row 0 holds 0, 1 and the last class, row 1 what is ignored, the other rows class 2. The layouts are
named after the programs that make or read them.
"""
import os
import sys

import numpy as np
from PIL import Image


def palette():
    """PASCAL VOC's colours."""
    colours = []
    for index in range(256):
        colour, bits = [0, 0, 0], index
        for shift in range(7, -1, -1):
            for channel in range(3):
                colour[channel] |= (bits >> channel & 1) << shift
            bits >>= 3
        colours += colour
    return colours


class Maker:
    def __init__(self, root):
        self.root = root

    def place(self, path):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return path

    def text(self, path, lines):
        with open(self.place(path), "w") as file:
            file.write("".join(line + "\n" for line in lines))

    def picture(self, path):
        colours = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3)
        Image.fromarray(colours).save(self.place(path))

    def truth(self, path, values, grey=False):
        """`values` are what stands for the background, class 1, the last class, class 2 and what is ignored."""
        background, first, last, second, ignored = values
        pixels = np.full((4, 6), second, dtype=np.uint8)
        pixels[0] = [background, background, first, first, last, last]
        pixels[1] = ignored
        image = Image.fromarray(pixels)
        if not grey:
            image.putpalette(palette())
        image.save(self.place(path))


def voc2012(make):
    names = ["2007_000033", "2007_000042", "2011_003271"]
    make.text("VOCdevkit/VOC2012/ImageSets/Segmentation/val.txt", names)
    make.text("VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt", ["2007_000032"])
    for name in names + ["2007_000032"]:
        make.picture(f"VOCdevkit/VOC2012/JPEGImages/{name}.jpg")
        make.truth(f"VOCdevkit/VOC2012/SegmentationClass/{name}.png", (0, 1, 20, 2, 255))
        make.truth(f"VOCdevkit/VOC2012/SegmentationClassAug/{name}.png", (0, 1, 20, 2, 255), grey=True)


def context(make):
    names = ["2008_000002", "2008_000003"]
    make.text("VOC2010/ImageSets/SegmentationContext/val.txt", names)
    for name in names:
        make.picture(f"VOC2010/JPEGImages/{name}.jpg")
        make.truth(f"VOC2010/SegmentationClassContext/{name}.png", (0, 1, 59, 2, 255))


def iseg_coco(make):
    """COCO 2014 as DiffSegmenter, iSeg and CLIPer read it."""
    names = ["COCO_val2014_000000000042", "COCO_val2014_000000000073"]
    make.text("val_5k.txt", [names[1] + " 0 3", names[0]])
    for name in names + ["COCO_val2014_000000000074"]:
        make.picture(f"val2014/{name}.jpg")
        make.truth(f"coco_seg_anno/{name[-12:]}.png", (0, 1, 80, 2, 255), grey=True)


def tcl_coco(make):
    """COCO-Stuff as mmsegmentation prepares it, with COCO-Object's truth that GroupViT and TCL add to it."""
    for name in ["000000000139", "000000000285"]:
        make.picture(f"coco_stuff164k/images/val2017/{name}.jpg")
        make.truth(f"coco_stuff164k/annotations/val2017/{name}_labelTrainIds.png", (170, 0, 79, 1, 255), grey=True)
        make.truth(f"coco_stuff164k/annotations/val2017/{name}_instanceTrainIds.png", (0, 1, 80, 2, 255), grey=True)


def ade20k(make):
    splits = {"training": ["ADE_train_00000001"], "validation": ["ADE_val_00000001", "ADE_val_00000002"]}
    for split, names in splits.items():
        for name in names:
            make.picture(f"ADEChallengeData2016/images/{split}/{name}.jpg")
            make.truth(f"ADEChallengeData2016/annotations/{split}/{name}.png", (0, 1, 150, 2, 0), grey=True)


def folder(make):
    names = ["a cat", "b", "Gr\u00fc\u00dfe"]
    make.text("classes.txt", ["# One a line", "cat=cat|kitten", "dog ~ puppy", "tree:1.2", "[background]", "sky"])
    make.text("ImageSets/Segmentation/val.txt", names)
    for name, ending in zip(names, ["png", "webp", "jpeg"]):
        make.picture(f"JPEGImages/{name}.{ending}")
        make.truth(f"SegmentationClass/{name}.png", (0, 1, 3, 2, 255))


LAYOUTS = [voc2012, context, iseg_coco, tcl_coco, ade20k, folder]
{layout.__name__: layout for layout in LAYOUTS}[sys.argv[1]](Maker(sys.argv[2]))
