"""What the tests on network file systems do: two machines write neighbouring pieces of a file (neighbours.c), and machines
compute one job, the command as each gives it and what must be there in the end. Standard library and NumPy."""

import os
import pathlib
import shutil
import time

import numpy

HERE = pathlib.Path(__file__).resolve().parent
TILEWORK = os.environ.get("TILEWORK_BIN", "tilework")
KERNEL = HERE.parent / "kernels.c"
ROWS, COLUMNS = 64, 16391  # rows begin and end in the middle of pages; a tile is one row
REST = 0.1  # seconds a tile
PATIENCE = float(os.environ.get("TILEWORK_NODES_PATIENCE", 1))
LIMIT = 90 * PATIENCE  # seconds
Y, X = numpy.arange(ROWS, dtype=float), numpy.arange(COLUMNS, dtype=float) / 8
EXPECTED = Y[:, None] * X
INPUTS = {"x.npy", "y.npy"}
MARK = ".r.npy.job"  # beside the result, if the file system has no extended attributes


def wait_for(fact, what, limit=LIMIT):
    end = time.monotonic() + limit
    while not (got := fact()):
        assert time.monotonic() < end, f"waited {limit} s in vain: {what}"
        time.sleep(0.02)
    return got


def save_inputs(folder):
    numpy.save(folder / "y.npy", Y)
    numpy.save(folder / "x.npy", X)


def command(place, node, signs, rest=REST, cache="/run/cache", more=""):
    """For a shell: the job in the folder `place` as this node; `signs`: a folder where it logs the tiles that it computed."""
    return (f"cd {place} && XDG_CACHE_HOME={cache} NODES_REST={rest} NODES_FOLDER={signs} exec {TILEWORK} run {KERNEL}:fill "
            f"-s 'y[i], x[j] -> r[i,j]' y=y.npy x=x.npy -o r=r.npy --parts i={ROWS} --node {node} {more}")


def computed(signs):
    """How many tiles were computed by the process that logs in this folder."""
    log = pathlib.Path(signs, "log")
    return len(log.read_text().split()) if log.exists() else 0


def wrong_rows(file):
    got = numpy.load(file)
    assert got.dtype == EXPECTED.dtype and got.shape == EXPECTED.shape
    return numpy.flatnonzero((got != EXPECTED).any(axis=1)).tolist() if got.tobytes() != EXPECTED.tobytes() else []


# -- neighbouring pieces, which begin and end in the middle of pages --

PIECE, PIECES = 10_000, 400
SIZE = PIECE * PIECES
EXPORT = "/mnt/disk/export"  # the shared folder, on the server


def write_neighbours(way, file, writer, barrier, program):
    return [str(word) for word in (program, way, file, writer, 2, PIECE, PIECES, barrier)]


def check_neighbours(file, program):
    return [str(word) for word in (program, "check", file, 0, 2, PIECE, PIECES, ".")]


def make_barrier(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def wait_at(barrier):
    """Lets both writers begin when both have the file open, and have read it where their way of writing reads."""
    wait_for(lambda: len(list(barrier.iterdir())) == 2, "both writers are ready")
    (barrier / "go").touch()


# -- the job on machines --

class Work:
    """The job on the machines of a lab, whose share is mounted."""

    def __init__(self, lab, where="/mnt/nfs"):
        self.lab, self.where = lab, where
        for old in lab.folder.glob("signs-*"):
            shutil.rmtree(old)
        save_inputs(lab.folder)
        lab.clients[0].check(f"cp /mnt/lab/x.npy /mnt/lab/y.npy {where} && sync")

    def signs(self, node):
        return f"signs-{node.replace('/', '-')}"

    def command(self, node, rest=REST, cache="/run/cache", more=""):
        (self.lab.folder / self.signs(node)).mkdir(exist_ok=True)
        (self.lab.folder / self.signs(node)).chmod(0o777)
        return command(self.where, node, f"/mnt/lab/{self.signs(node)}", rest, cache, more)

    def begin(self, client, node, rest=REST, seconds=LIMIT, more=""):
        return self.lab.clients[client].begin(self.command(node, rest, more=more), seconds)

    def end(self, client, begun, code=0):
        got, said = self.lab.clients[client].end(begun)
        assert got == code, f"exit code {got}\n{said}"
        return said

    def computed(self, node):
        return computed(self.lab.folder / self.signs(node))

    def check(self):
        """The right result on the server's disk, and nothing else left."""
        self.lab.server.check(f"cp {EXPORT}/r.npy /mnt/lab/r.npy")
        assert wrong_rows(self.lab.folder / "r.npy") == []
        (self.lab.folder / "r.npy").unlink()
        left = set(self.lab.server.check(f"ls -A {EXPORT}").split()) - {MARK, "lost+found"}
        assert left == INPUTS | {"r.npy"}, left
