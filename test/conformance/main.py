"""Runs the conformance tests and prints `N passed, N failed` as the last line.

python test/conformance/main.py [NAME ...]     a name as unittest takes it, for example test_adapters.Sample
"""

import logging
import os
import sys
import unittest
import warnings
from pathlib import Path

from workers import run_parallel, run_suite, work

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error", TOKENIZERS_PARALLELISM="false")
os.environ["HF_HUB_DISABLE_PROGRESS_BARS"] = "1"
os.environ["OMP_WAIT_POLICY"] = "passive"  # threads that spin while others work take five times as long on a busy machine
os.environ["TORCHDYNAMO_DISABLE"] = "1"  # compiling kernels for each small shape takes longer than all the tests
logging.getLogger("bitsandbytes").setLevel(logging.ERROR)  # int8 linears say of every batch that they cast it
warnings.filterwarnings("ignore", message="Warning only once", category=UserWarning)  # of reference_kernels.py


def main():
    here = Path(__file__).resolve()
    sys.path.insert(0, str(here.parent))
    if sys.argv[1:] == ["--worker"]:
        return work()
    loader = unittest.TestLoader()
    names = sys.argv[1:]
    suite = loader.loadTestsFromNames(names) if names else loader.discover(str(here.parent), pattern="test_*.py")
    passed, failed = run_suite(suite) if names else run_parallel(suite, here)
    print(f"{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
