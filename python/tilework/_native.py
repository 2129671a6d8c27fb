"""Kernels that are not Python: C functions, from source, from shared objects, by address."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable, Optional, Union

from . import _naming, _tilework
from ._errors import ArgumentError, of_failure
from ._notes import say
from ._scalars import whole

Recipe = tuple[str, tuple[Any, ...]]  # how it was made, and from what


class Kernel:
    """A function that is not Python: it runs without the interpreter, on threads at full speed.

    Made by :meth:`from_c`, :meth:`from_library` and :meth:`from_address`. :func:`tilework.run` also takes a ctypes or
    cffi function pointer and Numba's ``@cfunc`` as they are.
    """

    def __init__(self, inner: _tilework.Kernel, recipe: Optional[Recipe] = None,
                 place: Optional[tuple[int, Any]] = None) -> None:
        self._inner = inner
        self.recipe = recipe  # how another process makes the same kernel; None: it cannot
        self.place = place  # address, and what keeps it; None: it has a recipe, or is a statement's

    @classmethod
    def from_recipe(cls, recipe: Recipe) -> "Kernel":
        """The same kernel in another process."""
        how, arguments = recipe
        try:
            inner = _MAKERS[how](*arguments)
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        say(inner.note)
        return cls(inner, recipe)

    def __reduce__(self) -> Any:
        if self.recipe is None:
            raise TypeError("a kernel that is an address of this process cannot be sent to another one")
        return Kernel.from_recipe, (self.recipe,)

    def __repr__(self) -> str:
        return f"<tilework.Kernel {self.name}>"

    @property
    def name(self) -> str:
        """What it was made from: ``mult.c:mult``."""
        if self.recipe is not None and self.recipe[0] == "source" and not _is_path(self.recipe[1][0]):
            return f"{self.recipe[1][1]}.c:{self.recipe[1][1]}"  # not the file that it was written to for the compiler
        return self._inner.name

    @classmethod
    def from_c(cls, source: Union[str, "os.PathLike[str]"], name: str, *, compiler: Optional[str] = None,
               flags: Optional[str] = None, cache: Optional[str] = None, portable: bool = False,
               look_in: Union[str, "os.PathLike[str]", None] = None) -> "Kernel":
        """Compile a kernel from C.

        Parameters
        ----------
        source : str or path
            The path of a file, or the source itself (a text of several lines or with a brace).
        name : str
            The function: ``int name(const tw_tile *tile)``.
        compiler, flags, cache : str, optional
            As for ``tilework run``: ``$TILEWORK_CC``, ``-O3 -march=native`` and ``~/.cache/tilework`` by default.
        portable : bool, optional
            Make it for every processor of this family, with the same results on each: ``-O3 -ffp-contract=off`` for the
            baseline, then `flags`. It is known by source, flags and version, so that unlike machines can share a job.
        look_in : str or path, optional
            A folder that is searched first for a portable kernel, which needs no compiler then.

        Examples
        --------
        >>> import numpy as np, tilework as tw
        >>> twice = tw.Kernel.from_c('''
        ... #include <tilework/tilework.h>
        ... int twice(const tw_tile *tile)
        ... {
        ...     TW_VIEW(const double, x, tile->operand[0]);
        ...     TW_VIEW(double, r, tile->operand[1]);
        ...     for (int64_t i = 0; i < x.shape[0]; i++)
        ...         TW_AT(r, i) = 2 * TW_AT(x, i);
        ...     return 0;
        ... }
        ... ''', "twice")
        >>> tw.run(twice, "x[i] -> r[i]", np.arange(4.0))
        array([0., 2., 4., 6.])
        """
        text = os.fspath(source)
        if _is_path(text):
            text = os.path.abspath(text)
        return cls.from_recipe(("source", (text, name, compiler, flags, cache, bool(portable),
                                           os.path.abspath(look_in) if look_in is not None else None)))

    @classmethod
    def from_library(cls, path: Union[str, "os.PathLike[str]"], symbol: str) -> "Kernel":
        """A function of a shared object: ``int symbol(const tw_tile *tile)``."""
        return cls.from_recipe(("library", (os.path.abspath(path), symbol)))

    @classmethod
    def from_address(cls, address: int, keep: Any = None) -> "Kernel":
        """A C function of this process, by its address; `keep` is kept alive with the kernel."""
        place = whole(address, "the address of a function")
        if place < 0:
            raise ArgumentError(f"the address of a function is no negative number, {place}")
        try:
            return cls(_tilework.Kernel.function(place, keep, _naming.name_of(keep) if keep is not None else "function"),
                       place=(place, keep))
        except _tilework.Failure as failure:
            raise of_failure(failure) from None


def _is_path(source: str) -> bool:
    return "\n" not in source and "{" not in source


def _from_source(source: str, name: str, compiler: Optional[str], flags: Optional[str],
                 cache: Optional[str], portable: bool = False, look_in: Optional[str] = None) -> _tilework.Kernel:
    if _is_path(source):
        return _tilework.Kernel.source(source, name, compiler, flags, cache, portable, look_in)
    import tempfile
    with tempfile.TemporaryDirectory(prefix="tilework-") as folder:
        path = os.path.join(folder, f"{name if name.isidentifier() else 'kernel'}.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(source)
        return _tilework.Kernel.source(path, name, compiler, flags, cache, portable, look_in)


_MAKERS: dict[str, Callable[..., _tilework.Kernel]] = {"library": _tilework.Kernel.library, "source": _from_source}


def again(kernel: Kernel) -> Kernel:
    """Another object of the same function, which may be given an identity of its own; of a statement's kernel, that itself."""
    if kernel.recipe is not None:
        return Kernel.from_recipe(kernel.recipe)
    return Kernel.from_address(*kernel.place) if kernel.place is not None else kernel


def portable(kernel: Kernel) -> Kernel:
    """The same function for every processor of this family, if it was compiled here."""
    if kernel.recipe is None or kernel.recipe[0] != "source" or kernel.recipe[1][5]:
        return kernel
    return Kernel.from_recipe(("source", (*kernel.recipe[1][:5], True, None)))


def inner_of(kernel: Kernel) -> _tilework.Kernel:
    return kernel._inner  # pylint: disable=protected-access


def native_kernel(kernel: Any) -> Optional[Kernel]:
    """The kernel, if it is not a Python callable."""
    if isinstance(kernel, Kernel):
        return kernel
    address = address_of(kernel)
    if address is not None:
        return Kernel.from_address(address, kernel)
    if not callable(kernel):
        raise TypeError(f"a kernel is a callable, a tilework.Kernel or a pointer to a C function, "
                        f"not {type(kernel).__name__}")
    return None


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
