#!/usr/bin/env python3
"""Which of LDM's names diffusers' converter gives to each tensor of a checkpoint:

    python3 make_names.py CHECKPOINT SINGLE OUT

CHECKPOINT is a folder in the diffusers layout, SINGLE the file that diffusers' script
convert_diffusers_to_original_stable_diffusion.py made of it. Tensors are matched by their values, which are random and
so differ. OUT lists [LDM's name, its shape, [network, diffusers' name] of each part]; tensors without a source are left
out.
"""
import json, sys
import numpy as np
from safetensors.numpy import load_file

checkpoint, single, out = sys.argv[1:]
parts = {}
for network in ("unet", "vae", "text_encoder"):
    stem = "model" if network == "text_encoder" else "diffusion_pytorch_model"
    for name, value in load_file(f"{checkpoint}/{network}/{stem}.safetensors").items():
        parts.setdefault(np.ravel(value).astype(np.float16).tobytes(), []).append([network, name])
names = []
for name, value in load_file(single).items():
    flat = np.ravel(value).astype(np.float16).tobytes()
    source = parts.get(flat, [])
    if len(source) == 1:
        names.append([name, list(value.shape), source])
    elif not source and "in_proj" in name:
        third = len(flat) // 3
        sources = [parts.get(flat[i * third:(i + 1) * third], []) for i in range(3)]
        if all(len(s) == 1 for s in sources): names.append([name, list(value.shape), [s[0] for s in sources]])
    elif len(source) > 1: print("ambiguous", name, source)
    else: print("no source", name)
json.dump(sorted(names), open(out, "w"), separators=(",", ":"))
print(len(names), "of", sum(map(len, parts.values())))
