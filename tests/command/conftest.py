"""What the tests of the command share: how it is called, the kernels it is given, what a refusal looks like."""

import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import numpy
import pytest

import survival

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))  # sampling.py

KERNELS = r"""
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <tilework/tilework.h>

int mult(const tw_tile *tile) /* y[i], x[j] -> r[i,j] */
{
    TW_VIEW(double, y, tile->operand[0]);
    TW_VIEW(double, x, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = TW_AT(y, i) * TW_AT(x, j);
        }
    }
    return 0;
}

int matmul(const tw_tile *tile) /* a[i,k], b[k,j] -> r[i,j] */
{
    TW_VIEW(double, a, tile->operand[0]);
    TW_VIEW(double, b, tile->operand[1]);
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            double sum = 0;
            for (int64_t k = 0; k < a.shape[1]; k++) {
                sum += TW_AT(a, i, k) * TW_AT(b, k, j);
            }
            TW_AT(r, i, j) = sum;
        }
    }
    return 0;
}

int outer3(const tw_tile *tile) /* a[i], b[j], c[k] -> r[i,j,k] */
{
    TW_VIEW(double, a, tile->operand[0]);
    TW_VIEW(double, b, tile->operand[1]);
    TW_VIEW(double, c, tile->operand[2]);
    TW_VIEW(double, r, tile->operand[3]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            for (int64_t k = 0; k < r.shape[2]; k++) {
                TW_AT(r, i, j, k) = TW_AT(a, i) * TW_AT(b, j) * TW_AT(c, k);
            }
        }
    }
    return 0;
}

int axpy(const tw_tile *tile) /* x[i], r[i] -> r[i] */
{
    TW_VIEW(double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) += 2 * TW_AT(x, i);
    }
    return 0;
}

int copy(const tw_tile *tile) /* a[i] -> r[i], any dtype */
{
    const tw_view a = tile->operand[0], r = tile->operand[1];
    for (int64_t i = 0; i < r.shape[0]; i++) {
        memcpy((char *)r.data + i * r.strides[0], (const char *)a.data + i * a.strides[0], (size_t)r.dtype.itemsize);
    }
    return 0;
}

int zeros(const tw_tile *tile) /* anything to do with one output */
{
    const tw_view r = tile->operand[tile->noperands - 1];
    memset(r.data, 0, r.ndim == 1 && r.shape[0] > 0 ? (size_t)(r.shape[0] * r.strides[0]) : 0);
    return 0;
}

int where(const tw_tile *tile) /* -> r[i,j], float64: the tile's own numbers, right for any tiles */
{
    TW_VIEW(double, r, tile->operand[0]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = 1000.0 * (double)(tile->start[0] + i) + (double)(tile->start[1] + j);
        }
    }
    return 0;
}

int wrong(const tw_tile *tile) /* y[i], x[j] -> r[i,j]: depends on the tiles */
{
    TW_VIEW(double, r, tile->operand[2]);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        for (int64_t j = 0; j < r.shape[1]; j++) {
            TW_AT(r, i, j) = (double)tile->number;
        }
    }
    return 0;
}

int fails(const tw_tile *tile) /* y[i], x[j] -> r[i,j] */
{
    return tile->number >= 2 ? tw_tile_fail(tile, 7, "no root below %g", 0.5) : 0;
}

int dies(const tw_tile *tile) /* -> r[i]: kills its worker, the first time */
{
    if (tile->number == 3 && tile->attempt == 0) {
        __builtin_trap();
    }
    return zeros(tile);
}

int always_dies(const tw_tile *tile)
{
    if (tile->number == 3) {
        __builtin_trap();
    }
    return 0;
}

int scratch(const tw_tile *tile) /* -> r[i], int64: bytes of scratch, all of them writable */
{
    TW_VIEW(int64_t, r, tile->operand[0]);
    memset(tile->scratch, 1, tile->scratch_size);
    for (int64_t i = 0; i < r.shape[0]; i++) {
        TW_AT(r, i) = (int64_t)tile->scratch_size;
    }
    return 0;
}

int prints(const tw_tile *tile) /* -> r[i] */
{
    fprintf(stderr, "printed on standard error\n");
    printf("printed on standard output\n");
    return zeros(tile);
}

int exits(const tw_tile *tile) /* -> r[i]: ends the program, as if all were well */
{
    if (tile->number == 3) {
        exit(0);
    }
    return zeros(tile);
}

int makes_folder(const tw_tile *tile) /* -> a[i], b[i]: a folder in the place of output b */
{
    memset(tile->operand[0].data, 0, (size_t)tile->operand[0].shape[0] * sizeof(double));
    mkdir("b.npy", 0777);
    return zeros(tile);
}

int moves_folder(const tw_tile *tile) /* -> a[i], b[i]: away with the folder of output b */
{
    memset(tile->operand[0].data, 0, (size_t)tile->operand[0].shape[0] * sizeof(double));
    rename("folder", "gone");
    return zeros(tile);
}

int slow(const tw_tile *tile) /* -> r[i]: 50 ms a tile */
{
    nanosleep(&(struct timespec){.tv_nsec = 50 * 1000 * 1000}, NULL);
    return zeros(tile);
}

int stuck(const tw_tile *tile) /* -> r[i]: a minute a tile, whatever signals come; a file says that one has begun */
{
    close(open("stuck", O_WRONLY | O_CREAT | O_CLOEXEC, 0666));
    struct timespec left = {.tv_sec = 60};
    while (nanosleep(&left, &left) != 0) {
    }
    return zeros(tile);
}
"""


