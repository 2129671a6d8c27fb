"""The table of operations: a row is all that a new operation needs, beside its math texts and a word in the documents;
and every row is in the documents and among the random statements of tests/differential."""

import os
import pathlib
import re
import subprocess
import sys

import numpy
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SOURCES = TOP / "src" / "notation"
TABLE = SOURCES / "value" / "operations.h"
REDUCTIONS = SOURCES / "value" / "reductions.h"
sys.path.insert(0, str(TOP / "tests" / "differential"))

import oracle  # noqa: E402

# logistic(x): 1 / (1 + exp(-x)), by the functions that are there.
ROW = r"""    ROW(LOGISTIC, "logistic", 1, ONE, FLOAT, NONE, NONE, "logistic", "logistic", 0, 0, 90, 0, ROUNDS | LONG) \
"""
MATH = """/* logistic_{dtype}.h - the logistic function. */
#ifndef TW_NOTATION_MATH_LOGISTIC_{dtype}_H
#define TW_NOTATION_MATH_LOGISTIC_{dtype}_H

#include "notation/math/exp_{dtype}.h"

TW_MATH {type} tw_logistic_{dtype}({type} x)
{{
    return 1 / (1 + tw_exp_{dtype}(-x));
}}

#endif
"""


def rows():
    """(code, spelled, how it is written) of each row."""
    found = re.findall(r'^    ROW\((\w+), +"([^"]+)", +\d, +(\w+)', TABLE.read_text(), re.MULTILINE)
    assert len(found) > 60
    return found


@pytest.fixture(scope="module")
def changed(tmp_path_factory):
    """The command with a row and its two math texts added, and no other line changed."""
    build = pathlib.Path(os.environ["TILEWORK_BUILD"])
    folder = tmp_path_factory.mktemp("added")
    table = TABLE.read_text()
    begin = table.index("    ROW(")
    (folder / "notation" / "value").mkdir(parents=True)
    (folder / "notation" / "value" / "operations.h").write_text(table[:begin] + ROW + table[begin:])
    texts = sorted((SOURCES / "math").glob("*.h"))
    for dtype, type in (("f32", "float"), ("f64", "double")):
        texts.append(folder / f"logistic_{dtype}.h")
        texts[-1].write_text(MATH.format(dtype=dtype, type=type))
    subprocess.run([sys.executable, TOP / "tools" / "generate" / "embed_math.py", folder / "math_texts.c", *texts], check=True)
    # Every file that expands the table or knows a code of it, with this table found before that of src/.
    files = [path for path in sorted(SOURCES.rglob("*.c")) if re.search(r"TW__OP_|TW__OPERATION", path.read_text())]
    options = ["-std=gnu11", "-D_GNU_SOURCE", "-DTW_BUILDING_LIBRARY", "-O0", f"-I{folder}", f"-I{TOP / 'src'}",
               f"-I{TOP / 'include'}"]
    objects = []
    for path in [folder / "math_texts.c", *files]:
        objects.append(folder / f"{path.stem}.o")
        subprocess.run(["gcc", *options, "-c", path, "-o", objects[-1]], check=True)
    command = folder / "tilework"
    libraries = ["-lm", "-lxxhash", "-ljansson", "-ldl", "-lpthread"]
    subprocess.run(["gcc", *sorted((build / "cli" / "tilework.p").glob("*.o")), *objects,
                    build / "src" / "libtilework.a", *libraries, "-o", command], check=True)
    return command


