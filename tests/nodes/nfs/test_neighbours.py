"""Why outputs on network file systems are never mapped, and that the rules of docs/nodes.md lose no byte: two machines write
neighbouring pieces of one file, which begin and end in the middle of pages. Each has the file open, and has read it where its
way of writing reads, before the first byte is written."""

import shutil
import subprocess
import time

import pytest

import fuse

PIECE, PIECES = 10_000, 400
SIZE = PIECE * PIECES
LIMIT = 60  # seconds


def wait_ready(barrier):
    limit = time.monotonic() + LIMIT
    while len(list(barrier.iterdir())) < 2:
        assert time.monotonic() < limit, "a writer is not ready"
        time.sleep(0.01)
    (barrier / "go").touch()


def lost_on(lab, way, tools):
    """How many bytes of each of the two clients the server does not have."""
    shutil.copy(tools / "neighbours", lab.folder)
    barrier = lab.folder / f"barrier-{way}-{lab.version}"
    shutil.rmtree(barrier, ignore_errors=True)
    barrier.mkdir()
    lab.clients[0].check(f"truncate -s {SIZE} /mnt/nfs/{way}")
    begun = [client.begin(f"/mnt/lab/neighbours {way} /mnt/nfs/{way} {i} 2 {PIECE} {PIECES} /mnt/lab/{barrier.name}", LIMIT)
             for i, client in enumerate(lab.clients)]
    wait_ready(barrier)
    for client, one in zip(lab.clients, begun):
        assert client.end(one) == (0, "")
    said = lab.server.check(f"/mnt/lab/neighbours check /mnt/disk/export/{way} 0 2 {PIECE} {PIECES} .")
    return sum(map(int, said.split()))


def test_nfs(share, tools):
    """Both ways of losing bytes, and both of losing none."""
    lost = {way: lost_on(share, way, tools) for way in ("map", "write", "rules", "direct")}
    assert lost["map"] > 0 and lost["write"] > 0 and lost["rules"] == lost["direct"] == 0, lost


def lost_by(mounts, way, tools):
    """The same of two mounts of this machine: how many bytes, or None if a writer failed."""
    barrier = mounts.folder / "barrier"
    barrier.mkdir()
    with open(mounts.back / "file", "wb") as file:
        file.truncate(SIZE)
    writers = [subprocess.Popen([tools / "neighbours", way, place / "file", str(i), "2", str(PIECE), str(PIECES), barrier],
                                stderr=subprocess.PIPE, text=True) for i, place in enumerate(mounts.places)]
    wait_ready(barrier)
    said = [writer.communicate(timeout=LIMIT)[1] for writer in writers]
    if any(writer.returncode for writer in writers):
        assert all("Invalid argument" in text for text in said), said
        return None
    check = subprocess.run([tools / "neighbours", "check", mounts.back / "file", "0", "2", str(PIECE), str(PIECES), "."],
                           capture_output=True, text=True, check=True)
    return sum(map(int, check.stdout.split()))


# way, FUSE's write-back cache, whether the file system behind it lies in memory: what happens. None: it refuses.
FUSE = [("map", False, False, "loses"), ("map", True, False, "loses"), ("write", True, False, "loses"),
        ("write", False, False, "right"), ("rules", False, False, "right"), ("direct", False, True, "right"),
        ("direct", True, True, "right"), ("direct", True, False, "refuses")]


@pytest.mark.parametrize("way, writeback, memory, happens", FUSE)
def test_fuse(passthrough, tools, tmp_path, way, writeback, memory, happens):
    with fuse.Twice(passthrough, tmp_path / "twice", writeback, memory) as mounts:
        lost = lost_by(mounts, way, tools)
    assert {"loses": lost is not None and lost > 0, "right": lost == 0, "refuses": lost is None}[happens], lost


@pytest.mark.long
def test_fuse_write_back_loses_synchronous_ends_too(passthrough, tools, tmp_path):
    """Why the odd ends of a piece go past FUSE's cache: O_DSYNC alone still writes whole pages there. Which pages two writers
    touch at the same moment is chance, so this may need several turns."""
    for turn in range(30):
        with fuse.Twice(passthrough, tmp_path / f"twice{turn}", writeback=True, memory=False) as mounts:
            if lost_by(mounts, "rules", tools) > 0:
                return
    pytest.fail("no byte was lost in 30 turns")
