"""A server that dies after it has done what it was asked, and before it answers: the client asks again, and hears that the
name is gone, or there already. Each call of a node that changes a folder is answered so once, by lost.c; needs no NFS."""

import os
import subprocess

import pytest

from shared import HERE, INPUTS, LIMIT, MARK, command, save_inputs, wrong_rows

CALLS = 60  # more than a node makes


@pytest.fixture(scope="session")
def lost(tmp_path_factory):
    library = tmp_path_factory.mktemp("lost") / "lost.so"
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, HERE / "lost.c"], check=True)
    return library


def run(folder, node, cache, **environment):
    done = subprocess.run(["sh", "-c", command(folder, node, folder.parent, 0, cache)], env={**os.environ, **environment}, text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT, check=False)
    return done.returncode, done.stdout


def test_every_reply_lost_once(tmp_path, lost):
    """The node ends well and leaves the right result and nothing else, and so says a second one."""
    cache, log, seen = tmp_path / "cache", tmp_path / "log-of-calls", []
    for number in range(CALLS):
        folder = tmp_path / f"job{number}" / "files"
        folder.mkdir(parents=True)
        save_inputs(folder)
        log.unlink(missing_ok=True)
        # The first turn, which loses none, fills the cache of compiled kernels.
        code, said = run(folder, "0/2", cache, LD_PRELOAD=str(lost), LOST_IN="tilework", LOST_REPLY=str(number), LOST_LOG=str(log))
        call = log.read_text() if log.exists() else "none"
        assert code == 0, f"{call}: exit code {code}\n{said}"
        assert wrong_rows(folder / "r.npy") == [], call
        left = set(os.listdir(folder)) - {MARK}
        assert left == INPUTS | {"r.npy"}, f"{call}: {left}"
        code, said = run(folder, "1/2", cache)
        assert code == 0 and "already finished" in said, f"{call}: exit code {code}\n{said}"
        if call == "none" and number > 0:
            break
        seen.append(call.split()[0])
    assert {"mkdir", "rename", "remove"} <= set(seen) and len(seen) < CALLS, seen
