"""Prints the arrays of a .npy, .npz or .mat file: name (- of a .npy), type, sides, and in hexadecimals the numbers."""

import sys
import zipfile

import numpy as np
import scipy.io


def arrays(path):
    if path.endswith(".npy"):
        return {"-": np.load(path, allow_pickle=False)}
    if path.endswith(".mat"):
        return {name: array for name, array in scipy.io.loadmat(path).items() if not name.startswith("__")}
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        for member in archive.infolist():
            assert member.date_time == (1980, 1, 1, 0, 0, 0) and member.compress_type == zipfile.ZIP_DEFLATED
    return np.load(path, allow_pickle=False)


sys.stdout.reconfigure(encoding="utf-8")
for name, array in arrays(sys.argv[1]).items():
    print(name, array.dtype.str, ",".join(map(str, array.shape)), array.tobytes().hex())
