"""tw.plan: what a run would cost, of Python kernels, native ones and statements; and the advice of a report."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import tilework as tw


def names(plan):
    return [(row.pool, row.workers) for row in plan.forecasts]


def undisturbed(make, right):
    """Another program's work may hide what is measured: it is looked at again, for a minute at most."""
    end = time.monotonic() + 60
    while True:
        if right(make()):
            return True
        if time.monotonic() > end:
            return False


def add_one(x):
    return x + 1


def test_a_python_kernel_is_timed_in_processes_of_its_own():
    pids = []

    def kernel(x):
        pids.append(os.getpid())
        return x + 1

    x = np.arange(1000.0)
    plan = tw.plan(kernel, "x[i] -> r[i]", x, workers=2)
    assert not pids
    assert names(plan) == [("serial", 1), ("threads", 1), ("threads", 2), ("processes", 1), ("processes", 2)]
    assert plan.tiles == 256 and plan.timed > 0 and not plan.note
    assert plan.bytes_read == 8000 and plan.bytes_written == 8000
    assert plan.best in plan.forecasts and plan.advice
    assert all(row.seconds == pytest.approx(row.tiles + row.fresh + row.copies + row.opening + row.disk)
               for row in plan.forecasts)


def test_a_statement_takes_the_arguments_of_evaluate():
    plan = tw.plan("r[i,j] = c * y[i] + x[j]", y=np.arange(300.0), x=np.arange(400.0), c=2, workers=2)
    assert plan.bytes_written == 300 * 400 * 8 and plan.operations > 0 and plan.timed > 0
    assert tw.plan("s[] = sum(i: y[i])", operands={"y": np.arange(300.0)}, no_run=True).timed == 0


def test_operands_and_outputs_keep_their_values():
    x, y, out = np.arange(100.0), np.arange(100.0), np.full(100, 7.0)

    def spoil(x, r):
        x[...] = -1
        r[...] = 5

    tw.plan(spoil, "x[i] -> r[i]", x, out=out)

    def grow(y):
        y += 1

    tw.plan(grow, "y[i] -> y[i]", y)
    assert (x == np.arange(100.0)).all() and (y == np.arange(100.0)).all() and (out == 7).all()
    shared = tw.share(np.arange(50.0))
    tw.plan(grow, "y[i] -> y[i]", shared)
    assert (shared == np.arange(50.0)).all()


def test_a_slow_tile_is_a_lower_bound():
    def slow(x):
        time.sleep(30)
        return x

    began = time.monotonic()
    plan = tw.plan(slow, "x[i] -> r[i]", np.arange(100.0))
    assert time.monotonic() - began < 15
    assert plan.at_least and plan.forecast("serial").seconds >= 30 and "at least" in plan.advice


def test_a_kernel_that_raises_or_dies_is_a_note():
    def raises(x):
        raise ValueError("no such thing")

    def dies(x):
        os.kill(os.getpid(), signal.SIGKILL)
        return x

    for kernel, words in ((raises, "no such thing"), (dies, "signal 9")):
        plan = tw.plan(kernel, "x[i] -> r[i]", np.arange(100.0))
        assert plan.timed == 0 and words in plan.note, plan.note
        assert "no tile was timed" in repr(plan) and plan.advice.startswith("no advice: a tile of the kernel could not be timed")


def test_what_run_refuses_plan_refuses_in_the_same_words():
    for run in (tw.plan, tw.run):
        with pytest.raises(tw.ArgumentError, match="axis i is cut, but the output s does not have it"):
            run(lambda x: x.sum(), "x[i] -> s[]", np.arange(100.0), tiles={"i": 10})


def test_nothing_to_do_is_planned():
    plan = tw.plan(lambda x: x + 1, "x[i] -> r[i]", np.zeros(0))
    assert plan.tiles == 0 and plan.timed == 0 and plan.advice == "there is nothing to do"


def test_threads_of_a_kernel_that_holds_the_lock_are_seen():
    def count(x):
        total = 0
        for k in range(20000):
            total += k
        return x + total

    def planned(kernel, right):
        return undisturbed(lambda: tw.plan(kernel, "x[i] -> r[i]", np.arange(500.0), workers=2, tiles={"i": 1}), right)

    assert planned(count, lambda plan: plan.forecast("threads", 2).tiles > 0.8 * plan.forecast("serial").tiles)
    assert planned(lambda x: time.sleep(0.002) or x,
                   lambda plan: plan.forecast("threads", 2).tiles < 0.75 * plan.forecast("serial").tiles)


def test_no_run_calls_no_kernel():
    def never(x):
        raise AssertionError("it was called")

    plan = tw.plan(never, "x[i] -> r[i]", np.arange(100.0), no_run=True)
    assert plan.timed == 0 and not plan.note and plan.forecasts[0].seconds > 0


def dear(x):
    time.sleep(0.003)
    return x + 1


def finds_the_set_up():
    words = r"the tiles are too small: each takes [\d.]+ m?s however small it is; tiles of \d+ along i would take "
    return undisturbed(lambda: tw.plan(dear, "x[i] -> r[i]", np.arange(10000.0), workers=2),
                       lambda plan: plan.set_up > 0.002 and re.match(words, plan.advice))


def test_a_set_up_names_longer_tiles():
    assert finds_the_set_up()


def test_a_wait_for_the_processors_is_taken_from_no_tile():
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * len(os.sched_getaffinity(0)))]
    try:
        plans = [tw.plan(dear, "x[i] -> r[i]", np.arange(10000.0), workers=2) for _ in range(4)]
    finally:
        for other in others:
            other.kill()
            other.wait()
    assert all(plan.shortest > 0.0029 and plan.set_up <= plan.shortest if plan.timed else plan.note for plan in plans)


