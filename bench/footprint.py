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


def share(pid, kinds=("Pss",)):
    """Bytes: pages of its own, and its part of those that it shares; of some kinds, as smaps_rollup calls them."""
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return 1024 * sum(int(found) for kind in kinds for found in re.findall(rf"^{kind}:\s+(\d+) kB", text, re.MULTILINE))


def peak_while(pid, action, kinds=("Pss",)):
    """Does action(); gives the most memory seen meanwhile."""
    peak = 0
    over = threading.Event()

    def sample():
        nonlocal peak
        while not over.is_set():
            peak = max(peak, sum(share(one, kinds) for one in tree(pid)))
            time.sleep(0.005)
    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        action()
    finally:
        over.set()
        sampler.join()
    return max(peak, sum(share(one, kinds) for one in tree(pid)))
