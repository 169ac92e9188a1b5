"""The sample model at the settings of figures.json, run once and loaded once for all tests that look at it."""

from functools import cache

from quail import LLAMA, init_lora, run_alone
from reference import Reference

METHODS = ("svd", "diag", "quailora", "exact")


@cache
def sample_run():
    """The `finished` event of one pass: NF4 with double quantization, rank 16, four methods; by a command line of its own."""
    return init_lora(LLAMA, METHODS, by=run_alone)


@cache
def sample_reference():
    return Reference(LLAMA)