def test_what_new_workers_take_more_is_no_set_up():
    x = np.random.default_rng(1).random((1000, 2048))
    assert undisturbed(lambda: tw.plan(lambda x: np.sort(x, axis=1), "x[i,j] -> r[i,j]", x, workers=2),
                       lambda plan: plan.set_up < 0.3 * plan.mean)


def test_reductions_and_pools_are_taken():
    plan = tw.plan(lambda a: a.sum(axis=0), "a[i,j] -> s[j]", np.ones((500, 40)), reduce={"s": "sum"}, workers=2)
    assert plan.timed > 0 and plan.bytes_written == 320
    with tw.Pool(workers=2) as pool:
        assert undisturbed(lambda: tw.plan(add_one, "x[i] -> r[i]", np.arange(1000.0), pool=pool),
                           lambda plan: plan.forecast("processes", 2).opening < 0.001)


def test_facts_as_text_and_as_plain_values():
    plan = tw.plan(add_one, "x[i] -> r[i]", np.arange(1000.0), workers=2)
    text = repr(plan)
    assert "serial" in text and "<- best" in text and text.endswith(plan.advice)
    facts = json.loads(json.dumps(plan.to_dict()))
    assert facts["tiles"] == 256 and len(facts["forecasts"]) == 5 and facts["forecasts"][facts["best"]]["pool"]
    html = plan._repr_html_()
    assert html.count("<tr") == 6 and "serial" in html
    with pytest.raises(KeyError):
        plan.forecast("threads", 77)


@pytest.mark.parametrize("arguments, options, error", [
    ((add_one, "x[i] -> r[i]"), {}, tw.ArgumentError),
    ((add_one, "x[i] -> r[i", np.ones(3)), {}, tw.NotationError),
    ((add_one, "x[i] -> r[i]", np.ones(3)), {"chunks": 3}, TypeError),
    ((add_one, "x[i] -> r[i]", np.ones(3)), {"workers": 0}, tw.ArgumentError),
    (("r[i] = z[i]",), {}, tw.ArgumentError),
    ((), {}, TypeError),
])  # fmt: skip
def test_requests_that_make_no_sense_are_refused_as_by_run(arguments, options, error):
    with pytest.raises(error):
        tw.plan(*arguments, **options)


def test_a_report_has_advice():
    def last(x):
        time.sleep(0.4 if x[0] == 3 else 0.001)
        return x

    _, report = tw.run(last, "x[i] -> r[i]", np.arange(4.0), tiles={"i": 1}, workers=2, pool="threads", report=True)
    assert report.advice.startswith("the last tile ran alone for ")
    assert report.to_dict()["advice"] == report.advice
    _, report = tw.run(add_one, "x[i] -> r[i]", np.arange(4.0), parts={"i": 1}, workers=2, pool="threads", report=True)
    assert isinstance(report.advice, str) and report.advice
    with tw.Pool(workers=2, start="spawn") as pool:
        _, report = pool.run(add_one, "x[i] -> r[i]", np.arange(4.0), report=True)
    assert isinstance(report.advice, str) and report.advice


def test_threads_that_waited_for_the_lock_are_reported():
    def count(x):
        total = 0
        for k in range(100000):
            total += k
        return x + total

    def advice():
        return tw.run(count, "x[i] -> r[i]", np.arange(40.0), tiles={"i": 1}, workers=2, pool="threads", report=True)[1].advice

    assert undisturbed(advice, lambda text: "Python's lock" in text) or os.getloadavg()[0] > 1.5


def test_nodes_have_a_part_of_their_own(tmp_path):
    a = np.zeros((400, 100))
    made = tw.plan("r[i,j] = 2 * a[i,j]", a=a, tiles={"i": 10}, out=tmp_path / "r.npy", no_run=True, nodes=4, workers=2)
    part = made.on_nodes
    assert (part.nodes, part.tiles, part.workers, part.fits) == (4, 10, 2, True)
    assert part.bytes_read == part.bytes_written == a.nbytes and part.node_read == a.nbytes / 4
    assert part.node_memory == 2 * 2 * 10 * 100 * 8 and part.seconds > 0
    assert part.whole == "a along dimension 1" and part.cuts.startswith("a tile of r is 1 piece of 8000 bytes")
    assert re.fullmatch(r"sbatch --array=0-3 --requeue --cpus-per-task=2 --mem=1G", part.sbatch)
    assert repr(made).endswith(repr(part)) and repr(part).splitlines()[0].startswith("on 4 nodes of 2 workers: ")
    assert made.to_dict()["on_nodes"] == part.to_dict() and "on 4 nodes" in made._repr_html_()
    assert not list(tmp_path.iterdir())
    assert tw.plan("r[i,j] = 2 * a[i,j]", a=a, no_run=True).on_nodes is None


def test_nodes_of_python_kernels_are_counted_too():
    part = tw.plan(lambda x: 2 * x, "x[i] -> r[i]", np.zeros(100), tiles={"i": 1}, nodes=2, no_run=True).on_nodes
    assert part.tiles == 50 and part.node_read == 50 * 8


@pytest.mark.parametrize("nodes", [0, -1, 10**9 + 1])
def test_numbers_of_nodes_that_cannot_be_are_refused(nodes):
    with pytest.raises(tw.ArgumentError, match=f"^nodes is {nodes}; it is from 1 to 1000000000$"):
        tw.plan("r[i] = 2 * x[i]", x=np.zeros(9), nodes=nodes)
    with pytest.raises(TypeError):
        tw.plan("r[i] = 2 * x[i]", x=np.zeros(9), nodes="2")
