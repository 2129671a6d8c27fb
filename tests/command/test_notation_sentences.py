"""What people type who know NumPy, C or numexpr, and what to write instead: each gets a sentence that says it."""

import numpy
import pytest

import statements

# statement, what the sentence has
INSTEAD = [
    ("r[i] = x[1:]", "there are no ranges: an index names an axis"),
    ("r[i] = x[i:j]", "there are no ranges: an index names an axis"),
    ("r[i] = x[:, j]", "there are no ranges: an index names an axis"),
    ("r[...] = x[i]", "an index for each dimension: x[i,j]"),
    ("r[i] = x[i, ...]", "an index for each dimension: x[i,j]"),
    ("r[1:] = x[i]", "all elements of a result are written: r[i]"),
    ("r[i+1] = x[i]", "a result is written at its axes alone, r[i]; shift what is read, x[i-1]"),
    ("r[i] = v[min(i, 3)]", "read v[i] and give axis i the edge clamp"),
    ("r[i] = v[minimum(i, 3)]", "the edge of the axis: clamp"),
    ("r[i] = v[clip(i, 0, 3)]", "the edge of the axis: clamp"),
    ("r[i] = v[(i + 1) % 4]", "the edge of the axis: wrap"),
    ("r[i] = max(i, 3)", "of two values write maximum(a, b)"),
    ("r[i] = c * x[i]", "a parameter is given its number, --param c=0.5 or in Python c=0.5"),
    ("", "expected a statement such as r[i] = 2 * x[i]"),
    ("é[i] = x[i]", "'é' is none of ASCII's letters, digits and signs, of which a statement is made at column 1"),
    ("r[i] = 2 * é[i]", "at column 12"),
    ("r = x + y", "have their indices, r[i] = x[i] + y[i]"),
    ("2*y+1", "a statement says which result its value is, as in r[i] = 2 * y[i] + 1"),
    ("y[i] + 1", "a statement says which result its value is, as in r[i] = y[i] + 1"),
    ("y[i], x[j] -> r[i,j]", "this is a signature"),
    ("r[i], s[i] = x[i], y[i]", "several results are several statements"),
    ("r[i] = power(x[i], 2)", "there is no function 'power': write a ** b"),
    ("r[i] = mod(x[i], 2)", "write a % b"),
    ("r[i] = copy(x[i])", "write x[i]: r[i] = x[i] copies"),
    ("r[i] = ones_like(x[i])", "write 1, as in r[i] = 1 with the length of i"),
    ("r[i] = np.sin(x[i])", "write the name alone, without a module: sin(x), pi"),
    ("r[i] = math.sqrt(x[i])", "write the name alone, without a module"),
    ("r[] = x.sum()", "write sum(k: x[k])"),
    ("r[i,j] = x.T", "write exchanged indices: x[j,i]"),
    ("r[i] = x[i].astype(float)", "the dtype as a function: float32(x[i])"),
    ("r[i] = x[i].unheard", "write a function: real(z), len(i)"),
    ("r[i] = x[i] && y[i]", "there is no '&&': write and"),
    ("r[i] = x[i] || y[i]", "there is no '||': write or"),
    ("r[i] = x[i] > 0 ? 1 : 0", "write x if c else y, or where(c, x, y)"),
    ("r[i] = x[i]!", "gamma(n + 1) for a factorial"),
    ("r[i] = x[i] <> y[i]", "there is no '<>': write !="),
    ("r[i] := x[i]", "there is no ':=': write ="),
    ("r[i] = sum(x[i])", "as in sum(k: x[k])"),
    ("r[i] = sum(x, axis=0)", "as in sum(k: x[k])"),
    ("r[i] = std(x[i])", "as in std(k: x[k]) or std(k: x[k], ddof=1)"),
    ("r[] = var(x, ddof=1)", "as in var(k: x[k])"),
    ("r[] = x.std()", "write std(k: x[k])"),
    ("r[] = nanargmin(k: x[k])", "write argmin(k: where(isnan(x[k]), inf, x[k]))"),
    ("r[] = ptp(k: x[k])", "write max(k: x[k]) - min(k: x[k])"),
    ("r[] = average(k: x[k])", "write mean(k: x[k])"),
    ("r[] = var + 1", "var is a function, whose argument stands in parentheses: var(k: x[k])"),
    ("r[i] = len(x)", "len(i) is the length of an axis"),
    ("r[i] = fabs(x[i])", "write abs(x)"),
    ("r[i] = float(x[i])", "write float64(x)"),
    ("r[i,k] = einsum(\"ij,jk->ik\", a, b)", "write the sum: r[i,k] = sum(j: a[i,j] * b[j,k])"),
    ("r[i,j] = a @ b", "write sum(k: a[i,k] * b[k,j])"),
    ("r[i] = y[i] + y(i)", "y is an array: its elements stand in square brackets, y[i]"),
    ("r[i] = x(i)", "an element of an array stands in square brackets: x[i]"),
    ("r[i] = x{i}", "square brackets for indices, x[i]"),
    ("r[i,j] = x[i][j]", "one pair of brackets has the indices of all dimensions: x[i,j]"),
    ("r[i][j] = x[i,j]", "one pair of brackets has all axes: r[i,j]"),
    ("r[i] = x[i]]", "this closes no bracket that is open"),
    ("r[i] = 2x[i]", "a product is 2 * x"),
    ("r[i] = 2 x[i]", "a product is written x * y"),
    ("r[i] = x[i] is 2", "there is no such operator: write =="),
    ("r[i] = sin x[i]", "sin is a function, whose argument stands in parentheses: sin(x)"),
    ("r[i] = if x[i] > 0 then 1 else 0", "a choice is x if c else y"),
    ("r[i] = None", "nan is a float"),
    ("r[i] = true", "there is no 'true': write True"),
    ("for i in range(9): r[i] = x[i]", "it is computed for every i"),
    ("r[i] = x[i] = 2", "a comparison is '=='"),
    ("r[i] = 1,5 * x[i]", "a decimal point is '.'"),
    ("r[i] = x[i] \u2212 1", "there is no '\u2212': write -"),
    ("r[i] = x[i] \u00d7 2", "there is no '\u00d7': write *"),
    ("r[i] = x[i]\u00a0+ 1", "write an ordinary blank"),
    ("r[i] = \u201cx\u201d", "there are no texts in quotes"),
    ("r[i] = \uff12 * x[i]", "'\uff12' is none of ASCII's letters, digits and signs"),
]  # fmt: skip


@pytest.mark.parametrize("text,instead", INSTEAD, ids=[text or "nothing" for text, _ in INSTEAD])
def test_what_the_notation_lacks_says_what_to_write(text, instead):
    with pytest.raises(statements.Failure) as failure:
        statements.run(text, {})
    assert instead in str(failure.value).splitlines()[0]


def test_the_caret_stands_below_the_character_that_is_meant():
    with pytest.raises(statements.Failure) as failure:
        statements.run("r[i] = x[i] + \u00e9[i] * 2", {})
    first, line, caret = str(failure.value).splitlines()
    assert line[caret.index("^")] == "\u00e9" and first.endswith("at column 15")


def test_a_power_of_floats_is_no_exclusive_or():
    with pytest.raises(statements.Failure, match=r"a power is x \*\* 2"):
        statements.run("r[i] = x[i] ^ 2", {"x": numpy.ones(3)})
