#!/usr/bin/env python3
"""Golden maps of the recipe `best` for one checkpoint and one picture, by diffusers and numpy.

    python3 make_best.py CHECKPOINT PICTURE OUT.safetensors --labels "dog,teddy bear"

One U-Net pass in float32 (empty prompt, mean latent, noise of the seed) leaves the queries of every cross-attention
and the finest self-attentions; everything after that is done by the functions of best_numpy.py. OUT holds float32
tensors (the index maps are uint8), OUT with the suffix .json what they were made with. n is the side of the latent,
K the number of labels, H x W the picture:

    seed [K,n,n]           fused cross maps, before any self-attention
    colours [n*n,3]        the picture's mean colour in each cell, 0...1
    completed [K,n,n]      minmax(A (A seed))
    shared [K,n,n]         after the share between the labels (gamma 1), min-max again; shared_gamma8: gamma 8
    sized [K,H,W]          after enlarging, the guided filter and the last min-max
    index [H,W]            0 background, 1... the labels; index_sure is 1 where no rounding can change it
    edges_off [K,H,W]      shared, enlarged, min-max: without the guided filter
    rounds1, colour_off, other_weights [K,n,n]   `completed` with one setting changed
    joint_seed, joint_completed, joint_shared, joint_sized   the same with one softmax for all labels (together.py)
"""

import argparse
import hashlib
import json
import math
import best_numpy as best
import numpy as np
import together
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from PIL import Image
from safetensors.numpy import save_file
from transformers import CLIPTextModel, CLIPTokenizer

TEMPLATE = "a photograph of {label}"
WEIGHTS = {4: (0.15, 0.7, 0.15, 0), 3: (0.15, 0.7, 0.15)}  # by the number of cross-attention sides, coarse to fine
OTHER_WEIGHTS = {4: (0.3, 0.4, 0.2, 0.1), 3: (0.3, 0.5, 0.2)}  # a setting, for `other_weights`
TIMESTEP, SEED, THRESHOLD, ROUNDS, GAMMA = 100, 0, 0.4, 2, 1


class Model:
    def __init__(self, path):
        load = dict(torch_dtype=torch.float32)
        self.tokenizer = CLIPTokenizer.from_pretrained(f"{path}/tokenizer")
        self.text = CLIPTextModel.from_pretrained(f"{path}/text_encoder", **load).eval()
        self.unet = UNet2DConditionModel.from_pretrained(f"{path}/unet", **load).eval()
        self.vae = AutoencoderKL.from_pretrained(f"{path}/vae", **load).eval()
        self.scheduler = DDIMScheduler.from_pretrained(f"{path}/scheduler")
        self.modules = dict(self.unet.named_modules())

    def context(self, prompt):
        length = self.text.config.max_position_embeddings
        ids = self.tokenizer([prompt], padding="max_length", max_length=length, truncation=True).input_ids
        return self.text(torch.tensor(ids)).last_hidden_state

    def span(self, prompt, label):
        """First and past-the-end position of the label's tokens in the padded prompt."""
        ids, of = self.tokenizer(prompt).input_ids, self.tokenizer(label).input_ids[1:-1]
        return next((i, i + len(of)) for i in range(len(ids)) if ids[i : i + len(of)] == of)

    def noisy(self, picture):
        """The picture's mean latent, noised; the square picture is bilinear, half-pixel centres, no antialiasing."""
        side = self.unet.config.sample_size * 2 ** (len(self.vae.config.block_out_channels) - 1)
        rgb = torch.from_numpy(picture.copy()).permute(2, 0, 1)[None].float() / 255
        square = F.interpolate(rgb, (side, side), mode="bilinear", align_corners=False)
        latent = self.vae.encode(2 * square - 1).latent_dist.mean * self.vae.config.scaling_factor
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(SEED))
        return self.scheduler.add_noise(latent, noise, torch.tensor([TIMESTEP]))

    def run(self, noisy, prompt):
        """One pass -> cross-attention queries {layer: [heads, side * side, d]}, before any scale, and self-attention
        probabilities {layer: [heads, side * side, side * side]}, both in the order the layers run."""
        queries, probabilities = {}, {}

        class Capture:
            def __init__(self, layer):
                self.layer = layer

            def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
                context = x if encoder_hidden_states is None else encoder_hidden_states
                q, k, v = (
                    attn.head_to_batch_dim(f(y))
                    for f, y in ((attn.to_q, x), (attn.to_k, context), (attn.to_v, context))
                )
                p = (torch.bmm(q, k.transpose(1, 2)) * attn.scale).softmax(-1)
                if encoder_hidden_states is None:
                    probabilities[self.layer] = p.numpy()
                else:
                    queries[self.layer] = q.numpy()
                return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(p, v)))

        self.unet.set_attn_processor({n: Capture(n.removesuffix(".processor")) for n in self.unet.attn_processors})
        self.unet(noisy, TIMESTEP, encoder_hidden_states=self.context(prompt))
        return queries, probabilities

    def keys(self, prompt, layers):
        """Each cross-attention's keys of a prompt: {layer: [heads, positions, d]}."""
        context = self.context(prompt)
        modules = {l: self.modules[l] for l in layers}
        return {l: m.head_to_batch_dim(m.to_k(context)).numpy() for l, m in modules.items()}


