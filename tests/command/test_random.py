"""Random numbers in statements and in C kernels: the numbers that docs/random.md says, whatever the cuts, pools and flags are."""

import os
import pathlib
import shutil
import subprocess

import numpy
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
SEED = 0xFEDCBA9876543210
CUTS = [(), ("--tile", "i=1"), ("--tile", "i=7,j=9"), ("--tile", "i=13,j=64"), ("--pool", "processes", "--tile", "i=5"), ("--check",),
        ("--pool", "serial", "--tile", "j=3")]


def blocks(seed, place, elements):
    """Philox 4x32-10 of many elements: two arrays of 64 bits."""
    low = numpy.uint64(0xFFFFFFFF)
    at = numpy.arange(elements, dtype="uint64")
    c = [at & low, at >> numpy.uint64(32), numpy.full(elements, place, "uint64"), numpy.zeros(elements, "uint64")]
    k = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        p, q = numpy.uint64(0xD2511F53) * c[0], numpy.uint64(0xCD9E8D57) * c[2]
        c = [q >> numpy.uint64(32) ^ c[1] ^ numpy.uint64(k[0]), q & low, p >> numpy.uint64(32) ^ c[3] ^ numpy.uint64(k[1]), p & low]
        k = [k[0] + 0x9E3779B9 & 0xFFFFFFFF, k[1] + 0xBB67AE85 & 0xFFFFFFFF]
    return c[0] | c[1] << numpy.uint64(32), c[2] | c[3] << numpy.uint64(32)


def uniform(seed, place, shape):
    return ((blocks(seed, place, numpy.prod(shape, dtype=int))[0] >> numpy.uint64(11)) * 2.0**-53).reshape(shape)


def normal(seed, place, shape):
    first, second = (block >> numpy.uint64(11) for block in blocks(seed, place, numpy.prod(shape, dtype=int)))
    radius = numpy.sqrt(-2 * numpy.log((first + numpy.uint64(1)) * 2.0**-53))
    return (radius * numpy.cos(2 * numpy.pi * (second * 2.0**-53))).reshape(shape)


def near(found, expected):
    # The cosine of the formula loses digits beside its zeros, where pi's own rounding is seen.
    return numpy.allclose(found, expected, rtol=1e-13, atol=4e-15)


KERNEL = r"""
#include <tilework/tile.h>

int draw(const tw_tile *tile) /* "-> u[i,j], n[i,j]" */
{
    tw_random what = {.seed = 0xfedcba9876543210};
    const int code = tw_random_fill(&tile->operand[0], tile, 0, &what);
    what.kind = TW_RANDOM_NORMAL;
    return code != 0 ? code : tw_random_fill(&tile->operand[1], tile, 1, &what);
}
"""


@pytest.mark.parametrize("cut", CUTS, ids=" ".join)
def test_statements_and_c_kernels_draw_the_documented_numbers(folder, cut):
    (folder / "draw.c").write_text(KERNEL)
    size = ("--length", "i=40,j=66")
    folder.run_ok(f"u[i,j] = uniform({SEED}); n[i,j] = normal(seed)", "--param", f"seed={SEED}", *size, *cut, "-o", "u=u.npy",
                  "-o", "n=n.npy")
    folder.run_ok("draw.c:draw", "-s", "-> u[i,j], n[i,j]", *size, *cut, "-o", "u=cu.npy", "-o", "n=cn.npy")
    u, n = folder.load("u.npy"), folder.load("n.npy")
    assert u.dtype == n.dtype == "float64" and numpy.array_equal(u, uniform(SEED, 0, (40, 66)))
    assert near(n, normal(SEED, 1, (40, 66)))
    assert numpy.array_equal(folder.load("cu.npy"), u) and numpy.array_equal(folder.load("cn.npy"), n)


