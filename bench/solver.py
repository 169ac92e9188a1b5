"""The other side of the solver benchmark: PEFT's LoftQ and a NumPy float64 solution on the matrices of one problem.

    python bench/solver.py FILE.safetensors RANK,ALPHA ... --rounds N

The file holds W, Q (float32), H (float64) and factors of Quail as `<method>.<rank>.A` and `.B`. Prints one JSON object:
for each rank the seconds (median) and the loss tr(R H R^T) of everybody, all computed here by the same float64 function.
"""
import argparse
import json
import pathlib
import statistics
import sys
import time
import types

import numpy as np
import torch
from safetensors.numpy import load_file

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "conformance"))
import reference_kernels  # noqa: F401,E402  bitsandbytes reads wrong scales on AVX-512 without it
from peft.utils import loftq_utils  # noqa: E402


def on_cpu(function):
    """The same function with the device name "cuda" in it replaced: LoftQ refuses to run without CUDA otherwise."""
    code = function.__code__
    constants = tuple("cpu" if value == "cuda" else value for value in code.co_consts)
    assert constants != code.co_consts, "loftq_init no longer names its device"
    replaced = types.FunctionType(code.replace(co_consts=constants), function.__globals__, argdefs=function.__defaults__)
    return torch.no_grad()(replaced)


loftq_init = on_cpu(loftq_utils.loftq_init.__wrapped__)


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
