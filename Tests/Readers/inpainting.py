"""Makes a mask for inpainting with scipy from an index mask, and prints by how much dseg's differs.

Arguments: the index mask, dseg's mask, and the indices included and excluded, each parted by commas, then fill (0 or
1), largest (0 or 1), grow and feather. Printed: the mode and the size of dseg's picture, the greatest difference of a
pixel, the greatest excluded pixel, and how many pixels are white, grey and black.
"""

import sys

import numpy as np
from PIL import Image
from scipy import ndimage

index_file, mask_file, included, excluded = sys.argv[1:5]
fill, largest, grow, feather = (int(number) for number in sys.argv[5:9])
index = np.asarray(Image.open(index_file))
picture = Image.open(mask_file)
found = np.asarray(picture).astype(np.int64)


def part(indices):
    return np.isin(index, [int(number) for number in indices.split(",") if number])


def grown(mask, pixels):
    return ndimage.distance_transform_edt(~mask) <= pixels if mask.any() else mask


mask = part(included)
if fill:
    mask = ndimage.binary_fill_holes(mask)
if largest:
    labels, _ = ndimage.label(mask, structure=np.ones((3, 3)))
    mask = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
mask = grown(mask, grow) if grow >= 0 else ~grown(~mask, -grow)
mask &= ~part(excluded)
soft = ndimage.gaussian_filter(255.0 * mask, feather, mode="nearest", truncate=4) if feather else 255.0 * mask
soft[part(excluded)] = 0
never = found[part(excluded)]
print(picture.mode, *picture.size, np.abs(found - soft).max(), never.max() if never.size else 0)
print((found == 255).sum(), ((found > 0) & (found < 255)).sum(), (found == 0).sum())
