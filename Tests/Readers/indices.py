"""Puts PNG files that hold indices into a folder, beside each what Pillow reads: width, height (int32) and the indices.

    python indices.py FOLDER FILE...

Prints the files' names: copies of those given, and new ones of each kind that Pillow writes.
"""

import pathlib
import shutil
import sys

import numpy as np
from PIL import Image

folder = pathlib.Path(sys.argv[1])
for path in sys.argv[2:]:
    shutil.copy(path, folder)

random = np.random.default_rng(1823)
for number in range(120):
    bits = (1, 2, 4, 8)[number % 4]
    height, width = random.integers(1, 40, 2)
    indices = random.integers(0, 1 << bits, (height, width), dtype=np.uint8)
    name = folder / f"{number}.png"
    if number % 3 == 0:
        picture = Image.fromarray(indices, "L") if bits == 8 else Image.fromarray(indices % 2 == 1)
        picture.save(name)
    else:
        picture = Image.fromarray(indices, "P")
        picture.putpalette(random.integers(0, 256, 3 << bits, dtype=np.uint8).tobytes())
        options = {"transparency": 0} if number % 5 == 0 else {}
        picture.save(name, bits=bits, **options)

for path in sorted(folder.glob("*.png")):
    picture = Image.open(path)
    indices = np.array(picture).astype(np.uint8)
    if picture.mode == "L":
        # Pillow spreads grey of less than 8 bits to 0...255.
        indices //= 255 // ((1 << path.read_bytes()[24]) - 1)
    with open(f"{path}.raw", "wb") as file:
        np.array(picture.size, "<i4").tofile(file)
        indices.tofile(file)
    print(path.name)
