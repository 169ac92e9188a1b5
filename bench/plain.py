"""What a user would write instead of running Quail, plainly, with torch on the processor: the time to beat.

    python bench/plain.py MODEL TEXT ROWS CONTEXT RANK

Second moments H = Σ x xᵀ of every linear's inputs by hooks, in float64; W in NF4; an SVD of the error E = W − Q, then 20
alternations of A = E H B (Bᵀ H B)⁻¹ and B = Eᵀ A (Aᵀ A)⁻¹ (arXiv 2410.14713). Prints one line of JSON: seconds, and the
mean share of tr(E H Eᵀ) that is left.
"""
import json
import sys
import time

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ALTERNATIONS = 20
BLOCK = 64
ROWS_AT_ONCE = 8
LEVELS = torch.tensor(
    [-1.0, -0.6961928, -0.5250731, -0.3949175, -0.2844414, -0.1847734, -0.0910500, 0.0]
    + [0.0795803, 0.1609302, 0.2461123, 0.3379152, 0.4407098, 0.5626170, 0.7229568, 1.0]
)


def nf4(weight):
    blocks = weight.reshape(-1, BLOCK)
    largest = blocks.abs().amax(1, keepdim=True)
    codes = torch.bucketize(blocks / largest, (LEVELS[1:] + LEVELS[:-1]) / 2)
    return (LEVELS[codes] * largest).reshape(weight.shape)


def second_moments(model, linears, rows):
    moments = {}

    def add(name):
        def hook(_, inputs):
            x = inputs[0].reshape(-1, inputs[0].shape[-1]).double()
            moments[name] = moments.get(name, 0) + x.T @ x

        return hook

    hooks = [linear.register_forward_pre_hook(add(name)) for name, linear in linears.items()]
    for first in range(0, len(rows), ROWS_AT_ONCE):
        model.model(input_ids=rows[first : first + ROWS_AT_ONCE])
    for hook in hooks:
        hook.remove()
    return {name: sums / rows.numel() for name, sums in moments.items()}


def left_after(weight, moments, rank):
    """Share of the loss that an adapter of this rank leaves."""
    error = (weight - nf4(weight)).double()
    u, s, vt = torch.linalg.svd(error.float(), full_matrices=False)
    a = (u[:, :rank] * s[:rank].sqrt()).double()
    b = (vt[:rank].T * s[:rank].sqrt()).double()
    for _ in range(ALTERNATIONS):
        a = torch.linalg.solve(b.T @ moments @ b, (error @ moments @ b).T).T
        b = torch.linalg.solve(a.T @ a, a.T @ error).T
    rest = error - a @ b.T
    return (((rest @ moments) * rest).sum() / ((error @ moments) * error).sum()).item()


@torch.no_grad()
def main(path, text, rows, context, rank):
    ids = AutoTokenizer.from_pretrained(path)(open(text).read(), add_special_tokens=False)["input_ids"]
    step = len(ids) // context // rows
    tokens = torch.tensor([ids[i * step * context : (i * step + 1) * context] for i in range(rows)])
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()
    linears = {n: m for n, m in model.named_modules() if isinstance(m, torch.nn.Linear) and "lm_head" not in n}
    started = time.perf_counter()
    moments = second_moments(model, linears, tokens)
    left = [left_after(linear.weight, moments[name], rank) for name, linear in linears.items()]
    print(json.dumps({"seconds": time.perf_counter() - started, "lossLeft": sum(left) / len(left)}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6]))
