"""Makes regions with scipy, and prints how those in a folder's files differ.

A file holds width, height, distance and sigma, a byte each, and six pictures of bytes: a mask, the mask grown and
shrunk by the distance, without holes, its largest part, and blurred by sigma.
"""

import pathlib
import sys

import numpy as np
from scipy import ndimage


def grown(mask, distance):
    """scipy measures to the nearest zero; without one it has no distances."""
    if not mask.any():
        return mask
    far = ndimage.distance_transform_edt(~mask)
    return np.rint(far * far) <= distance * distance


def largest(mask):
    labels, count = ndimage.label(mask, structure=np.ones((3, 3)))
    if count == 0:
        return mask
    names, firsts, sizes = np.unique(labels[mask], return_index=True, return_counts=True)
    return labels == min(zip(-sizes, firsts, names))[2]


for path in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    data = np.fromfile(path, np.uint8)
    width, height, distance, sigma = (int(number) for number in data[:4])
    mask, *found = data[4:].reshape(6, height, width)
    mask = mask == 1
    expected = [grown(mask, distance), ~grown(~mask, distance), ndimage.binary_fill_holes(mask), largest(mask)]
    differences = [int((a != b).sum()) for a, b in zip(found, expected)]
    soft = 255 * ndimage.gaussian_filter(mask.astype(np.float64), sigma, mode="nearest", truncate=4)
    print(*differences, np.abs(found[4] - soft).max())
