#!/usr/bin/env python3
"""The golden mask of `dseg doctor`'s self-test, by diffusers and PyTorch in float32: no output of dseg goes into it.

    python3 make_self_test.py ../../../Sources/dsegd/Resources [--digests]

Reads the demo model and self-test/picture.png, asks the recipe `shared` for the labels below (one pass with the empty
prompt, mean latent, noise of the seed; each label's own keys against that pass's queries), and writes
self-test/golden.png: a grey PNG of the picture's size, 0 background, then the labels in their order, and 255 where two
answers are nearer to each other than MARGIN, for there rounding may decide. Then, or with --digests alone, it writes
self-test/sha256sums: the SHA-256 of each file that answers depend on, as sha256sum(1) writes them.
"""

import hashlib
import pathlib
import sys

FOLDERS = ["clip", "demo", "demo-captioner", "demo-filter", "self-test"]
LABELS = ["cat", "tree"]
WEIGHTS = (0.3, 0.5, 0.2)  # of the cross-attention's sides, coarse to fine
THRESHOLD, MARGIN, UNSURE = 0.5, 0.01, 255


def write_digests(resources):
    files = sorted(p for folder in FOLDERS for p in (resources / folder).rglob("*") if p.is_file())
    names = [p.relative_to(resources).as_posix() for p in files]
    names = [n for n in names if not n.endswith(("README.md", "LICENSE", "sha256sums"))]
    lines = [f"{hashlib.sha256((resources / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (resources / "self-test/sha256sums").write_text("".join(lines))


def write_golden(resources):
    import numpy as np
    import torch
    import torch.nn.functional as F
    from PIL import Image

    sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "best"))
    import make_best

    torch.set_num_threads(1)
    torch.set_grad_enabled(False)

    def minmax(x):
        return (x - x.min()) / (x.max() - x.min())

    def resized(maps, size):
        return F.interpolate(maps[None, None], size=size, mode="bilinear", align_corners=False)[0, 0]

    def fused(queries, keys, span, side):
        """The cross maps of a label: means over heads, tokens and the layers of a side, and their weighted sum."""
        by_side = {}
        for layer, q in queries.items():
            q, k = torch.from_numpy(q), torch.from_numpy(keys[layer])
            p = (q @ k.transpose(1, 2) / q.shape[-1] ** 0.5).softmax(-1)[:, :, span[0] : span[1]].mean(-1)
            by_side.setdefault(int(q.shape[1] ** 0.5), []).append(p)
        maps = [resized(torch.cat(by_side[s]).mean(0).view(s, s), (side, side)) for s in sorted(by_side)]
        return sum(weight * minmax(m) for weight, m in zip(WEIGHTS, maps, strict=True))

    model = make_best.Model(resources / "demo")
    picture = np.asarray(Image.open(resources / "self-test/picture.png").convert("RGB"))
    queries, selves = model.run(model.noisy(picture), "")
    side = int(max(p.shape[1] for p in selves.values()) ** 0.5)
    affinity = torch.cat([torch.from_numpy(p) for p in selves.values() if p.shape[1] == side * side]).mean(0)
    scores = [torch.full(picture.shape[:2], THRESHOLD)]
    for label in LABELS:
        prompt = make_best.TEMPLATE.format(label=label)
        seed = fused(queries, model.keys(prompt, queries), model.span(prompt, label), side)
        completed = (affinity @ seed.reshape(-1, 1)).view(side, side)
        scores.append(minmax(resized(completed, picture.shape[:2])))
    best = torch.stack(scores).topk(2, dim=0)
    golden = torch.where(best.values[0] - best.values[1] > MARGIN, best.indices[0], UNSURE)
    Image.fromarray(golden.numpy().astype(np.uint8), "L").save(resources / "self-test/golden.png")
    values, counts = golden.unique(return_counts=True)
    print(dict(zip(values.tolist(), counts.tolist())))


def main():
    resources = pathlib.Path(sys.argv[1])
    if "--digests" not in sys.argv:
        write_golden(resources)
    write_digests(resources)


if __name__ == "__main__":
    main()
