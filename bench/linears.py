"""What PEFT's LoftQ and NumPy take for one linear of a large model.

    python bench/linears.py FOLDER OUT IN RANK NAME ...        names: loftq1, loftq5, numpy

The folder holds W and Q (float32) and H (float64) as raw numbers. Prints one JSON object: seconds of wall time, seconds of
all processors, and tr(R H R^T) as a share of what it is without adapter, of each.
"""
import json
import pathlib
import sys
import time

import numpy as np
import torch
from loftq_cpu import loftq_init


def spent(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}


def square_root_method(E, H, rank):
    """The optimum by the square root of H, as QERA and others write it: eigh of H, SVD of E H^(1/2)."""
    values, vectors = np.linalg.eigh(H)
    root = vectors * np.sqrt(np.maximum(values, 0))
    U = np.linalg.svd(E @ root, full_matrices=False)[0][:, :rank]
    return U, U.T @ E


def main():
    folder, shape, rank = pathlib.Path(sys.argv[1]), tuple(map(int, sys.argv[2:4])), int(sys.argv[4])
    W, Q = (np.fromfile(folder / f"{name}.bin", dtype=np.float32).reshape(shape) for name in "WQ")
    H = np.fromfile(folder / "H.bin").reshape(shape[1], shape[1])
    E = (W - Q).astype(np.float64)
    H32 = H.astype(np.float32)  # losses to six digits are enough here, in half the time

    def loss(R):
        R = R.astype(np.float32)
        return float(np.sum((R @ H32) * R, dtype=np.float64))

    rank0 = loss(E)
    report = {}
    for name, iterations in (("loftq1", 1), ("loftq5", 5)):
        if name not in sys.argv:
            continue
        weight = torch.from_numpy(W)
        (base, A, B), report[name] = spent(lambda: loftq_init(weight, 4, rank, num_iter=iterations))
        report[name]["loss"] = loss(W - base.float().numpy() - (B.double() @ A.double()).numpy()) / rank0
    if "numpy" in sys.argv:
        (U, C), report["numpy"] = spent(lambda: square_root_method(E, H, rank))
        report["numpy"]["loss"] = loss(E - U @ C) / rank0
    print(json.dumps(report))


main()
