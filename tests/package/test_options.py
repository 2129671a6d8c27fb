"""The options of runs: listed once, seen with type and default by help() and the like, refused with advice if unknown."""

import inspect
import pickle
import subprocess
import sys
import typing

import numpy as np
import pytest

import tilework as tw

RUN = {"out": None, "dtype": None, "cuts": None, "tiles": None, "parts": None, "lengths": None, "edges": None, "reduce": None, "retries": 2, "timeout": None,
       "progress": None, "guard": False, "check": False, "keep_going": False, "tiles_per_worker": 0, "where": None, "on_tile": None, "report": False, "resume": False, "restart": False, "verify": False, "version": None,
       "mmap_mode": "r", "node": None}
EVALUATE = {"out": None, "dtype": None, "cuts": None, "tiles": None, "parts": None, "lengths": None, "edges": None,
            "progress": None, "check": False, "where": None, "on_tile": None, "report": False, "resume": False, "restart": False, "verify": False, "mmap_mode": "r", "node": None, "operands": None}
PLACE = {"workers": None, "pool": "auto"}


@pytest.mark.parametrize("function, first, options", [
    (tw.run, ["kernel", "signature", "operands"], {**RUN, **PLACE}), (tw.Pool.run, ["self", "kernel", "signature", "operands"], RUN),
    (tw.evaluate, ["statement"], {**EVALUATE, **PLACE}), (tw.Pool.evaluate, ["self", "statement"], EVALUATE)])
def test_every_option_is_shown_with_its_type_and_default(function, first, options):
    shown = inspect.signature(function).parameters
    assert {name: parameter.default for name, parameter in shown.items() if parameter.kind == parameter.KEYWORD_ONLY} == options
    assert [name for name in shown if name not in options and name != "named"] == first
    hints = typing.get_type_hints(function)
    assert all(name in hints for name in shown if name != "self")
    assert function.__name__ in ("run", "evaluate") and len(function.__doc__) > 60


def test_functions_and_methods_share_types():
    run, evaluate = inspect.signature(tw.run).parameters, inspect.signature(tw.evaluate).parameters
    shared = [name for name in set(run) & set(evaluate) if name != "operands"]  # which run has in order
    assert len(shared) == 19
    for name in shared:
        assert (run[name].default, run[name].annotation) == (evaluate[name].default, evaluate[name].annotation)


def test_a_pool_takes_no_options_that_it_has_already():
    def kernel(y):
        return y
    with tw.Pool(1, "serial") as pool:
        for option in ({"workers": 1}, {"pool": "serial"}):
            with pytest.raises(TypeError, match="run has no option"):
                pool.run(kernel, "y[i] -> r[i]", np.arange(3.0), **option)
        with pytest.raises(TypeError, match="run has no option tile: the length of tiles is tiles=") as caught:
            pool.run(kernel, "y[i] -> r[i]", np.arange(3.0), tile=1)
        assert caught.value.__cause__ is None and caught.value.__suppress_context__
        workers = np.arange(3.0)  # an operand may have their names
        assert pool.evaluate("r[i] = 2 * workers[i] + pool", workers=workers, pool=1.0).tolist() == [1, 3, 5]
        with pytest.raises(tw.ArgumentError, match="workers is given twice"):
            pool.evaluate("r[i] = workers[i]", workers=workers, operands={"workers": workers})


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_a_pool_is_a_pool_whatever_does_its_runs(start):
    class Own(tw.Pool):
        pass
    with Own(1, start=start) as pool:
        assert type(pool) is Own and repr(pool) == "<tilework.Pool of processes, 1 workers>"
        assert pool.run(abs, "y[i] -> r[i]", np.array([-1.0, 2.0])).tolist() == [1, 2]
        with pytest.raises(TypeError, match="a pool cannot be sent"):
            pickle.dumps(pool)
    assert pool.closed and pool.workers == 0 and repr(pool) == "<tilework.Pool of processes, closed>"


def test_what_errors_alone_need_is_not_loaded():
    code = "import numpy, sys; known = set(sys.modules); import tilework; print(*sorted(set(sys.modules) - known))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    rare = {"decimal", "difflib", "signal", "subprocess", "sysconfig", "tempfile", "traceback", "multiprocessing",
            "tilework._deaths", "tilework._foreign", "tilework._forms", "tilework._generators", "tilework._hints",
            "tilework._server", "tilework._stalls", "tilework._workers",
            "concurrent.futures", "tilework._engines", "tilework._dispatch", "tilework._executor", "tilework._sent", "tilework._task"}
    assert rare.isdisjoint(loaded)


def test_help_lists_the_options_that_a_function_takes():
    def options(function):
        return {name for name, one in inspect.signature(function).parameters.items() if one.kind is one.KEYWORD_ONLY}

    outputs = {"out", "dtype", "reduce", "check", "resume", "restart", "verify", "version", "mmap_mode", "node"}
    placed = {"pool", "workers"}
    assert options(tw.run) - options(tw.map) == outputs
    for function, method in ((tw.map, tw.Pool.map), (tw.iterate, tw.Pool.iterate), (tw.submit, tw.Pool.submit)):
        assert options(function) - options(method) == placed and options(method) < options(function)
    for function in (tw.iterate, tw.submit):
        assert options(function) == options(tw.run)  # *operands has the name of the option for statements
        assert "named" in inspect.signature(function).parameters
    for name in sorted(outputs):
        with pytest.raises(tw.ArgumentError, match=f"map gives a list of what the tiles return; {name}= is for outputs"):
            tw.map(abs, "y[i]", np.ones(3), **{name: True})
    with pytest.raises(TypeError, match="operands"):
        tw.iterate(abs, "y[i] -> r[i]", np.ones(3), operands={})
    with tw.Pool(1, "serial") as pool:
        with pytest.raises(tw.Error):
            list(pool.iterate("r[i] = y[i]", y=np.ones(3), workers=2))
