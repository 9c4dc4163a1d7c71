"""The seeds of several labels under one softmax, in numpy; takes the place of best_numpy.seed for a question of several
labels.

inputs as best_numpy.best: q[l] [heads, r*r, d] cross queries of the pass; keys[c][l] [heads, T, d] keys of the label's
own prompt; spans[c] = first and past-the-end position of the label's tokens in it; weights by side. Nothing but the
seeds changes.

For each layer, head and pixel, with z_ct the score of token t of label c's own prompt:

    p_c = mean over c's tokens of e^z_ct
          / (sum over all T positions of c's prompt of e^z_ct + sum over every other label k and its tokens of e^z_kt)

that is, each label's own softmax with the other labels' tokens as further candidates. One label: unchanged. The order
of the labels does not matter. The sum over all positions, the labels' sums and means are taken before any mean over
heads: after it, nothing is gained."""

import math
import numpy as np
from best_numpy import up, minmax


def seeds(q, keys, spans, weights, n):
    by = {}
    for l in q:
        r = math.isqrt(q[l].shape[1])
        if not weights.get(r):
            continue
        z = [q[l] @ k[l].transpose(0, 2, 1) / math.sqrt(q[l].shape[2]) for k in keys]  # [heads, r*r, T] each
        top = np.max([x.max(-1) for x in z], 0)[..., None]
        z = [np.exp(x - top) for x in z]
        own = np.stack([x.sum(-1) for x in z])
        said = np.stack([x[..., a:b].sum(-1) for x, (a, b) in zip(z, spans)])
        mean = np.stack([x[..., a:b].mean(-1) for x, (a, b) in zip(z, spans)])
        by.setdefault(r, []).append(mean / (own + said.sum(0) - said))  # [labels, heads, r*r]
    maps = {r: np.concatenate(v, 1).mean(1) for r, v in by.items()}
    return np.stack(
        [
            minmax(sum(weights[r] * minmax(up(m[c].reshape(r, r), n, n)) for r, m in maps.items()))
            for c in range(len(keys))
        ]
    )
