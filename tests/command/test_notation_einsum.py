"""Products and diagonals as statements, beside numpy.einsum: which lengths agree, which are refused, and the values."""

import itertools

import numpy
import pytest

import sampling
import statements

# What NumPy's own tests of einsum ask for: subscripts, and the lengths of their operands.
ASKED = [
    ("i->", [(7,)]), ("i->i", [(7,)]), ("ii->", [(5, 5)]), ("ii->i", [(5, 5)]), ("ij->", [(3, 4)]),
    ("ij->ji", [(3, 4)]), ("i,i->i", [(9,), (9,)]), ("i,j->ij", [(4,), (6,)]), ("i,i->", [(9,), (9,)]),
    ("i,->i", [(9,), ()]), (",i->i", [(), (9,)]), (",->", [(), ()]), ("i,->", [(9,), ()]), ("ij,j->j", [(4, 6), (6,)]),
    ("ij,j->i", [(4, 6), (6,)]), ("ij,jk->ik", [(4, 5), (5, 6)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("ijk,jil->kl", [(3, 4, 5), (4, 3, 2)]), ("i,i,i->i", [(8,), (8,), (8,)]), ("i,i,i->", [(8,), (8,), (8,)]),
    ("cccd->cd", [(2, 2, 2, 3)]), ("aabb->ab", [(3, 3, 5, 5)]), ("ccceef->cef", [(2, 2, 2, 3, 3, 5)]),
    ("abc,bca->", [(2, 3, 4), (3, 4, 2)]), ("aabcb->abc", [(5, 5, 4, 3, 4)]), ("aabcb,abc->", [(5, 5, 4, 3, 4), (5, 4, 3)]),
    ("xxxx->x", [(3, 3, 3, 3)]), ("a,ab,abc->abc", [(2,), (2, 3), (2, 3, 4)]), ("ea,fb,gc,hd,abcd->efgh",
                                                                              [(2, 2)] * 4 + [(2, 2, 2, 2)]),
    ("bd,db,eac->ace", [(3, 4), (4, 3), (5, 2, 3)]), ("eb,cb,fb->cef", [(5, 3), (4, 3), (6, 3)]),
    ("dd,fb,be,cdb->cef", [(5, 5), (4, 3), (3, 5), (4, 5, 3)]), ("ab,ab,cd,cd->ac", [(2, 3)] * 4),
    ("ef,gf,hf->fgh", [(2, 3), (4, 3), (5, 3)]), ("afd,ba,cc,dc->bf", [(2, 5, 4), (3, 2), (6, 6), (4, 6)]),
    ("bcf,bbb,fbf,fc->", [(2, 3, 4), (2, 2, 2), (4, 2, 4), (4, 3)]), ("efc,dbc,acf,fd->abe",
                                                                      [(2, 3, 4), (5, 2, 4), (3, 4, 3), (3, 5)]),
    ("abjk,kl,jl,ab->ba", [(1, 1, 5, 4), (4, 6), (5, 6), (7, 7)]), ("obk,ijk->ioj", [(2, 4, 8), (2, 4, 8)]),
    ("bcd,dad->", [(2, 3, 4), (4, 5, 4)]), ("cacc,c->ac", [(1, 3, 1, 1), (4,)]), ("cacc,c->a", [(1, 3, 1, 1), (4,)]),
    ("c,cacc->ca", [(4,), (1, 3, 1, 1)]), ("cacc,cd->ad", [(1, 3, 1, 1), (4, 2)]),
]  # fmt: skip


def statement(subscripts):
    """"ab,b->a" as "r[a] = sum(b: x0[a,b] * x1[b])"."""
    inputs, output = subscripts.split("->")
    product = " * ".join(f"x{k}[{','.join(axes)}]" for k, axes in enumerate(inputs.split(",")))
    reduced = [axis for axis in dict.fromkeys(inputs.replace(",", "")) if axis not in output]
    return f"r[{','.join(output)}] = " + (f"sum({','.join(reduced)}: {product})" if reduced else product)


def theirs(subscripts, arrays):
    """NumPy's result; None: it refuses the shapes."""
    try:
        return numpy.einsum(subscripts, *arrays)
    except ValueError:
        return None


def ours(subscripts, arrays):
    try:
        return statements.run(statement(subscripts), {f"x{k}": array for k, array in enumerate(arrays)})["r"]
    except statements.Failure as failure:
        assert "differ" in str(failure) or "axis " in str(failure), failure
        return None


def compare(subscripts, shapes, random, dtype="int64"):
    arrays = [random.integers(-5, 6, shape).astype(dtype) for shape in shapes]
    want, found = theirs(subscripts, arrays), ours(subscripts, arrays)
    assert (want is None) == (found is None), (subscripts, shapes, want, found)
    assert want is None or numpy.array_equal(want, found), (subscripts, shapes, want, found)


@pytest.mark.parametrize("subscripts,shapes", sampling.one_in(3, ASKED), ids=lambda value: str(value).replace(" ", ""))
def test_what_numpys_tests_of_einsum_ask_for_comes_out_equal(subscripts, shapes):
    compare(subscripts, shapes, numpy.random.default_rng(1), "float64")


@pytest.mark.parametrize("subscripts", ["ii->i", "ii->", "iij->ij", "iji->j", "jii->ij", "iiii->i", "aabcb->abc",
                                        "ii,i->i", "i,ii->", "ii,ij->ij", "ij,ji->ij", "ii,jj->ij", "cac,c->ac"])  # fmt: skip
def test_lengths_of_an_axis_agree_as_einsum_has_it(subscripts):
    """Every shape of lengths 1, 2 and 3: equal, repeated or refused where NumPy does so."""
    ranks = [len(axes) for axes in subscripts.split("->")[0].split(",")]
    lengths = [1, 2, 3] if sum(ranks) <= 4 else [1, 3]
    random = numpy.random.default_rng(2)
    for shape in itertools.product(lengths, repeat=sum(ranks)):
        ends = list(itertools.accumulate(ranks, initial=0))
        compare(subscripts, [shape[a:b] for a, b in itertools.pairwise(ends)], random)


@pytest.mark.parametrize("text,shapes,why", [
    ("s[] = sum(i: a[i,i])", {"a": (4, 6)}, "whose lengths 4 and 6 differ"),
    ("s[] = sum(i: a[i,i])", {"a": (6, 4)}, "whose lengths 6 and 4 differ"),
    ("r[b] = a[b,0,b]", {"a": (1, 3, 4)}, "dimensions 0 and 2 of a, whose lengths 1 and 4 differ"),
    ("r[i] = v[i] + a[i] - a[0]", {"v": (4,), "a": (6,)}, "axis i has length 4, but dimension 0 of a"),
    ("r[i,j] = v[i] * (a[i,j] + a[j,i])", {"v": (4,), "a": (4, 6)}, "is ambiguous|axis i has length 4"),
])  # fmt: skip
def test_no_dimension_is_cut_short_without_a_word(text, shapes, why):
    with pytest.raises(statements.Failure, match=why):
        statements.run(text, {name: numpy.ones(shape) for name, shape in shapes.items()})


def test_a_dimension_of_length_one_fits_any_axis_wherever_it_is_read():
    one, row, v = numpy.full(1, 3.0), numpy.arange(4.0)[None], numpy.arange(5.0)
    assert statements.run("r[i] = v[i] + u[i] * u[0]", {"v": v, "u": one})["r"].tolist() == (v + 9).tolist()
    assert numpy.array_equal(statements.run("r[i,j] = a[i,j] + 10 * a[j,i]", {"a": row})["r"], row + 10 * row.T)


def test_the_same_statement_takes_equal_and_repeated_lengths_in_turn():
    """A kernel that repeats an element is another one than that which does not: neither is used for the other."""
    text, random = "r[a,c] = x[c,a,c] * y[c]", numpy.random.default_rng(3)
    for shape in [(4, 3, 4), (1, 3, 1), (4, 3, 4), (1, 3, 1)]:
        x, y = random.random(shape), random.random(4)
        assert numpy.allclose(statements.run(text, {"x": x, "y": y})["r"], numpy.einsum("cac,c->ac", x, y), rtol=1e-15)


def test_part_of_a_dimension_is_read_where_that_is_said():
    """A staggered grid has one more of the one than of the other; a length that is given says how many."""
    u, v = numpy.arange(6.0), numpy.arange(5.0)
    assert statements.run("r[i] = v[i] * (u[i+1] - u[i])", {"u": u, "v": v})["r"].tolist() == (v * numpy.diff(u)).tolist()
    assert statements.run("r[i] = u[i] - u[0]", {"u": u}, lengths={"i": 3})["r"].tolist() == [0, 1, 2]
