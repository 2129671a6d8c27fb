"""Edges of statements: what is read past the ends is what numpy.pad and scipy.ndimage read, in every dtype and loop."""

import numpy as np
import pytest

import sampling
import tilework as tw

# Ours, and numpy.pad's mode and options.
MODES = {"clamp": ("edge", {}), "wrap": ("wrap", {}), "reflect": ("symmetric", {}), "mirror": ("reflect", {}),
         "zero": ("constant", {}), "constant=3": ("constant", {"constant_values": 3})}
ALIASES = {"nearest": "clamp", "grid-wrap": "wrap", "grid-mirror": "reflect", "grid-constant": "constant=0",
           "constant": "zero", "grid-constant=3": "constant=3"}
DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32",
          "float64", "complex64", "complex128"]


def random(shape, dtype, seed=0):
    rng = np.random.default_rng(seed)
    values = rng.integers(0, 2 if dtype == "bool" else 100, shape)
    return (values + 1j * rng.integers(0, 9, shape)).astype(dtype) if dtype.startswith("complex") else values.astype(dtype)


def padded(a, width, edge):
    mode, options = MODES[edge]
    return np.pad(a, width, mode, **options)


@pytest.mark.parametrize("edge", MODES)
def test_shifts_read_what_pad_has_many_lengths_outside(edge):
    for length in (1, 2, 3, 7, 100):
        u = random(length, "float64", length)
        for shift in (-250, -13, -length, -1, 0, 1, 2, length, 31, 250):
            result = tw.evaluate("r[i] = u[i + s]", u=u, s=shift, edges=edge, lengths={"i": length})
            assert (result == padded(u, 260, edge)[260 + shift:][:length]).all(), (length, shift)


@pytest.mark.parametrize("edge", MODES)
def test_every_dtype_has_every_edge(edge):
    """In one statement list: each dtype an operand of its own."""
    edge = "constant=1" if edge == "constant=3" else edge  # which bools hold
    operands = {f"u{k}": random((5, 6), dtype) for k, dtype in enumerate(DTYPES)}
    results = tw.evaluate("; ".join(f"r{k}[i,j] = u{k}[i-2,j+3]" for k in range(len(DTYPES))), edges=edge, **operands)
    for u, result in zip(operands.values(), results):
        wide = np.pad(u, 3, constant_values=1) if edge == "constant=1" else padded(u, 3, edge)
        assert result.dtype == u.dtype
        assert (result == wide[1:6, 6:12]).all(), u.dtype


@pytest.mark.parametrize("edge", MODES)
@pytest.mark.parametrize("tiles", [None, {"i": 1, "j": 3}, {"i": 7}, {"j": 64}])
def test_no_cut_changes_what_is_read(edge, tiles):
    u = random((23, 150), "float32")
    wide = padded(u, 4, edge)
    right = wide[3:26, 4:154] + 2 * wide[4:27, 8:158] - wide[4:27, 0:150] + wide[8:31, 1:151]
    result = tw.evaluate("r[i,j] = u[i-1,j] + 2*u[i,j+4] - u[i,j-4] + u[i+4,j-3]", u=u, edges=edge, tiles=tiles)
    assert (result == right).all()


@pytest.mark.parametrize("edge", MODES)
def test_strides_and_mirrored_indices_have_edges(edge):
    u = random(50, "int32")
    wide = padded(u, 200, edge)
    at = np.arange(50)
    for text, index in (("2*i", 2 * at), ("3*i - 40", 3 * at - 40), ("-i", -at), ("20 - 2*i", 20 - 2 * at)):
        assert (tw.evaluate(f"r[i] = u[{text}]", u=u, edges=edge, lengths={"i": 50}) == wide[200 + index]).all(), text


@pytest.mark.parametrize("edge", MODES)
def test_reductions_read_past_the_ends(edge):
    u, k = random((40, 30), "float64"), random(9, "float64", 1)
    wide = padded(u, 30, edge)
    windows = np.lib.stride_tricks.sliding_window_view(wide, 9, axis=1)[30:70, 26:56]
    result = tw.evaluate("r[i,j] = sum(m: k[m] * u[i,j+m-4])", u=u, k=k, edges={"j": edge})
    assert (result == (windows * k).sum(2)).all()
    result = tw.evaluate("r[i,j] = max(m,n: u[i+m-1,j-n+1])", u=u, edges=edge, lengths={"m": 3, "n": 3})
    windows = np.lib.stride_tricks.sliding_window_view(wide, (3, 3))[29:69, 29:59]
    assert (result == windows.max((2, 3))).all()
    far = tw.evaluate("r[i] = sum(j: u[2*i - j, 3*j])", u=u, edges=edge, lengths={"i": 5, "j": 20})
    wider, j = padded(u, 200, edge), np.arange(20)
    assert (far == [wider[200 + 2 * i - j, 200 + 3 * j].sum() for i in range(5)]).all()


@pytest.mark.parametrize("edge", MODES)
def test_any_strides_of_memory_have_edges(edge):
    whole = random((60, 40), "float32")
    for u in (whole[::2, ::3], whole.T, whole[::-1, 5:], np.asfortranarray(whole), np.broadcast_to(whole[:, :1], (60, 40))):
        wide = padded(u, 2, edge)
        result = tw.evaluate("r[i,j] = u[i+1,j] + u[i,j-2]", u=u, edges=edge)
        assert (result == wide[3:-1, 2:-2] + wide[2:-2, :-4]).all()


@pytest.mark.parametrize("alias", ALIASES)
def test_scipys_names_are_aliases(alias):
    u = random((4, 9), "float64")
    text = "r[i,j] = u[i-3,j+5]"
    assert (tw.evaluate(text, u=u, edges=alias) == tw.evaluate(text, u=u, edges=ALIASES[alias])).all()


