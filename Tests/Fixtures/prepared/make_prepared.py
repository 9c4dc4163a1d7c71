"""Makes what a vision network reads of a picture, as transformers prepares it.

    pip install transformers torch pillow safetensors    # made with 5.24.0, 2.13.0, 13.0.0
    python make_prepared.py TINY TINY_ODD FULL           # goldens: {blip,clip}.safetensors, words.safetensors

prepared.safetensors, all [height, width, 3]: `tiny.blip`, `tiny.clip`, `tiny-odd.blip`, `tiny-odd.clip`, the goldens of
those checkpoints from their `golden/image.png`; `full.blip`, `full.clip`, those of the published sizes from full.png,
rows 0, 16, ...; and the tensors of prepared.json's cases. A case has the picture's size, whether it has alpha, the text
of its preprocessor_config.json, and its number, which is the seed of its samples: the low bytes of SplitMix64's
numbers, `[height, width, 3]`, then `[height, width]` of alpha. A whole has the picture's size, and the shortest side
and the patches by which it is read in its proportions, as CLIPer reads it (linsun449/cliper.code c05fa41); 100 and its
number are the seed.
"""

import json
import math
import pathlib
import sys

import numpy as np
from PIL import Image
from safetensors.numpy import load_file, save_file
from transformers.models.blip.image_processing_pil_blip import BlipImageProcessorPil
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

HERE = pathlib.Path(__file__).parent
CLASSES = {"BlipImageProcessor": BlipImageProcessorPil, "CLIPImageProcessor": CLIPImageProcessorPil,
           "CLIPFeatureExtractor": CLIPImageProcessorPil}
BLIP, CLIP = {"image_processor_type": "BlipImageProcessor"}, {"image_processor_type": "CLIPImageProcessor"}
# Width, height, alpha, configuration.
CASES = [
    (31, 17, False, BLIP | {"size": 24}),
    (17, 31, False, BLIP | {"size": {"height": 20, "width": 29}, "image_mean": [0.5, 0.25, 0],
                            "image_std": [1, 2, 0.5]}),
    (1, 1, False, BLIP | {"size": {"height": 16, "width": 16}}),
    (40, 30, True, BLIP | {"size": 16, "do_center_crop": None, "crop_size": None}),
    (40, 30, False, BLIP | {"size": 16, "do_center_crop": True, "crop_size": 12}),
    (30, 200, False, BLIP | {"size": 24, "do_normalize": False}),
    (31, 17, False, {"feature_extractor_type": "CLIPFeatureExtractor", "size": 24, "crop_size": 24}),
    (17, 31, False, CLIP | {"size": {"shortest_edge": 25}, "crop_size": {"height": 21, "width": 10}}),
    (33, 34, False, CLIP | {"size": 32, "crop_size": 31, "do_rescale": False}),
    (1, 1, False, CLIP | {"size": 8, "crop_size": 8}),
    (1, 300, False, CLIP | {"size": 16, "crop_size": 16, "rescale_factor": 0.0078125}),
    (300, 2, False, CLIP | {"size": 16, "crop_size": 16, "do_normalize": False, "do_rescale": False}),
    (40, 30, True, CLIP | {"size": 16, "crop_size": 16}),
    (40, 30, False, CLIP | {"size": 20, "crop_size": 13, "default_to_square": True}),
    (90, 50, False, CLIP | {"size": {"height": 24, "width": 20}, "do_center_crop": False}),
]
# Width, height, shortest side, patch; of the last, more than four times as long as wide, we read a squeezed one.
WHOLES = [(50, 37, 24, 8), (37, 50, 28, 14), (90, 31, 20, 8), (31, 30, 31, 7), (300, 20, 16, 8)]


def drawn(seed, count):
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in [(30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)]:
            mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    return ((mixed ^ mixed >> np.uint64(31)) & np.uint64(255)).astype(np.uint8)


def picture(number, width, height, has_alpha):
    samples = drawn(number, width * height * 4)
    rgb, alpha = samples[:width * height * 3].reshape(height, width, 3), samples[width * height * 3:]
    if not has_alpha:
        return Image.fromarray(rgb)
    return Image.fromarray(np.concatenate([rgb, alpha.reshape(height, width, 1)], axis=2))


def rows(values):
    """[1, 3, height, width] as [height, width, 3]."""
    return np.ascontiguousarray(np.asarray(values)[0].transpose(1, 2, 0))


def main(tiny, odd, full):
    tensors, cases = {}, []
    for name, folder in [("tiny", tiny), ("tiny-odd", odd)]:
        for network in ("blip", "clip"):
            tensors[f"{name}.{network}"] = rows(load_file(f"{folder}/{network}.safetensors")["pixel_values"])
    words = load_file(f"{full}/words.safetensors")
    for name, others in [("blip", ["blip-base", "blip-large"]),
                         ("clip", ["clip-vit-base-patch16", "clip-vit-large-patch14"])]:
        first, second = (words[f"{other}.pixel_values"] for other in others)
        assert np.array_equal(first, second)
        tensors[f"full.{name}"] = np.ascontiguousarray(rows(first)[::16])
    for number, (width, height, has_alpha, configuration) in enumerate(CASES):
        kind = configuration.get("image_processor_type") or configuration["feature_extractor_type"]
        options = {key: value for key, value in configuration.items() if not key.endswith("_type")}
        values = CLASSES[kind](**options)(picture(number, width, height, has_alpha), return_tensors="np").pixel_values
        tensors[f"case.{number}"] = rows(values).astype(np.float32)
        cases.append({"width": width, "height": height, "hasAlpha": has_alpha, "file": json.dumps(configuration)})
    wholes = []
    for number, (width, height, shortest, patch) in enumerate(WHOLES):
        sides = [math.floor(side * shortest / min(width, height) / patch + 0.5) * patch for side in (height, width)]
        sides = [min(side, 4 * min(sides)) for side in sides]
        processor = CLIPImageProcessorPil(size=dict(height=sides[0], width=sides[1]), do_center_crop=False)
        values = processor(picture(100 + number, width, height, False), return_tensors="np").pixel_values
        tensors[f"whole.{number}"] = rows(values).astype(np.float32)
        wholes.append({"width": width, "height": height, "shortest": shortest, "patch": patch})
    save_file(tensors, HERE / "prepared.safetensors")
    (HERE / "prepared.json").write_text(json.dumps({"cases": cases, "wholes": wholes}, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
