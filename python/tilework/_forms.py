"""What was typed in place of a signature, and its right form. Only for texts that the library has refused already."""

from __future__ import annotations

import re
from typing import Optional

FORM = "a signature is like 'y[i], x[j] -> r[i,j]': each operand has a name and its axes, inputs before the arrow"
ARROWS = ("→", "⟶", "⇒", "↦", "—>", "–>", "−>", "=>", "-->", "- >", ">>", "<-")
LETTERS = re.compile(r"[A-Za-z]*")
GROUP = re.compile(r"\(([^()]*)\)")
NAME = re.compile(r"[^\W\d]\w*")
NAMES = "abcdefghklmnopqstuvwxyz"


def advice(text: str) -> str:
    """How the text may have been meant."""
    for arrow in ARROWS:
        if arrow in text:
            return f"the arrow is '->', not '{arrow}'; {FORM}"
    left, arrow, right = text.partition("->")
    if not arrow and "=" in text:
        return f"this is a statement, which is its own kernel: tilework.evaluate({text!r}, ...); {FORM}"
    if not arrow:
        example = f"{text.strip()} -> r[i]" if text.count("[") == 1 and text.strip().endswith("]") else "x[i] -> r[i]"
        return f"there is no arrow and no output, as in {example!r}; {FORM}"
    if "[" not in text:
        other = _einsum(left, right)
        other = other if other is not None else _groups(left, right) or _names(left, right)
        return f"write {other!r}; {FORM}" if other else FORM
    return FORM


def _operand(name: str, axes: list[str]) -> str:
    return f"{name}[{','.join(axes)}]"


def _written(inputs: list[list[str]], outputs: list[list[str]]) -> str:
    """The form with these axes; names are ours."""
    taken = {axis for axes in inputs + outputs for axis in axes}
    names = [name for name in NAMES if name not in taken] + [f"x{k}" for k in range(len(inputs))]
    results = ["r"] if len(outputs) == 1 else [f"r{k}" for k in range(len(outputs))]
    return ", ".join(map(_operand, names, inputs)) + (" -> " if inputs else "-> ") + \
        ", ".join(map(_operand, results, outputs))


def _einsum(left: str, right: str) -> Optional[str]:
    """ij,jk->ik, in which each letter is an axis; None: it is not of that kind."""
    inputs, output = [part.strip() for part in left.split(",")] if left.strip() else [], right.strip()
    known = "".join(inputs) or "ijklmn"
    if not all(LETTERS.fullmatch(part) for part in (*inputs, output)) or not set(output) <= set(known):
        return None
    if any(len(set(part)) < len(part) for part in (*inputs, output)) or max(map(len, (*inputs, output))) > 5:
        return ""
    return _written([list(part) for part in inputs], [list(output)])


def _groups(left: str, right: str) -> str:
    """(i,j),(j)->(i), as generalized ufuncs have it."""
    sides = [[[axis.strip() for axis in group.split(",") if axis.strip()] for group in GROUP.findall(side)]
             for side in (left, right)]
    if not sides[1] or not all(NAME.fullmatch(axis) for side in sides for axes in side for axis in axes):
        return ""
    return _written(*sides)


def _names(left: str, right: str) -> str:
    """x, y -> r, without axes."""
    inputs, outputs = ([part.strip() for part in side.split(",") if part.strip()] for side in (left, right))
    if not outputs or not all(NAME.fullmatch(name) for name in inputs + outputs):
        return ""
    return ", ".join(_operand(name, ["i"]) for name in inputs) + (" -> " if inputs else "-> ") + \
        ", ".join(_operand(name, ["i"]) for name in outputs)
