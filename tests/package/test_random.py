"""tile.random: numbers that belong to elements. The same for any cuts, pool and workers; as random.h says; random enough."""

import math
import pickle

import numpy as np
import pytest

import tilework as tw

POOLS = ["serial", "threads", "processes"]
CUTS = [None, {"i": 1}, {"i": 7, "j": 9}, {"i": 40, "j": 1}, {"i": 11, "j": 64}]
LENGTHS = {"i": 40, "j": 66}
SEED = 0x123456789ABCDEF0


def philox(counter, key):
    """Philox 4x32-10, as in the paper."""
    counter, key = list(counter), list(key)
    for _ in range(10):
        p0, p1 = 0xD2511F53 * counter[0], 0xCD9E8D57 * counter[2]
        counter = [(p1 >> 32) ^ counter[1] ^ key[0], p1 & 0xFFFFFFFF, (p0 >> 32) ^ counter[3] ^ key[1], p0 & 0xFFFFFFFF]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return counter


def block(seed, place, element):
    words = philox([element & 0xFFFFFFFF, element >> 32, place, 0], [seed & 0xFFFFFFFF, seed >> 32])
    return words[0] | words[1] << 32, words[2] | words[3] << 32


def drawn(kind="uniform", seed=SEED, signature="-> r[i,j]", lengths=LENGTHS, tiles=None, pool="serial", dtype=None, **options):
    """What a kernel that returns its random numbers leaves."""
    return tw.run(lambda tile: tile.random(seed, kind, **options), signature, lengths=lengths, tiles=tiles, pool=pool, dtype=dtype)


def refused(says, *args, signature="-> r[i]", lengths={"i": 4}, operands=(), more={}, **options):
    with pytest.raises(tw.TileError) as raised:
        tw.run(lambda *given, tile: tile.random(*args, **options), signature, *operands, lengths=lengths, pool="serial", **more)
    assert isinstance(raised.value.__cause__, tw.ArgumentError)
    assert says in str(raised.value.__cause__)


# ---- which numbers ----

def test_the_known_answer_of_philox():
    assert philox([0] * 4, [0] * 2) == [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]


def test_numbers_are_those_of_the_documented_key_and_counter():
    uniform, normal = drawn(), drawn("normal")
    integers = drawn("integers", low=-3, high=10)
    for element in (0, 1, 65, 66, 1000, 40 * 66 - 1):
        first, second = block(SEED, 0, element)
        assert uniform.flat[element] == (first >> 11) / 2**53
        radius = math.sqrt(-2 * math.log(((first >> 11) + 1) / 2**53))
        assert normal.flat[element] == pytest.approx(radius * math.cos(2 * math.pi * (second >> 11) / 2**53), rel=1e-13)
        assert integers.flat[element] == -3 + ((first & 0xFFFFFFFF) * 13 >> 32)


@pytest.mark.parametrize("pool", POOLS)
@pytest.mark.parametrize("kind, options", [("uniform", {}), ("normal", {}), ("integers", {"high": 1000}), ("normal", {"size": 3})])
def test_no_cut_and_no_pool_changes_a_number(kind, options, pool):
    if "size" in options:
        def kernel(tile):
            return tile.random(SEED, kind, **options).sum(axis=-1)
    else:
        def kernel(tile):
            return tile.random(SEED, kind, **options)
    whole = tw.run(kernel, "-> r[i,j]", lengths=LENGTHS, tiles={"i": 40}, pool="serial")
    for tiles in CUTS:
        assert np.array_equal(tw.run(kernel, "-> r[i,j]", lengths=LENGTHS, tiles=tiles, pool=pool, workers=3), whole)


def test_spawned_workers_draw_the_same_numbers():
    with tw.Pool(2, start="spawn") as pool:
        assert np.array_equal(pool.run(spawned, "-> r[i,j]", lengths=LENGTHS), drawn("normal", 3))


def spawned(tile):
    return tile.random(3, "normal")


