"""Checks with bitsandbytes that an adapter made by Quail belongs to a base.

usage: python check_fingerprint.py MODEL_DIR ADAPTER_DIR

Quantizes the weights of the checkpoint MODEL_DIR on CPU, hashes codes and absmax values, and compares them with the
`fingerprint` block of ADAPTER_DIR/quail.json:
    {"algorithm", "quantizer", "blockSize" (4-bit formats), "dtype", "codes", "absmax", "linears": [{"name", "codes", "absmax"}]}
Needs torch, safetensors and bitsandbytes 0.50 or newer. Exit status: 0 match, 1 no match, 2 cannot be checked.
"""
import hashlib
import json
import os
import sys

ALGORITHM = "sha256-linears-1"


def cannot(reason):
    print(f"cannot be checked: {reason}")
    sys.exit(2)


def read_json(path):
    try:
        with open(path, encoding="utf8") as file:
            return json.load(file)
    except (OSError, ValueError) as error:
        cannot(f"{path}: {error}")


def weight_files(model):
    """The files that transformers loads: single or sharded safetensors, or else single or sharded torch files."""
    named = read_json(os.path.join(model, "config.json")).get("transformers_weights")
    forms = [named] if named else ["model.safetensors", "model.safetensors.index.json"]
    for name in [*forms, "pytorch_model.bin", "pytorch_model.bin.index.json"]:
        path = os.path.join(model, name)
        if not os.path.isfile(path):
            continue
        if not name.endswith(".json"):
            return [path]
        return sorted({os.path.join(model, file) for file in read_json(path).get("weight_map", {}).values()})
    cannot(f"{model} holds no model.safetensors, no pytorch_model.bin, and no index of either")


def weights_in(model):
    """Tensor name -> a function that reads the tensor; of torch files nothing but tensors is loaded."""
    found = {}
    for path in weight_files(model):
        try:
            found.update(torch_tensors(path) if path.endswith(".bin") else safetensors_of(path))
        except Exception as error:  # each library has its own for a file that is missing or damaged
            cannot(f"{path}: {error}")
    return found


def torch_tensors(path):
    import torch

    tensors = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    return {name: (lambda tensor=tensor: tensor) for name, tensor in tensors.items()}


def safetensors_of(path):
    from safetensors import safe_open

    def reader(name):
        def read():
            with safe_open(path, framework="pt") as tensors:
                return tensors.get_tensor(name)

        return read

    with safe_open(path, framework="pt") as tensors:
        return {name: reader(name) for name in tensors.keys()}


def weight_of(name, weights):
    """The weight of a linear; a checkpoint saved from the bare model lacks the first part of the path."""
    for key in (f"{name}.weight", f"{name.partition('.')[2]}.weight"):
        if key in weights:
            return weights[key]()
    cannot(f"the checkpoint has no tensor {name}.weight")


def digests(weight, fingerprint):
    """SHA-256 of the codes and of the raw float32 absmax values of one weight."""
    import torch
    from bitsandbytes.functional import int8_vectorwise_quant, quantize_4bit

    dtype = {"BF16": torch.bfloat16, "F16": torch.float16, "F32": torch.float32}.get(fingerprint["dtype"])
    dtype = dtype or getattr(torch, fingerprint["dtype"])
    loaded = weight.to(dtype).contiguous()
    if fingerprint["quantizer"] not in ("nf4", "fp4", "int8"):
        cannot(f"bitsandbytes has no format {fingerprint['quantizer']}")
    if fingerprint["quantizer"] == "int8":
        codes, absmax, _ = int8_vectorwise_quant(loaded.to(torch.float16))
        return sha256(codes), sha256(absmax)
    packed, state = quantize_4bit(
        loaded,
        blocksize=fingerprint["blockSize"],
        quant_type=fingerprint["quantizer"],
        compress_statistics=False,
    )
    return sha256(packed), sha256(state.absmax)


def sha256(tensor):
    return hashlib.sha256(tensor.numpy().tobytes()).hexdigest()


def total(lines):
    """SHA-256 of the lines `name digest` of all linears, sorted by name in byte order."""
    ordered = sorted(lines, key=lambda line: line[0].encode("utf8"))
    return hashlib.sha256("".join(f"{name} {digest}\n" for name, digest in ordered).encode("utf8")).hexdigest()


def main():
    if len(sys.argv) != 3:
        print(__doc__)
        sys.exit(2)
    model, adapter = sys.argv[1:]
    fingerprint = read_json(os.path.join(adapter, "quail.json")).get("fingerprint")
    if not fingerprint:
        cannot(f"{adapter}/quail.json has no fingerprint")
    if fingerprint["algorithm"] != ALGORITHM:
        cannot(f"the fingerprint is of the kind {fingerprint['algorithm']}, this script knows {ALGORITHM}")
    # A Conv1D is stored as [in, out] and quantized as [out, in].
    transposed = read_json(os.path.join(model, "config.json")).get("model_type") == "gpt2"

    weights = weights_in(model)
    codes, absmax, different = [], [], []
    for linear in fingerprint["linears"]:
        weight = weight_of(linear["name"], weights)
        found = digests(weight.t() if transposed else weight, fingerprint)
        codes.append((linear["name"], found[0]))
        absmax.append((linear["name"], found[1]))
        if found != (linear["codes"], linear["absmax"]):
            different.append(linear["name"])

    count = len(fingerprint["linears"])
    if not different and (total(codes), total(absmax)) == (fingerprint["codes"], fingerprint["absmax"]):
        print(f"match: bitsandbytes gives the codes and absmax values of all {count} linears")
        return
    if different:
        print(f"NO match: {len(different)} of {count} linears differ, first {different[0]}")
    else:
        print("NO match: every linear agrees, but not the digest over all of them")
    sys.exit(1)


if __name__ == "__main__":
    main()
