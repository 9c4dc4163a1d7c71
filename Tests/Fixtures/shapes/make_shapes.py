#!/usr/bin/env python3
"""Goldens of passes whose latents are not square, by diffusers: what each stage makes of a picture stretched to one.

    python3 make_shapes.py          # made with torch 2.13.0, diffusers 0.42.1; half a minute

For the checkpoints ../tiny and ../tiny-odd and each shape, CHECKPOINT-HEIGHTxWIDTH.safetensors, sides of the latent;
README.md says what is in it. All is float32 on the CPU.
"""

import pathlib
import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

HERE = pathlib.Path(__file__).resolve().parent
SHAPES = {"tiny": [(24, 16), (16, 24), (8, 24), (8, 16)], "tiny-odd": [(24, 16), (12, 16), (16, 12)]}
LABELS = ["dog", "teddy bear", "grass"]
WEIGHTS = {4: (0.3, 0.5, 0.1, 0.1), 3: (0.3, 0.5, 0.2)}  # by the number of cross-attention shapes, coarse to fine
TIMESTEP, SEED = 100, 7
STEPS = (1, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47)  # no factor in common with a side: columns are mixed


class Model:
    def __init__(self, path):
        self.tokenizer = CLIPTokenizer.from_pretrained(path / "tokenizer")
        self.text = CLIPTextModel.from_pretrained(path / "text_encoder", dtype=torch.float32).eval()
        self.unet = UNet2DConditionModel.from_pretrained(path / "unet", torch_dtype=torch.float32).eval()
        self.vae = AutoencoderKL.from_pretrained(path / "vae", torch_dtype=torch.float32).eval()
        self.scheduler = DDIMScheduler.from_pretrained(path / "scheduler")
        self.modules = dict(self.unet.named_modules())
        self.factor = 2 ** (len(self.vae.config.block_out_channels) - 1)

    def context(self, prompt):
        length = self.text.config.max_position_embeddings
        ids = self.tokenizer([prompt], padding="max_length", max_length=length, truncation=True).input_ids
        return self.text(torch.tensor(ids)).last_hidden_state

    def run(self, noisy, context):
        """One pass: for each attention layer, in the order they run, whether it is cross-attention, the map's shape,
        the queries [heads, h w, d] and the probabilities [heads, h w, keys]."""
        log, shapes = {}, {}

        class Capture:
            def __init__(self, name):
                self.name = name

            def __call__(self, attn, x, encoder_hidden_states=None, attention_mask=None, temb=None, **_):
                c = x if encoder_hidden_states is None else encoder_hidden_states
                q, k, v = (attn.head_to_batch_dim(f(y)) for f, y in ((attn.to_q, x), (attn.to_k, c), (attn.to_v, c)))
                p = (torch.bmm(q, k.transpose(1, 2)) * attn.scale).softmax(-1)
                shape = shapes[self.name.split(".transformer_blocks")[0]]
                assert shape[0] * shape[1] == x.shape[1]
                log[self.name] = (encoder_hidden_states is not None, shape, q, p)
                return attn.to_out[0](attn.batch_to_head_dim(torch.bmm(p, v)))

        def note(name):
            return lambda _, inputs: shapes.update({name: tuple(inputs[0].shape[2:])})

        spatial = {n: m for n, m in self.modules.items() if hasattr(m, "transformer_blocks")}
        hooks = [m.register_forward_pre_hook(note(n)) for n, m in spatial.items()]
        self.unet.set_attn_processor({n: Capture(n) for n in self.unet.attn_processors})
        self.unet(noisy, TIMESTEP, encoder_hidden_states=context)
        for hook in hooks:
            hook.remove()
        return log


def minmax(a):
    return (a - a.min()) / (a.max() - a.min())


def label_maps(model, label, log):
    """DiffSegmenter's maps of a label from its own prompt's keys and the queries of the pass: fused, and completed."""
    context, tokens = model.context(f"a photograph of {label}"), len(model.tokenizer(label).input_ids) - 2
    latent = max(shape for _, shape, _, _ in log.values())
    cross = {}
    for name, (is_cross, shape, q, _) in log.items():
        if is_cross:
            attn = model.modules[name.removesuffix(".processor")]
            p = (torch.bmm(q, attn.head_to_batch_dim(attn.to_k(context)).transpose(1, 2)) * attn.scale).softmax(-1)
            cross.setdefault(shape, []).append(p[:, :, 4 : 4 + tokens].mean(-1))
    fused = torch.zeros(latent)
    for shape, weight in zip(sorted(cross), WEIGHTS[len(cross)]):
        m = torch.cat(cross[shape]).mean(0).view(1, 1, *shape)
        if shape != latent:
            m = F.interpolate(m, size=latent, mode="bilinear", align_corners=False)
        fused += weight * minmax(m[0, 0])
    self_ = torch.cat([p for c, shape, _, p in log.values() if not c and shape == latent]).mean(0)
    return fused, (self_ @ fused.reshape(-1, 1)).view(latent)


def some_rows(tensor, limit=14_000):
    """Every k-th row, k the least of STEPS with which they have at most `limit` bytes."""
    rows = [tensor[::k] for k in STEPS]
    return next(r for r in rows if r.numel() * 4 <= limit).clone()


def tensors(model, picture, height, width):
    size = (model.factor * height, model.factor * width)
    resized = F.interpolate(picture, size, mode="bilinear", align_corners=False)
    mean = model.vae.encode(2 * resized - 1).latent_dist.mean
    noise = torch.randn((1, 4, height, width), generator=torch.Generator().manual_seed(SEED))
    noisy = model.scheduler.add_noise(mean * model.vae.config.scaling_factor, noise, torch.tensor([TIMESTEP]))
    context = model.context("")
    log = model.run(noisy, context)
    out = dict(picture=some_rows(resized[0].permute(1, 2, 0), 10_000), mean=mean, noise=noise, noisy=noisy)
    out["context"] = context[0]
    out |= {name: some_rows(p.mean(0)) for name, (_, _, _, p) in log.items()}
    for label in LABELS:
        out[f"{label}.fused"], out[f"{label}.score"] = label_maps(model, label, log)
    return {name: t.contiguous() for name, t in out.items()}


def main():
    for checkpoint, shapes in SHAPES.items():
        model = Model(HERE.parent / checkpoint / "checkpoint")
        pixels = np.asarray(Image.open(HERE.parent / checkpoint / "golden/image.png").convert("RGB"))
        picture = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255
        for height, width in shapes:
            save_file(tensors(model, picture, height, width), HERE / f"{checkpoint}-{height}x{width}.safetensors")


if __name__ == "__main__":
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    main()
