"""Statements keep their results whatever flags the compiler is given; what nothing can undo is refused."""

import shutil
import subprocess

import numpy
import pytest

# Each of these changes at least one of the statements' results if it reaches the compiler last.
FLAGS = ["-Ofast", "-ffast-math", "-funsafe-math-optimizations", "-ffinite-math-only", "-fno-signed-zeros -fassociative-math",
         "-mfma -ffp-contract=fast"]  # fmt: skip
GCC_ONLY = ["-fsingle-precision-constant", "-fcx-limited-range", "-fwhole-program -fvisibility=hidden", "-ftrapv", "-fshort-enums"]
CLANG_ONLY = ["-ffp-model=fast", "-fno-honor-nans -fapprox-func", "-fdenormal-fp-math=positive-zero", "-fvisibility=hidden"]

STATEMENT = ("r[i] = where(x[i] != x[i], 1.5, x[i] * y[i] + x[i] / 3.0 - (y[i] - (y[i] - 0.1))); s[] = sum(i: y[i] * 0.1); "
             "w[i] = isnan(x[i]) + 2 * isfinite(x[i]) + 4 * (0.0 * y[i] + 0.0 == 0) + 8 * (1 / (x[i] * 0.0) < 0); "
             "n[i] = (k[i] + 1 > k[i]); z[i] = (x[i] + 1j * y[i]) * (y[i] - 2j * x[i])")


def same_on(architecture):
    return subprocess.run(["uname", "-m"], capture_output=True, text=True, check=True).stdout.strip() == architecture


def cases():
    for compiler, own in (("gcc", GCC_ONLY), ("clang", CLANG_ONLY)):
        for flags in FLAGS + own:
            yield pytest.param(compiler, flags, id=f"{compiler} {flags}")


@pytest.fixture
def operands(folder):
    rng = numpy.random.default_rng(3)
    x = rng.standard_normal(500)
    x[::9], x[1::9], x[2::9], x[3::9], x[4::9] = numpy.nan, numpy.inf, -numpy.inf, -0.0, 5e-320
    folder.save("x.npy", x)
    folder.save("y.npy", rng.standard_normal(500))
    folder.save("k.npy", numpy.array([1, 2**31 - 1] * 250, dtype="int32"))

    def run(env, *arguments):
        named = [f"{name}={name}.npy" for name in "xyk"]
        outputs = [word for name in "rswnz" for word in ("-o", f"{name}={name}_.npy")]
        folder.run_ok(STATEMENT, *named, *outputs, *arguments, env=env)
        return {name: folder.load(f"{name}_.npy").tobytes() for name in "rswnz"}

    return run


@pytest.mark.parametrize("compiler, flags", list(cases()))
def test_flags_change_no_bit_of_a_statement(operands, compiler, flags):
    if shutil.which(compiler) is None or ("-mfma" in flags and not same_on("x86_64")):
        pytest.skip(f"no {compiler} here, or another processor")
    right = operands({"TILEWORK_CC": "cc"})
    assert operands({"TILEWORK_CC": f"{compiler} {flags}"}) == right
    assert operands({"TILEWORK_CC": compiler}, "--flags", flags) == right


def test_flags_that_nothing_can_undo_are_refused(folder):
    if shutil.which("gcc") is None or not same_on("x86_64"):
        pytest.skip("for GCC on x86-64")
    result = folder.call("run", "r[i] = 2 * y[i]", "y=y.npy", "-o", "r=r.npy", "--flags", "-mfpmath=387")
    assert result.returncode != 0 and "flags change the results of floating-point operations" in result.stderr
    assert not (folder / "r.npy").exists()
