"""Makes bitsandbytes on CPU compute what it computes on every other device; import before loading a model.

bitsandbytes 0.50.2 scales an int8 product on CPU by 6.200124e-05, where 1 / 127² and CUDA's constant are 6.200012e-05: all
such products are 1.8e-5 too large. It has two more defects on processors with AVX-512, both found with a layer of 688
features:
- the native 4-bit dequantization reads wrong scales where in_features is not a multiple of the block size (rows then share
  a block); the plain torch implementation of the same formula is used here in its place;
- with AVX-512-BF16, evaluation packs weights anew and asserts that out_features is a multiple of 32.
On a processor without AVX-512 the latter two change nothing but speed.
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


def _int8_mm_dequant(A, row_stats, col_stats, dtype=None, bias=None):
    out = A.view(-1, A.shape[-1]) * (row_stats.reshape(-1, 1) * col_stats.reshape(1, -1)) * (1 / 127**2)
    return (out if bias is None else out + bias).to(dtype or torch.float16)


_library.impl("int8_mm_dequant", _int8_mm_dequant, "CPU", allow_override=True)
