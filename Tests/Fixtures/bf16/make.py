#!/usr/bin/env python3
"""How far PyTorch's own bf16 pass is from its f32 pass, on every golden map.

    pip install torch diffusers transformers safetensors
    python3 make.py CHECKPOINT GOLDEN OUT.json [--threads N]
    python3 make.py CHECKPOINT GOLDEN --probe          # one convolution of the U-Net in both: is it worth starting?

    python3 make.py ../tiny/checkpoint ../tiny/golden tiny.json
    python3 make.py ../tiny-odd/checkpoint ../tiny-odd/golden tiny-odd.json

CHECKPOINT is a folder in the diffusers layout, GOLDEN the goldens made with it: either a folder of the small
fixtures (`unet.safetensors`, `per_label.safetensors`, ...) or one of the full-size networks (`golden.safetensors`).

Each network runs twice on the golden's own f32 input, once in f32, once with weights and activations in bf16. What is
measured is the pass: probabilities leave it as the softmax made them, in the pass's own precision, and everything
behind it (means over heads, layers and tokens, fusing, completion) is f32 in both. A pass that keeps more than bf16 in
places is nearer to f32 than this one; one that is farther away loses more than PyTorch does.

OUT.json: {"torch", "capability", "threads", "maps": {NAME: {"largest", "rms", "magnitude", "golden"}}}; NAME is the
row's name in `dseg-bench verify` (file.tensor); `largest` and `rms` are the absolute errors of bf16 against f32,
`magnitude` the largest absolute f32 value, `golden` the largest error of this f32 run against the golden, by magnitude:
it shows that both computed the same map, and the program fails where it is over 1e-3.
"""
import argparse
import glob
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.utils import logging
from safetensors.torch import load_file
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

PRECISIONS = (torch.float32, torch.bfloat16)
TEMPLATE = 4    # <start> a photograph of: the label's first token stands here
FULL_WEIGHTS = {8: 0.3, 16: 0.5, 32: 0.1, 64: 0.1}


def weights(folder):
    """The f32 tensors of a network's files, whatever they are called and however they are split."""
    files = sorted(glob.glob(f"{folder}/*.safetensors"))
    return {name: tensor.float() for file in files for name, tensor in load_file(file).items()}


def filled(net, tensors, *renames):
    """The network with its tensors; published files have older names for some."""
    for old, new in renames:
        tensors = {name.replace(old, new): tensor for name, tensor in tensors.items()}
    net.load_state_dict({name: tensors[name] for name in net.state_dict()})
    return net.eval()


def configuration(folder):
    with open(f"{folder}/config.json") as file:
        return json.load(file)


def autoencoder(folder):
    net = AutoencoderKL.from_config(configuration(f"{folder}/vae"))
    pairs = [("query", "to_q"), ("key", "to_k"), ("value", "to_v"), ("proj_attn", "to_out.0")]
    return filled(net, weights(f"{folder}/vae"), *[(f"attentions.0.{a}.", f"attentions.0.{b}.") for a, b in pairs])


def text_encoder(folder):
    net = CLIPTextModel(CLIPTextConfig(**configuration(f"{folder}/text_encoder")))
    bare = not any(name.startswith("text_model.") for name in net.state_dict())
    return filled(net, weights(f"{folder}/text_encoder"), *([("text_model.", "")] if bare else []))


def denoiser(folder):
    return filled(UNet2DConditionModel.from_config(configuration(f"{folder}/unet")), weights(f"{folder}/unet"))


class Capture:
    """An attention processor that computes as explicitly as the reference does, and keeps what it saw.

    Of a self-attention layer only the mean over heads is kept: [queries, keys], f32.
    """

    def __init__(self, name, log):
        self.name, self.log = name, log

    def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
        is_cross = encoder_hidden_states is not None
        read = encoder_hidden_states if is_cross else x
        split = attn.head_to_batch_dim
        query, key, value = split(attn.to_q(x)), split(attn.to_k(read)), split(attn.to_v(read))
        share = probabilities(attn, query, key)
        self.log.append((self.name, attn, query if is_cross else None, mean_of_heads(share)))
        return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(share, value)))


def probabilities(attn, query, key):
    return (torch.bmm(query, key.transpose(1, 2)) * attn.scale).softmax(-1)


def mean_of_heads(share):
    """In f32, head by head: a large layer in two precisions at once need not fit."""
    return sum(head.float() for head in share) / share.shape[0]


def unet_pass(unet, noisy, timestep, context):
    """One pass in the network's precision: (name, layer, queries or None, mean probabilities) in call order."""
    log = []
    unet.set_attn_processor({name: Capture(name, log) for name in unet.attn_processors})
    unet(noisy.to(unet.dtype), timestep, encoder_hidden_states=context.to(unet.dtype))
    return log


