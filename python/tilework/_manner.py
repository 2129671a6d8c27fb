"""Callables as kernels: native or Python, how many arrays they take, whether they fill or return."""

from __future__ import annotations

import sys
import types
from typing import Any, Callable, Optional

from ._arguments import Notation


def address_of(kernel: Any) -> Optional[int]:
    """The address of a C function, where `kernel` is a ctypes or cffi pointer or Numba's @cfunc; None where not."""
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None and isinstance(kernel, ctypes._CFuncPtr):  # pylint: disable=protected-access
        return ctypes.cast(kernel, ctypes.c_void_p).value or 0
    module = type(kernel).__module__
    if module == "_cffi_backend":
        backend = sys.modules["_cffi_backend"]
        if not isinstance(kernel, backend._CDataBase):  # pylint: disable=protected-access
            return None
        if backend.typeof(kernel).kind != "function":
            raise TypeError(f"a kernel is a callable, a tilework.Kernel or a pointer to a C function, not {kernel!r}")
        return int(backend.cast(backend.new_primitive_type("uintptr_t"), kernel))
    if module.startswith("numba.") and type(kernel).__name__ == "CFunc":
        return int(kernel.address)
    return None


def identity_of(function: Any) -> Any:
    """What makes two callables the same to workers that were forked when they knew one of them."""
    if isinstance(function, types.MethodType):  # a new object each time that it is asked for
        return id(function.__self__), id(function.__func__)
    return id(function)


class Manner:
    """How a callable wants to be called: with its outputs or without, and with tile= or without."""

    def __init__(self, function: Callable[..., Any]) -> None:
        import inspect
        self.name = getattr(function, "__qualname__", None) or type(function).__name__
        self.least, self.most, self.tile = 0, sys.maxsize, False
        self.before = sys.maxsize  # positions before an argument tile
        try:
            parameters = inspect.signature(function).parameters.values()
        except (ValueError, TypeError):  # written in C: no one can tell
            return
        kinds = inspect.Parameter
        positional = [p for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD) and
                      not (p.name == "tile" and p.kind == kinds.POSITIONAL_OR_KEYWORD)]
        before = [p.name for p in parameters if p.kind in (kinds.POSITIONAL_ONLY, kinds.POSITIONAL_OR_KEYWORD)]
        self.before = before.index("tile") if len(before) > len(positional) else sys.maxsize
        self.tile = any(p.name == "tile" and p.kind in (kinds.POSITIONAL_OR_KEYWORD, kinds.KEYWORD_ONLY)
                        for p in parameters)
        self.least = sum(p.default is kinds.empty for p in positional)
        if not any(p.kind == kinds.VAR_POSITIONAL for p in parameters):
            self.most = len(positional)

    def takes(self, count: int) -> bool:
        return self.least <= count <= self.most

    def told(self, notation: Notation, arguments: bytes) -> bool:
        """Whether it is told how much of an axis it computes that no input has: by `tile`, or by outputs that it fills."""
        return self.tile or not notation.made or any(k in arguments for k in notation.made)

    def arguments(self, notation: Notation) -> bytes:
        """The operands that it is called with."""
        everything = (*notation.given, *notation.made)
        # What has a default of its own is no place for an output, where it may be left out: lambda y, n=n: ...
        returns = self.least <= len(notation.given) <= self.most < sys.maxsize and self.least < len(everything)
        for wanted in (notation.given, everything) if returns else (everything, notation.given):
            if self.takes(len(wanted)):
                if self.before < len(wanted):
                    raise TypeError(f"the kernel {self.name} has its argument tile before an array's: put it last (or give "
                                    "an array that is called tile another name)")
                return bytes(wanted)
        named = ", ".join(notation.names[k] for k in everything)
        count = f"{self.least}" if self.most == self.least else \
            f"{self.least} to {self.most}" if self.most < sys.maxsize else f"at least {self.least}"
        raise TypeError(f"the kernel {self.name} takes {count} arrays, but the signature has {len(everything)}: {named}"
                        + (f" (or {len(notation.given)} for a kernel that returns its outputs)"
                           if notation.made and notation.given else ""))