def test_each_output_and_each_input_has_numbers_of_its_own():
    def kernel(x, tile):
        return (tile.random(5, "uniform"), tile.random(5, "uniform", output="b"), tile.random(5, "uniform", output="x"))

    a, b, c = tw.run(kernel, "x[i] -> a[i], b[i], c[i]", np.zeros(20))
    for place, got in ((0, a), (1, b), (64, c)):
        assert [block(5, place, k)[0] >> 11 for k in range(20)] == [int(x * 2**53) for x in got]
    assert np.array_equal(a, drawn("uniform", 5, "-> q[i]", {"i": 20}))


def test_further_dimensions_are_those_of_an_array_of_this_shape():
    def kernel(tile):
        draws = tile.random(9, "uniform", size=(2, 3))
        assert draws.shape == (tile.stop[0] - tile.start[0], tile.stop[1] - tile.start[1], 2, 3)
        return draws[..., 1, 2]

    whole = drawn("uniform", 9, "-> r[i,j,k,l]", {"i": 5, "j": 4, "k": 2, "l": 3})
    assert np.array_equal(tw.run(kernel, "-> r[i,j]", lengths={"i": 5, "j": 4}, tiles={"i": 2, "j": 3}), whole[:, :, 1, 2])
    assert drawn("uniform", signature="-> r[i]", lengths={"i": 0}).shape == (0,)


def test_axes_of_an_output_may_stand_in_another_order():
    def transposed(x, tile):
        return tile.random(2, "uniform", output="x").T

    got = tw.run(transposed, "x[j,i] -> r[i,j]", np.zeros((8, 6)), tiles={"i": 2, "j": 3})
    first, _ = block(2, 64, 3 * 6 + 4)
    assert got[4, 3] == (first >> 11) / 2**53


# ---- dtypes ----

def test_float32_numbers_are_those_of_float64_with_fewer_digits():
    wide, narrow = drawn(), drawn(dtype="float32")
    assert narrow.dtype == np.float32 and np.array_equal(narrow, np.floor(wide * 2**24) / 2**24)
    assert np.array_equal(drawn("normal", dtype="float32"), drawn("normal").astype(np.float32))


def test_uniform_float32_is_never_one():
    found = drawn("uniform", signature="-> r[i]", lengths={"i": 2**22}, dtype="float32")
    assert found.max() < 1 and found.min() >= 0 and found.max() > 1 - 2**-20


def test_the_dtype_is_the_outputs_if_the_kind_has_it():
    def kernel(f, i, c, tile):
        f[...] = tile.random(1, "uniform", output="f")
        i[...] = tile.random(1, "integers", output="i", high=100)
        c[...] = tile.random(1, "uniform", output="c")
        kinds = [tile.random(1, "uniform", output=name).dtype.char for name in "fic"]
        assert kinds == ["f", "d", "d"], kinds
        assert tile.random(1, "integers", output="i", high=100).dtype == np.int8
        assert tile.random(1, "integers", output="f", high=100).dtype == np.int64
        assert tile.random(1, "uniform", output="f", dtype=float).dtype == np.float64

    tw.run(kernel, "-> f[i]:float32, i[i]:int8, c[i]:complex128", lengths={"i": 9})


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4"])
def test_integers_reach_both_ends_of_every_dtype(dtype):
    limits = np.iinfo(dtype)
    for low in (int(limits.min), int(limits.max) - 2):
        def kernel(tile):
            return tile.random(3, "integers", low=low, high=low + 3, dtype=dtype)
        few = tw.run(kernel, "-> r[i]", lengths={"i": 100})
        assert few.dtype == np.dtype(dtype).newbyteorder("=") and set(few.tolist()) == {low, low + 1, low + 2}


# ---- how random ----

