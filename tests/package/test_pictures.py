"""A report as a trace, as a page and as a notebook's picture, whatever process it came from."""

import json
import pathlib
import re

import numpy as np
import pytest

import tilework as tw


def fails_at_two(y, tile):
    if tile.number == 2:
        raise ValueError("no")
    return y


def report_of(kernel=lambda y: y, **options):
    return tw.run(kernel, "y[i] -> r[i]", np.arange(8.0), tiles={"i": 2}, report=True, **options)[1]


def tiles_of(path):
    events = json.loads(pathlib.Path(path).read_text())["traceEvents"]
    return sorted(event["args"]["tile"] for event in events if event.get("cat", "").startswith("tile"))


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
def test_a_trace_and_a_page_are_written(tmp_path, pool):
    report = report_of(pool=pool, workers=2)
    report.trace(tmp_path / "run.json")
    report.html(str(tmp_path / "run.html"))
    assert tiles_of(tmp_path / "run.json") == [0, 1, 2, 3]
    page = (tmp_path / "run.html").read_text()
    assert page.startswith("<!DOCTYPE html>") and "4 of 4 tiles done" in page and report._inner.picture() in page
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.html", "run.json"]


def test_a_run_that_failed_has_both(tmp_path):
    with pytest.raises(tw.TileError) as caught:
        report_of(fails_at_two, keep_going=True)
    caught.value.report.trace(tmp_path / "run.json")
    caught.value.report.html(tmp_path / "run.html")
    assert "failed tile 2" in (tmp_path / "run.json").read_text()
    assert "FAILED on worker" in (tmp_path / "run.html").read_text()


def test_a_report_of_another_process_has_the_same(tmp_path):
    pytest.importorskip("cloudpickle")
    with tw.Pool(2, start="spawn") as pool:
        report = pool.run(lambda y: y, "y[i] -> r[i]", np.arange(8.0), tiles={"i": 2}, report=True)[1]
    report.trace(tmp_path / "run.json")
    report.html(tmp_path / "run.html")
    assert tiles_of(tmp_path / "run.json") == [0, 1, 2, 3] and "2 worker processes" in (tmp_path / "run.html").read_text()
    assert "tile 3: i 6:8; done by worker" in report._repr_html_()


def test_a_picture_made_of_records_is_the_same():
    from tilework._report import ReportParts
    report = report_of(pool="threads", workers=2)
    inner = report._inner
    grid = tw._tilework.Grid(tw._tilework.Signature("y[i] -> r[i]"), (8,), (("i", "tile", 2),), (8, 8), 0, False, (), {})
    assert ReportParts(inner.totals(), bytes(inner.tiles()), grid).picture() == inner.picture()


@pytest.mark.parametrize("write", ["trace", "html"])
def test_a_place_that_cannot_be_written_is_an_error_and_leaves_nothing(tmp_path, write):
    report = report_of()
    with pytest.raises(tw.FileError, match="no/such"):
        getattr(report, write)(tmp_path / "no/such")
    with pytest.raises(OSError):
        getattr(report, write)(tmp_path)
    with pytest.raises(TypeError):
        getattr(report, write)(3)
    assert not list(tmp_path.iterdir())


def test_many_steps_and_a_million_tiles_stay_readable(tmp_path):
    report = tw.evaluate("s[j] = sum(i: a[i,j])", a=np.ones((4000, 4)), tiles={"i": 40}, report=True)[1]
    assert len(report.steps) > 1 and f"Step 1 of {len(report.steps)}" in report._repr_html_()
    report = tw.run(lambda r: r.fill(1), "-> r[i]", lengths={"i": 30_000}, tiles={"i": 1}, pool="serial", report=True)[1]
    assert len(report._repr_html_()) < 20_000
    report.trace(tmp_path / "run.json")
    assert len(tiles_of(tmp_path / "run.json")) == 30_000


def test_times_are_what_people_read():
    assert [tw._tilework.seconds_text(s) for s in (0, 12.34e-6, 0.74, 2.96, 125, 2960, 11100)] == \
        ["0 s", "12.3 us", "740 ms", "3.0 s", "2 min 5 s", "49 min 20 s", "3 h 5 min"]
    assert re.search(r"done in \d+(\.\d)? (us|ms|s), ", repr(report_of()).replace(";", ","))