# ---- several edges at once, and constants ----


def test_each_axis_has_its_own_edge_and_the_last_number_wins():
    u = random((4, 5), "float64")
    text = "r[i,j] = u[i-2,j+2]"
    for one, other in sampling.pairs(list(MODES), list(MODES), 3):
        wide = np.pad(u, ((2, 2), (0, 0)), MODES[one][0], **MODES[one][1])
        wide = np.pad(wide, ((0, 0), (2, 2)), MODES[other][0], **MODES[other][1])
        assert (tw.evaluate(text, u=u, edges={"i": one, "j": other}) == wide[0:4, 4:9]).all(), (one, other)
    both = tw.evaluate("r[i,j] = u[i-2,j+2]", u=u, edges={"i": 1, "j": 2})
    wide = np.pad(u, ((2, 2), (2, 2)), constant_values=((1, 1), (2, 2)))
    assert (both == wide[0:4, 4:9]).all()


@pytest.mark.parametrize("number, text", [
    (0, "constant=0"), (-1.5, "constant=-1.5"), (np.float32(0.1), None), (True, "constant=True"), (float("inf"), "constant=inf"),
    (np.int8(-3), "constant=-3"), (1e300, "constant=1e300"), (-0.0, "constant=-0.0")])
def test_a_number_is_the_constant(number, text):
    u = np.arange(3.0)
    for edges in (number, {"i": number}, text, None if text is None else {"i": text}):
        if edges is not None:
            result = tw.evaluate("r[i] = u[i+2]", u=u, edges=edges)
            assert result.tobytes() == np.array([2, number, number], float).tobytes()


def test_nan_and_complex_constants():
    u = np.arange(3.0)
    assert np.isnan(tw.evaluate("r[i] = u[i+1]", u=u, edges=np.nan)[2])
    z = u + 1j
    for edges in (1 - 2j, "constant=1-2j", np.complex64(1 - 2j)):
        assert (tw.evaluate("r[i] = z[i+1]", z=z, edges=edges) == [1 + 1j, 2 + 1j, 1 - 2j]).all()
    assert (tw.evaluate("r[i] = z[i+1]", z=z.astype("c8"), edges=5) == [1 + 1j, 2 + 1j, 5]).all()


def test_constants_are_rounded_to_the_dtype():
    for dtype in ("float16", "float32"):
        u = np.zeros(2, dtype)
        assert tw.evaluate("r[i] = u[i+1]", u=u, edges=0.1)[1] == np.array(0.1, dtype)


@pytest.mark.parametrize("dtype, number", [
    ("uint8", 256), ("uint8", -1), ("int8", 128), ("int32", 0.5), ("int64", np.nan), ("int64", 2**53), ("bool", 2),
    ("float32", 1e39), ("float16", 1e5), ("float64", 1j), ("complex64", 1e39j), ("uint64", -1), ("int16", np.inf)])
def test_a_constant_that_the_dtype_does_not_hold_is_refused(dtype, number):
    u = np.zeros(3, dtype)
    with pytest.raises(tw.ArgumentError, match=f"the edge constant=.* of axis i is no number of {dtype}, which u has"):
        tw.evaluate("r[i] = u[i+1]", u=u, edges=number)
    assert tw.evaluate("r[i] = u[i]", u=u, edges=number).dtype == dtype  # nothing is read outside


def test_a_whole_number_that_is_rounded_is_refused():
    u = np.zeros(3, "int64")
    for number in (2**53 + 1, -2**53 - 1, 2**64 - 1):
        for run in (lambda edges: tw.evaluate("r[i] = u[i+1]", u=u, edges=edges),
                    lambda edges: tw.run(lambda u: u[:-1], "u[i-1..i] -> r[i]", u, edges=edges)):
            with pytest.raises(tw.ArgumentError, match="a whole number past 2\\^53 that is no float64 is not kept as it is"):
                run(number)
    assert tw.run(lambda u: u[:-1], "u[i-1..i] -> r[i]", u, edges=-2**63)[0] == -2**63


def test_other_constants_are_another_result():
    u = np.arange(2.0)
    for number in (1, 2.5, -7, 1):
        assert (tw.evaluate("r[i] = u[i+1]", u=u, edges=number) == [1, number]).all()


def test_empty_arrays_have_numbers_alone():
    u = np.zeros((0, 3))
    for edges in ("zero", "constant=7"):
        assert (tw.evaluate("r[i,j] = u[i,j]", u=u, edges=edges, lengths={"i": 2}) == (7 if "7" in edges else 0)).all()
    for edges in ("clamp", "wrap", "reflect", "mirror"):
        with pytest.raises(tw.NotationError, match="dimension 0 of u is empty"):
            tw.evaluate("r[i,j] = u[i,j]", u=u, edges=edges, lengths={"i": 2})


def test_one_element_is_read_for_every_index():
    u = np.array([5.0])
    for edges in ("clamp", "wrap", "reflect", "mirror"):
        assert (tw.evaluate("r[i] = u[i-3]", u=u, edges=edges, lengths={"i": 9}) == 5).all()


@pytest.mark.parametrize("pool", ["serial", "threads", "processes"])
def test_every_pool_reads_the_same(pool):
    u = random((30, 40), "float64")
    result = tw.evaluate("r[i,j] = u[i-20,j+35]", u=u, edges={"i": "mirror", "j": "constant=2"}, pool=pool, parts={"i": 4})
    wide = np.pad(np.pad(u, ((29, 29), (0, 0)), "reflect"), ((0, 0), (0, 40)), constant_values=2)
    assert (result == wide[9:39, 35:75]).all()
