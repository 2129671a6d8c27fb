"""A run of processes that stands still is said, once, with what its workers are doing; one that works or ends is not."""

import os
import subprocess
import sys
import threading
import time
import warnings

import numpy as np
import pytest

import tilework as tw
from tilework import _tilework

Y = np.arange(4.0)


@pytest.fixture(autouse=True)
def soon():
    _tilework.stall_after(0.4)
    yield
    _tilework.stall_after(0)


def warned(kernel, pool="processes", **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = tw.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 1}, workers=2, pool=pool, **options)
    assert result.tolist() == Y.tolist()
    return [warning for warning in caught if "no tile has ended" in str(warning.message)]


def sleeps_at_the_end(y, tile):
    time.sleep(2.5 if tile.number == 3 else 0)
    return y


def test_it_is_said_once_with_the_tile_the_worker_and_where_it_waits():
    found = warned(sleeps_at_the_end)
    text = str(found[0].message)
    assert len(found) == 1 and found[0].category is RuntimeWarning and found[0].filename == __file__
    assert "with tile 3" in text and "1 of 2 workers" in text and "timeout=" in text and 'start="spawn"' in text
    assert "in sleeps_at_the_end" in text and "test_stalls.py" in text  # the worker's stack


def test_workers_that_compute_are_not_said_to_stand_still():
    def computes(y):
        end = time.process_time() + 1.0
        while time.process_time() < end:
            pass
        return y
    assert not warned(computes)


def test_a_worker_that_waits_for_a_processor_is_not_said_to_stand_still():
    place = {min(os.sched_getaffinity(0))}

    def computes_a_little(y, tile):
        if tile.number == 3:  # beside a program that it has to leave nearly all of its processor to
            os.sched_setaffinity(0, place)
            os.nice(19)
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                pass
        return y
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as other:
        try:
            os.sched_setaffinity(other.pid, place)
            threading.Timer(2.0, other.kill).start()
            assert not warned(computes_a_little)
        finally:
            other.kill()


def test_a_program_that_a_kernel_waits_for_computes_too():
    code = "import time\nwhile time.process_time() < 1.0: pass"

    def waits(y, tile):
        if tile.number == 3:
            subprocess.run([sys.executable, "-c", code], check=True)
        return y
    assert not warned(waits)


def test_tiles_that_end_now_and_then_are_no_standstill():
    assert not warned(lambda y: (time.sleep(0.25), y)[1])


def test_as_an_error_it_ends_the_run_and_the_pool_can_be_used():
    with tw.Pool(2) as pool:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message="(?s).*no tile has ended")
            with pytest.raises(RuntimeWarning, match="no tile has ended"):
                pool.run(lambda y: (time.sleep(60), y)[1], "y[i] -> r[i]", Y, tiles={"i": 1})
        assert pool.run(lambda y: y, "y[i] -> r[i]", Y).tolist() == Y.tolist()


def test_a_worker_whose_files_a_kernel_has_closed_is_said_without_its_stack():
    def closes(y, tile):
        if tile.number == 3:
            os.closerange(3, 1000)
            time.sleep(2.5)
        return y
    found = warned(closes)
    assert len(found) == 1 and "in closes" not in str(found[0].message)
