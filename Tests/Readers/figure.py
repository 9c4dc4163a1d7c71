"""Looks for the panels of a figure: figure.py FIGURE.png PANELS.json COLOURS

PANELS.json lists the panels of the page in reading order, each with the size that it is shown in: a picture's or a grey
heat map's file, or a map of little-endian f32. COLOURS has 256 colours of three bytes. What the page must show is
computed here, by Pillow and NumPy; each panel must stand on the page pixel for pixel, and all must stand in their
order. Prints the page's size and its text, as JSON.
"""
import json
import sys

import numpy as np
from PIL import Image


def heat(grey, colours, size):
    return np.asarray(Image.fromarray(colours[grey]).resize(size, Image.BICUBIC))


def cells(panel, colours, size):
    """A map in its own cells: min-max scaled, and the nearest cell to each pixel's middle."""
    rows, columns = panel["rows"], panel["columns"]
    scores = np.fromfile(panel["map"], "<f4").reshape(rows, columns)
    low, high = scores.min(), scores.max()
    scale = np.float32(255) / (high - low) if high > low else np.float32(0)
    grey = np.floor((scores - low) * scale + np.float32(0.5)).astype(np.uint8)
    down = ((np.arange(size[1]) + 0.5) * rows / size[1]).astype(int)
    along = ((np.arange(size[0]) + 0.5) * columns / size[0]).astype(int)
    return colours[grey][down][:, along]


def expected(panel, colours):
    size = (panel["width"], panel["height"])
    if "map" in panel:
        return cells(panel, colours, size)
    image = Image.open(panel["file"])
    if panel.get("heat"):
        return heat(np.asarray(image.convert("L")), colours, size)
    return np.asarray(image.convert("RGB").resize(size, Image.BICUBIC))


def place(page, wanted, last, bottom):
    """Where a picture stands on the page: right of the last one, at its height, or else below all, as far up and left
    as it can be found; None for nowhere."""
    height, width = wanted.shape[:2]
    across = range(page.shape[1] - width + 1)
    corners = [(last[0], x) for x in across if x > last[1]] if last[0] >= 0 else []
    below = page[bottom + 1 : page.shape[0] - height + 1, : len(across)]
    corners += [(bottom + 1 + y, x) for y, x in np.argwhere((below == wanted[0, 0]).all(-1))]
    for y, x in corners:
        if np.array_equal(page[y, x : x + width], wanted[0]):
            if np.array_equal(page[y : y + height, x : x + width], wanted):
                return y, x
    return None


def main():
    page_file, panels_file, colours_file = sys.argv[1:]
    image = Image.open(page_file)
    assert image.format == "PNG" and image.mode == "RGB", image.mode
    page = np.asarray(image)
    colours = np.fromfile(colours_file, np.uint8).reshape(256, 3)
    last, bottom = (-1, -1), -1
    for number, panel in enumerate(json.load(open(panels_file))):
        wanted = expected(panel, colours)
        last = place(page, wanted, last, bottom)
        assert last, f"panel {number}, {panel}, is not on the page"
        bottom = max(bottom, last[0] + wanted.shape[0] - 1)
    edges = [page[:4], page[-4:], page[:, :4], page[:, -4:]]
    assert all((edge == 255).all() for edge in edges), "the margins are not white"
    print(json.dumps({"width": image.width, "height": image.height, "text": json.loads(image.text["dseg"])}))


main()
