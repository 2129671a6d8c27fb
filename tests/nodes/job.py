"""The job of the tests on nodes: one result of 64 tiles, the command that each engine starts for it, and what must be
there when it is done."""

import collections
import os
import pathlib
import subprocess
import time

import numpy

import family

HERE = pathlib.Path(__file__).resolve().parent
TILEWORK = os.environ["TILEWORK_BIN"]
ROWS, COLUMNS = 64, 16384  # 8 MiB; a tile is one row, 128 KiB
TILES = ROWS
REST = 0.02  # seconds a tile
LIMIT = 60 * float(os.environ.get("TILEWORK_NODES_PATIENCE", 1))  # seconds for any one fact
Y, X = numpy.arange(1.0, ROWS + 1), numpy.arange(1.0, COLUMNS + 1) / 8  # Python kernels that give zeros are tried twice
EXPECTED = Y[:, None] * X
MARK = ".r.npy.job"  # beside the result, if the file system has no extended attributes


def wait_for(fact, what, limit=LIMIT):
    """Waits until fact() is true, and gives what it gave."""
    end = time.monotonic() + limit
    while not (got := fact()):
        assert time.monotonic() < end, f"waited {limit} s in vain: {what}"
        time.sleep(0.01)
    return got


class Job:
    """A folder with the inputs of the job, and the result when it is done. `rest`: seconds a tile."""

    def __init__(self, folder, rest=REST):
        self.folder, self.result, self.run_folder = folder, folder / "r.npy", folder / "r.npy.run"
        self.signs = folder.parent / f"{folder.name}-signs"
        for one in (folder, self.signs):
            one.mkdir()
        numpy.save(folder / "y.npy", Y)
        numpy.save(folder / "x.npy", X)
        self.inputs = set(os.listdir(folder))
        self.word = family.new_word()
        self.own = {"NODES_FOLDER": str(self.signs), **self.word.environment()}
        self.rest(rest)

    def rest(self, seconds):
        """How long a tile takes, for processes that are started from now on."""
        self.own["NODES_REST"] = str(seconds)
        self.env = {**os.environ, **self.own}

    def command(self, node, *more):
        """The words of the command that computes the job as this node; None: alone."""
        return [str(word) for word in (
            TILEWORK, "run", f"{HERE / 'kernels.c'}:fill", "-s", "y[i], x[j] -> r[i,j]", f"y={self.folder}/y.npy", f"x={self.folder}/x.npy",
            "-o", f"r={self.result}", "--parts", f"i={TILES}", *(["--node", node] if node is not None else []), *more)]

    def start(self, words, **options):
        """A process beside this one, in a session of its own; what it says is kept in order."""
        return subprocess.Popen([str(word) for word in words], env={**self.env, **options.pop("env", {})}, stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True, **options)

    def run(self, words, good=(0,), **options):
        """A process until it has ended: what it said."""
        process = self.start(words, **options)
        return self.end(process, good)

    def end(self, process, good=(0,)):
        try:
            said, _ = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            raise AssertionError(f"still running after {LIMIT} s:\n{said}") from None
        assert process.returncode in good, f"exit code {process.returncode}\n{said}"
        return said

    # -- holding one process in the middle of a tile --

    def hold(self, tile):
        (self.signs / f"hold-{tile}").touch()

    def held(self, tile, starter=None):
        """Waits until somebody is held in this tile: its process number. `starter`: a process that must live until then."""
        sign = self.signs / f"held-{tile}"

        def look():
            if starter is not None and starter.poll() is not None and not sign.exists():
                raise AssertionError(f"ended with {starter.returncode}:\n{starter.communicate()[0]}")
            return sign.exists() and sign.read_text()

        return int(wait_for(look, f"a node computes tile {tile}"))

    def release(self, tile):
        (self.signs / f"held-{tile}").unlink()

    # -- facts --

    def computed(self):
        """{tile: how often it was computed}"""
        log = self.signs / "log"
        return collections.Counter(map(int, log.read_text().split())) if log.exists() else collections.Counter()

    def wait_computed(self, tiles):
        wait_for(lambda: len(self.computed()) >= tiles, f"{tiles} tiles are computed")

    def twice(self):
        return sum(count - 1 for count in self.computed().values())

    def check(self, twice=TILES):
        """The right result, every tile computed, at most `twice` of them again, nothing else left: no file, no process."""
        wait_for(lambda: not self.processes(), f"all processes end: {self.processes()}")
        got = numpy.load(self.result)
        assert got.dtype == EXPECTED.dtype and got.shape == EXPECTED.shape
        wrong = numpy.flatnonzero((got != EXPECTED).any(axis=1)) if got.tobytes() != EXPECTED.tobytes() else []
        assert not len(wrong), f"wrong rows: {wrong}"
        assert set(os.listdir(self.folder)) - self.inputs - {MARK} == {"r.npy"}
        assert set(self.computed()) == set(range(TILES))
        assert self.twice() <= twice, f"{self.twice()} tiles computed again"

    def processes(self):
        return self.word.processes()

    def close(self):
        self.word.end()
