"""What to say to an exception of a kernel that comes from how kernels are called, not from what they compute."""

from __future__ import annotations

from typing import Any

from ._manner import Manner

NUMBERS = ("only 0-dimensional arrays can be converted", "only length-1 arrays can be converted",
           "only size-1 arrays can be converted", "truth value of an array with more than one element is ambiguous")
READ_ONLY = ("assignment destination is read-only", "output array is read-only", "buffer source array is read-only",
             "array is read-only", "Cannot modify readonly array", "not writeable", "is not writable")


def hint(words: str, manner: Manner, notation: Any) -> str:
    """A sentence to follow the words of an exception; empty: there is nothing to add."""
    given = ", ".join(notation.names[k] for k in notation.given)
    made = ", ".join(notation.names[k] for k in notation.made)
    if words.startswith("TypeError") and "readonly array" in words and "No matching definition" in words:
        return "The function was compiled for arrays that it may write to, but inputs are read-only: leave the types out of " \
               "@njit, or give them as types.Array(types.float64, 1, \"A\", readonly=True)."
    if words.startswith("TypeError") and made and given and \
            not manner.takes.returns and manner.takes.most > len(notation.given) + len(notation.made):
        return f"The kernel takes any number of arrays, so it was given {given}, {made} to fill {made}; if it returns its " \
               f"result, say so: lambda {given}: f({given})."
    if any(text in words for text in NUMBERS):
        return "A kernel is called with the arrays of a tile, not with single numbers: compute with arrays, or give " \
               "np.vectorize(f), which calls f for each number."
    if any(text in words for text in READ_ONLY):
        return f"The inputs of a kernel ({given or 'none'}) are read-only: write to {made or 'an output'}, which comes behind " \
               "them, or name an array on both sides of the signature to change it in place" \
               " (Cython: declare inputs as const)."
    if "must be Tensor, not" in words:
        return f"A kernel gets NumPy arrays: lambda {given}: f(torch.from_numpy({given.split(',')[0]})).numpy()."
    return ""