def run(command, *arguments, cwd=None):
    return subprocess.run([command, *arguments], capture_output=True, text=True, cwd=cwd, timeout=120)


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int16"])
def test_an_operation_is_added_by_one_row(changed, tmp_path, dtype):
    x = numpy.linspace(-9, 9, 41).astype(dtype)
    numpy.save(tmp_path / "x.npy", x)
    done = run(changed, "run", "r[i] = 2 * logistic(x[i])", "x=x.npy", "-o", "r=r.npy", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    result = numpy.load(tmp_path / "r.npy")
    assert result.dtype == numpy.sqrt(x[:1]).dtype  # as NumPy's functions of floats
    wide = x.astype("float64")
    assert numpy.allclose(result, 2 / (1 + numpy.exp(-wide)), rtol=4 * numpy.finfo(result.dtype).eps, atol=0)


def test_an_added_operation_is_described_suggested_and_refused_like_others(changed, tmp_path):
    done = run(changed, "explain", "r[i] = logistic(x[i])", "--types", "x=float64")
    assert re.search(r"^  logistic +1$", done.stdout, re.MULTILINE), done.stdout + done.stderr
    done = run(changed, "explain", "r[i] = logistik(x[i])", "--types", "x=float64")
    assert done.returncode == 2 and "there are logistic, " in done.stderr
    done = run(changed, "explain", "r[i] = logistic(x[i], 2)", "--types", "x=float64")
    assert done.returncode == 2 and "expected ')': logistic(x)" in done.stderr
    done = run(changed, "explain", "r[i] = logistic(x[i])", "--types", "x=complex64")
    assert done.returncode == 2 and "'logistic' of complex64: there is no such function of complex numbers" in done.stderr


def test_every_operation_is_in_the_documents():
    text = re.sub(r"```.*?```", "", (TOP / "docs" / "notation.md").read_text(), flags=re.DOTALL)
    words = {word for quoted in re.findall(r"`([^`]+)`", text) for word in re.findall(r"\w+|[^\w\s]+", quoted)}
    missing = [spelled for _, spelled, _ in rows() if spelled not in words]
    missing += [name for name in re.findall(r'^    ALIAS\("(\w+)"', TABLE.read_text(), re.MULTILINE) if name not in words]
    assert not missing


def test_every_function_is_in_the_manual_page():
    words = set(re.findall(r"\w+", (TOP / "docs" / "tilework.1").read_text()))
    assert not [spelled for _, spelled, written in rows() if written in ("ONE", "TWO", "AS") and spelled not in words]


def test_every_reduction_is_documented_and_compared_with_numpy():
    names = re.findall(r'^    ROW\(\w+, +"(\w+)", +\w+, +\w+, +[A-Z| ]+, +"\)', REDUCTIONS.read_text(), re.MULTILINE)
    assert {"sum", "var", "nanstd", "count_nonzero"} < set(names)
    notation = re.sub(r"```.*?```", "", (TOP / "docs" / "notation.md").read_text(), flags=re.DOTALL)
    quoted = {word for text in re.findall(r"`([^`]+)`", notation) for word in re.findall(r"\w+", text)}
    manual = set(re.findall(r"\w+", (TOP / "docs" / "tilework.1").read_text()))
    assert not set(names) - quoted and not set(names) - manual
    assert set(names) == set(oracle.REDUCTIONS)
    for test in ("types", "values"):
        text = pathlib.Path(__file__).with_name(f"test_notation_{test}.py").read_text()
        assert not [name for name in names if not re.search(rf'"{name}": (numpy|lambda)', text)]


def test_every_math_function_is_measured():
    functions = set(re.findall(r'"\w+", +"(\w+)", +\d, \d+, ', TABLE.read_text()))
    assert {"exp", "pow", "sqrt", "atan2"} < functions
    measured = (TOP / "tests" / "math" / "functions.h").read_text()
    assert functions == set(re.findall(r"^\w+\((\w+)\)$", measured, re.MULTILINE))


def test_every_operation_is_compared_with_numpys_dtypes():
    types = pathlib.Path(__file__).with_name("test_notation_types.py").read_text()
    compared = set(re.findall(r'"([^" ]+) ?": numpy\.', types))
    lacking = {"where", *oracle.LACKING, *oracle.RANDOM}  # where is no ufunc
    assert {spelled for _, spelled, _ in rows()} - compared == lacking


def test_every_operation_is_among_the_random_statements():
    tables = [oracle.ARITHMETIC, oracle.COMPARISONS, oracle.EXACT, oracle.EXACT_OF_TWO, oracle.EXTREMES,
              oracle.TRANSCENDENTAL, oracle.TRANSCENDENTAL_OF_TWO]
    written = {name for table in tables for name in table} | {"-", "~", "not", "where"} | oracle.RANDOM  # Unary and select
    assert not [spelled for _, spelled, _ in rows() if spelled not in written]
