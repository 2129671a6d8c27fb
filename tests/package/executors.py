"""Executors of concurrent.futures for tests. Their processes import this file, so it imports little."""

import multiprocessing
import os
import time

SPAWN = multiprocessing.get_context("spawn")


def started(pool):
    """All workers are there."""
    pids = set()
    while len(pids) < 2:
        pids |= set(pool.map(_pid_soon, range(2)))
    return pool


def _pid_soon(_):
    time.sleep(0.1)
    return os.getpid()