def test_float32_is_drawn_where_a_number_is_converted_at_once(folder):
    folder.run_ok("r[i]:float32 = uniform(3); s[i]:float32 = normal(3); t[i] = float32(uniform(3)); w[i]:float32 = 2 * uniform(3)",
                  "--length", "i=4000", "-o", "r=r.npy", "-o", "s=s.npy", "-o", "t=t.npy", "-o", "w=w.npy")
    for name, place in (("r", 0), ("t", 2)):
        found = folder.load(f"{name}.npy")
        assert found.dtype == "float32" and numpy.array_equal(found, numpy.floor(uniform(3, place, (4000,)) * 2**24) / 2**24)
    folder.run_ok("s[i] = 0.0; n[i] = normal(3)", "--length", "i=4000", "-o", "s=z.npy", "-o", "n=n.npy")
    assert numpy.array_equal(folder.load("s.npy"), folder.load("n.npy").astype("float32"))
    assert numpy.array_equal(folder.load("w.npy"), (2 * uniform(3, 3, (4000,))).astype("float32"))


def test_reduced_elements_have_numbers_of_their_own(folder):
    size = ("--length", "j=30,k=500,l=3")
    statement = "s[j] = sum(k,l: uniform(3)); m[j] = max(k: sum(l: uniform(4))); v[j] = var(k: uniform(5)) + uniform(6)"
    results = ("-o", "s=s.npy", "-o", "m=m.npy", "-o", "v=v.npy")
    folder.run_ok(statement, *size, *results)
    first = [folder.load(name) for name in ("s.npy", "m.npy", "v.npy")]
    assert numpy.allclose(first[0], uniform(3, 0, (30, 500, 3)).sum(axis=(1, 2)), rtol=1e-13)
    assert numpy.allclose(first[1], uniform(4, 1, (30, 500, 3)).sum(axis=2).max(axis=1), rtol=1e-13)
    assert numpy.allclose(first[2], uniform(5, 2, (30, 500)).var(axis=1) + uniform(6, 2, (30,)), rtol=1e-12)
    for cut in (("--tile", "k=128"), ("--tile", "j=7,k=256", "--pool", "processes")):
        folder.run_ok(statement, *size, *cut, *[text.replace(".npy", "2.npy") for text in results])
        for name, found in zip("smv", first):
            assert numpy.array_equal(folder.load(f"{name}2.npy"), found)
            (folder / f"{name}2.npy").unlink()


def test_numbers_of_the_whole_array_are_those_of_all_elements(folder):
    folder.run_ok("s[] = mean(i: uniform(3))", "--length", "i=300000", "-o", "s=s.npy")
    assert folder.load("s.npy") == pytest.approx(uniform(3, 0, (300000,)).mean(), rel=1e-14)


def test_numbers_are_part_of_any_expression(folder):
    x = numpy.linspace(0, 1, 200).reshape(10, 20)
    folder.save("x.npy", x)
    folder.run_ok("r[j,i] = x[i,j] + 0.5 * normal(1) if uniform(2) < 0.5 else -x[i,j]", "x=x.npy", "--tile", "j=3", "-o", "r=r.npy")
    n, u = normal(1, 0, (20, 10)), uniform(2, 0, (20, 10))
    assert near(folder.load(), numpy.where(u < 0.5, x.T + 0.5 * n, -x.T))


def test_another_seed_is_no_other_compilation(folder):
    folder.run_ok("r[i] = uniform(3)", "--length", "i=9", "-o", "r=a.npy")
    first = folder.load("a.npy")
    codes = [folder.call("explain", f"r[i] = uniform({seed}) * x[i]", "--c").stdout for seed in (3, 4)]
    assert "tw_random_uniform" in codes[0] and "TW_EXACT_FLOATS" in codes[0]
    folder.run_ok("r[i] = uniform(4)", "--length", "i=9", "-o", "r=b.npy")
    assert not (first == folder.load("b.npy")).any()


@pytest.mark.parametrize("text, options, says", [
    ("r[i] = uniform(1.5)", (), "the seed of uniform(seed) is a whole number or a parameter that is one"),
    ("r[i] = normal(i)", (), "the seed of normal(seed) is a whole number or a parameter that is one"),
    ("r[i] = normal(uniform(3))", (), "the seed of normal(seed) is a whole number or a parameter that is one"),
    ("r[i] = uniform(True)", (), "the seed of uniform(seed) is a whole number or a parameter that is one"),
    ("r[i] = uniform(s)", ("--param", "s=0.5"), "the seed of uniform(seed) is a whole number or a parameter that is one"),
    ("r[i] = uniform(-1)", (), "-1 does not fit uint64"),
    ("r[i] = uniform(2**64)", (), "18446744073709551616 does not fit uint64"),
    ("r[i] = uniform(s)", ("--param", "s=-3"), "-3 does not fit uint64"),
    ("r[i] = uniform(1, 2)", (), "expected ')': uniform(seed)"),
    ("r[i] = rand(1)", (), "there is no function 'rand': write uniform(seed), with a whole number"),
])  # fmt: skip
def test_a_seed_is_known_before_the_run(folder, text, options, says):
    folder.refused(2, "run", text, *options, "--length", "i=4", "-o", "r=r.npy", says=says, sentences=3)  # with the text and a mark


