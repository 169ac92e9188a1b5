"""PEFT's LoftQ for this machine's processor."""
import pathlib
import sys
import types

import torch

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
