"""Seconds that bitsandbytes takes to quantize and pack one bfloat16 weight to NF4, with double quantization.

    python bench/quantize.py OUT IN ROUNDS

Prints a JSON list: wall time of each round.
"""
import json
import sys
import time

import bitsandbytes.functional
import torch

rows, columns, rounds = map(int, sys.argv[1:4])
weight = (0.02 * torch.randn(rows, columns)).bfloat16()
seconds = []
for _ in range(rounds + 1):  # the first one loads and warms up
    started = time.perf_counter()
    bitsandbytes.functional.quantize_4bit(weight, blocksize=64, quant_type="nf4", compress_statistics=True)
    seconds.append(time.perf_counter() - started)
print(json.dumps(seconds[1:]))
