"""Where statements read and write: shifts and edges, strides, several statements, empty arrays; under sanitizers too."""

import os
import pathlib
import subprocess
import sys

import numpy
import pytest

from statements import Failure, library, run, same, Statement
from test_notation_values import random_cuts, sample


PADS = {"clamp": {"mode": "edge"}, "wrap": {"mode": "wrap"}, "zero": {}, "reflect": {"mode": "symmetric"},
        "mirror": {"mode": "reflect"}, "constant=7": {"constant_values": 7}}
EDGES = list(PADS)


def taken(u, axis, index, edge):
    """u at these indices along an axis, as the edge says."""
    length = u.shape[axis]
    inside = (index >= 0) & (index < length)
    if edge == "clamp":
        return numpy.take(u, numpy.clip(index, 0, length - 1), axis)
    if edge == "wrap":
        return numpy.take(u, index % length, axis)
    if edge == "reflect":
        at = index % (2 * length)
        return numpy.take(u, numpy.where(at < length, at, 2 * length - 1 - at), axis)
    if edge == "mirror":
        at = abs(index) % max(2 * length - 2, 1)
        return numpy.take(u, numpy.where(at < length, at, 2 * length - 2 - at), axis)
    number = float(edge.partition("=")[2] or 0)
    found = numpy.take(u, numpy.where(inside, index, 0), axis) if length else numpy.zeros(
        u.shape[:axis] + (len(index),) + u.shape[axis + 1:], u.dtype)  # fmt: skip
    shape = [1] * u.ndim
    shape[axis] = len(index)
    return numpy.where(inside.reshape(shape), found, u.dtype.type(number))


@pytest.mark.parametrize("edges", [(a, b) for a in EDGES for b in EDGES if EDGES.index(a) in (EDGES.index(b), 5 - EDGES.index(b), 0)],
                         ids="-".join)  # fmt: skip
def test_shifted_reads_give_what_the_edge_says_on_every_grid(edges):
    dtype = "uint8" if edges[0] == edges[1] else "float64"
    random = numpy.random.default_rng(40)
    for shape in ((1, 1), (2, 3), (23, 41)):
        u = sample("int16", shape[0] * shape[1], 41).reshape(shape).astype(dtype)
        for d, e in ((-1, 1), (0, -2), (5, 0), (-30, 60)):
            i, j = numpy.arange(shape[0]), numpy.arange(shape[1])
            expected = taken(taken(u, 0, i + d, edges[0]), 1, j + e, edges[1]) + u
            for layout in (u, numpy.asfortranarray(u)):
                found = run(f"r[i,j] = u[i + {d}, j + {e}] + u[i,j]", {"u": layout},
                            random_cuts(random, {"i": shape[0], "j": shape[1]}),
                            edges={"i": edges[0], "j": edges[1]})  # fmt: skip
                assert same(found["r"], expected.astype(dtype)), (shape, d, e)


def test_a_stencil_is_numpys_slices():
    u = numpy.random.default_rng(42).standard_normal((50, 2100))
    wide = numpy.pad(u, 1, mode="edge")
    expected = (wide[:-2, 1:-1] + wide[2:, 1:-1] + wide[1:-1, :-2] + wide[1:-1, 2:]) / 4
    for cuts in ({}, {"i": [1, 49], "j": [1, 2, 2099]}, {"j": [1024]}):
        found = run("r[i,j] = (u[i-1,j] + u[i+1,j] + u[i,j-1] + u[i,j+1]) / 4", {"u": u}, cuts,
                    edges={"i": "clamp", "j": "clamp"})  # fmt: skip
        assert same(found["r"], expected)


def test_strided_constant_and_repeated_indices():
    a = numpy.random.default_rng(43).standard_normal((40, 40))
    assert same(run("r[i] = x[2*i + 1] - x[i]", {"x": a[0]}, {"i": [3]}, lengths={"i": 20})["r"], a[0, 1::2] - a[0, :20])
    assert same(run("r[i] = a[i,0] * a[3,i]", {"a": a}, {"i": [7]})["r"], a[:, 0] * a[3])
    assert same(run("r[i] = a[i,i]", {"a": a}, {"i": [9]})["r"], numpy.diagonal(a).copy())
    assert same(run("r[i,j] = a[j,i]", {"a": a}, {"i": [9], "j": [11, 30]})["r"], a.T.copy())
    i, j = numpy.arange(9), numpy.arange(12)
    assert same(run("r[i,j] = x[i + j] * a[i - j, j - i]", {"x": a[1], "a": a}, {"i": [4]}, lengths={"i": 9, "j": 12},
                    edges={"i": "wrap", "j": "wrap"})["r"],
                a[1][i[:, None] + j] * a[i[:, None] - j, j - i[:, None]])  # fmt: skip
    found = run("r[i] = sum(k: x[i + k] * w[k])", {"x": a[0], "w": a[1, :5]}, {"i": [10, 11]})["r"]
    assert numpy.allclose(found, numpy.correlate(a[0], a[1, :5], "valid"), rtol=1e-13)


