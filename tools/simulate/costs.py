"""Measures what the calls of a job on nodes cost in a folder: make a file, open, read, write, sync, list, rename.

`nodes.py measure FOLDER` prints them. Standard library alone.
"""

import os
import shutil
import statistics
import tempfile
import time

STATE = 4096  # bytes of a member's state
RECORD = 16
LISTED = 1000  # names in the folder that is listed


def timed(call, times):
    """Median seconds of a call, which is given its number."""
    found = []
    for number in range(times):
        began = time.perf_counter()
        call(number)
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def measure(folder, times=200, listed=LISTED):
    """Seconds of each call, in a new folder below `folder` that is removed again."""
    place = tempfile.mkdtemp(prefix="costs-", dir=folder)
    costs = {}
    try:
        names = [f"node-{number}.0.journal" for number in range(max(times, listed))]
        folder_fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)

        def make(number):
            os.close(os.open(names[number], os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o644, dir_fd=folder_fd))

        costs["make"] = timed(make, len(names))
        for name in names[:times]:
            fd = os.open(name, os.O_RDWR, dir_fd=folder_fd)
            os.pwrite(fd, bytes(2 * STATE + 64 * RECORD), 0)
            os.close(fd)

        def look(number):
            fd = os.open(names[number], os.O_RDONLY, dir_fd=folder_fd)
            os.fstat(fd)
            os.close(fd)

        costs["open"] = timed(look, times)
        fd = os.open(names[0], os.O_RDWR, dir_fd=folder_fd)
        costs["read"] = timed(lambda number: os.pread(fd, STATE, STATE), times)
        costs["write"] = timed(lambda number: os.pwrite(fd, bytes(STATE), STATE), times)

        def sync(number):
            os.pwrite(fd, bytes(RECORD), 2 * STATE + RECORD * number)
            os.fsync(fd)

        costs["sync"] = timed(sync, min(times, 30))
        os.close(fd)
        costs["list"] = timed(lambda number: os.listdir(folder_fd), 10) / len(names)

        def rename(number):
            os.rename(names[number], f"final-{number}", src_dir_fd=folder_fd, dst_dir_fd=folder_fd)

        costs["rename"] = timed(rename, times)
        os.close(folder_fd)
    finally:
        shutil.rmtree(place, ignore_errors=True)
    return costs


def text_of(costs):
    """A line for each call."""
    words = {"make": "make a journal", "open": "open, stat, close", "read": "read a state", "write": "write a state",
             "sync": "write and sync a record", "list": "list a folder, for each name in it", "rename": "rename"}
    return "\n".join(f"{words[name]:<36} {1e6 * seconds:10.1f} us" for name, seconds in costs.items())
