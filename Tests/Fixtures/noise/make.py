"""Standard normal numbers as torch draws them on the CPU, one file of little-endian f32 each, named by seed and count.

torch 2.13.0, CPU with AVX2; run in this folder.
"""
import math
import torch

for seed in (0, 1, 4294967295):
    for shape in ((16,), (17,), (1, 4, 3, 5), (100,), (1, 4, 24, 16), (4096,)):
        generator = torch.Generator().manual_seed(seed)
        torch.randn(shape, generator=generator).numpy().tofile(f"{seed}-{math.prod(shape)}.f32")
