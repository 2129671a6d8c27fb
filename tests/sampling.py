"""What `make test` takes of many cases of one kind: a sample, the same in every run; `make test-long` takes all of them.

TILEWORK_TEST_LONG=1 means all; tests/run_tests.py sets it for --long. Standard library alone.
"""

import os
import zlib


def is_long():
    return os.environ.get("TILEWORK_TEST_LONG", "") not in ("", "0")


def one_of_each(cases, key):
    """Of the cases that have the same key one, in the order of the cases. Which one follows from the key."""
    cases = list(cases)
    if is_long():
        return cases
    alike = {}
    for number, case in enumerate(cases):
        alike.setdefault(key(case), []).append(number)
    chosen = {numbers[zlib.crc32(repr(name).encode()) % len(numbers)] for name, numbers in alike.items()}
    return [case for number, case in enumerate(cases) if number in chosen]


def one_in(every, cases, row=0):
    """Of the cases one in `every`. Other rows, which are numbered, have other cases: as many rows as `every` have all."""
    cases = list(cases)
    return cases if is_long() else cases[row % min(every, len(cases) or 1)::every]


def pairs(rows, columns, every=None):
    """Of all pairs one in `every`, so that each row and each column is in some; by default as few as that takes."""
    every = every or min(len(rows), len(columns))
    return [(row, column) for r, row in enumerate(rows) for c, column in enumerate(columns) if is_long() or (r + c) % every == 0]
