"""The jobs of tests/faults/calls_package.py, in one process: `calls_package_job.py REFUSE.SO JOB [KIND [NUMBER]]`.

The interpreter's own calls count as well: those of the run, since everything is imported and warm before the first case.
Its lines go to the file `series`, since workers without memory print what their interpreter has to say.
"""

import ast
import ctypes
import errno
import gc
import os
import pathlib
import shutil
import sys

import numpy as np
from case import ROWS, Case, Job

import tilework as tw

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import sampling  # noqa: E402

KINDS = ("malloc", "mmap", "fork", "thread", "open", "write", "sync", "rename", "read", "remove")  # enum refuse_kind
SERIES = [("malloc", errno.ENOMEM, 7 if sampling.is_long() else 29), ("mmap", errno.ENOMEM, 1), ("fork", errno.EAGAIN, 1), ("thread", errno.EAGAIN, 1),
          ("open", errno.EMFILE, 1), ("write", errno.ENOSPC, 1), ("write", errno.EIO, 1), ("sync", errno.EIO, 1),
          ("rename", errno.EIO, 1), ("read", errno.EIO, 1), ("remove", errno.EIO, 1)]  # kind, errno, every which call
MOST_SHOWN = 5
FOLDER = pathlib.Path("case")


def step(x, r, s, tile):
    """That of case.py; x has a halo of one on each side, mirrored at the ends."""
    index = np.abs(np.arange(tile.ranges["i"].start - 1, tile.ranges["i"].stop + 1))
    index[index == ROWS] = ROWS - 2
    if not (x == index * index - 5.0).all():
        raise ValueError(f"x with its halo is {x}")
    s[...] = r - x[1:-1, None]
    r *= 2
    r += x[1:-1, None]


def run(pool, resume):
    tw.run(step, "x[i-1..i+1], r[i,j] -> r[i,j], s[i,j]", "x.npy", "r0.npy", out={"r": "r.npy", "s": "s.npy"}, dtype=float,
           tiles={"i": 4}, edges={"i": "mirror"}, pool=pool, workers=2, resume=resume)


class Refusals:
    """The preloaded library."""

    def __init__(self, path):
        self.library = ctypes.CDLL(path)
        self.library.refuse_met.restype = ctypes.c_uint64
        self.begin_ = self.library.refuse_begin
        self.begin_.argtypes = [ctypes.c_int, ctypes.c_uint64, ctypes.c_int, ctypes.c_int]
        self.end = self.library.refuse_end
        # CPython 3.11 writes through a null pointer if there is no memory for the state of a thread, and later ones end the
        # program: its calloc, which such states come from, is not refused.
        self.library.refuse_spare_calloc.argtypes = [ctypes.c_void_p]
        assert self.library.refuse_spare_calloc(ctypes.cast(ctypes.pythonapi.PyThreadState_New, ctypes.c_void_p)) == 1

    def begin(self, kind, number, forever, error):
        self.begin_(KINDS.index(kind), number, forever, error)

    def met(self):
        return self.library.refuse_met()


def refused_run(refusals, pool, kind, number, forever, error):
    """What the run ended with; None: it succeeded."""
    begin, end, number_of = refusals.begin_, refusals.end, KINDS.index(kind)
    try:
        begin(number_of, number, forever, error)
        run(pool, False)
    except (tw.Error, MemoryError, OSError) as ended:
        return ended
    except RuntimeError as ended:
        if kind != "malloc":  # "can't allocate lock": so says the interpreter for its own files
            raise
        return ended
    except SystemError as ended:
        last = ended.__traceback__
        while last.tb_next is not None:
            last = last.tb_next
        if kind != "malloc" or last.tb_frame.f_code.co_filename != ast.__file__:
            raise
        return ended  # numpy.load compiles the header of a file, and CPython's compile() forgets to say that it had no memory
    finally:
        end()
    return None


def held():
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


def try_case(refusals, pool, kind, number, forever, error):
    """(calls that were refused, what the run ended with, what is wrong)."""
    case = Case("case", "", "", Job())
    os.chdir(FOLDER)
    try:
        before = held()
        try:
            ended = refused_run(refusals, pool, kind, number, forever, error)
        except BaseException as other:  # none of those that fit
            ended = other
            case.wrong(f"it ended with {type(other).__name__}: {other}")
        met = refusals.met()
        if ended is not None and met == 0:
            case.wrong(f"with nothing refused it ended with {type(ended).__name__}: {ended}")
        if isinstance(ended, tw.TileError) and kind not in ("malloc", "mmap"):  # the kernel itself takes memory alone
            case.wrong(f"the kernel failed: {ended}")
        sentence = str(ended).split("\n\nIn the worker:\n")[0]
        if isinstance(ended, tw.Error) and (len(sentence) < 10 or sentence.endswith(".") or "\n" in sentence):
            case.wrong(f"{type(ended).__name__} says {sentence!r}")
    finally:
        os.chdir("..")
    succeeded, ended = ended is None, None
    if succeeded and kind == "sync" and met:
        case.wrong("success after a sync that failed")
    if kind == "remove" and met:  # it is left, and that is no failure
        pass
    elif succeeded:
        case.check_finished("after the run")
    else:
        case.check_unfinished("after the run")
        if "r.npy.journal" not in case.names() and case.names() & case.job.kept:
            case.wrong(f"parts without a journal: {sorted(case.names())}")
    if not succeeded:
        os.chdir(FOLDER)
        try:
            run(pool, True)
        except Exception as again:  # pylint: disable=broad-except
            case.wrong(f"then, with nothing refused: {type(again).__name__}: {again}")
        os.chdir("..")
        case.check_finished("after resume")
    after = held()
    if after > before + 2:  # a pool that is kept for the next run
        case.wrong(f"{before} descriptors before, {after} after")
    shutil.rmtree(FOLDER)
    return met, not succeeded, case.faults


def run_series(refusals, pool, kind, forever, error, every):
    cases, failed, number, shown = 0, 0, 1, []
    while True:
        met, ended, wrong = try_case(refusals, pool, kind, number, forever, error)
        shown += [f"call {number}: {text}" for text in wrong]
        if not met or number > 100_000:
            break
        cases, failed, number = cases + 1, failed + ended, number + every
    if cases or shown:
        title = f"{kind}: {errno.errorcode[error]}, {'forever' if forever else 'once'}"
        lines = [f"{title}: {cases} cases, {failed} of which ended with an error"]
        lines += ["  " + line.replace("\n", " ") for line in shown[:MOST_SHOWN]]
        with open("series", "a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")


def main():
    path, pool, *rest = sys.argv[1:]
    refusals = Refusals(path)
    for _ in range(3):  # what is imported and kept for good is there by now
        try_case(refusals, pool, "remove", 100_000, False, errno.EIO)
    for kind, error, every in SERIES:
        for forever in (False, True):
            if rest and kind != rest[0]:
                continue
            if len(rest) > 1:
                print(try_case(refusals, pool, kind, int(rest[1]), forever, error))
            else:
                run_series(refusals, pool, kind, forever, error, every)


if __name__ == "__main__":
    main()
