"""What type checkers say of calls: a report makes a pair, options have their types, words that are none are found."""

import ast
import importlib.util
import inspect
import pathlib
import re
import subprocess
import sys
import typing

import pytest

import tilework as tw
from tilework import _options

pytestmark = pytest.mark.skipif(importlib.util.find_spec("mypy") is None, reason="mypy is not installed")

RIGHT = """
import numpy as np, tilework as tw
y = np.ones(3)
flag = len(y) > 2
def kernel(y: np.ndarray) -> np.ndarray:
    return y
reveal_type(tw.run(kernel, "y[i] -> r[i]", y))  # Any
reveal_type(tw.run(kernel, "y[i] -> r[i]", y, report=True))  # tuple[Any, tilework._report.Report]
reveal_type(tw.run(kernel, "y[i] -> r[i]", y, report=flag))  # Any
reveal_type(tw.evaluate("r[i] = 2 * y[i]", y=y))  # Any
reveal_type(tw.evaluate("r[i] = 2 * y[i]", y=y, edges="clamp", report=True, check=True))  # tuple[Any, tilework._report.Report]
reveal_type(tw.evaluate("r[i] = c * y[i]", y=y, c=2, report=flag))  # Any
reveal_type(tw.map(kernel, "y[i]", y))  # list[Any]
reveal_type(tw.map(kernel, "y[i]", y, keep_going=True, report=True))  # tuple[list[Any], tilework._report.Report]
reveal_type(tw.iterate(kernel, "y[i] -> r[i]", y, out="r.npy", resume="auto"))  # tilework._beside.Tiles
reveal_type(tw.iterate("r[i] = c * y[i]", y=y, c=2, edges="wrap", pool="serial"))  # tilework._beside.Tiles
reveal_type(tw.submit(kernel, "y[i] -> r[i]", y, report=True))  # tilework._beside.Future
reveal_type(tw.submit("r[i] = c * y[i]", y=y, c=2))  # tilework._beside.Future
reveal_type(tw.plan(kernel, "y[i] -> r[i]", y, workers=2))  # tilework._plan.Plan
reveal_type(tw.plan("r[i] = c * y[i]", y=y, c=2, edges="wrap"))  # tilework._plan.Plan
reveal_type(tw.map(kernel, "y[i]", y, retries=0))  # list[Any]
reveal_type(tw.map(kernel, "y[i]", y, report=True))  # tuple[list[Any], tilework._report.Report]
reveal_type(tw.iterate(kernel, "y[i] -> r[i]", y, timeout=3))  # tilework._beside.Tiles
reveal_type(tw.iterate("r[i] = c * y[i]", y=y, c=2, pool="serial"))  # tilework._beside.Tiles
reveal_type(tw.submit(kernel, "y[i] -> r[i]", y, report=flag))  # tilework._beside.Future
reveal_type(tw.submit("r[i] = c * y[i]", y=y, c=2))  # tilework._beside.Future
f = tw.function("r[i] = 2 * y[i]", edges="wrap", workers=2)
reveal_type(f)  # tilework._prepared.Function
reveal_type(f(y, out=y))  # Any
reveal_type(f.options(pool="serial", report=True)(y=y))  # Any
@tw.kernel("y[i] -> r[i]", reduce={"r": "sum"}, pool="threads")
def decorated(y: np.ndarray, scale: float = 1) -> np.ndarray:
    return scale * y
reveal_type(decorated)  # tilework._decorator.KernelFunction
reveal_type(decorated(y, scale=2))  # Any
reveal_type(decorated.options(timeout=3, report=True)(y))  # Any
with tw.Pool(2, "threads") as pool:
    reveal_type(pool.run(kernel, "y[i] -> r[i]", y))  # Any
    reveal_type(pool.run(kernel, "y[i] -> r[i]", y, retries=0, report=True))  # tuple[Any, tilework._report.Report]
    reveal_type(pool.evaluate("r[i] = 2 * y[i]", y=y))  # Any
    reveal_type(pool.map(kernel, "y[i]", y, report=True))  # tuple[list[Any], tilework._report.Report]
    reveal_type(pool.iterate(kernel, "y[i] -> r[i]", y))  # tilework._beside.Tiles
    reveal_type(pool.submit("r[i] = workers[i]", workers=y))  # tilework._beside.Future
    reveal_type(pool.evaluate("r[i] = workers[i] + pool", workers=y, pool=1.5, report=True))  # tuple[Any, tilework._report.Report]
    reveal_type(pool.map(kernel, "y[i]", y))  # list[Any]
    reveal_type(pool.iterate(kernel, "y[i] -> r[i]", y, retries=0))  # tilework._beside.Tiles
    reveal_type(pool.submit("r[i] = workers[i]", workers=y))  # tilework._beside.Future
    tw.run(kernel, "y[i] -> r[i]", y, pool=pool)
"""