def stretched(scores):
    return (scores - scores.min()) / (scores.max() - scores.min())


def fused(cross, shares, side):
    """Each resolution's mean map [n*n], resized to the latent grid, stretched, and added by its share."""
    total = 0
    for resolution, share in shares.items():
        grid = torch.stack(cross[resolution]).mean(0).view(1, 1, resolution, resolution)
        if resolution != side:
            grid = F.interpolate(grid, size=(side, side), mode="bilinear", align_corners=False)
        total = total + share * stretched(grid[0, 0])
    return total


def completed(total, log, side):
    own = [mean for _, _, query, mean in log if query is None and mean.shape[0] == side * side]
    return (torch.stack(own).mean(0) @ total.reshape(-1, 1)).view(side, side)


def cross_maps(log, tokens, shares, context=None):
    """Each cross layer's map of the label's tokens, by resolution; read with another context's keys if given."""
    cross = {resolution: [] for resolution in shares}
    for _, attn, query, mean in log:
        if query is None:
            continue
        if context is not None:
            key = attn.head_to_batch_dim(attn.to_k(context.to(query.dtype)))
            mean = mean_of_heads(probabilities(attn, query, key))
        cross[math.isqrt(mean.shape[0])].append(mean[:, tokens].mean(-1))
    return cross


class Tiny:
    """The goldens of the small fixtures, a file for each stage."""

    def __init__(self, checkpoint, golden):
        self.checkpoint, self.golden = checkpoint, golden
        self.labels = self.json("per_label")
        self.tokenizer = CLIPTokenizer.from_pretrained(f"{checkpoint}/tokenizer")
        self.shares = {int(side): share for side, share in self.labels["resolution_weights"].items()}

    def json(self, name):
        with open(f"{self.golden}/{name}.json") as file:
            return json.load(file)

    def tensors(self, name):
        return load_file(f"{self.golden}/{name}.safetensors")

    def autoencoder(self, vae):
        posterior = vae.encode((2 * self.tensors("resize")["square"] - 1).to(vae.dtype)).latent_dist
        return {"vae.mean": posterior.mean, "vae.std": posterior.std}

    def text(self, text):
        maps = {"text_encoder.last_hidden_state": text(self.tensors("text_encoder")["ids"].long()).last_hidden_state}
        maps["unet.context"] = self.said(text, "a photograph of a dog")
        for name, _, prompt in self.questions():
            maps[f"per_label.{name}.context"] = self.said(text, prompt)[0]
        return maps

    def said(self, text, prompt):
        length = text.config.max_position_embeddings
        ids = self.tokenizer([prompt], padding="max_length", max_length=length, truncation=True, return_tensors="pt")
        return text(ids.input_ids).last_hidden_state

    def questions(self):
        """Name, the positions of the label's tokens, and the prompt of each golden map."""
        for label in self.labels["labels"]:
            yield label, self.tokens(label), f"a photograph of {label}"
        participle = self.tokens("dog")
        yield "dog (participle)", participle + [participle[-1] + 1], self.labels["participle_prompt"]

    def tokens(self, label):
        return list(range(TEMPLATE, TEMPLATE + len(self.tokenizer(label).input_ids) - 2))

    def unet(self, unet, texts):
        noisy, timestep, side = self.tensors("vae")["noisy"], self.labels["timestep"], unet.config.sample_size
        log = unet_pass(unet, noisy, timestep, self.tensors("unet")["context"])
        maps = {f"unet.{name}": mean for name, _, _, mean in log}
        contexts = self.tensors("per_label")
        for name, tokens, _ in self.questions():
            log = unet_pass(unet, noisy, timestep, contexts[f"{name}.context"][None])
            total = fused(cross_maps(log, tokens, self.shares), self.shares, side)
            maps[f"per_label.{name}.fused"] = total
            maps[f"per_label.{name}.score"] = completed(total, log, side)
        shared = self.json("shared_pass")
        log = unet_pass(unet, noisy, timestep, self.said(texts, shared["prompt"]))
        for label in shared["labels"]:
            context = contexts[f"{label}.context"][None]
            total = fused(cross_maps(log, self.tokens(label), self.shares, context), self.shares, side)
            maps[f"shared_pass.{label}"] = completed(total, log, side)
        return maps

    def value(self, name):
        file, tensor = name.split(".", 1)
        return self.tensors(file)[tensor]