def late_self(probabilities):
    """Mean over the heads of the first two self-attentions of the way up at the finest side, and their names."""
    finest = max(p.shape[1] for p in probabilities.values())
    layers = [l for l, p in probabilities.items() if l.startswith("up_blocks") and p.shape[1] == finest][:2]
    return np.concatenate([probabilities[l] for l in layers]).mean(0), layers


def levels(queries, table):
    sides = sorted({math.isqrt(q.shape[1]) for q in queries.values()})
    return dict(zip(sides, table[len(sides)]))


def completed(seeds, A, rounds=ROUNDS):
    out = []
    for m in seeds:
        shape = m.shape
        m = m.reshape(-1)
        for _ in range(rounds):
            m = A @ m
        out.append(best.minmax(m.reshape(shape)))
    return np.stack(out)


def shared(maps, gamma):
    power = maps**gamma
    return np.stack([best.minmax(m) for m in maps * power / np.maximum(power.sum(0), 1e-9)])


def enlarged(maps, picture):
    return np.stack([best.up(m, *picture.shape[:2]) for m in maps])


def sized(maps, picture, radius):
    guide = best.guide(picture, radius, 1e-4)
    return np.stack([best.minmax(best.guided(m, guide, radius)) for m in enlarged(maps, picture)])


def tensors(queries, S, keys, spans, picture, radius):
    """All tensors of a golden; the recipe in one piece, best_numpy's own, must give the same."""
    n = math.isqrt(len(S))
    A = best.affinity(S, picture, n)

    def seeds(table):
        return np.stack([best.seed(queries, k, *s, levels(queries, table), n) for k, s in zip(keys, spans)])

    seed = seeds(WEIGHTS)
    maps = completed(seed, A)
    one = shared(maps, GAMMA)
    scores = sized(one, picture, radius)
    joint = together.seeds(queries, keys, spans, levels(queries, WEIGHTS), n)
    joint_maps = completed(joint, A)
    joint_one = shared(joint_maps, GAMMA)
    out = dict(
        seed=seed,
        colours=best.area(picture, n).reshape(-1, 3),
        completed=maps,
        shared=one,
        shared_gamma8=shared(maps, 8),
        sized=scores,
        rounds1=completed(seed, A, 1),
        edges_off=np.stack([best.minmax(m) for m in enlarged(one, picture)]),
        colour_off=completed(seed, S),
        other_weights=completed(seeds(OTHER_WEIGHTS), A),
        joint_seed=joint,
        joint_completed=joint_maps,
        joint_shared=joint_one,
        joint_sized=sized(joint_one, picture, radius),
    )
    out = {k: np.ascontiguousarray(v.astype(np.float32)) for k, v in out.items()}
    out["index"] = np.where(scores.max(0) > THRESHOLD, scores.argmax(0) + 1, 0).astype(np.uint8)
    with_ground = np.sort(np.concatenate([np.full((1, *picture.shape[:2]), THRESHOLD), scores]), 0)
    out["index_sure"] = (with_ground[-1] - with_ground[-2] > 1e-3).astype(np.uint8)
    settings = dict(weights=levels(queries, WEIGHTS), rounds=ROUNDS, gamma=GAMMA, threshold=THRESHOLD)
    whole, index = best.best(queries, S, keys, spans, picture, n, **settings)
    assert np.abs(whole - scores).max() < 1e-6 and (index == out["index"]).all()
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("checkpoint")
    ap.add_argument("picture")
    ap.add_argument("out")
    ap.add_argument("--labels", required=True, help="separated by commas")
    args = ap.parse_args()
    model = Model(args.checkpoint)
    labels = args.labels.split(",")
    picture = np.asarray(Image.open(args.picture).convert("RGB"))
    radius = max(1, round(min(picture.shape[:2]) / 12))
    queries, probabilities = model.run(model.noisy(picture), "")
    S, layers = late_self(probabilities)
    prompts = [TEMPLATE.format(label=l) for l in labels]
    spans = [model.span(p, l) for p, l in zip(prompts, labels)]
    keys = [model.keys(p, queries) for p in prompts]
    save_file(tensors(queries, S, keys, spans, picture, radius), args.out)
    how = dict(
        labels=labels,
        prompts=prompts,
        tokens=spans,
        forward_prompt="",
        timestep=TIMESTEP,
        seed=SEED,
        side=math.isqrt(len(S)),
        radius=radius,
        eps=1e-4,
        sigma_colour=0.2,
        sigma_position=0.1,
        rounds=ROUNDS,
        gamma=GAMMA,
        threshold=THRESHOLD,
        weights=levels(queries, WEIGHTS),
        other_weights=levels(queries, OTHER_WEIGHTS),
        self_layers=layers,
        picture_size=list(picture.shape[:2]),
        picture_sha256=hashlib.sha256(picture.tobytes()).hexdigest(),
        torch=torch.__version__,
        numpy=np.__version__,
    )
    with open(args.out.removesuffix(".safetensors") + ".json", "w") as file:
        json.dump(how, file, indent=1)


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    main()