def test_uniform_numbers_are_uniform():
    found = np.sort(drawn("uniform", 1, "-> r[i]", {"i": 100000}))
    n = len(found)
    distance = max((np.arange(1, n + 1) / n - found).max(), (found - np.arange(n) / n).max())  # Kolmogorov and Smirnov's
    assert distance < 1.63 / math.sqrt(n)  # 1 %
    assert abs(found.mean() - 0.5) < 4 / math.sqrt(12 * n) and abs(found.var() - 1 / 12) < 4 * math.sqrt(1 / 180 / n)


def test_normal_numbers_are_normal():
    found = np.sort(drawn("normal", 1, "-> r[i]", {"i": 100000}))
    n = len(found)
    expected = np.array([0.5 * math.erfc(-x / math.sqrt(2)) for x in found])
    assert max((np.arange(1, n + 1) / n - expected).max(), (expected - np.arange(n) / n).max()) < 1.63 / math.sqrt(n)
    moments = [np.mean(found**k) for k in (1, 2, 3, 4)]
    for moment, exact, variance in zip(moments, (0, 1, 0, 3), (1, 2, 15, 96)):
        assert abs(moment - exact) < 4 * math.sqrt(variance / n)
    assert 4 < np.abs(found).max() < 6


def test_neighbours_and_seeds_are_independent():
    first, second = drawn("normal", 1, "-> r[i]", {"i": 100000}), drawn("normal", 2, "-> r[i]", {"i": 100000})
    for x, y in ((first, second), (first[1:], first[:-1]), (first[64:], first[:-64])):
        assert abs(np.corrcoef(x, y)[0, 1]) < 4 / math.sqrt(len(x))
        assert abs(np.corrcoef(np.abs(x), np.abs(y))[0, 1]) < 4 / math.sqrt(len(x))


@pytest.mark.parametrize("high", [2, 3, 6, 7, 10, 48])
def test_integers_are_equally_frequent(high):
    counts = np.bincount(drawn("integers", 4, "-> r[i]", {"i": 200000}, high=high), minlength=high)
    chi_square = ((counts - 200000 / high) ** 2 / (200000 / high)).sum()
    assert chi_square < high - 1 + 4 * math.sqrt(2 * (high - 1)) + 4


