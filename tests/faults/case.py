"""One job of the command in a folder of its own, with faults: its inputs, its expected bytes, what it leaves behind.

Standard library alone: the .npy files are written and read here without NumPy and without the library under test.
"""

import array
import ast
import contextlib
import dataclasses
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import time

ROWS, COLUMNS = 24, 40  # one tile a row
SIGNATURE = "x[i], r[i,j] -> r[i,j], s[i,j]"
INPUTS = {"x.npy", "r0.npy"}
NOTES = {"tiles.log", "faults.log", "said.txt", "fail", "pace"}
PATIENCE = 120  # seconds, after which a run is said to hang
AFTERLIFE = 20  # seconds in which everything must be gone once the command is


def npy(shape, values):
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape!r}, }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode() + array.array("d", values).tobytes()


def npy_items(path):
    """(shape, bytes of the items) of a float64 file in C order."""
    data = pathlib.Path(path).read_bytes()
    if data[:8] != b"\x93NUMPY\x01\x00":
        raise ValueError(f"{path}: begins with {data[:8]!r}")
    (length,) = struct.unpack_from("<H", data, 8)
    header = ast.literal_eval(data[10:10 + length].decode())
    if header["descr"] != "<f8" or header["fortran_order"]:
        raise ValueError(f"{path}: {header}")
    return header["shape"], data[10 + length:]


def step(rows, columns, first=0):
    """(input files, items of the outputs) of the job of tests/faults/step.h, r[0,0] being `first`."""
    x = [float(i * i - 5) for i in range(rows)]
    r = [[float(1000 * i + j + first) for j in range(columns)] for i in range(rows)]
    inputs = {"x.npy": npy((rows,), x), "r0.npy": npy((rows, columns), [value for row in r for value in row])}
    expected = {
        "r.npy": array.array("d", [2 * r[i][j] + x[i] for i in range(rows) for j in range(columns)]).tobytes(),
        "s.npy": array.array("d", [r[i][j] - x[i] for i in range(rows) for j in range(columns)]).tobytes(),
    }
    return inputs, expected


INPUT_FILES, EXPECTED = step(ROWS, COLUMNS)
SUMS = array.array("d", [sum(array.array("d", EXPECTED["s.npy"])[j::COLUMNS]) for j in range(COLUMNS)]).tobytes()


@dataclasses.dataclass(frozen=True)
class Job:
    """What is run: the step, or the step with a reduction, whose partials lie in a file of their own; the fold is a tile
    behind the others, for which no kernel is called."""

    reduces: bool = False

    def words(self):
        if not self.reduces:
            return ["step", "-s", SIGNATURE]
        return ["reduction", "-s", f"{SIGNATURE}, t[j]", "-o", "t=t.npy", "--reduce", "t=sum"]

    @property
    def tiles(self):
        return ROWS + self.reduces

    @property
    def expected(self):
        """{output: (shape, bytes)}"""
        found = {name: ((ROWS, COLUMNS), items) for name, items in EXPECTED.items()}
        return {**found, "t.npy": ((COLUMNS,), SUMS)} if self.reduces else found

    @property
    def kept(self):
        return {"r.npy.journal", *(f"{name}.part" for name in self.expected), *(["r.npy.partials"] * self.reduces)}


def processes_of(session):
    """(pid, state, command) of each process of a session that has not ended."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/stat", "rb") as file:
                    head, _, rest = file.read().decode(errors="replace").rpartition(")")
            except OSError:
                continue
            fields = rest.split()
            if int(fields[3]) == session and fields[0] not in "ZX":
                found.append((int(entry), fields[0], head.partition("(")[2]))
    return found


class Run:
    """One call of the command that has ended: its exit code (None: it hung), what it said, the tiles that it ran, the
    lines of the faults' log."""

    def __init__(self, code, said, tiles, faults, survivors):
        self.code = code
        self.said = said
        self.tiles = tiles
        self.faults = faults
        self.survivors = survivors

    def met(self, point):
        return any(line.split()[:2] == ["met", point] for line in self.faults)

    def did(self, point, action):
        return sum(line.split() == ["did", point, action] for line in self.faults)

    def deaths_told(self):
        return [line for line in self.said.splitlines() if "worker" in line and "tile" in line]


