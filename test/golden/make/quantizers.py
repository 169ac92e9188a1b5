"""What bitsandbytes on CPU makes of one weight: codes, scales and what they stand for."""

import reference_kernels  # noqa: F401  before anything is quantized
import torch
from bitsandbytes.functional import dequantize_4bit, int8_vectorwise_dequant, int8_vectorwise_quant, quantize_4bit
from safetensors.torch import load_file, save_file

FORMATS = ("nf4", "fp4")


def make(out, options):
    path = out / "quantizers" / f"{options.name}.safetensors"
    old = load_file(path) if path.exists() else {}
    weight = old["weight"] if old else random_weight(options.shape, getattr(torch, options.dtype))
    blocks = sorted({int(key.split(".")[1][1:]) for key in old if key.endswith(".packed")}) if old else options.blocks
    tensors = {"weight": weight}
    for quant_type in FORMATS:
        for block in blocks:
            tensors |= four_bit(weight, quant_type, block)
    tensors |= int8(weight)
    if old:  # the same tensors, in the shape and number format in which they lie there
        tensors = {key: tensors[key].reshape(value.shape).to(value.dtype) for key, value in old.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({key: value.contiguous() for key, value in tensors.items()}, path, metadata={"format": "pt"})
    return [path]


def random_weight(shape, dtype):
    """Normal values with a few outliers, a row of zeros and a row of ties between int8 codes."""
    weight = 0.05 * torch.randn(shape, generator=torch.Generator().manual_seed(7))
    weight[0] = 0
    weight[-1] = (torch.arange(shape[1]) % 127 - 63.5) / 127
    weight[-1, 0] = 1
    weight.view(-1)[1 :: 97] *= 20
    return weight.to(dtype)


def four_bit(weight, quant_type, block):
    prefix = f"{quant_type}.b{block}."
    packed, state = quantize_4bit(weight, blocksize=block, quant_type=quant_type, compress_statistics=False)
    double, nested = quantize_4bit(weight, blocksize=block, quant_type=quant_type, compress_statistics=True)
    tensors = {
        "packed": packed.reshape(-1),
        "absmax": state.absmax,
        "dequantized": dequantize_4bit(packed, state),
        "dq.packed": double.reshape(-1),
        "dq.absmax_codes": nested.absmax,
        "dq.nested_absmax": nested.state2.absmax,
        "dq.offset": nested.offset.reshape(1),
        "dq.dequantized": dequantize_4bit(double, nested),
    }
    return {prefix + key: value for key, value in tensors.items()}


def int8(weight):
    codes, scales, _ = int8_vectorwise_quant(weight.to(torch.float16))
    return {"int8.CB": codes, "int8.SCB": scales, "int8.dequantized": int8_vectorwise_dequant(codes, scales)}