@pytest.mark.parametrize("high", [3 * 2**30, 2**31 + 1, 2**32 - 1, 3 * 2**62, 2**63 + 1])
def test_integers_of_awkward_ranges_are_not_biased(high):
    """Of 3/4 of 2^n, multiplication alone would draw each third number twice as often."""
    found = drawn("integers", 5, "-> r[i]", {"i": 100000}, high=high, dtype=None) if high < 2**63 else \
        tw.run(lambda tile: tile.random(5, "integers", high=high, dtype="uint64"), "-> r[i]", lengths={"i": 100000})
    counts = np.bincount((found % 3).astype(np.int64), minlength=3)
    assert ((counts - 100000 / 3) ** 2 / (100000 / 3)).sum() < 14
    halves = np.count_nonzero(found < high // 2)
    assert abs(halves - 50000) < 4 * math.sqrt(25000)


def test_uniform_numbers_have_bounds():
    found = drawn("uniform", 1, "-> r[i]", {"i": 1000}, low=-2, high=3)
    assert np.array_equal(found, drawn("uniform", 1, "-> r[i]", {"i": 1000}) * 5.0 + -2.0)
    for dtype, low in (("f4", 2.0**24), ("f8", 2.0**53)):  # where 1 has no number of its own between low and low + 2
        found = drawn("uniform", 1, "-> r[i]", {"i": 1000}, dtype=dtype, low=low, high=low + 2)
        assert set(found.tolist()) == {low}


# ---- what is refused ----

def test_what_makes_no_sense_is_refused_in_one_sentence():
    refused("there is no kind 'gauss' of random numbers; there are 'uniform', 'normal' and 'integers'", 3, "gauss")
    for seed in (-1, 2**64, 1.5, "3", None):
        refused("a seed is a whole number from 0 to 2**64 - 1, not", seed, "uniform")
    refused("there is no operand 'q' that random numbers could belong to; the kernel has 'r'", 3, "uniform", output="q")
    refused("random uniform numbers are float32 or float64, not int32", 3, "uniform", dtype="int32")
    refused("random normal numbers are float32 or float64, not float16", 3, "normal", dtype="float16")
    refused("random integers have an integer dtype, not float64", 3, "integers", high=3, dtype=float)
    refused("there is no dtype 'nonsense'", 3, "uniform", dtype="nonsense")
    refused("random integers need high=, one more than the largest", 3, "integers", low=4)
    refused("low=3 is not below high=3: random integers are at least low and less than high", 3, "integers", low=3, high=3)
    refused("low and high of random integers are whole numbers, not None and 2.5", 3, "integers", high=2.5)
    refused("uint8 does not have all integers from 0 to 299: give another dtype=", 3, "integers", high=300, dtype="uint8")
    refused("int64 does not have all integers from 0 to 9223372036854775808", 3, "integers", high=2**63 + 1)
    refused("normal numbers have no low and high: write mean + sigma * tile.random(seed, 'normal')", 3, "normal", low=1)
    for low, high in ((2, 1), (1, 1), (0, float("inf")), (float("nan"), 1), (-1e308, 1e308)):
        refused("uniform numbers of float64 are at least low and less than high, both finite", 3, "uniform", low=low, high=high)
    refused("low and high of uniform numbers are numbers", 3, "uniform", low=[1])
    refused("low and high of uniform numbers are numbers of float64, not 'a' and None", 3, "uniform", low="a")
    refused("low and high of uniform numbers are numbers", 3, "uniform", high=10**400)
    for low, high in ((0, 1e39), (1, 1 + 1e-9)):
        refused("uniform numbers of float32 are at least low and less than high", 3, "uniform", dtype="f4", low=low, high=high)
    refused("there is no kind ['uniform'] of random numbers", 3, ["uniform"])
    for size in (-1, (2, -1), 1.5, "x"):
        refused("size is a whole number or a tuple of them", 3, "uniform", size=size)


def test_without_outputs_an_input_is_named_or_tile_rng_is_taken():
    x = {"signature": "x[i]", "operands": (np.zeros(4),), "lengths": None}
    refused("this kernel has no output that random numbers could belong to: name an input, tile.random(seed, output='x'), or "
            "take tile.rng(seed), whose numbers depend on the cuts", 3, "uniform", **x)
    refused("this kernel has no output that random numbers could belong to: take tile.rng(seed)", 3, "uniform", signature="[i]")
    seen = {}

    def kernel(x, tile):
        seen[tile.number] = tile.random(3, "uniform", output="x")

    tw.run(kernel, "x[i]", np.zeros(10), tiles={"i": 5}, pool="serial")
    assert [int(u * 2**53) for k in (0, 1) for u in seen[k]] == [block(3, 64, k)[0] >> 11 for k in range(10)]


def test_a_reduction_is_no_place_for_numbers():
    def kernel(x, tile):
        return tile.random(3, "uniform")

    options = {"reduce": "sum", "tiles": {"i": 2}}
    refused("s is a reduction: all tiles that add to one of its elements would draw the same numbers; name an input that has the "
            "reduced axes, output='x', or take tile.rng(seed)", 3, "uniform", signature="x[i] -> s[]",
            operands=(np.zeros(10),), lengths=None, more=options)

    def mean(x, tile):
        return tile.random(3, "uniform", output="x").sum()

    whole = tw.run(mean, "x[i] -> s[]", np.zeros(10), reduce="sum", tiles={"i": 10})
    assert tw.run(mean, "x[i] -> s[]", np.zeros(10), reduce="sum", tiles={"i": 3}) == pytest.approx(whole)


def test_a_tile_draws_while_its_kernel_runs():
    kept = []

    def kernel(tile):
        kept.append(tile)
        return tile.random(3, "uniform")

    tw.run(kernel, "-> r[i]", lengths={"i": 4}, pool="serial")
    with pytest.raises(RuntimeError, match="random numbers of a tile are drawn while its kernel runs, and it has ended"):
        kept[0].random(3, "uniform")
    again = pickle.loads(pickle.dumps(kept[0]))
    assert again == kept[0] and isinstance(again, tw.Tile) and again.ranges == {"i": slice(0, kept[0].stop[0])}
    with pytest.raises(tw.ArgumentError, match="this tile has no random numbers: a kernel draws them"):
        again.random(3, "uniform")


def test_docs_of_rng_point_to_random():
    assert "other cuts give other numbers" in tw.Tile.rng.__doc__ and "random" in tw.Tile.rng.__doc__


# ---- statements ----

@pytest.mark.parametrize("kind", ["uniform", "normal"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_statement_draws_the_same_numbers(kind, dtype):
    expected = drawn(kind, SEED, dtype=dtype)
    for tiles in CUTS:
        found = tw.evaluate(f"r[i,j] = {kind}(seed)", seed=SEED, lengths=LENGTHS, tiles=tiles, dtype=dtype)
        assert found.dtype == np.dtype(dtype) and np.array_equal(found, expected)
    second = tw.evaluate(f"q[i] = 0.0; r[i,j] = {kind}({SEED}) + 0 * q[i]", lengths=LENGTHS)[1]
    assert np.array_equal(second, tw.run(lambda tile: (np.zeros(tile.stop[0] - tile.start[0]), tile.random(SEED, kind, output="r")),
                                         "-> q[i], r[i,j]", lengths=LENGTHS, tiles={"i": 9})[1])
    sizes = drawn(kind, SEED, "-> r[j,k]", {"j": 20, "k": 300})
    assert np.allclose(tw.evaluate(f"s[j] = mean(k: {kind}({SEED}))", lengths={"j": 20, "k": 300}), sizes.mean(axis=1), rtol=1e-12)


@pytest.mark.parametrize("tiles", [None, {"i": 5}, {"i": 7, "j": 4}])
def test_numbers_stand_anywhere_in_a_statement(tiles):
    lengths = {"i": 23, "j": 19, "k": 31}
    rng = np.random.default_rng(1)
    a, b, x = rng.random((23, 31)), rng.random((31, 19)), rng.random((23, 19))
    flat, whole = {"i": 23, "j": 19}, drawn("uniform", 3, "-> r[i,j,k]", lengths)
    uniform, normal = drawn("uniform", 3, "-> r[i,j]", flat), drawn("normal", 3, "-> r[i,j]", flat)
    cases = {
        "r[i,j] = sum(k: a[i,k] * b[k,j] * uniform(3))": np.einsum("ik,kj,ijk->ij", a, b, whole),
        "r[i,j] = sum(k: (a[i,k] + uniform(3)) * b[k,j])": np.einsum("ijk,kj->ij", a[:, None, :] + whole, b),
        "r[i,j] = (x[i-1,j] + x[i+1,j]) * uniform(3)": (np.roll(x, 1, 0) + np.roll(x, -1, 0)) * uniform,
        "r[i,j] = complex64(x[i,j]) + 1j * normal(3)": x + 1j * normal,
        "r[i,j] = x[i,j] + argmax(k: uniform(3) * b[k,j])": x + (whole * b.T).argmax(axis=2),
        "r[i,j] = int32(10 * uniform(3)) + 0 * x[i,j]": np.trunc(10 * uniform),
    }
    for text, expected in cases.items():
        operands = {name: array for name, array in (("a", a), ("b", b), ("x", x)) if f"{name}[" in text}
        found = tw.evaluate(text, **operands, lengths={} if len(operands) == 2 else flat if "x" in operands else lengths,
                            tiles=tiles, edges="wrap")
        assert np.allclose(found, expected, rtol=1e-6 if "complex64" in text else 1e-12), text
