"""Statements that are compiled into files, for machines that have no compiler or another processor."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Optional, Union

import numpy as np

from . import _tilework
from ._edges import Edges, edges_of
from ._errors import ArgumentError, of_failure
from ._statement import Statement


def compile(statement: str, file: Union[str, "os.PathLike[str]"], dtypes: Mapping[str, Any], *,  # pylint: disable=redefined-builtin
            name: str = "kernel", parameters: Optional[Mapping[str, Any]] = None, edges: Edges = None,
            compiler: Optional[str] = None, flags: Optional[str] = "-O3", portable: bool = False) -> str:
    """Compile a statement into a shared object, as ``tilework compile`` does.

    Parameters
    ----------
    statement : str
        In the notation of ``docs/notation.md``.
    file : str or path
        The shared object to write.
    dtypes : dict
        The dtype of each input by its name, and of outputs that have another one than their expression.
    name : str, optional
        The function's name.
    parameters : dict, optional
        Numbers that say whether the statement's parameters are whole; they get their values in the run.
    edges : str, number or dict, optional
        As for :func:`evaluate`.
    compiler, flags : str, optional
        As for ``tilework compile``: ``$TILEWORK_CC`` and ``-O3`` by default.
    portable : bool, optional
        Code for several levels of the processor's family (x86-64: baseline, v3, v4) in one file, with the same bits on each;
        each machine uses the highest that it has.

    Returns
    -------
    str
        The signature, with which :func:`run` takes ``Kernel.from_library(file, name)`` if the statement needs no
        lengths, parameters or neighbours.

    Examples
    --------
    >>> import os, tempfile, numpy as np, tilework as tw
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "twice.so")
    ...     signature = tw.compile("r[i] = 2 * x[i]", file, {"x": float}, portable=True)
    ...     tw.run(tw.Kernel.from_library(file, "kernel"), signature, np.arange(3.0))
    array([0., 2., 4.])
    """
    made = Statement(statement, dict(parameters or {}), edges_of(edges))
    for operand in dtypes:
        if operand not in made.notation.names:
            raise ArgumentError(f"dtypes: the statement has no operand {operand!r}")
    missing = [operand for k, operand in enumerate(made.notation.names)
               if operand not in dtypes and made.notation.roles[k] != _tilework.OUT]
    if missing:
        raise ArgumentError(f"dtypes: operand {missing[0]!r} has no dtype")
    made.settle(tuple(np.dtype(dtypes[operand]) if operand in dtypes else None for operand in made.notation.names))
    try:
        return made.inner.compile(os.fspath(file), name, compiler, flags, None, bool(portable))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
