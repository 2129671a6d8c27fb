"""Jobs of several steps that were ended: they continue from their partial results, and say so where these are lost."""

import time

import numpy
import pytest
from conftest import session_processes
from survival import PROCESSES, wait_for

POOLS = [PROCESSES, ["-w", "2"], ["--pool", "serial"]]
TILES = 50

KERNEL = r"""
#include <fcntl.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>
#include <tilework/tilework.h>

int slow(const tw_tile *tile) /* a[i,j] -> s[j]: adds to what it finds; which tiles are run is written down */
{
    char line[32];
    TW_VIEW(const double, a, tile->operand[0]);
    TW_VIEW(double, s, tile->operand[1]);
    nanosleep(&(struct timespec){.tv_nsec = access("fast", F_OK) == 0 ? 0 : 60000000}, NULL);
    for (int64_t i = 0; i < a.shape[0]; i++) {
        for (int64_t j = 0; j < a.shape[1]; j++) {
            TW_AT(s, j) += TW_AT(a, i, j);
        }
    }
    const int fd = open("tiles.log", O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    const int length = snprintf(line, sizeof line, "%d\n", (int)tile->number);
    const int failed = fd < 0 || write(fd, line, (size_t)length) != length;
    close(fd);
    return failed;
}
"""


@pytest.fixture
def job(folder):
    folder.save("a.npy", numpy.random.default_rng(3).normal(size=(100, 30)))
    (folder / "slow.c").write_text(KERNEL)
    return ["run", "slow.c:slow", "-s", "a[i,j] -> s[j]", "a=a.npy", "-o", "s=s.npy", "--reduce", "s=sum", "--tile", "i=2"]


def tiles_run(folder):
    path = folder / "tiles.log"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


def left(folder):
    return sorted(path.name for path in folder.path.iterdir() if path.name.startswith("s.npy"))


def recorded(folder):
    """How many tiles the journal has."""
    path = folder / "s.npy.journal"
    records = path.read_bytes()[-16 * (TILES + 1) :] if path.exists() else b""
    return sum(any(records[at : at + 16]) for at in range(0, len(records), 16)) if len(records) == 16 * (TILES + 1) else 0


def killed(folder, job, pool):
    """A run that is killed in the middle, and how many tiles it has recorded."""
    process = folder.start(*job, *pool)
    wait_for(lambda: tiles_run(folder) and recorded(folder) > 0, "tiles recorded")
    process.kill()
    process.communicate()
    wait_for(lambda: session_processes(process.pid) == [], "workers gone")
    assert left(folder) == ["s.npy.journal", "s.npy.part", "s.npy.partials"]
    (folder / "tiles.log").unlink()
    (folder / "fast").touch()
    return recorded(folder)


def check_finished(folder, result):
    assert result.returncode == 0, result.stderr
    assert left(folder) == ["s.npy"]
    a = folder.load("a.npy")
    expected = numpy.zeros(30)
    for i in range(0, 100, 2):
        part = numpy.zeros(30) + a[i] + a[i + 1]
        expected = part if i == 0 else expected + part
    assert folder.load("s.npy").tobytes() == expected.tobytes()


@pytest.mark.parametrize("pool", POOLS)
def test_a_killed_program_continues_from_its_partials(folder, job, pool):
    done = killed(folder, job, pool)
    assert 0 < done < TILES
    result = folder.call(*job, *pool, "--resume", "--verify")
    check_finished(folder, result)
    assert f"tilework: continuing: {done} of {TILES + 1} tiles were done\n" in result.stderr
    assert "again" not in result.stderr
    assert len(tiles_run(folder)) == len(set(tiles_run(folder))) == TILES - done


def test_partials_that_are_lost_are_computed_again(folder, job):
    done = killed(folder, job, PROCESSES)
    (folder / "s.npy.partials").unlink()
    result = folder.call(*job, "--resume")
    check_finished(folder, result)
    assert f"tilework: s.npy.partials is missing or of another run: {done} finished tiles run again\n" in result.stderr
    assert sorted(tiles_run(folder)) == list(range(TILES))


def test_a_partial_that_has_changed_is_computed_again(folder, job):
    done = killed(folder, job, PROCESSES)
    data = bytearray((folder / "s.npy.partials").read_bytes())
    data[4096:8192] = bytes(4096)  # those of 17 tiles
    (folder / "s.npy.partials").write_bytes(data)
    result = folder.call(*job, "--resume", "--verify")
    check_finished(folder, result)
    assert "not as recorded, to be run again" in result.stderr
    assert TILES - done < len(tiles_run(folder)) <= TILES


def test_partials_of_another_run_are_discarded_with_it(folder, job):
    killed(folder, job, ["-w", "2"])
    folder.refused(2, *job, says="of 51 tiles of an unfinished run; add --resume to continue it or --restart to discard it")
    check_finished(folder, folder.call(*job, "--restart"))


def test_no_file_of_partials_is_another_file_of_the_run(folder, job):
    (folder / "a.npy").rename(folder / "s.npy.partials")
    job[job.index("a=a.npy")] = "a=s.npy.partials"
    folder.refused(2, *job, says="s.npy.partials is used as both input 'a' and the run's partial results")
    (folder / "fast").touch()
    folder.run_ok(*job[1:], "--no-journal")
    assert (folder / "s.npy.partials").exists()


@pytest.mark.parametrize(
    "statement, output",
    [
        ("s[j] = sum(i: a[i,j]*a[i,j])", "s=s.npy"),
        ("s[i,j] = a[i,j] / sum(k: a[k,j])", "s=s.npy"),
        ("a[i,j] /= sum(k,l: a[k,l])", "a=s.npy"),
    ],
)
def test_statements_that_are_killed_at_any_moment_have_the_same_bits(folder, statement, output):
    folder.save("a.npy", numpy.random.default_rng(5).uniform(1, 2, size=(2000, 600)))
    command = ["run", statement, "a=a.npy", "-o", output, "--tile", "i=20", "-w", "2"]
    folder.run_ok(*command[1:])
    expected = (folder / "s.npy").read_bytes()
    (folder / "s.npy").unlink()
    for moment in numpy.random.default_rng(7).uniform(0.005, 0.12, 12):
        process = folder.start(*command, "--resume")
        time.sleep(moment)
        process.kill()
        process.communicate()
    result = folder.run_ok(*command[1:], "--resume")
    assert left(folder) == ["s.npy"], result.stderr
    assert (folder / "s.npy").read_bytes() == expected
