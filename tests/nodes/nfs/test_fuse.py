"""One folder mounted twice by FUSE, each mount with pages of its own: what mappings lose, that the rules of docs/nodes.md lose
nothing, and the job on both mounts at once."""

import os
import subprocess

import pytest

import fuse
from shared import (INPUTS, LIMIT, MARK, REST, SIZE, check_neighbours, command, computed, make_barrier, save_inputs, wait_at, wait_for,
                    write_neighbours, wrong_rows)


def lost_by(mounts, way, tools):
    """How many bytes the two writers lose, or None if they fail."""
    barrier = make_barrier(mounts.folder / "barrier")
    with open(mounts.back / "file", "wb") as file:
        file.truncate(SIZE)
    writers = [subprocess.Popen(write_neighbours(way, place / "file", i, barrier, tools / "neighbours"), stderr=subprocess.PIPE, text=True)
               for i, place in enumerate(mounts.places)]
    wait_at(barrier)
    said = [writer.communicate(timeout=LIMIT)[1] for writer in writers]
    if any(writer.returncode for writer in writers):
        assert all("Invalid argument" in text for text in said), said
        return None
    check = subprocess.run(check_neighbours(mounts.back / "file", tools / "neighbours"), capture_output=True, text=True, check=True)
    return sum(map(int, check.stdout.split()))


# way, FUSE's write-back cache, whether the file system behind it lies in memory: what happens.
WAYS = [("map", False, False, "loses"), ("map", True, False, "loses"), ("write", True, False, "loses"),
        ("write", False, False, "right"), ("rules", False, False, "right"), ("direct", False, True, "right"),
        ("direct", True, True, "right"), ("direct", True, False, "refuses")]


@pytest.mark.parametrize("way, writeback, memory, happens", WAYS)
def test_neighbours(passthrough, tools, tmp_path, way, writeback, memory, happens):
    with fuse.Twice(passthrough, tmp_path / "twice", writeback, memory) as mounts:
        lost = lost_by(mounts, way, tools)
    assert {"loses": lost is not None and lost > 0, "right": lost == 0, "refuses": lost is None}[happens], lost


@pytest.mark.long
def test_write_back_loses_synchronous_ends_too(passthrough, tools, tmp_path):
    """Why the odd ends of a piece go past FUSE's cache: O_DSYNC alone still writes whole pages there. Which pages two writers
    touch at the same moment is chance, so this may need several turns."""
    for turn in range(30):
        with fuse.Twice(passthrough, tmp_path / f"twice{turn}", writeback=True, memory=False) as mounts:
            if lost_by(mounts, "rules", tools) > 0:
                return
    pytest.fail("no byte was lost in 30 turns")


@pytest.fixture(params=[(False, False), (True, True), pytest.param((True, False), marks=pytest.mark.long)],
                ids=["write-through", "write-back", "write-back-to-disk"])
def mounts(request, passthrough, tmp_path):
    """The last of them takes direct writes of whole pages alone: the ends of rows may be lost there, and must be found when the
    result is read back."""
    with fuse.Twice(passthrough, tmp_path / "twice", *request.param) as twice:
        save_inputs(twice.back)
        yield twice


def start(mounts, folder, node, turn, rest=REST):
    signs = folder / f"signs{turn}"
    signs.mkdir(exist_ok=True)
    process = subprocess.Popen(["sh", "-c", command(mounts.places[node], f"{node}/2", signs, rest, folder / "cache")], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return process, signs


def end(process):
    said, _ = process.communicate(timeout=LIMIT)
    assert process.returncode == 0, said
    return said


def check(mounts):
    assert wrong_rows(mounts.back / "r.npy") == []
    assert set(os.listdir(mounts.back)) - {MARK} == INPUTS | {"r.npy"}


def test_two_nodes(mounts, tmp_path):
    for process, _ in [start(mounts, tmp_path, node, node, rest=0) for node in range(2)]:
        end(process)
    check(mounts)


def test_a_node_killed_and_started_again(mounts, tmp_path):
    first, _ = start(mounts, tmp_path, 0, "first")
    second, signs = start(mounts, tmp_path, 1, "second")
    wait_for(lambda: computed(signs) >= 5, "the second node computes")
    second.kill()
    second.communicate()
    again, _ = start(mounts, tmp_path, 1, "again")
    end(again)
    end(first)
    check(mounts)
