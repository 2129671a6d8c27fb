"""Reports that came from another process say the same of a tile as the library does."""

import pickle
import re

import numpy as np
import pytest

import tilework as tw
from tilework import _report


def test_a_line_is_the_same_without_its_report():
    def fails(y, tile):
        if tile.number == 1:
            raise ValueError
        return y
    with pytest.raises(tw.TileError) as caught, tw.Pool(1, "serial") as pool:
        pool.run(fails, "y[i] -> r[i]", np.arange(6.0), tiles={"i": 2}, report=True)
    report = caught.value.report
    inner = report._inner
    lines = [report.line(k) for k in range(3)]
    assert [re.search("nobody did|failed at|did", line)[0] for line in lines] == ["did", "failed at", "nobody did"]
    grid = tw._tilework.Grid(tw._tilework.Signature("y[i] -> r[i]"), (6,), (("i", "tile", 2),), (8, 8), 0, False, (), {})
    apart = _report.Report(_report.ReportParts(inner.totals(), bytes(inner.tiles()), grid), grid)
    assert [apart.line(k) for k in range(3)] == lines
    with pytest.raises(IndexError, match="tile 3"):
        apart.line(3)


def test_a_retried_tile_says_so_in_a_pool_that_must_not_be_forked(tmp_path):
    pytest.importorskip("cloudpickle")
    once = tmp_path / "once"

    def dies_once(y):
        import os
        import signal
        if not once.exists():
            once.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return y
    with tw.Pool(1, start="spawn") as pool:
        report = pool.run(dies_once, "y[i] -> r[i]", np.arange(4.0), tiles={"i": 4}, report=True)[1]
    assert re.fullmatch(r"pid \d+ did y\[0:4\] -> r\[0:4\] \(4\) in .*s, attempt 2", report.line(0)), report.line(0)


def test_errors_with_a_report_are_sent_without_it():
    """concurrent.futures and multiprocessing pickle what a task raises."""
    def fails(y):
        raise ValueError("too bad")
    with pytest.raises(tw.TileError) as caught:
        tw.run(fails, "y[i] -> r[i]", np.arange(6.0), tiles={"i": 2}, pool="serial", report=True)
    again = pickle.loads(pickle.dumps(caught.value))
    assert type(again) is tw.TileError and again.args == caught.value.args and again.report is None
    assert (again.tile, again.ranges, again.worker) == (0, {"i": slice(0, 2)}, 0) and "too bad" in again.traceback
    assert caught.value.report.totals["failed"] == 1
    with pytest.raises(TypeError, match="a report stays in the process of its run: to_dict"):
        pickle.dumps(caught.value.report)


def test_a_report_counts_in_words():
    y = np.arange(100.0)
    _, report = tw.run(lambda y: y, "y[i] -> r[i]", y, tiles={"i": 10}, where=y < 20, pool="serial", report=True)
    assert "; 1 worker (serial: " in repr(report) and "; 8 skipped" in repr(report)
