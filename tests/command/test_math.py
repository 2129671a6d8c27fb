"""The vector math functions of generated kernels: errors, special values, and the same bits however they are compiled."""

import pathlib
import platform
import shutil
import subprocess
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "math"))

import measure  # noqa: E402

SAMPLES = 12000
SEED = 20
MEASURED = measure.measured()
BOUNDS = measure.bounds()
NAMES = [name for _, name in measure.functions()]
KINDS = {name: kind for kind, name in measure.functions()}
BUILDS = [name for name in measure.builds() if name != "gcc"]
# Functions that NumPy lacks are held against libquadmath alone.
NUMPY = [name for _, name in measure.functions() if hasattr(np, name)]
SUFFIXES = list(measure.DTYPES)


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    return measure.Programs(tmp_path_factory.mktemp("math"))


@pytest.fixture(scope="module")
def results(programs):
    """Arguments and results of each function, computed once."""
    kept = {}

    def of(name, suffix):
        if (name, suffix) not in kept:
            x, y = measure.arguments(KINDS[name], suffix, SAMPLES, SEED)
            kept[name, suffix] = x, y, programs.run("gcc", name, x, y)
        return kept[name, suffix]

    return of


def test_every_measured_function_has_a_stated_bound():
    assert set(BOUNDS) == {name for _, name in MEASURED}
    assert all(0.5 <= bound <= 4 for row in BOUNDS.values() for bound in row.values())


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("name", [name for _, name in MEASURED])
def test_error_is_below_the_stated_bound(programs, results, name, suffix):
    x, y, got = results(name, suffix)
    worst, where = programs.error(name, got, x, y)
    print(f"{name} {suffix}: {worst:.3f} ULP at {x[where]!r}, {y[where]!r}")
    assert worst <= BOUNDS[name][suffix], f"{x[where]!r}, {y[where]!r} gave {got[where]!r}"


def test_the_measure_finds_a_wrong_result(programs, results):
    x, _, got = results("exp", "f64")
    where = int(np.flatnonzero(np.abs(x) < 1)[0])
    wrong = got.copy()
    wrong[where] = np.nextafter(np.nextafter(wrong[where], np.inf), np.inf)
    worst, found = programs.error("exp", wrong, x)
    assert found == where and 1.4 < worst < 2.6
    wrong[where] = np.nan
    assert programs.error("exp", wrong, x)[0] == np.inf


@pytest.mark.parametrize("name", NAMES)
def test_every_build_gives_the_same_bits(programs, results, name):
    for suffix in SUFFIXES:
        x, y, got = results(name, suffix)
        for build in BUILDS:
            other = programs.run(build, name, x, y)
            differ = np.flatnonzero(measure.bits(other) != measure.bits(got))
            assert not len(differ), f"{build}, {suffix}: {x[differ[0]]!r}, {y[differ[0]]!r} gives " \
                                    f"{other[differ[0]]!r}, not {got[differ[0]]!r}"


def test_the_bits_are_those_of_every_other_machine(programs):
    """bits.txt was written on one machine, by measure.py --bits; a change of a function's results must be deliberate."""
    kept = dict(line.rsplit(" ", 1) for line in (measure.HERE / "bits.txt").read_text().splitlines())
    assert measure.checksums(programs) == kept, "measure.py --bits writes what stands in bits.txt"


@pytest.mark.parametrize("name", NAMES)
def test_an_element_has_the_same_bits_at_any_place(programs, results, name):
    rng = np.random.default_rng(SEED)
    for suffix in SUFFIXES:
        x, y, got = results(name, suffix)
        for build in ("gcc", *(b for b in BUILDS if b == "clang")):
            begin, whole = 0, programs.run(build, name, x, y)
            while begin < len(x):  # pieces that begin anywhere and end anywhere: heads, bodies and tails of vectors
                end = min(begin + int(rng.integers(1, 1200)), len(x))
                piece = programs.run(build, name, x[begin:end], y[begin:end])
                assert np.array_equal(measure.raw_bits(piece), measure.raw_bits(whole[begin:end])), \
                    (build, suffix, begin, end)
                begin = end
        # In another order other elements share a strip, some of which are not for the fast version.
        order = rng.permutation(len(x))
        shuffled = programs.run("gcc", name, x[order], y[order])
        assert np.array_equal(measure.raw_bits(shuffled), measure.raw_bits(got[order]))


@pytest.mark.parametrize("name", NUMPY)
def test_special_values_are_numpys(programs, name):
    for suffix, dtype in measure.DTYPES.items():
        values = measure.special(dtype)
        x, y = values, values
        if KINDS[name].endswith("PAIR"):
            x, y = (np.ascontiguousarray(side.ravel()) for side in np.meshgrid(values, values))
        got = programs.run("gcc", name, x, y)
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(x, y) if KINDS[name].endswith("PAIR") else getattr(np, name)(x)
        if KINDS[name].startswith("EXACT"):
            if name in ("fmin", "fmax"):
                got, wanted = got + 0.0, wanted + 0.0  # of two zeros NumPy takes the one or the other, by the length
            assert np.array_equal(measure.bits(got), measure.bits(wanted))
            continue
        assert np.array_equal(np.isnan(got), np.isnan(wanted))
        assert np.array_equal(np.isinf(got), np.isinf(wanted))
        number = ~np.isnan(wanted)
        assert np.array_equal(np.signbit(got[number]), np.signbit(wanted[number]))
        # What is less than the smallest number is 0 or that.
        zero = (got == 0) != (wanted == 0)
        assert not zero.any() or np.abs(got[zero] + wanted[zero]).max() <= np.finfo(dtype).smallest_subnormal


@pytest.mark.parametrize("name", [name for name in NAMES if KINDS[name].startswith("EXACT")])
def test_exact_functions_are_numpys_bit_for_bit(results, name):
    for suffix in SUFFIXES:
        x, y, got = results(name, suffix)
        with np.errstate(all="ignore"):
            wanted = getattr(np, name)(x, y) if KINDS[name].endswith("PAIR") else getattr(np, name)(x)
        if name in ("fmin", "fmax"):
            got, wanted = got + 0.0, wanted + 0.0
        assert np.array_equal(measure.bits(got), measure.bits(wanted))


@pytest.mark.skipif(platform.machine() != "x86_64", reason="looks at what is compiled for x86-64")
@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("compiler", [name for name in ("gcc", "clang") if name in measure.builds()])
def test_every_loop_is_vectorised(compiler, suffix):
    assert measure.vectorised(compiler, suffix) == set(NAMES)


@pytest.mark.skipif(shutil.which("nm") is None, reason="needs nm")
def test_nothing_of_the_c_library_is_called(programs):
    for build in ("gcc", *(b for b in BUILDS if b == "clang")):
        listing = subprocess.run(["nm", "-D", "--undefined-only", programs.paths[build]], capture_output=True,
                                 text=True, check=True).stdout
        called = {line.split()[-1].split("@")[0] for line in listing.splitlines()}
        assert {name for name in called if not name.startswith("_")} <= {"floor", "ceil", "rint", "trunc", "floorf", "ceilf",
                                                                  "rintf", "truncf"}
