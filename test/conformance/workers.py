"""Runs test cases in several Python processes at once, each with its share of the processors.

A process is started once, since importing torch and transformers takes seconds, and is given one batch of tests after
another: a class, some tests of a large one, or the classes that look at one run. It ends as Python does, so what its
modules keep in temporary folders is removed.
"""

import os
import queue
import subprocess
import sys
import threading
import unittest

WORKERS = 2  # more would need more memory than a small machine has: each holds torch and the models of its test
LARGEST_BATCH = 6
# All that looks at the one run of sample.py: each process that has one of these prepares that run anew.
OF_THE_SAMPLE = ("test_adapters.Sample", "test_measures.Sample", "test_base.Sample")
# Begun first, the longest first: one that is begun last keeps one process while the other has nothing to do.
LONG = (
    "test_towers.Towers",
    "test_tokenizers.Tokens",
    "test_families.Further",
    "test_versions.Releases",
    "test_configs.Layers",
    "test_configs.Rotary",
    "test_heads.Heads",
    "test_fingerprint.Fingerprint",
    "test_flags.Flags",
    "test_adapters.SampleWithoutDoubleQuantization",
    "test_saved_adapters.SavedAdapters",
    "test_base.Families",
    "test_templates.Templates",
    "test_int8.Trained",
    "test_adapters.FusedProjections",
    "test_adapters.SampleInFp4",
)
END = "\x00batch"


class CountingResult(unittest.TextTestResult):
    passed = 0

    def addSuccess(self, test):
        super().addSuccess(test)
        self.passed += 1


def run_suite(suite):
    """Runs the tests here; returns how many passed and failed."""
    runner = unittest.TextTestRunner(stream=sys.stdout, resultclass=CountingResult, verbosity=2, warnings="ignore")
    result = runner.run(suite)
    return result.passed, len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)


def tests_of(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from tests_of(test)
        else:
            yield test


def batches(suite):
    """Names of tests, those of one class together, in the order in which they are begun: what is left at the end is short."""
    by_class = {}
    for test in tests_of(suite):
        # A module that cannot be imported is named by what stands for it: it fails again where it is run.
        lost = isinstance(test, unittest.loader._FailedTest)
        by_class.setdefault(class_of(test), []).append(test._testMethodName if lost else test.id())
    sample = [name for each in OF_THE_SAMPLE for name in by_class.pop(each, [])]
    long = [part for each in LONG for part in parts(by_class.pop(each, []))]
    others = [part for names in by_class.values() for part in parts(names)]
    return [*([sample] if sample else []), *long, *sorted(others, key=len, reverse=True)]


def class_of(test):
    return f"{type(test).__module__}.{type(test).__qualname__}"


def parts(names):
    return [names[at : at + LARGEST_BATCH] for at in range(0, len(names), LARGEST_BATCH)]


def work():
    """A worker process: reads a line of names, runs those tests, says how they went; ends with its input."""
    names_of_batches = os.fdopen(os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # the commands that tests start must not read the names
    for line in names_of_batches:
        passed, failed = run_suite(unittest.TestLoader().loadTestsFromNames(line.split()))
        print(f"\n{END} {passed} {failed}", flush=True)


def start_worker(main):
    threads = str(max(1, (os.cpu_count() or 1) // WORKERS))
    environment = {**os.environ, "OMP_NUM_THREADS": threads, "PYTHONUNBUFFERED": "1"}
    command = [sys.executable, main, "--worker"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment)


def run_batch(worker, names):
    """Returns what the worker printed of these tests, and how many passed and failed; a worker that died fails them all."""
    printed = []
    try:
        worker.stdin.write(" ".join(names) + "\n")
        worker.stdin.flush()
        for line in worker.stdout:
            if line.startswith(END):
                _, passed, failed = line.split()
                return "".join(printed), int(passed), int(failed)
            printed.append(line)
    except BrokenPipeError:
        pass
    printed.append(f"the process ended with {worker.wait()} over {', '.join(names)}\n")
    return "".join(printed), 0, len(names)


def run_parallel(suite, main):
    """Runs the tests in worker processes of `main`; returns how many passed and failed."""
    waiting, lock, counts = queue.SimpleQueue(), threading.Lock(), [0, 0]
    for names in batches(suite):
        waiting.put(names)

    def feed():
        worker = start_worker(main)
        while not waiting.empty():
            try:
                names = waiting.get_nowait()
            except queue.Empty:
                break
            printed, passed, failed = run_batch(worker, names)
            with lock:
                print(printed, end="", flush=True)
                counts[0] += passed
                counts[1] += failed
            if worker.poll() is not None:
                worker = start_worker(main)
        worker.stdin.close()
        worker.wait()

    threads = [threading.Thread(target=feed) for _ in range(WORKERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tuple(counts)
