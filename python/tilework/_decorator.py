"""`kernel`: a function that is written for one tile, called like one for whole arrays."""

from __future__ import annotations

import functools
import inspect
import keyword
import sys
import types
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Optional

from . import _carried, _naming, _options, _signature
from ._errors import ArgumentError
from ._native import Kernel
from ._prepared import Function

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Asked, DecoratorOptions


class KernelFunction:
    """A kernel with its signature, called with whole arrays: ``r = outer(y, x)``. Made by :func:`tilework.kernel`.

    Operands are given in the order of the signature or by their names there, other parameters of the function by their names.
    ``__wrapped__`` is the function itself, which computes one tile."""

    def __init__(self, function: Any, signature: str, options: Mapping[str, Any], run: Callable[[Asked], Any]) -> None:
        if isinstance(function, type):
            raise TypeError(f"a kernel is a function that computes one tile, not the class {function.__qualname__}")
        if isinstance(function, classmethod):
            raise TypeError("write @classmethod above @tilework.kernel, not below it")
        if isinstance(function, str):
            raise TypeError("kernel is for functions; a statement becomes one by tilework.function")
        if isinstance(function, types.FunctionType):
            self.__dict__.update(function.__dict__)
        functools.update_wrapper(self, function, updated=())
        if not hasattr(function, "__name__"):
            self.__name__ = self.__qualname__ = _naming.name_of(function).partition(" (")[0]
        self.body = function
        self.signature = signature
        self.given = {name: dict(value) if isinstance(value, Mapping) else value for name, value in options.items()}
        self._run = run
        self._notation = _signature.read(signature)
        self._names = tuple([self._notation.names[k] for k in self._notation.given])
        if "out" in self._names:
            raise ArgumentError("an operand of such a function cannot be called out, which is where the results go: give it another "
                                "name in the signature")
        _options.KERNEL.refuse(self.given)
        self._asked = _options.of_kernel(_options.KERNEL, function, signature, (), self.given)
        self._partial: Optional[tuple[dict[str, Any], Any]] = None  # that of the last call with parameters
        self.__signature__ = self._shown()

    # ---- calls ----

    def __call__(self, /, *operands: Any, out: Any = None, **named: Any) -> Any:
        if operands and isinstance(operands[0], type):  # @classmethod calls what it wraps with the class, from Python 3.13 on
            return self.__get__(operands[0])(*operands[1:], out=out, **named)
        if named or len(operands) != len(self._names):
            operands, named = self._in_order(operands, named)
        kernel = self._with(named) if named else self._asked.kernel
        return self._run(self._asked._replace(kernel=kernel, operands=operands, out=out))

    def options(self, **options: Unpack[DecoratorOptions]) -> KernelFunction:
        """The same function with these options besides: ``outer.options(workers=2)(y, x)``."""
        return _with_options(self, {**self.given, **options})

    def _in_order(self, operands: tuple[Any, ...], named: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Operands as the signature has them, and what is none."""
        names = self._names
        takes = ", ".join(names) or "none"
        if len(operands) > len(names):
            raise TypeError(f"{len(operands)} operands given to {self.__name__}, which takes {len(names)}: {takes}")
        found = list(operands)
        for name in names[:len(operands)]:
            if name in named:
                raise TypeError(f"operand {name} of {self.__name__} is given twice, in order and by its name")
        for name in names[len(operands):]:
            if name not in named:
                raise ArgumentError(f"{self.__name__} has an operand {name}, which is not given: it takes {takes}")
            found.append(named.pop(name))
        return tuple(found), named

    def _with(self, parameters: dict[str, Any]) -> Any:
        """The function with these parameters; the same object if they are what they were in the last call."""
        last = self._partial
        if last is not None and last[0].keys() == parameters.keys() and all(last[0][name] is parameters[name] for name in parameters):
            return last[1]
        if isinstance(self._asked.kernel, Kernel):
            raise TypeError(f"{self.__name__} is a compiled kernel, which has no parameters by name: {', '.join(parameters)}; its "
                            f"operands are {', '.join(self._names) or 'none'}")
        taken = _parameters_of(self.body)
        for name in parameters:
            if name in self._notation.names and not (taken is not None and name in taken and taken[name].kind == taken[name].KEYWORD_ONLY):
                raise TypeError(f"{name} is an output of {self.__name__}: give it as out=")
            if taken is not None and name not in taken and not any(one.kind == one.VAR_KEYWORD for one in taken.values()):
                if name in _options.KERNEL.checks:
                    raise TypeError(f"{name} is an option: give it by {self.__name__}.options({name}=...)(...)")
                raise TypeError(f"{self.__name__} has no parameter {name}; its operands are {', '.join(self._names) or 'none'}")
        made = functools.partial(self.body, **parameters)
        self._partial = parameters, made
        return made

    # ---- as part of a program ----

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        """As an attribute of a class it is a method, if the function would be one."""
        bind = getattr(type(self.body), "__get__", None)
        if instance is None or bind is None:
            return self
        body = bind(self.body, instance, owner)
        if body is self.body:
            return self
        bound = object.__new__(KernelFunction)
        bound.__dict__.update(self.__dict__)
        bound.__dict__.update(body=body, __wrapped__=body, _partial=None, _asked=self._asked._replace(kernel=body))
        bound.__signature__ = bound._shown()
        return bound

    def __repr__(self) -> str:
        return f"<tilework.kernel {_naming.name_of(self.body)}: {self.signature}>"

    def __reduce__(self) -> Any:
        name = getattr(self, "__qualname__", None)
        found: Any = sys.modules.get(getattr(self, "__module__", None) or "")
        for part in str(name).split("."):
            found = getattr(found, part, None)
        if found is self:
            return str(name)  # as functions are
        if isinstance(found, KernelFunction) and found.body is self.body:
            return _with_options, (found, self.given)
        return reduced(self)

    def _shown(self) -> inspect.Signature:
        """What help() shows: operands, parameters that have a value or must be named, out."""
        kinds = inspect.Parameter
        shown = {name: kinds(f"{name}_" if keyword.iskeyword(name) else name, kinds.POSITIONAL_OR_KEYWORD) for name in self._names}
        arrays = 0
        for name, one in (_parameters_of(self.body) or {}).items():
            arrays += one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
            is_own = one.kind == one.KEYWORD_ONLY or (one.kind == one.POSITIONAL_OR_KEYWORD and one.default is not one.empty and
                                                      arrays > len(self._names))
            if is_own and name not in ("tile", "out") and name not in shown:
                shown[name] = one.replace(kind=kinds.KEYWORD_ONLY)
        shown["out"] = kinds("out", kinds.KEYWORD_ONLY, default=None)
        return inspect.Signature(list(shown.values()))


def reduced(function: KernelFunction) -> Any:
    """As its parts: for who may not find it by its name, such as another interpreter if it is the program's own."""
    return KernelFunction, (function.body, function.signature, function.given, function._run)


def _with_options(function: KernelFunction, options: Mapping[str, Any]) -> KernelFunction:
    """The same function with these options and no others."""
    return KernelFunction(function.body, function.signature, options, function._run)


def _parameters_of(function: Any) -> Optional[Mapping[str, inspect.Parameter]]:
    """None: it does not say."""
    try:
        return inspect.signature(function).parameters
    except (ValueError, TypeError):
        return None


_carried.fix(Function)  # whatever it remembers, it computes the same
setattr(_options, "KernelFunction", KernelFunction)  # which of_kernel takes for its function
