#!/usr/bin/env python3
"""Golden answers of the recipe `best`'s kernels on seeded data: guided filter, cell means, affinity.

    python3 make_best_kernels.py OUT.safetensors

The guided filter and the square cell means are best_numpy's; the cells and the affinity of grids that are not square
are their generalisation here, checked against best_numpy where the grid is square. OUT with the suffix .json lists the
cases and their numbers. Tensors of the case NAME:

    guided.NAME.guide [H,W,3] uint8, .maps [K,H,W], .result [K,H,W] (float64 rounded to float32; before any min-max)
    area.NAME.picture [H,W,3] uint8, .result [h,w,3]
    affinity.NAME.picture, .self [h*w,h*w], .result [h*w,h*w]; .maps [K,h*w], .twice [K,h*w] = A (A map), no min-max
"""

import argparse
import json
import best_numpy as best
import numpy as np
from safetensors.numpy import save_file


def area(picture, h, w):
    """Mean over the cells floor(i H/h) ..< ceil((i+1) H/h), rows and columns alike; values 0...1."""
    H, W = picture.shape[:2]
    out = np.empty((h, w, 3))
    values = picture.astype(np.float64) / 255
    for i in range(h):
        for j in range(w):
            out[i, j] = values[i * H // h : -(-(i + 1) * H // h), j * W // w : -(-(j + 1) * W // w)].mean((0, 1))
    return out


def affinity(S, picture, h, w, colour=0.2, position=0.1):
    """S times the kernel of colour and position (row / h, column / w), normalised; empty rows are the identity's."""
    y, x = np.divmod(np.arange(h * w), w)
    f = np.concatenate([area(picture, h, w).reshape(-1, 3) / colour, np.stack([y / h, x / w], 1) / position], 1)
    A = S.astype(np.float64) * np.exp(-0.5 * ((f[:, None] - f[None]) ** 2).sum(-1))
    total = A.sum(1, keepdims=True)
    return np.where(total > 0, A / np.where(total > 0, total, 1), np.eye(h * w))


def picture(rng, H, W, kind):
    y, x = np.mgrid[0:H, 0:W]
    if kind == "constant":
        return np.full((H, W, 3), (90, 141, 200), np.uint8)
    smooth = np.stack([128 + 100 * np.sin(x / 7 + y / 11), 128 + 90 * np.cos(y / 5), 2.5 * x + 1.5 * y], -1)
    if kind == "smooth":
        return np.clip(smooth, 0, 255).astype(np.uint8)
    if kind == "grey":
        return np.repeat(np.clip(smooth[..., :1], 0, 255), 3, -1).astype(np.uint8)
    if kind == "noise":
        return rng.integers(0, 256, (H, W, 3), dtype=np.uint8)
    out = np.clip(smooth + rng.normal(0, 8, smooth.shape), 0, 255).astype(np.uint8)  # edges
    out[H // 4 : H // 2 + 1, W // 3 : 2 * W // 3 + 1] = (220, 30, 40)
    return out


GUIDED = [  # name, H, W, guide, labels, radius, eps
    ("edges", 37, 53, "edges", 3, 3, 1e-4),
    ("smooth", 41, 29, "smooth", 2, 5, 1e-4),
    ("noise", 33, 47, "noise", 2, 4, 1e-4),
    ("constant", 24, 31, "constant", 2, 3, 1e-4),
    ("grey", 30, 26, "grey", 2, 3, 1e-4),
    ("column", 45, 1, "edges", 2, 4, 1e-4),
    ("row", 1, 40, "edges", 2, 3, 1e-4),
    ("pixel", 1, 1, "noise", 2, 1, 1e-4),
    ("small", 5, 7, "noise", 2, 9, 1e-4),
    ("radius1", 19, 23, "edges", 1, 1, 1e-4),
    ("eps", 28, 36, "edges", 2, 3, 1e-2),
    ("large_radius", 50, 61, "edges", 5, 20, 1e-4),
    ("flat_map", 20, 30, "edges", 1, 2, 1e-4),
]
AREA = [
    ("square", 150, 190, 16, 16),
    ("exact", 64, 64, 16, 16),
    ("small", 10, 13, 16, 16),
    ("tall", 57, 83, 12, 20),
    ("wide", 83, 57, 20, 12),
    ("pixel", 1, 1, 3, 2),
    ("same", 9, 11, 9, 11),
    ("one", 31, 17, 1, 1),
]
AFFINITY = [
    ("square", 40, 50, 8, 8, "edges"),
    ("tall", 60, 40, 12, 8, "smooth"),
    ("wide", 33, 70, 5, 11, "edges"),
    ("noise", 31, 29, 9, 7, "noise"),
    ("constant", 20, 20, 6, 6, "constant"),
    ("empty_row", 24, 24, 6, 5, "edges"),
]


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("out")
    args = ap.parse_args()
    rng = np.random.default_rng(20)
    out, cases = {}, []
    for name, H, W, kind, K, r, eps in GUIDED:
        g = picture(rng, H, W, kind)
        y, x = np.mgrid[0:H, 0:W]
        p = np.stack(
            [
                best.minmax(
                    np.exp(-((y - H * rng.random()) ** 2 + (x - W * rng.random()) ** 2) / (0.1 * H * W + 1))
                    + rng.normal(0, 0.02, (H, W))
                )
                for _ in range(K)
            ]
        ).astype(np.float32)
        if name == "flat_map":
            p[:] = 0.25
        q = np.stack([best.guided(m, best.guide(g, r, eps), r) for m in p])
        out |= {f"guided.{name}.guide": g, f"guided.{name}.maps": p, f"guided.{name}.result": q.astype(np.float32)}
        cases.append(dict(kernel="guided", name=name, radius=r, eps=eps, guide=kind))
    for name, H, W, h, w in AREA:
        g = picture(rng, H, W, "noise")
        a = area(g, h, w)
        if h == w:
            assert np.abs(a - best.area(g, h)).max() < 1e-6
        out |= {f"area.{name}.picture": g, f"area.{name}.result": a.astype(np.float32)}
        cases.append(dict(kernel="area", name=name))
    for name, H, W, h, w, kind in AFFINITY:
        g = picture(rng, H, W, kind)
        S = np.exp(rng.normal(0, 1.5, (h * w, h * w)))
        S = (S / S.sum(1, keepdims=True)).astype(np.float32)
        if name == "empty_row":
            S[[0, 13]] = 0
        A = affinity(S, g, h, w)
        if h == w:
            assert np.abs(A - best.affinity(S, g, h)).max() < 1e-5
        m = rng.random((2, h * w)).astype(np.float32)
        twice = (A @ (A @ m.T.astype(np.float64))).T
        out |= {
            f"affinity.{name}.picture": g,
            f"affinity.{name}.self": S,
            f"affinity.{name}.result": A.astype(np.float32),
            f"affinity.{name}.maps": m,
            f"affinity.{name}.twice": twice.astype(np.float32),
        }
        cases.append(dict(kernel="affinity", name=name, height=h, width=w, sigma_colour=0.2, sigma_position=0.1))
    save_file({k: np.ascontiguousarray(v) for k, v in out.items()}, args.out)
    json.dump(
        dict(cases=cases, numpy=np.__version__), open(args.out.removesuffix(".safetensors") + ".json", "w"), indent=1
    )


if __name__ == "__main__":
    main()
