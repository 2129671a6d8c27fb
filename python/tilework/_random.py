"""``tile.random``: which numbers are asked for. They are drawn by random.h, in the extension."""

from __future__ import annotations

import operator
from typing import Any, Optional, Union

import numpy as np

from . import _tilework
from ._errors import ArgumentError

KINDS = {"uniform": 0, "normal": 1, "integers": 2}
SEEDS = 2**64


def draw(draws: Optional[_tilework.Draws], seed: Any, kind: str, output: Optional[str], size: Union[int, tuple[int, ...]],
         dtype: Any, low: Any, high: Any) -> np.ndarray[Any, Any]:
    if draws is None:
        raise ArgumentError("this tile has no random numbers: a kernel draws them, from the tile that it gets as tile=")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ArgumentError(f"there is no kind {kind!r} of random numbers; there are 'uniform', 'normal' and 'integers'")
    number, own = operand_of(draws, output)
    if kind == "integers":
        return integers(draws, seed_of(seed), number, dtype_of(kind, dtype, own), size_of(size), low, high)
    if kind == "normal" and not (low is None and high is None):
        raise ArgumentError("normal numbers have no low and high: write mean + sigma * tile.random(seed, 'normal')")
    found = draws.draw(number, seed_of(seed), KINDS[kind], dtype_of(kind, dtype, own), size_of(size), 0, 0)
    return scaled(found, low, high)


def seed_of(seed: Any) -> int:
    try:
        number = operator.index(seed)
    except TypeError:
        raise ArgumentError(f"a seed is a whole number from 0 to 2**64 - 1, not {seed!r}") from None
    if not 0 <= number < SEEDS:
        raise ArgumentError(f"a seed is a whole number from 0 to 2**64 - 1, not {number}")
    return number


def operand_of(draws: _tilework.Draws, output: Optional[str]) -> tuple[int, Optional[np.dtype[Any]]]:
    """The operand whose elements the numbers belong to, and its dtype: None where the kernel chooses it."""
    operands = draws.operands()
    names = [name for name, *_ in operands]
    outputs = [name for name, is_output, *_ in operands if is_output]
    if output is None and not outputs:
        raise ArgumentError(
            "this kernel has no output that random numbers could belong to: " +
            (f"name an input, tile.random(seed, output={names[0]!r}), or " if names else "") +
            "take tile.rng(seed), whose numbers depend on the cuts")
    name = outputs[0] if output is None else output
    if name not in names:
        raise ArgumentError(f"there is no operand {name!r} that random numbers could belong to; the kernel has "
                            f"{', '.join(map(repr, names)) or 'none'}")
    number = names.index(name)
    if operands[number][2]:
        raise ArgumentError(f"{name} is a reduction: all tiles that add to one of its elements would draw the same numbers; "
                            "name an input that has the reduced axes, output='x', or take tile.rng(seed), whose numbers "
                            "depend on the cuts")
    return number, operands[number][3]


def dtype_of(kind: str, dtype: Any, own: Optional[np.dtype[Any]]) -> np.dtype[Any]:
    """The dtype that is asked for, else the operand's if the kind has it, else NumPy's default."""
    def fits(dtype: np.dtype[Any]) -> bool:
        return dtype.kind in "iu" if kind == "integers" else dtype.char in "fd"

    if dtype is not None:
        try:
            found = np.dtype(dtype)
        except TypeError:
            raise ArgumentError(f"there is no dtype {dtype!r}") from None
        if not fits(found):
            has = "integers have an integer dtype" if kind == "integers" else f"{kind} numbers are float32 or float64"
            raise ArgumentError(f"random {has}, not {found}")
        native: np.dtype[Any] = found.newbyteorder("=")
        return native
    if own is not None and fits(own):
        return own
    return np.dtype(np.int64 if kind == "integers" else np.float64)


def size_of(size: Any) -> tuple[int, ...]:
    try:
        sizes = (operator.index(size),) if np.ndim(size) == 0 else tuple(map(operator.index, size))
    except TypeError:
        sizes = (-1,)
    if any(n < 0 for n in sizes):
        raise ArgumentError(f"size is a whole number or a tuple of them, the lengths of further dimensions, not {size!r}")
    return sizes


def integers(draws: _tilework.Draws, seed: int, number: int, dtype: np.dtype[Any], size: tuple[int, ...], low: Any,
             high: Any) -> np.ndarray[Any, Any]:
    if high is None:
        raise ArgumentError("random integers need high=, one more than the largest; low= is 0 if it is not given")
    try:
        first, end = operator.index(0 if low is None else low), operator.index(high)
    except TypeError:
        raise ArgumentError(f"low and high of random integers are whole numbers, not {low!r} and {high!r}") from None
    if first >= end:
        raise ArgumentError(f"low={first} is not below high={end}: random integers are at least low and less than high")
    limits = np.iinfo(dtype)
    if first < limits.min or end - 1 > limits.max:
        raise ArgumentError(f"{dtype} does not have all integers from {first} to {end - 1}: give another dtype=")
    count = (end - first) % SEEDS
    signed = first - SEEDS if first >= SEEDS // 2 else first  # the same bits
    return draws.draw(number, seed, KINDS["integers"], dtype, size, signed, count)


def scaled(found: np.ndarray[Any, Any], low: Any, high: Any) -> np.ndarray[Any, Any]:
    if low is None and high is None:
        return found
    number = found.dtype.type
    try:
        with np.errstate(over="ignore"):
            first, end = number(float(0 if low is None else low)), number(float(1 if high is None else high))
            width = number(float(end) - float(first))
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"low and high of uniform numbers are numbers of {found.dtype}, not {low!r} and {high!r}") from None
    if not (first < end and np.isfinite(first) and np.isfinite(end) and np.isfinite(width)):
        raise ArgumentError(f"low={first} and high={end}: uniform numbers of {found.dtype} are at least low and less than high, both "
                            "finite")
    found *= width
    found += first
    np.minimum(found, np.nextafter(end, first), out=found)  # the sum may have been rounded up to high
    return found
