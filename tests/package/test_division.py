"""How the axes are divided when the user does not say: every core has work, rows stay whole, the job alone decides."""

import time

import numpy as np
import pytest

import tilework as tw


def meeting(seen):
    """Something that a tile calls: it ends when two workers are in one, after 10 s at the latest."""
    def meet(tile):
        seen[tile.worker] = 1
        end = time.monotonic() + 10
        while seen.sum() < 2 and time.monotonic() < end:
            time.sleep(0.001)
    return meet


def run_default(*given, **options):
    return tw.run(*given, workers=2, **options)


def run_pool(*given, **options):
    with tw.Pool(2) as pool:
        return pool.run(*given, **options)


def run_threads(*given, **options):
    with tw.Pool(2, "threads") as pool:
        return pool.run(*given, **options)


@pytest.mark.parametrize("run", [run_default, run_pool, run_threads])
@pytest.mark.parametrize("fills", [False, True])
def test_two_workers_are_busy_at_a_time_without_an_option(run, fills):
    y, p, q = np.arange(200.0), np.arange(400.0), np.arange(400.0)[::-1]
    for signature, operands, tiles in (("y[i] -> r[i]", (y,), 200), ("p[i], q[i] -> r[i]", (p, q), 256)):
        seen = tw.zeros(2)
        meet = meeting(seen)

        def returns(*arrays, tile):
            meet(tile)
            return sum(arrays)

        def filling(*arrays, tile):
            meet(tile)
            arrays[-1][...] = sum(arrays[:-1])

        kernels = {(1, False): lambda a, tile: returns(a, tile=tile), (2, False): lambda a, b, tile: returns(a, b, tile=tile),
                   (1, True): lambda a, r, tile: filling(a, r, tile=tile),
                   (2, True): lambda a, b, r, tile: filling(a, b, r, tile=tile)}
        r, report = run(kernels[len(operands), fills], signature, *operands, report=True)
        assert r.tolist() == sum(operands).tolist()
        assert seen.tolist() == [1, 1] and len(report.tiles) == tiles


def test_a_job_that_stays_whole_says_why():
    y = np.arange(100.0)
    with tw.Pool(2, "serial") as pool:
        total, report = pool.run(lambda y: y.sum(), "y[i] -> s[]", y, report=True)
        assert total == y.sum() and report.to_dict()["undivided"] == report.undivided
        assert report.undivided.startswith("axis i would have to be cut, and the output s does not have it: ask for a "
                                           "reduction (reduce s=sum")
        assert "one tile: axis i" in repr(report)
        _, report = pool.run(lambda: np.zeros(100), "-> r[i]", lengths={"i": 100}, report=True)
        assert report.undivided.startswith("axis i would have to be cut, and no input has it: let the kernel take")
        _, report = pool.run(lambda y: y, "y[i] -> r[i]", y, report=True)
        assert report.undivided is None and "one tile" not in repr(report)
        _, report = pool.run(lambda y: y, "y[i] -> r[i]", y, parts={"i": 1}, report=True)
        assert report.undivided is None


def test_rows_stay_whole():
    a = np.random.default_rng(1).random((120, 30))
    for f in (np.fft.fft, lambda a: np.cumsum(a, 1), lambda a: a - a.mean(1)[:, None]):
        r, report = tw.run(lambda a: f(a).real, "a[i,j] -> r[i,j]", a, pool="serial", report=True)
        assert r.tobytes() == f(a).real.tobytes()
        assert len(report.tiles) == 120


@pytest.mark.parametrize("kernel, signature, lengths, tiles", [
    (lambda: np.ones((20, 30)), "-> r[i,j]", {"i": 20, "j": 30}, 1),
    (lambda y: np.outer(y, np.arange(30)), "y[i] -> r[i,j]", {"i": 20, "j": 30}, 20),
    (lambda tile: np.ones([len(range(s.start, s.stop)) for s in tile.ranges.values()]), "-> r[i,j]",
     {"i": 20, "j": 30}, 260),
    (lambda r: r.fill(1), "-> r[i,j]", {"i": 20, "j": 30}, 260),
    (lambda r: r.fill(1), "-> r[i,j]", {"i": 1000, "j": 30}, 256),
    (lambda r: r.fill(1), "-> r[]", {}, 1),
    (lambda r: r.fill(1), "-> r[i,j]", {"i": 1000, "j": 0}, 0),
], ids=["returns", "returns-some", "takes-tile", "fills", "fills-more", "scalar", "empty"])
def test_an_axis_of_no_input_is_cut_for_kernels_that_see_their_part(kernel, signature, lengths, tiles):
    operands = (np.ones(20),) if "y" in signature else ()
    for run in (tw.run, run_pool):
        r, report = run(kernel, signature, *operands, lengths=lengths, dtype=float, report=True)
        assert len(report.tiles) == tiles
        assert (r == (np.arange(30) if operands else 1)).all()


def test_an_axis_of_a_returned_output_stays_whole_in_spawned_workers():
    with tw.Pool(2, start="spawn") as pool:
        for kernel, tiles in ((lambda: np.ones((20, 30)), 1), (lambda r: r.fill(1), 260)):
            r, report = pool.run(kernel, "-> r[i,j]", lengths={"i": 20, "j": 30}, dtype=float, report=True)
            assert len(report.tiles) == tiles and (r == 1).all()
            assert report.line(tiles - 1)


def test_tiles_do_not_depend_on_the_workers():
    y = np.arange(1000.0)
    starts = [tw.run(lambda y: y, "y[i] -> r[i]", y, report=True, **options)[1].tiles["start"].tolist()
              for options in ({"workers": 1}, {"workers": 3}, {"pool": "serial"}, {"pool": "threads"})]
    assert all(start == starts[0] for start in starts)


def test_one_tile_is_asked_for_by_parts():
    y = np.arange(1000.0)
    r, report = tw.run(lambda y: y - y.mean(), "y[i] -> r[i]", y, parts={"i": 1}, report=True)
    assert len(report.tiles) == 1 and r.tolist() == (y - y.mean()).tolist()


def test_statements_and_sums_are_not_cut_as_kernels_are():
    y = np.ones(1000)
    assert len(tw.evaluate("r[i] = 2 * y[i]", y=y, report=True)[1].tiles) == 1
    r, report = tw.run(lambda y: y.sum(), "y[i] -> r[]", y, report=True)
    assert len(report.tiles) == 1 and r == 1000