PROGRAM = r"""
#include <stdio.h>
#include <tilework/tile.h>

int main(void)
{
    static double items[5000];
    static const int64_t start[1] = {70}, stop[1] = {5070}, length[1] = {6000};
    char message[TW_TILE_MESSAGE_SIZE];
    const tw_place place = {0, 0, 1, {0}};
    for (int kind = 0; kind < 3; kind++) {
        for (int narrow = 0; narrow < 2; narrow++) {
            tw_view view = {items, {kind == 2 ? TW_INT64 : TW_FLOAT64, 8, 8, ""}, 1, {5000}, {8}};
            if (narrow) {
                view.dtype.kind = kind == 2 ? TW_INT32 : TW_FLOAT32;
                view.dtype.itemsize = 4;
                view.strides[0] = 4;
            }
            tw_tile tile = {0};
            tile.naxes = tile.noperands = 1;
            tile.start = start;
            tile.stop = stop;
            tile.length = length;
            tile.place = &place;
            tile.message = message;
            const tw_random what = {12345678901234567u, (tw_random_kind)kind, -5, 1000000007};
            if (tw_random_fill(&view, &tile, 0, &what) != 0) {
                return 1;
            }
            if (kind == 1 && !narrow) {
                for (int k = 0; k < 5000; k++) {
                    if (items[k] != tw_random_normal(what.seed, 0, (uint64_t)k + 70)) {
                        return 2;
                    }
                }
            }
            fwrite(items, 8, (size_t)(narrow ? 2500 : 5000), stdout);
        }
    }
    return 0;
}
"""
AARCH64 = ["aarch64-linux-gnu-gcc", "-static"]
BUILDS = [("gcc", flags) for flags in ("-O0", "-O2 -fPIC", "-O3 -mavx2 -mfma", "-O3 -march=native -ffp-contract=fast", "-Ofast -march=native",
                                       "-O3 -DTW_EXACT_FLOATS -ffp-contract=off", "-O1 -mavx512f -mavx512dq -mavx512vl")] + \
         [("clang", flags) for flags in ("-O1", "-O3", "-O3 -march=native -ffp-contract=fast", "-Ofast -march=native",
                                         "-O3 -DTW_EXACT_FLOATS -ffp-contract=off")] + \
         [("aarch64", flags) for flags in ("-O3 -ffp-contract=fast", "-Ofast")]  # fmt: skip


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """What the program draws, compiled so; None where that cannot be compiled or run here."""
    folder = tmp_path_factory.mktemp("random")
    (folder / "draw.c").write_text(PROGRAM)

    def by(compiler, flags):
        command = AARCH64 if compiler == "aarch64" else [compiler]
        emulator = ["qemu-aarch64-static"] if compiler == "aarch64" else []
        if any(shutil.which(name) is None for name in (command[0], *emulator)):
            return None
        if "avx512" in flags and "avx512dq" not in pathlib.Path("/proc/cpuinfo").read_text() or \
                "avx2" in flags and "avx2" not in pathlib.Path("/proc/cpuinfo").read_text():
            return None
        program = folder / "draw"
        subprocess.run([*command, *flags.split(), f"-I{TOP / 'include'}", folder / "draw.c", "-o", program, "-lm"], check=True)
        return subprocess.run([*emulator, program], check=True, capture_output=True, timeout=100, env=os.environ).stdout

    return by


@pytest.mark.parametrize("compiler, flags", BUILDS, ids=[" ".join(build) for build in BUILDS])
def test_no_flag_and_no_machine_changes_a_bit(drawn, compiler, flags):
    found, expected = drawn(compiler, flags), drawn("gcc", "-O2")
    if found is None:
        pytest.skip("cannot be compiled or run here")
    assert len(expected) == 3 * 60000 and found == expected
