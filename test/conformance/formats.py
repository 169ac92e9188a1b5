"""Lets the reference library judge our safetensors files.

python test/conformance/formats.py           checks: (1) the committed reference file, which a unit test holds our writer
                                             to, is what safetensors writes; (2) safetensors refuses every hostile file
                                             that we refuse, except those where we are stricter on purpose
python test/conformance/formats.py --write   writes the reference file anew
"""

import json
import struct
import sys
import tempfile
from pathlib import Path

import torch
from safetensors import SafetensorError, deserialize
from safetensors.torch import save_file

FIXTURES = Path(__file__).resolve().parent.parent / "fixtures"
REFERENCE = FIXTURES / "formats" / "reference.safetensors"


def reference_tensors():
    """Names and dtypes that exercise the order, the escapes and the shapes; element i of the k-th tensor is i + k."""
    specs = [
        ("b.weight", torch.bfloat16, (3, 5)),
        ("a.weight", torch.bfloat16, (2, 2)),
        ("half", torch.float16, (7,)),
        ("Z", torch.float32, (4, 1)),
        ("layer.10", torch.float32, (3,)),
        ("layer.9", torch.float32, (3,)),
        ('quote " back\\slash', torch.float32, (1,)),
        ("tab\tline\nbell\x07del\x7f", torch.float32, (1,)),
        ("grüße", torch.float32, (1,)),
        ("\U0001f426 bird", torch.float32, (1,)),  # above U+FFFF: sorts last by bytes, not by UTF-16 units
        ("\uff21 wide", torch.float32, (1,)),
        ("scalar", torch.float32, ()),
        ("empty", torch.float32, (0, 4)),
        ("codes", torch.uint8, (5,)),
        ("signed", torch.int8, (3,)),
        ("ids", torch.int64, (2,)),
        ("double", torch.float64, (2,)),
        ("__proto__", torch.int32, (1,)),
    ]
    return {
        name: (torch.arange(torch.Size(shape).numel()) + k).to(dtype).reshape(shape)
        for k, (name, dtype, shape) in enumerate(specs)
    }


def write_reference(path):
    save_file(reference_tensors(), path, metadata={"format": "pt"})


def hostile_bytes(file):
    if "hex" in file:
        return bytes.fromhex(file["hex"])
    header = bytes.fromhex(file["headerHex"]) if "headerHex" in file else file.get("header", "").encode()
    declared = int(file.get("declared", len(header)))
    return struct.pack("<Q", declared) + header + bytes(file.get("data", 0))


def reference_accepts(content):
    try:
        deserialize(content)
        return True
    except SafetensorError:
        return False


def checks():
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "reference.safetensors"
        write_reference(path)
        yield "the reference file is what safetensors writes", path.read_bytes() == REFERENCE.read_bytes()
    index = json.loads((FIXTURES / "hostile" / "index.json").read_text(encoding="utf-8"))
    for case in index["safetensors"]:
        expected = case.get("reference") == "accepts"
        yield f"safetensors {'accepts' if expected else 'rejects'}: {case['how']}", (
            reference_accepts(hostile_bytes(case["file"])) == expected
        )


def main():
    if "--write" in sys.argv:
        REFERENCE.parent.mkdir(exist_ok=True)
        write_reference(REFERENCE)
        return 0
    results = list(checks())
    for name, passed in results:
        if not passed:
            print(f"FAILED {name}")
    failed = sum(not passed for _, passed in results)
    print(f"{len(results) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
