#!/usr/bin/env python3
"""CLIPer's early-layer fusion and dense scores, step by step, on two small CLIPs.

    python3 make_cliper.py         # made with torch 2.15.0, transformers 5.24.0, Pillow 13.0.0, safetensors

For each CLIP, NAME.safetensors with every step of linsun449/cliper.code c05fa41 in float32, written from a description
of it in plain torch on the modules of transformers' CLIPModel, and cliper.json with what was asked. N = 1 + patches.

    pixel_values [height, width, 3] what CLIP reads: by Pillow, all of a picture [height, width, 3] in its proportions,
                                    the low bytes of SplitMix64's numbers, whose seed is in the JSON
    attention [heads, N, N]         the sum of the probabilities of all layers but the last
    inputs [layers, N, C]           normalised inputs of those, and the input of the last
    balanced.K [heads, N, N]        the attention after K + 1 rounds
    links.K [N, N], fused.K [N, C]  the mean of the links over heads, and what the last layer makes of input K
    embeddings [layers, patches, projection]
    texts [classes + background + 1, projection]    unit length, but for the last: the mean of the classes
    scores [layers, classes, patches]               before the cut
    cut [classes, patches]          the chosen layer's, weak ones cut
    seeds [classes, patches]
"""

import json
import math
import pathlib

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from transformers import AutoTokenizer, CLIPModel, CLIPTokenizer

HERE = pathlib.Path(__file__).parent
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
TEMPLATES = ["a photo of the {}.", "the {}", "a red {} in the photo"]
CASES = {
    "words": dict(folder="words/clip", seed=1, width=50, height=37, shortest=24, scale=20, cut=0.8, layer=1,
                  classes=[["dog"], ["red cat", "cat"], ["photo"]], background=["ing", "st"]),
    "tiny-odd": dict(folder="tiny-odd/checkpoint/clip", seed=2, width=40, height=90, shortest=42, scale=30, cut=0.9,
                     layer=2, classes=[["grass"], ["teddy bear"]], background=["sky", "tree", "background"]),
}


def drawn(seed, count):
    with np.errstate(over="ignore"):
        mixed = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for shift, factor in [(30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)]:
            mixed = (mixed ^ mixed >> np.uint64(shift)) * np.uint64(factor)
    return ((mixed ^ mixed >> np.uint64(31)) & np.uint64(255)).astype(np.uint8)


def read(picture, shortest, patch):
    """[1, 3, height, width]"""
    height, width = picture.shape[:2]
    sides = [math.floor(s * shortest / min(width, height) / patch + 0.5) * patch for s in (width, height)]
    resized = np.asarray(Image.fromarray(picture).resize(sides, Image.BICUBIC), dtype=np.float32) / 255
    return ((torch.from_numpy(resized) - torch.tensor(MEAN)) / torch.tensor(STD)).permute(2, 0, 1)[None]


def positions(tower, height, width):
    weight = tower.embeddings.position_embedding.weight
    side = round((len(weight) - 1) ** 0.5)
    grid = weight[1:].T.reshape(1, -1, side, side)
    grid = F.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)
    return torch.cat([weight[:1], grid[0].flatten(1).T])


def split(x, heads):
    """[N, C] as [heads, N, D]"""
    return x.reshape(len(x), heads, -1).transpose(0, 1)


def joined(x):
    return x.transpose(0, 1).reshape(x.shape[1], -1)


def gather(tower, pixels):
    patches = tower.embeddings.patch_embedding(pixels)[0]
    states = torch.cat([tower.embeddings.class_embedding[None], patches.flatten(1).T])
    states = tower.pre_layrnorm(states + positions(tower, *patches.shape[1:]))
    attention, inputs = 0, []
    for layer in tower.encoder.layers[:-1]:
        own, x = layer.self_attn, layer.layer_norm1(states)
        inputs.append(x)
        q, k, v = (split(f(x), own.num_heads) for f in (own.q_proj, own.k_proj, own.v_proj))
        probabilities = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)
        attention = attention + probabilities
        states = states + own.out_proj(joined(probabilities @ v))
        states = states + layer.mlp(layer.layer_norm2(states))
    return attention, torch.stack([*inputs, states])


def fuse(tower, attention, inputs):
    """For each input the balanced attention, the links' mean, and the output."""
    last = tower.encoder.layers[-1]
    own = last.self_attn
    for x in inputs:
        attention = attention / attention.sum(1, keepdim=True)
        attention = attention / attention.sum(2, keepdim=True)
        links = (attention + attention.transpose(1, 2)) / 2
        links = (links - links.mean(1, keepdim=True)).clamp(min=0)
        links = links / links.sum(2, keepdim=True)
        v = split(own.v_proj(last.layer_norm1(x)), own.num_heads)
        yield attention, links.mean(0), own.out_proj(joined(links @ v))


def tokenizer_of(folder):
    if (folder / "tokenizer.json").exists():
        return AutoTokenizer.from_pretrained(folder)
    return CLIPTokenizer(vocab=str(folder / "vocab.json"), merges=str(folder / "merges.txt"))


def embed(net, tokenizer, texts):
    length = net.config.text_config.max_position_embeddings
    ids = tokenizer(texts, padding="max_length", max_length=length, truncation=True, return_tensors="pt").input_ids
    return F.normalize(net.text_model(ids).pooler_output @ net.text_projection.weight.T, dim=-1)


def make(case):
    folder = HERE.parent / case["folder"]
    net = CLIPModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tower, tokenizer = net.vision_model, tokenizer_of(folder)
    picture = drawn(case["seed"], case["width"] * case["height"] * 3).reshape(case["height"], case["width"], 3)
    pixels = read(picture, case["shortest"], net.config.vision_config.patch_size)
    attention, inputs = gather(tower, pixels)
    steps = list(fuse(tower, attention, inputs))
    embeddings = torch.stack([net.visual_projection(tower.post_layernorm(y[1:])) for _, _, y in steps])

    def text(wordings):
        all = embed(net, tokenizer, [t.replace("{}", words) for words in wordings for t in TEMPLATES])
        return F.normalize(all.mean(0), dim=0)

    classes = torch.stack([text(wordings) for wordings in case["classes"]])
    background = torch.stack([text([words]) for words in case["background"]])
    texts = torch.cat([classes, background, classes.mean(0, keepdim=True)])
    cosines = F.normalize(embeddings, dim=-1) @ F.normalize(texts, dim=-1).T
    scores = (case["scale"] * cosines).softmax(-1)[..., :len(classes)].transpose(1, 2)
    changed = scores.clone()
    chosen = changed[-case["layer"]]
    chosen[chosen < chosen.amax(1, keepdim=True) * case["cut"]] = 0
    links = steps[-1][1][1:, 1:]
    seeds = chosen @ links + changed.mean(0)
    tensors = dict(pixel_values=pixels[0].permute(1, 2, 0), attention=attention, inputs=inputs, embeddings=embeddings,
                   texts=texts, scores=scores, cut=chosen, seeds=seeds)
    for k, (balanced, links, fused) in enumerate(steps):
        tensors |= {f"balanced.{k}": balanced, f"links.{k}": links, f"fused.{k}": fused}
    return {name: value.contiguous() for name, value in tensors.items()}


def main():
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    for name, case in CASES.items():
        tensors = make(case)
        assert 0 < (tensors["cut"] == 0).float().mean() < 1, "nothing is cut, or all"
        save_file(tensors, HERE / f"{name}.safetensors")
    (HERE / "cliper.json").write_text(json.dumps({"templates": TEMPLATES, "cases": CASES}, indent=1) + "\n")


if __name__ == "__main__":
    main()
