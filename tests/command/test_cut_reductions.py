"""Statements whose reduced axes are cut: in steps, by any cuts and pools, the bits of one serial tile."""

import random

import numpy
import pytest

# Statement, shapes of its inputs by name, axes that may be cut, and NumPy's value.
CASES = [
    ("s[j] = sum(i: a[i,j])", {"a": (901, 70)}, "ij", lambda a: a.sum(0)),
    ("s[] = sum(i,j: a[i,j])", {"a": (901, 70)}, "ij", lambda a: a.sum()),
    ("s[i] = max(j: a[i,j])", {"a": (3, 20_000)}, "ij", lambda a: a.max(1)),
    ("s[j] = argmin(i: a[i,j])", {"a": (901, 70)}, "ij", lambda a: a.argmin(0)),
    ("s[] = any(i,j: a[i,j] > 3)", {"a": (901, 70)}, "ij", lambda a: (a > 3).any()),
    ("s[i] = x[i] / sum(k: x[k])", {"x": (20_000,)}, "ik", lambda x: x / x.sum()),
    ("s[] = mean(i: x[i])", {"x": (20_000,)}, "i", lambda x: x.mean()),
    ("s[] = std(i: x[i])", {"x": (20_000,)}, "i", lambda x: x.std()),
    ("s[i,j] = (a[i,j] - mean(k: a[k,j])) / std(k: a[k,j])", {"a": (901, 70)}, "ijk", lambda a: (a - a.mean(0)) / a.std(0)),
    ("s[i,j] = sum(k: a[i,k] * b[k,j])", {"a": (30, 2000), "b": (2000, 20)}, "ijk", lambda a, b: a @ b),
    ("t[j] = mean(k: a[k,j]); s[i,j] = a[i,j] - t[j]", {"a": (901, 70)}, "ijk", lambda a: a - a.mean(0)),
    ("t[i,j] = a[i,j] * a[i,j]; s[i] = sum(j: t[i,j])", {"a": (70, 901)}, "ij", lambda a: (a * a).sum(1)),
]  # fmt: skip


def values(shape, dtype, seed):
    rng = numpy.random.default_rng(seed)
    if dtype.startswith("float"):
        return rng.standard_normal(shape).astype(dtype)
    return rng.integers(0, 9, shape).astype(dtype)


def lengths_of(text, arrays):
    found = {}
    for name, array in arrays.items():
        for letter, length in zip(text[text.index(name + "["):].split("]")[0].split("[")[1].split(","), array.shape):
            found[letter] = length
    return found


def cuts_of(rng, axes, lengths):
    """--tile or --cut for some of the axes."""
    arguments = []
    for axis in rng.sample(axes, rng.randint(1, len(axes))):
        length = lengths.get(axis) or lengths.get("i") or lengths["k"]
        if rng.random() < 0.5:
            arguments += ["--tile", f"{axis}={max(1, int(length * rng.random() ** 2))}"]
        else:
            cuts = sorted(rng.sample(range(1, length), min(length - 1, rng.randint(1, 6))))
            arguments += ["--cut", f"{axis}={','.join(map(str, cuts))}"]
    return arguments


@pytest.mark.parametrize("dtype", ["float32", "uint8"])
@pytest.mark.parametrize("case", range(len(CASES)))
def test_any_cuts_and_pools_give_the_bits_of_one_tile(folder, case, dtype):
    text, shapes, axes, function = CASES[case]
    arrays = {name: values(shape, dtype, case) for name, shape in shapes.items()}
    for name, array in arrays.items():
        folder.save(f"{name}.npy", array)
    inputs = [f"{name}={name}.npy" for name in arrays] + ["-o", "s=s.npy"]
    inputs += ["-o", "t=t.npy"] if text.startswith("t[") else []
    whole = ["--parts", f"{axes[0]}=1"]
    folder.run_ok(text, *inputs, *whole, "--pool", "serial")
    expected = folder.load("s.npy")
    if dtype == "float32" or "* a" not in text and "* b" not in text: # products of uint8 wrap around, as NumPy's do
        wide = {name: array.astype("float64") if dtype == "float32" else array for name, array in arrays.items()}
        assert numpy.allclose(expected, function(**wide), rtol=1e-4, atol=1e-4)
    rng = random.Random(case)
    lengths = lengths_of(text, arrays)
    for pool, workers in (("serial", 1), ("threads", 2), ("threads", 5), ("processes", 3)):
        cuts = cuts_of(rng, axes, lengths)
        result = folder.run_ok(text, *inputs, *cuts, "--pool", pool, "--workers", str(workers), "--check")
        assert "bit-identical: yes" in result.stdout, (pool, cuts)
        assert folder.load("s.npy").tobytes() == expected.tobytes(), (pool, workers, cuts)


def test_without_cuts_the_work_decides(folder):
    folder.save("x.npy", values(3_000_000, "float64", 1))
    result = folder.run_ok("s[] = sum(i: x[i])", "x=x.npy", "-o", "s=s.npy", "--check")
    tiles = int(result.stdout.split("tilework: ")[1].split(" tile")[0]) if "tilework: " in result.stdout else None
    assert tiles is None or tiles > 4, result.stdout
    assert "bit-identical: yes" in result.stdout
    folder.save("x.npy", values(1000, "float64", 1))
    result = folder.run_ok("s[] = sum(i: x[i])", "x=x.npy", "-o", "s=s.npy")
    assert "1 tile " in result.stdout + result.stderr


