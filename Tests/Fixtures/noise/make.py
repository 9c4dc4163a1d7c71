"""Standard normal numbers as torch draws them on the CPU, one file of little-endian f32 each.

torch 2.13.0, CPU with AVX2; run in this folder.
"""
import torch

for seed in (0, 1, 4294967295):
    for count in (16, 17, 100, 4096):
        generator = torch.Generator().manual_seed(seed)
        torch.randn(count, generator=generator).numpy().tofile(f"{seed}-{count}.f32")