def test_indices_are_those_of_the_whole_array():
    found = run("r[i,j] = i*10 + j; s[i] = sum(j: i + j) - len(j)", {}, {"i": [2]}, lengths={"i": 5, "j": 4})
    table = numpy.arange(5)[:, None] * 10 + numpy.arange(4)
    assert same(found["r"], table) and same(found["s"], numpy.arange(5) * 4 + 6 - 4)
    assert same(run("r[i,j] = i*10 + j", {}, {"i": [2], "j": [3]}, lengths={"i": 5, "j": 4})["r"], table)


def test_a_later_statement_reads_what_an_earlier_one_wrote():
    random = numpy.random.default_rng(44)
    a = random.standard_normal((33, 57))
    for cuts in ({}, {"i": [1, 20]}):
        found = run("t[i,j] = a[i,j]**2 + 1; s[i] = sum(j: t[i,j]); r[i,j] = t[i,j] / s[i]", {"a": a}, cuts)
        t = a**2 + 1
        assert same(found["t"], t) and same(found["s"], t.sum(1)) and same(found["r"], t / t.sum(1)[:, None])


@pytest.mark.parametrize("layout", ["C", "F"])
def test_an_array_is_updated_in_place(layout):
    random = numpy.random.default_rng(45)
    a, r = random.standard_normal((20, 3000)) * 1e7, random.standard_normal((20, 3000))
    a[3, 5] = 1e300  # not for the fast sine
    sine = run("s[i,j] = sin(a[i,j])", {"a": a})["s"]
    expected = r + sine * r
    found = run("r[i,j] += sin(a[i,j]) * r[i,j]", {"a": a, "r": numpy.array(r, order=layout)}, {"i": [3], "j": [1500]})
    assert same(found["r"], expected)
    found = run("r[i,j] *= 2", {"r": numpy.array(r, order=layout)}, {"i": [3]})
    assert same(found["r"], r * 2)


def test_empty_arrays_and_single_elements():
    nothing = numpy.zeros((0, 5))
    assert run("r[i,j] = 2 * a[i,j]", {"a": nothing})["r"].shape == (0, 5)
    assert same(run("r[j] = sum(i: a[i,j])", {"a": nothing})["r"], numpy.zeros(5))
    assert same(run("r[j] = prod(i: a[i,j])", {"a": nothing})["r"], numpy.ones(5))
    assert same(run("r[j] = any(i: a[i,j] > 0)", {"a": nothing})["r"], numpy.zeros(5, bool))
    assert same(run("r[i,j] = u[i+1,j]", {"u": nothing}, edges={"i": "zero"}, lengths={"i": 3})["r"],
                numpy.zeros((3, 5)))  # fmt: skip
    assert same(run("r[] = c[] + 1", {"c": numpy.array(2.5)})["r"], numpy.array(3.5))
    assert same(run("r[] = max(i: x[i])", {"x": numpy.arange(7.0)})["r"], numpy.array(6.0))


def test_parameters_take_another_value_without_another_kernel():
    x = numpy.arange(5, dtype="float32")
    assert same(run("r[i] = c * x[i] + n", {"x": x}, parameters={"c": 0.5, "n": 3})["r"], x * 0.5 + 3)
    assert same(run("r[i] = z * x[i]", {"x": x}, parameters={"z": 2j})["r"], x * 2j)


def test_an_axis_that_inputs_have_once_is_one_long():
    u = numpy.arange(20.0)
    for text, expected in (("r[i] = sum(k: u[i+k] * w[k])", u * 3), ("r[i] = u[2*i] + w[i]", u[::2] + 3),
                           ("r[i] = w[i] * 2", [6.0])):  # fmt: skip
        arrays = {"w": numpy.array([3.0])} | ({"u": u} if "u[" in text else {})
        assert same(run(text, arrays)["r"], numpy.array(expected))



def test_a_statement_is_compiled_once():
    x = numpy.arange(5.0)
    run("r[i] = 3 * x[i] + 0.125", {"x": x})
    cache = pathlib.Path(library().cache.decode())
    before = {path.name: path.stat().st_mtime_ns for path in cache.glob("*.so")}
    assert same(run("r[i] = 3 * x[i] + 0.125", {"x": x})["r"], 3 * x + 0.125)
    assert {path.name: path.stat().st_mtime_ns for path in cache.glob("*.so")} == before


# ---- sanitizers --------------------------------------------------------------------------------------------------

