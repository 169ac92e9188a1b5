"""Makes golden files with the real libraries: npm run golden -- KIND NAME [options]; KIND alone lists what it does.

What lies there already is the input and stays as it is: the config and weights of a family, the weight of a quantizer, E and
H of a solver problem. Only what the library makes of it is written. Without it, new ones are made from random numbers.
"""

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TORCHDYNAMO_DISABLE="1")
warnings.filterwarnings("ignore")
ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "test/conformance"))


def sizes(text):
    return [int(size) for size in text.split(",")]


def parser():
    top = argparse.ArgumentParser(prog="npm run golden --", description=__doc__)
    top.add_argument("--out", type=Path, help="the golden directory; default: QUAIL_GOLDEN, or the one of the repository")
    kinds = top.add_subparsers(dest="kind", required=True)

    family = kinds.add_parser("families", help="a checkpoint of families/NAME/config.json, its logits, states and Gram matrices")
    family.add_argument("name")
    family.add_argument("--lengths", type=sizes, default=[24, 18, 11], help="tokens of each row; pads fill up the others")

    family.add_argument("--whole", action="store_true", help="write config.json anew, with every key of its class")

    quantizer = kinds.add_parser("quantizers", help="what bitsandbytes makes of one weight: quantizers/NAME.safetensors")
    quantizer.add_argument("name")
    quantizer.add_argument("--shape", type=sizes, default=[23, 181])
    quantizer.add_argument("--dtype", choices=["float32", "bfloat16", "float16"], default="bfloat16")
    quantizer.add_argument("--blocks", type=sizes, default=[64, 128])

    problem = kinds.add_parser("solver", help="what each method reaches in NumPy: solver/NAME.json and its E, H, products")
    problem.add_argument("name")
    problem.add_argument("--shape", type=sizes, default=[24, 32], help="of E: out, in")
    problem.add_argument("--tokens", type=int, default=256)
    problem.add_argument("--rank", type=int, default=6)

    base = kinds.add_parser("prequantized", help="a family as transformers saves it quantized: prequantized/NAME")
    base.add_argument("name", help="nf4, nf4-dq, fp4 or fp4-dq, after a word of your own where that is taken: odd-nf4-dq")
    base.add_argument("--family", default="llama")

    adapter = kinds.add_parser("adapters", help="an adapter by PEFT on a family, and its logits: adapters/NAME")
    adapter.add_argument("name")
    adapter.add_argument("--family", default="llama")
    adapter.add_argument("--targets", default="all-linear", help="names with commas between, or all-linear")
    adapter.add_argument("--rank", type=int, default=4)
    adapter.add_argument("--alpha", type=float, default=16)
    adapter.add_argument("--rslora", action="store_true")
    adapter.add_argument("--lengths", type=sizes, default=[24, 18, 11])
    return top


def main():
    options = parser().parse_args()
    out = options.out or Path(os.environ.get("QUAIL_GOLDEN") or ROOT / "test/fixtures/golden")
    module = __import__(options.kind)
    for path in module.make(out.resolve(), options):
        print(path)


if __name__ == "__main__":
    main()