class Full:
    """The goldens of the full-size networks, in one file."""

    def __init__(self, checkpoint, golden):
        self.checkpoint = checkpoint
        self.values = load_file(f"{golden}/golden.safetensors")
        with open(f"{golden}/golden.json") as file:
            self.labels = json.load(file)

    def autoencoder(self, vae):
        square = self.values["pixels"]
        return {"golden.latent_mean": vae.encode((2 * square - 1).to(vae.dtype)).latent_dist.mean}

    def text(self, text):
        return {f"golden.{label}.context": text(torch.tensor([ids])).last_hidden_state
                for label, ids in self.labels["prompts"].items()}

    def unet(self, unet, _):
        maps, side = {}, unet.config.sample_size
        for label in self.labels["prompts"]:
            context = self.values[f"{label}.context"]
            log = unet_pass(unet, self.values["noisy"], self.labels["timestep"], context)
            tokens = list(range(*self.labels["class_tokens"][label]))
            total = fused(cross_maps(log, tokens, FULL_WEIGHTS), FULL_WEIGHTS, side)
            for name, _, query, mean in log:
                if query is not None:
                    maps[f"golden.{label}.cross.{name.split('.transformer')[0]}"] = mean[:, tokens].mean(-1)
            own = [mean for _, _, query, mean in log if query is None and mean.shape[0] == side * side]
            maps[f"golden.{label}.self_rows"] = torch.stack(own).mean(0)[::256]
            maps[f"golden.{label}.fused"] = total
            maps[f"golden.{label}.score"] = completed(total, log, side)
        return maps

    def value(self, name):
        return self.values[name.split(".", 1)[1]]


def both(net, run):
    """What `run` makes of the network in each precision, as f32.

    Channels last: the same sums, and on a CPU without bf16 instructions twenty times as fast.
    """
    results = []
    for precision in PRECISIONS:
        start = time.perf_counter()
        maps = run(net.to(precision, memory_format=torch.channels_last))
        results.append({name: tensor.float() for name, tensor in maps.items()})
        seconds = time.perf_counter() - start
        print(f"{type(net).__name__} in {precision}: {seconds:.1f} s", file=sys.stderr, flush=True)
    return results


def errors(goldens, exact, rounded):
    """The errors of each map, a row each."""
    rows = {}
    for name, value in exact.items():
        difference = rounded[name] - value
        golden = goldens.value(name).float()
        magnitude = value.abs().max().item()
        rows[name] = {
            "largest": difference.abs().max().item(), "rms": difference.double().square().mean().sqrt().item(),
            "magnitude": magnitude, "golden": (golden.reshape(-1) - value.reshape(-1)).abs().max().item() / magnitude,
        }
    return rows


def measured(goldens):
    rows = {}
    vae = autoencoder(goldens.checkpoint)
    rows.update(errors(goldens, *both(vae, goldens.autoencoder)))
    del vae
    rows.update(errors(goldens, *both(text_encoder(goldens.checkpoint), goldens.text)))
    spoken = text_encoder(goldens.checkpoint)    # the shared pass reads what f32 says, in both precisions
    unet = denoiser(goldens.checkpoint)
    rows.update(errors(goldens, *both(unet, lambda net: goldens.unet(net, spoken))))
    return rows


def probe():
    """Times a convolution and a product of the U-Net's kind in each precision."""
    features, rows = torch.randn(1, 320, 64, 64), torch.randn(1, 4096, 320)
    cases = [("3x3 convolution", torch.nn.Conv2d(320, 320, 3, padding=1), features, 320 * 320 * 9 * 4096),
             ("feed-forward", torch.nn.Linear(320, 2560), rows, 4096 * 320 * 2560)]
    for precision in PRECISIONS:
        for what, net, given, products in cases:
            net, given = net.to(precision, memory_format=torch.channels_last), given.to(precision)
            net(given)
            start = time.perf_counter()
            net(given)
            seconds = time.perf_counter() - start
            print(f"{precision} {what}: {seconds:.3f} s, {products / seconds / 1e9:.2f} GMAC/s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("checkpoint")
    parser.add_argument("golden")
    parser.add_argument("out", nargs="?")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--probe", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    logging.set_verbosity_error()
    with torch.inference_mode():
        if options.probe:
            return probe()
        if not options.out:
            parser.error("name the file to write")
        kind = Full if os.path.exists(f"{options.golden}/golden.safetensors") else Tiny
        rows = measured(kind(options.checkpoint, options.golden))
    rows = {name: {key: float(f"{value:.4g}") for key, value in row.items()} for name, row in rows.items()}
    report = {"torch": torch.__version__, "capability": torch.backends.cpu.get_cpu_capability(),
              "threads": options.threads, "maps": rows}
    with open(options.out, "w") as file:
        json.dump(report, file, indent=1)
        file.write("\n")
    strangers = [name for name, row in rows.items() if not row["golden"] <= 1e-3]
    if strangers:
        sys.exit(f"not the golden's maps in f32: {', '.join(strangers)}")


if __name__ == "__main__":
    main()