class Case:
    """A folder with the job's inputs. Tests say what is wrong by `wrong`."""

    def __init__(self, folder, command, kernels, job=Job()):
        self.job = job
        self.folder = pathlib.Path(folder)
        self.command = str(command)
        self.kernels = str(kernels)
        self.faults = []
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        for name, data in INPUT_FILES.items():
            (self.folder / name).write_bytes(data)

    def wrong(self, text):
        self.faults.append(text)

    def words(self, pool, workers, options):
        """What is run, for any kind of pool."""
        kernel, *more = self.job.words()
        return [self.command, "run", f"{self.kernels}:{kernel}", *more, "x=x.npy", "r=r0.npy",
                "-o", "r=r.npy", "-o", "s=s.npy", "--tile", "i=1", "--pool", pool, "-w", str(workers), *options]

    def run(self, pool, workers, *options, fault="", environment=None):
        said, log, tiles = (self.folder / name for name in ("said.txt", "faults.log", "tiles.log"))
        for path in (log, tiles):
            path.unlink(missing_ok=True)
        words = self.words(pool, workers, options)
        env = {**os.environ, "TILEWORK_FAULT": fault, "TILEWORK_FAULT_LOG": str(log)} if environment is None else \
            {**os.environ, **environment}
        with open(said, "wb") as file:
            process = subprocess.Popen(words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=file,
                                       stderr=file, start_new_session=True)
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                code = None
        survivors = self.await_end(process.pid)
        if code is None:
            process.wait()
            self.wrong(f"it hung: {' '.join(words)}\n{survivors}")
        return Run(code, said.read_text(errors="replace"), self.numbers(tiles), self.lines(log), survivors)

    def await_end(self, session):
        """What still lives long after the command has ended; it is ended here."""
        until = time.monotonic() + AFTERLIFE
        while True:
            survivors = processes_of(session)
            if not survivors:
                return []
            if time.monotonic() > until:
                for pid, _, _ in survivors:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                self.wrong(f"alive {AFTERLIFE} seconds after the command: {survivors}")
                return survivors
            time.sleep(0.005)

    @staticmethod
    def lines(path):
        return path.read_text().splitlines() if path.exists() else []

    def numbers(self, path):
        return [int(line) for line in self.lines(path)]

    # What a run leaves behind.

    def names(self):
        return {path.name for path in self.folder.iterdir()} - NOTES

    def check_finished(self, which):
        """The outputs are there, right to the last byte, and nothing beside them."""
        if self.names() != INPUTS | set(self.job.expected):
            self.wrong(f"{which}: files in the folder: {sorted(self.names())}")
        for name, (right_shape, expected) in self.job.expected.items():
            if not (self.folder / name).exists():
                self.wrong(f"{which}: {name} is missing")
                continue
            try:
                shape, data = npy_items(self.folder / name)
            except (ValueError, SyntaxError) as error:
                self.wrong(f"{which}: {error}")
                continue
            if shape != right_shape or data != expected:
                row = next((i for i in range(ROWS) if data[i * COLUMNS * 8:(i + 1) * COLUMNS * 8] !=
                            expected[i * COLUMNS * 8:(i + 1) * COLUMNS * 8]), None)
                self.wrong(f"{which}: {name} has other bytes than it should, first in row {row}")
        for name, data in INPUT_FILES.items():
            if (self.folder / name).read_bytes() != data:
                self.wrong(f"{which}: input {name} was changed")

    def check_unfinished(self, which):
        """Nothing but inputs, what is kept for a resume, and outputs that are whole."""
        expected = self.job.expected
        strange = self.names() - INPUTS - self.job.kept - set(expected)
        if strange:
            self.wrong(f"{which}: left behind: {sorted(strange)}")
        for name in set(expected) & self.names():
            try:
                if npy_items(self.folder / name) != expected[name]:
                    self.wrong(f"{which}: {name} has its final name and wrong contents")
            except (ValueError, SyntaxError) as error:
                self.wrong(f"{which}: {name} has its final name but: {error}")

    def recorded(self):
        """The tiles that need not run again: those that the journal has, whose records, 16 bytes each, are its end
        (src/record/journal.h); all of them where an output is complete, since that is only begun when they are done."""
        if self.is_committing():
            return set(range(self.job.tiles))
        path = self.folder / "r.npy.journal"
        data = path.read_bytes() if path.exists() else b""
        records = len(data) - 16 * self.job.tiles
        if records < 512 or records % 512:
            return set()
        return {tile for tile in range(self.job.tiles) if any(data[records + 16 * tile:records + 16 * (tile + 1)])}

    def is_committing(self):
        """An output has the bytes that make it a .npy file."""
        for name in self.job.expected:
            for path in (self.folder / name, self.folder / f"{name}.part"):
                if path.exists() and path.read_bytes()[:6] == b"\x93NUMPY":
                    return True
        return False