WRONG = """
import numpy as np, tilework as tw
y = np.ones(3)
def kernel(y: np.ndarray) -> np.ndarray:
    return y
pool = tw.Pool()
tw.run(kernel, "y[i] -> r[i]", y, pool="proceses")
tw.run(kernel, "y[i] -> r[i]", y, pool="proceses", report=True)
tw.run(kernel, "y[i] -> r[i]", y, tile={"i": 2})
tw.run(kernel, "y[i] -> r[i]", y, workers="two")
tw.evaluate("r[i] = y[i]", y=y, pool="proceses")
tw.evaluate("r[i] = y[i]", y=y, pool="proceses", report=True)
tw.evaluate("r[i] = y[i]", y=y, edges="clmap")
tw.evaluate("r[i] = y[i]", y=y, edges={"i": "clmap"})
tw.plan(kernel, "y[i] -> r[i]", y, pool="proceses")
tw.plan("r[i] = y[i]", y=y, pool="proceses")
tw.map(kernel, "y[i]", y, out=y)
tw.map(kernel, "y[i]", y, pool="proceses", report=True)
tw.iterate(kernel, "y[i] -> r[i]", y, pool="proceses")
tw.iterate("r[i] = y[i]", y=y, pool="proceses")
tw.submit(kernel, "y[i] -> r[i]", y, tile={"i": 2})
tw.submit("r[i] = y[i]", y=y, edges="clmap")
pool.map(kernel, "y[i]", y, workers=2)
pool.iterate(kernel, "y[i] -> r[i]", y, pool="threads")
pool.run(kernel, "y[i] -> r[i]", y, pool="threads")
pool.run(kernel, "y[i] -> r[i]", y, retries="2")
pool.evaluate("r[i] = y[i]", y=y, edges="clmap")
tw.map(kernel, "y[i]", y, pool="proceses")
tw.iterate(kernel, "y[i] -> r[i]", y, tile={"i": 2})
tw.iterate("r[i] = y[i]", y=y, pool="proceses")
tw.submit(kernel, "y[i] -> r[i]", y, retries="2")
pool.map(kernel, "y[i]", y, workers=2)
pool.iterate(kernel, "y[i] -> r[i]", y, edges="clmap")
tw.function("r[i] = y[i]", pool="proceses")
tw.function("r[i] = y[i]", out=y)
tw.function("r[i] = y[i]").options(retries=2)
tw.kernel("y[i] -> r[i]", pool="proceses")
tw.kernel("y[i] -> r[i]", tile={"i": 2})
tw.kernel("y[i] -> r[i]")(kernel).options(workers="two")
tw.Pool(2, "thread")
tw.Pool(2, start="forkserver")
"""


@pytest.fixture(scope="module", name="said")
def fixture_said(tmp_path_factory):
    """What mypy says of each line of both programs: a list of (line, message)."""
    folder = tmp_path_factory.mktemp("types")
    (folder / "right.py").write_text(RIGHT)
    (folder / "wrong.py").write_text(WRONG)
    where = pathlib.Path(tw.__file__).resolve().parents[1]
    done = subprocess.run([sys.executable, "-m", "mypy", "--strict", "--disable-error-code=type-arg", "--cache-dir", folder / "cache",
                           "right.py", "wrong.py"], capture_output=True, text=True, check=False, cwd=folder,
                          env={"PYTHONPATH": "" if "site-packages" in str(where) else str(where), "PATH": ""})
    lines = re.findall(r"^(right|wrong)\.py:(\d+): (?:error|note): (.*)$", done.stdout, re.MULTILINE)
    assert lines, done.stdout + done.stderr
    return lines


def test_types_are_revealed(said):
    wanted = {str(number): line.rsplit("# ")[-1] for number, line in enumerate(RIGHT.splitlines(), 1) if "reveal_type" in line}
    assert {number: re.search('"(.*)"', text).group(1) for name, number, text in said if name == "right"} == wanted


def test_wrong_words_are_found(said):
    wanted = {number for number, line in enumerate(WRONG.splitlines(), 1) if number > 6}
    assert {int(number) for name, number, _ in said if name == "wrong"} == wanted


def test_the_options_of_statements_are_listed_as_they_are_defined():
    tree = ast.parse(pathlib.Path(_options.__file__).read_text(encoding="utf-8"))
    protocol = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "Evaluate")
    wanted = {name: kind.__forward_arg__ for name, kind in _options.PlacedStatementOptions.__annotations__.items()}
    wanted |= {"workers": "WorkersT_contra", "pool": "PoolT_contra"}
    overloads = [node for node in protocol.body if isinstance(node, ast.FunctionDef)]
    assert len(overloads) == 2
    for overload in overloads:
        listed = {one.arg: ast.unparse(one.annotation) for one in overload.args.kwonlyargs if one.arg != "report"}
        assert listed == wanted


def test_every_option_has_a_row_and_a_place():
    keys = {**_options.PlacedKernelOptions.__annotations__, **_options.PlacedStatementOptions.__annotations__, **_options.Reported.__annotations__}
    assert set(keys) == set(_options.OPTIONS)
    fields = {*_options.RunOptions._fields, *_options.Asked._fields, "cuts", "tiles", "parts"}  # which become splits
    assert set(_options.OPTIONS) <= fields
    for function in (tw.run, tw.evaluate, tw.plan, tw.Pool.run, tw.Pool.evaluate):
        assert set(inspect.signature(function).parameters) - {"self"} <= set(typing.get_type_hints(function))
