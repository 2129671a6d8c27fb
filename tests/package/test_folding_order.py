"""Random jobs whose outputs are reductions: parts are folded in the order of the grid, on every kind of pool."""

import itertools

import hypothesis
import hypothesis.strategies as st
import numpy as np

import tilework as tw
import tilework._signature

AXES = "ijk"


@st.composite
def jobs(draw):
    """Lengths and cuts of three axes, and outputs that lack some of them, each with its fold."""
    lengths = {axis: draw(st.integers(1, 9)) for axis in AXES}
    cuts = {axis: sorted(draw(st.sets(st.integers(1, n - 1), max_size=4))) if n > 1 else [] for axis, n in lengths.items()}
    outputs = draw(st.lists(st.tuples(st.permutations(AXES), st.integers(0, 3), st.sampled_from(["sum", "min", "max", "later"])),
                            min_size=1, max_size=3))
    return lengths, cuts, [("".join(axes[:n]), fold) for axes, n, fold in outputs]


def later(into, part):
    into *= 0.5
    into += part


FOLDS = {"sum": np.add, "min": np.minimum, "max": np.maximum, "later": lambda into, part: into * 0.5 + part}


def piece(a, axes, fold):
    """What a tile computes of an output with these axes."""
    values = {"min": np.min, "max": np.max}.get(fold, np.sum)(a, axis=tuple(d for d, axis in enumerate(AXES) if axis not in axes))
    kept = [axis for axis in AXES if axis in axes]
    return np.transpose(values, [kept.index(axis) for axis in axes])


def expected_of(a, signature, cuts, axes, fold):
    """The parts of each place, folded in the order of the grid: the last axis is the fastest."""
    order = tw._signature.read(signature).axes
    bounds = {axis: [0, *cuts[axis], a.shape[AXES.index(axis)]] for axis in AXES}
    result, seen = np.empty([a.shape[AXES.index(axis)] for axis in axes]), set()
    for tile in itertools.product(*[range(len(bounds[axis]) - 1) for axis in order]):
        box = {axis: slice(bounds[axis][n], bounds[axis][n + 1]) for axis, n in zip(order, tile)}
        part, place = piece(a[tuple(box[axis] for axis in AXES)], axes, fold), tuple(box[axis] for axis in axes)
        where = str(place)
        result[place] = FOLDS[fold](result[place], part) if where in seen else part
        seen.add(where)
    return result


@hypothesis.given(jobs())
@hypothesis.settings(max_examples=60)
def test_random_jobs_are_folded_in_the_order_of_the_grid(shared_pools, job):
    lengths, cuts, outputs = job
    a = np.random.default_rng(7).normal(size=tuple(lengths.values()))
    names = [f"r{k}" for k in range(len(outputs))]
    signature = "a[i,j,k] -> " + ", ".join(f"{name}[{','.join(axes)}]" for name, (axes, _) in zip(names, outputs))
    reduce = {name: later if fold == "later" else fold for name, (_, fold) in zip(names, outputs)}

    def returns(a):
        found = tuple(piece(a, axes, fold) for axes, fold in outputs)
        return found if len(found) > 1 else found[0]

    def fills(a, *results):
        for r, (axes, fold) in zip(results, outputs):
            r[...] = piece(a, axes, fold)
    expected = [expected_of(a, signature, cuts, axes, fold) for axes, fold in outputs]
    for pool in shared_pools.values():
        for kernel in (returns, fills):
            found = pool.run(kernel, signature, a, cuts=cuts, reduce=reduce)
            for one, other in zip(found if len(outputs) > 1 else [found], expected):
                assert one.tobytes() == other.tobytes()