def binary():
    path = os.environ.get("TILEWORK_BIN")
    if not path or not os.access(path, os.X_OK):
        pytest.exit(f"TILEWORK_BIN={path!r} is no program: set it to the tilework command under test", returncode=2)
    return os.path.abspath(path)


@pytest.fixture(scope="session")
def environment(tmp_path_factory):
    """The environment of every call: a cache folder of the tests' own, no settings of the user's."""
    result = {k: v for k, v in os.environ.items() if k not in ("TILEWORK_CC", "ARGP_HELP_FMT", "COLUMNS")}
    result["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    return result


class Folder:
    """A folder to call the command in."""

    def __init__(self, path, environment):
        self.path = path
        self.environment = environment

    def __truediv__(self, name):
        return self.path / name

    def save(self, name, array):
        numpy.save(self.path / name, array)
        return name

    def load(self, name="r.npy"):
        return numpy.load(self.path / name)

    def command(self, *arguments):
        return [binary(), *map(str, arguments)]

    def call(self, *arguments, env=None, timeout=120, **options):
        if "input" not in options:
            options["stdin"] = subprocess.DEVNULL
        return subprocess.run(
            self.command(*arguments),
            cwd=self.path,
            env={**self.environment, **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            **options,
        )

    def start(self, *arguments, **options):
        """In a session of its own, so that what it leaves behind can be found, with signals as a shell gives them."""

        def default_signals():
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)

        options.setdefault("stdout", subprocess.PIPE)
        options.setdefault("stderr", subprocess.PIPE)
        return subprocess.Popen(
            self.command(*arguments),
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=default_signals,
            **options,
        )

    def contents(self):
        """Every file with what is in it."""
        return {
            str(p.relative_to(self.path)): hashlib.sha256(p.read_bytes()).hexdigest() if p.is_file() else "folder"
            for p in self.path.rglob("*")
            if os.access(p, os.R_OK)
        }

    def run_ok(self, *arguments, **options):
        result = self.call("run", *arguments, **options)
        assert result.returncode == 0, result.stderr
        return result

    def forget(self):
        """Away with what unfinished runs have left."""
        for path in [found for ending in ("part", "journal", "partials") for found in self.path.rglob(f"*.npy.{ending}")]:
            path.unlink()

    def failed(self, code, *arguments, kept, says=(), warnings=(), output="r.npy", **options):
        """A run that failed after it began: exit code, one sentence, what was done about it; `kept` tiles stay, with the
        command to continue, and are thrown away here."""
        before = self.contents()
        result = self.call(*arguments, **options)
        lines = [line for line in result.stderr.splitlines() if not any(re.search(w, line) for w in warnings)]
        assert result.returncode == code, result.stderr
        for text in [says] if isinstance(says, str) else says:
            assert text in lines[0], result.stderr
        assert all(line.startswith("tilework: ") for line in lines), result.stderr
        advice = lines[1:]
        if advice and advice[0].startswith("tilework: to run this tile alone: tilework replay "):
            advice.pop(0)
        if kept:
            assert len(advice) == 1, result.stderr
            assert re.match(rf"tilework: {kept} of \d+ tiles are done and kept in {output}.part; to continue: tilework run "
                            "--resume ", advice[0]), result.stderr  # fmt: skip
            assert (self.path / f"{output}.part").exists() and (self.path / f"{output}.journal").exists()
        else:
            assert not advice, result.stderr
        assert result.stdout == ""
        self.forget()
        assert self.contents() == before
        return result

    def refused(self, code, *arguments, says=(), sentences=1, **options):
        """Ends with this exit code and one sentence on standard error, prints nothing else, touches no file."""
        before = self.contents()
        result = self.call(*arguments, **options)
        lines = result.stderr.splitlines()
        assert result.returncode == code, result.stderr
        assert lines and lines[0].startswith("tilework: "), result.stderr
        hints = [line for line in lines[1:] if line.startswith("try 'tilework")]
        assert len(lines) - len(hints) == sentences, result.stderr
        assert not re.search(r"[^.]\.$", lines[0]), result.stderr
        for text in [says] if isinstance(says, str) else says:
            assert text.replace("'", "") in result.stderr.replace("'", ""), result.stderr
        assert result.stdout == ""
        assert self.contents() == before
        return result


@pytest.fixture
def folder(tmp_path, environment):
    """With kernels.c, y.npy = 0 .. 999 and x.npy = 2000 random numbers."""
    result = Folder(tmp_path, environment)
    (tmp_path / "kernels.c").write_text(KERNELS)
    result.save("y.npy", numpy.arange(1000.0))
    result.save("x.npy", numpy.random.default_rng(1).random(2000))
    return result


@pytest.fixture
def mult():
    """Arguments of the usual job."""
    return ["kernels.c:mult", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy"]


@pytest.fixture(scope="session")
def kernels(tmp_path_factory):
    """A name for one of the kernels of survival.py."""
    path = tmp_path_factory.mktemp("kernels") / "survival.c"
    path.write_text(survival.KERNELS)
    return lambda name: f"{path}:{name}"


def session_processes(session):
    """Processes of a session that have not ended."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[3]) == session and fields[0] != "Z":
                found.append(int(entry.name))
    return found
