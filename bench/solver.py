"""The other side of the solver benchmark: PEFT's LoftQ and a NumPy float64 solution on the matrices of one problem.

    python bench/solver.py FILE.safetensors RANK,ALPHA ... --rounds N

The file holds W, Q (float32), H (float64) and factors of Quail as `<method>.<rank>.A` and `.B`. Prints one JSON object:
for each rank the seconds (median) and the loss tr(R H R^T) of everybody, all computed here by the same float64 function.
"""
import argparse
import json
import statistics
import time

import numpy as np
import torch
from loftq_cpu import loftq_init
from safetensors.numpy import load_file


def timed(rounds, work):
    result = work()
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), result


def loss_of(R, H):
    return float(np.sum((R @ H) * R))


def numpy_exact(E, H, rank):
    _, vectors = np.linalg.eigh(E @ H @ E.T)
    U = vectors[:, -rank:]
    return U, U.T @ E


def measure(tensors, rank, alpha, rounds):
    W, H = (tensors[key].astype(np.float64) for key in ("W", "H"))
    E = (tensors["W"] - tensors["Q"]).astype(np.float64)
    scaling = alpha / rank
    result = {"rank0": loss_of(E, H)}
    for iterations in (1, 5):
        weight = torch.from_numpy(tensors["W"])
        seconds, (Q, A, B) = timed(rounds, lambda: loftq_init(weight, 4, rank, num_iter=iterations))
        R, correction = W - Q.double().numpy(), (B.double() @ A.double()).numpy()
        result[f"loftq{iterations}"] = {
            "seconds": seconds,
            "loss": loss_of(R - scaling * correction, H),
            "lossUnscaled": loss_of(R - correction, H),
        }
    seconds, (U, C) = timed(rounds, lambda: numpy_exact(E, H, rank))
    result["numpy"] = {"seconds": seconds, "loss": loss_of(E - U @ C, H)}
    for method in ("svd", "quailora", "exact"):
        A, B = (tensors[f"{method}.{rank}.{factor}"].astype(np.float64) for factor in "AB")
        result[method] = {"loss": loss_of(E - scaling * (B @ A), H)}
    return result


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("settings", nargs="+")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    tensors = load_file(options.file)
    pairs = [tuple(map(int, setting.split(","))) for setting in options.settings]
    print(json.dumps({rank: measure(tensors, rank, alpha, options.rounds) for rank, alpha in pairs}))


main()
