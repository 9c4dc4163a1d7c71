"""The recipe `best` in plain numpy (float32), from what one U-Net pass leaves behind: the definition.

inputs: q[l] [heads, r*r, d] cross queries, S [n*n, n*n] mean self matrix of the finest layers, k[l] [heads, T, d] keys
of "a photograph of LABEL", tokens first..last of the label, picture [H, W, 3] uint8. All maps row-major. The defaults
are the demo model's optimum; the recipe's own parameters are passed by make_best.py."""

import numpy as np
import math


def linear_weights(n_in, n_out):
    """bilinear, align_corners False, as a matrix [n_out, n_in] (triangle, no antialias, edge clamped)"""
    x = np.maximum((np.arange(n_out) + 0.5) * n_in / n_out - 0.5, 0)
    i = np.minimum(x.astype(int), n_in - 1)
    j = np.minimum(i + 1, n_in - 1)
    f = (x - i).astype(np.float32)
    M = np.zeros((n_out, n_in), np.float32)
    np.add.at(M, (np.arange(n_out), i), 1 - f)
    np.add.at(M, (np.arange(n_out), j), f)
    return M


def up(m, h, w):
    return linear_weights(m.shape[0], h) @ m @ linear_weights(m.shape[1], w).T


def minmax(m):
    a, b = m.min(), m.max()
    return (m - a) / max(b - a, 1e-12)


def area(pic, n):
    """mean over adaptive cells floor(i H/n) ..< ceil((i+1) H/n), as F.interpolate(area)"""
    H, W = pic.shape[:2]
    o = np.empty((n, n, 3), np.float32)
    P = pic.astype(np.float32) / 255
    for i in range(n):
        for j in range(n):
            o[i, j] = P[i * H // n : -(-(i + 1) * H // n), j * W // n : -(-(j + 1) * W // n)].mean((0, 1))
    return o


def affinity(S, pic, n, sc=0.2, sx=0.1):
    c = area(pic, n).reshape(-1, 3) / sc
    y, x = np.divmod(np.arange(n * n), n)
    f = np.concatenate([c, np.stack([y, x], 1).astype(np.float32) / n / sx], 1)
    s = (f * f).sum(1)
    B = np.exp(-0.5 * np.maximum(s[:, None] + s[None] - 2 * f @ f.T, 0))
    M = S * B
    return M / M.sum(1, keepdims=True)


def seed(q, k, first, last, weights, n):
    by = {}
    for l in q:
        z = q[l] @ k[l].transpose(0, 2, 1) / math.sqrt(q[l].shape[2])
        z = np.exp(z - z.max(-1, keepdims=True))
        p = z / z.sum(-1, keepdims=True)
        by.setdefault(math.isqrt(q[l].shape[1]), []).append(p[:, :, first:last].mean(-1))
    out = sum(w * minmax(up(np.concatenate(by[r]).mean(0).reshape(r, r), n, n)) for r, w in weights.items() if w)
    return minmax(out)


def box(x, r):
    def one(a):
        n = a.shape[0]
        s = np.concatenate([np.zeros((1,) + a.shape[1:]), a.cumsum(0)])
        lo, hi = np.maximum(np.arange(n) - r, 0), np.minimum(np.arange(n) + r + 1, n)
        return (s[hi] - s[lo]) / (hi - lo).reshape(-1, *[1] * (a.ndim - 1))

    return one(one(x.astype(np.float64)).swapaxes(0, 1)).swapaxes(0, 1)


def guide(pic, r, eps):
    I = pic.astype(np.float64) / 255
    m = box(I, r)
    C = box(I[..., :, None] * I[..., None, :], r) - m[..., :, None] * m[..., None, :]
    return I, m, np.linalg.inv(C + eps * np.eye(3))


def guided(p, g, r):
    I, m, inv = g
    mp = box(p, r)
    cov = box(I * p[..., None], r) - m * mp[..., None]
    a = (inv @ cov[..., None])[..., 0]
    b = mp - (a * m).sum(-1)
    return (box(a, r) * I).sum(-1) + box(b, r)


def best(q, S, keys, spans, pic, n, weights={16: 0.7, 32: 0.3}, rounds=2, gamma=8, eps=1e-4, threshold=0.4):
    H, W = pic.shape[:2]
    r = max(1, round(min(H, W) / 12))
    A = affinity(S, pic, n)
    g = guide(pic, r, eps)
    M = []
    for k, (a, b) in zip(keys, spans):
        m = seed(q, k, a, b, weights, n).reshape(-1)
        for _ in range(rounds):
            m = A @ m
        M.append(minmax(m.reshape(n, n)))
    M = np.stack(M)
    P = M**gamma
    M = M * P / np.maximum(P.sum(0), 1e-9)
    F = np.stack([minmax(guided(up(minmax(m), H, W), g, r)) for m in M])
    return F, np.where(F.max(0) > threshold, F.argmax(0) + 1, 0)