def test_what_is_reduced_may_be_overwritten(folder):
    u = values((400, 30), "float64", 3)
    for text, expected in (("u[i,j] /= sum(k: u[k,j])", u / u.sum(0)), ("u[i,j] -= mean(k,l: u[k,l])", u - u.mean()),
                           ("u[i,j] -= max(k: u[i,k])", u - u.max(1, keepdims=True))):  # fmt: skip
        for cuts in ([], ["--tile", "i=7"], ["--tile", "j=4"], ["--tile", "i=100,j=3"]):
            folder.save("u.npy", u)
            result = folder.run_ok(text, "u=u.npy", "-o", "u=r.npy", *cuts, "--pool", "processes", "--check")
            assert "bit-identical: yes" in result.stdout
            assert numpy.allclose(folder.load("r.npy"), expected)
    folder.save("none.npy", numpy.zeros((0, 3)))  # it reads nothing, so any axis may be cut
    result = folder.run_ok("u[i,j] /= sum(k: u[i,k])", "u=none.npy", "-o", "u=r.npy", "--parts", "j=2", "--check")
    assert "bit-identical: yes" in result.stdout
    folder.refused(2, "run", "u[i,j] -= sum(k: u[k,j] * u[i,k])", "u=u.npy", "-o", "u=r.npy",
                   says="u is written before this reduction has all that it needs of it", sentences=3)  # fmt: skip


def test_objects_that_were_compiled_elsewhere_have_all_steps(folder):
    folder.save("x.npy", values(50_000, "float64", 4))
    text = "r[i] = x[i] / sum(k: x[k])"
    assert folder.call("compile", text, "-o", "f.so", "--types", "x=float64").returncode == 0
    folder.run_ok(text, "x=x.npy", "-o", "r=a.npy", "--kernel", "./f.so", "--tile", "i=999,k=7000")
    folder.run_ok(text, "x=x.npy", "-o", "r=b.npy", "--parts", "i=1")
    assert folder.load("a.npy").tobytes() == folder.load("b.npy").tobytes()


def test_replay_runs_a_tile_of_a_later_step(folder):
    x = values(50_000, "float64", 4)
    folder.save("x.npy", x)
    text = ["r[i] = x[i] / sum(k: x[k])", "x=x.npy", "-o", "r=r.npy", "--tile", "i=10000", "--cut", "k=25000"]
    folder.run_ok(*text)
    whole = folder.load("r.npy")
    result = folder.call("replay", "3", *[word.replace("r=r.npy", "r=part.npy") for word in text])
    assert result.returncode == 0, result.stderr
    assert folder.load("part.npy").tobytes() == whole[10000:20000].tobytes()


def test_lines_of_tiles_say_which_part_they_are(folder):
    folder.save("x.npy", values(1000, "float64", 4))
    folder.save("a.npy", values((10, 100), "float64", 4))
    result = folder.call("replay", "1", "r[i] = x[i] / sum(k: x[k])", "x=x.npy", "-o", "r=r.npy", "--cut", "k=500")
    assert "tile 1 of 3: x[0:1000] -> sum(k)[] (part 2 of 2, k 496:1000)" in result.stderr, result.stderr
    result = folder.call("replay", "0", "s[] = sum(i,j: a[i,j])", "a=a.npy", "-o", "s=r.npy", "--cut", "i=5")
    assert "a[0:10,0:100] -> sum(i,j)[] (part 1 of 2, places 0:496)" in result.stderr, result.stderr
    result = folder.call("replay", "0", "s[] = sum(i: x[i])", "x=x.npy", "-o", "s=r.npy", "--cut", "i=500")
    assert "x[0:496] -> sum(i)[] (part 1 of 2)" in result.stderr, result.stderr


def test_splits_that_make_no_sense_are_refused(folder):
    arguments = ["s[] = sum(i: x[i])", "x=x.npy", "-o", "s=r.npy"]
    folder.refused(2, "run", *arguments, "--tile", "q=3", says="no axis 'q'")
    folder.refused(2, "run", *arguments, "--cut", "i=9999", says="cut 9999 on axis i is not inside")


def test_an_axis_that_an_output_lacks_is_cut_only_with_a_reduction(folder):
    folder.save("a.npy", values((20, 30), "float64", 1))
    text = "t[i] = a[i,0]; s[i,j] = a[i,j] + t[i]"
    folder.refused(
        2, "run", text, "a=a.npy", "-o", "t=t.npy", "-o", "s=s.npy", "--tile", "j=10",
        says="axis j cannot be cut here: the output t does not have it; compute t in a run of its own",
    )  # fmt: skip


def test_explain_says_which_reductions_may_be_steps(folder):
    result = folder.call("explain", "s[] = sum(i,j: a[i,j]) + max(k: x[k])")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "sum(i,j) may be a step of its own, cut along i" in lines
    assert "max(k) may be a step of its own, cut along k" in lines
