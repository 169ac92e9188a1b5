"""Makes bitsandbytes on CPU compute what it computes on every other device; import before loading a model.

bitsandbytes 0.50.2 has two defects on processors with AVX-512, both found with a layer of 688 features:
- the native 4-bit dequantization reads wrong scales where in_features is not a multiple of the block size (rows then share
  a block); the plain torch implementation of the same formula is used here in its place;
- with AVX-512-BF16, evaluation packs weights anew and asserts that out_features is a multiple of 32.
On a processor without AVX-512 this changes nothing but speed.
"""
import bitsandbytes.nn.modules as modules
import torch
from bitsandbytes.backends.default.ops import _dequantize_4bit_compute
from bitsandbytes.backends.utils import _get_4bit_code

modules.has_avx512bf16 = lambda: False

_library = torch.library.Library("bitsandbytes", "IMPL")


def _dequantize_4bit(A, absmax, blocksize, quant_type, shape, dtype):
    code = _get_4bit_code(quant_type, A.device)
    return _dequantize_4bit_compute(A.view(torch.uint8).reshape(-1), absmax.float(), code, blocksize, shape, dtype)


_library.impl("dequantize_4bit", _dequantize_4bit, "CPU", allow_override=True)