SANITIZED = [
    "r[i,j] = a[i,j] / b[i,j] // 3 + a[j,i] % 7",
    "r[i,j] = int8(a[i,j] * 1e30) + uint64(b[i,j]) - int64(a[i,j] / 0)",
    "r[i,j] = (n[i,j] << n[i,j]) + (n[i,j] >> n[j,i]) + n[i,j] // n[j,i] + n[i,j] % n[j,i] - n[i,j] * n[j,i]",
    "r[i,j] = abs(n[i,j]) + (-n[i,j]) + n[i,j]**3 + (~n[i,j])",
    "r[i,j] = where(a[i,j] > 0, sqrt(a[i,j]), exp(b[i,j]) * sin(1e8 * a[i,j]) + log(a[i,j])**1.5)",
    "r[i,j] = sum(k: a[i,k] * b[k,j]) + max(k: a[i,k]) - mean(k: b[k,j])",
    "r[i,j] = sum(k: (a[i,k] - b[j,k])**2) + argmin(k, l: a[k,l] * i)",
    "r[i,j] = float16(a[i,j]) * float16(b[i,j]) + float32(h[i,j])",
    "r[i,j] = abs(z[i,j] * z[j,i] / (z[i,j] + 1) - z[i,j]**2)",
    "r[i,j] = u[i-1,j+2] + u[i+3,j-2] + u[2*i-9,j] + u[5,j+1] + u[i+j,j-i]",
    "t[i,j] = a[i,j]; s[i] = sum(j: t[i,j]); q[i,j] = t[i,j] - s[i]",
]

PROGRAM = """
import os, sys
sys.path[:0] = [sys.argv[1], os.path.dirname(sys.argv[1])]
import numpy
from statements import Library, Statement
from test_notation_values import sample
from test_notation_reads import SANITIZED
made = Library(sys.argv[2], sys.argv[3])
arrays = {name: sample(dtype, 37 * 37, k).reshape(37, 37).copy()
          for k, (name, dtype) in enumerate(dict(a="float64", b="float64", n="int32", h="float16", z="complex128",
                                                 u="float32").items())}
for text in SANITIZED:
    for order in "CF":
        used = {name: numpy.array(array, order=order) for name, array in arrays.items() if name + "[" in text}
        for edge in ("clamp", "wrap", "zero", "reflect", "mirror", "constant=1"):
            statement = Statement(made, text, used, edges={"i": edge, "j": edge},
                                  flags="-O1 -g -fsanitize=address,undefined -fno-omit-frame-pointer")
            statement.run({"i": [1, 5, 36]})
            statement.close()
            if "u[" not in text:
                break
print("ran", len(SANITIZED))
"""


@pytest.mark.skipif("libasan" in os.environ.get("LD_PRELOAD", ""), reason="runs itself under the sanitizer")
def test_generated_code_is_clean_under_address_and_undefined_behaviour_sanitizers(tmp_path):
    made = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=False)
    asan = pathlib.Path(made.stdout.strip())
    assert asan.is_absolute(), "gcc has no libasan.so"
    copy = os.environ.get("TILEWORK_NPYCOPY", "build/debug/tests/npycopy")
    path = pathlib.Path(copy).resolve().parent.parent / "src" / "libtilework.so"
    env = dict(os.environ, LD_PRELOAD=str(asan), ASAN_OPTIONS="detect_leaks=0", UBSAN_OPTIONS="print_stacktrace=1",
               TILEWORK_CC="gcc")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", PROGRAM, str(pathlib.Path(__file__).parent), str(path),
                           str(tmp_path)], capture_output=True, text=True, env=env, timeout=600)  # fmt: skip
    assert done.returncode == 0 and f"ran {len(SANITIZED)}" in done.stdout, done.stderr[-3000:]
    assert "runtime error" not in done.stderr, done.stderr[:3000]


@pytest.mark.parametrize("edge", EDGES)
def test_an_axis_alone_is_read_with_its_edge_where_its_length_is_given(edge):
    """r[i] = u[i] of another length: what lies outside is the edge's, as it is for u[i+1]; a length of 1 fits any axis."""
    u, b = numpy.arange(1.0, 6), numpy.array([7.0])
    pad = PADS[edge]
    for length in (1, 4, 5, 8, 13):
        whole = numpy.pad(u, (0, max(length - 5, 0)), **pad)[:length]
        options = {"edges": {"i": edge}, "lengths": {"i": length}}
        assert same(run("r[i] = u[i]", {"u": u}, {"i": [1]} if length > 1 else None, **options)["r"], whole)
        assert same(run("r[i] = u[i] * b[i]", {"u": u, "b": b}, **options)["r"], whole * 7)
        assert same(run("s[] = sum(i: u[i])", {"u": u}, **options)["s"], numpy.sum(whole))
    matrix = numpy.arange(20.0).reshape(4, 5)
    found = run("r[i] = m[i,i]", {"m": matrix}, edges={"i": edge}, lengths={"i": 6})["r"]
    rows, columns = (numpy.pad(numpy.arange(n), (0, 6 - n), **(PADS[edge] if "mode" in PADS[edge] else PADS["clamp"]))
                     for n in matrix.shape)
    inside = (numpy.arange(6) < 4) | ("mode" in PADS[edge])
    assert same(found, numpy.where(inside, matrix[rows, columns], PADS[edge].get("constant_values", 0.0)))


def test_lengths_that_disagree_are_refused_with_an_edge_too_unless_one_is_given():
    with pytest.raises(Failure, match="axis i: u has length 5 but v has 8; if the axis is given its length"):
        run("r[i] = u[i] + v[i]", {"u": numpy.ones(5), "v": numpy.ones(8)}, edges={"i": "clamp"})
