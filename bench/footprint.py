"""Memory of a process and its children, seen from outside: the sum of their proportional shares, sampled while they run."""

import pathlib
import re
import threading
import time


def tree(pid):
    """The process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            try:
                found += map(int, task.read_text().split())
            except OSError:
                pass
    return found


def share(pid):
    """Bytes: pages of its own, and its part of those that it shares."""
    try:
        found = re.search(r"^Pss:\s+(\d+) kB", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except OSError:
        return 0
    return int(found[1]) * 1024 if found else 0


def peak_while(pid, action):
    """Does action(); gives the most memory seen meanwhile."""
    peak = 0
    over = threading.Event()

    def sample():
        nonlocal peak
        while not over.is_set():
            peak = max(peak, sum(map(share, tree(pid))))
            time.sleep(0.005)
    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        action()
    finally:
        over.set()
        sampler.join()
    return max(peak, sum(map(share, tree(pid))))
