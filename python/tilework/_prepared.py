"""Statements that are called often: what they remember of their calls, and `function`, which makes one that is called like a
function."""

from __future__ import annotations

import inspect
import keyword
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Callable, Protocol

import numpy as np

from . import _habits, _memory, _options, _outputs, _scalars, _signature, _tilework
from ._edges import edges_of
from ._errors import ArgumentError, of_failure
from ._native import inner_of
from ._statement import Statement, StatementRequest, is_subscripted

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from ._options import Asked, FunctionOptions

PARAMETER = 255
KNOWN_TEXTS = 256
KNOWN_CALLS = 8  # that a statement remembers, as in prepared.c
SEEN_CALLS = 64
# Options that may be given to a call which is remembered: whatever they are, one tile of memory is computed by the caller.
HARMLESS = frozenset({"dtype", "cuts", "tiles", "parts", "lengths", "edges", "workers", "pool"})


class Learns(Protocol):
    """What remembers calls of statements."""

    def learn(self, request: StatementRequest, result: Any) -> None:
        """After a call of which nothing was remembered."""


class Learner(_tilework.Prepared):
    """A statement that remembers calls: as many as the extension keeps, each of them dtypes, shapes, strides and, if the
    statement has any, parameters. What follows from these is not looked at again; the memory is that of each call."""

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__(names)
        self._binders: dict[Any, _tilework.Statement] = {}
        self._seen: set[Any] = set()

    def learn(self, request: StatementRequest, result: Any) -> None:
        """Larger jobs have several tiles, for all cores; what was converted or opened is another array each time."""
        if request.files is not None or request.grid.count != 1 or len(request.grid.steps) != 1 or \
                (self.known == KNOWN_CALLS and self._is_new(request)):
            return
        notation = request.notation
        numbers, values = [], []
        for name in self.names:
            value = request.given.get(name)
            if name in request.parameters:
                numbers.append(PARAMETER)
                if type(value) is not type(request.parameters[name]):  # an array without dimensions: converted each time
                    return
            else:
                k = notation.names.index(name)
                numbers.append(k)
                if request.arrays[k] is not value:
                    return
            values.append(value)
        arrays = dict(enumerate(request.arrays))
        for k, made in zip(notation.outs, result if len(notation.outs) > 1 else (result,)):
            if arrays[k] is None:
                if made.nbytes >= _memory.SMALL:  # it lies in memory of the library's own
                    return
                arrays[k] = made
        natural = all(k in notation.given for k in request.theirs)
        try:
            self.learn_call(tuple(values), bytes(numbers), notation.written, tuple(arrays.values()),
                            inner_of(request.native), request.grid, request.statement.inner,  # type: ignore[arg-type]
                            self._binder(request) if request.parameters else None, request.lengths,
                            _signature.named_lengths(request.given_lengths), natural)
        except _tilework.Failure:
            pass  # the long way is right too

    def _is_new(self, request: StatementRequest) -> bool:
        """Calls that differ each time are not worth it."""
        call = request.key, request.lengths
        if call in self._seen:
            return False
        if len(self._seen) >= SEEN_CALLS:
            self._seen.clear()
        self._seen.add(call)
        return True

    def _binder(self, request: StatementRequest) -> _tilework.Statement:
        """A statement of these dtypes, for other values of its parameters."""
        key = request.key, request.statement.asked
        found = self._binders.get(key)
        if found is None:
            found = _tilework.Statement(request.kernel, request.parameters, dict(request.key[3]))
            found.types(request.statement.asked)
            found.bind(request.wrapped, request.parameters, _signature.named_lengths(request.given_lengths))
            found.kernel(False, None)
            if len(self._binders) >= KNOWN_CALLS:
                self._binders.clear()
            self._binders[key] = found
        return found


# ---- calls of evaluate -------------------------------------------------------------------------------------------------


class _Texts:
    """What `evaluate` remembers, by the text of the statement."""

    def learn(self, request: StatementRequest, result: Any) -> None:
        learner = known.get(request.kernel)
        if learner is not None and set(learner.names) == set(request.given):
            learner.learn(request, result)
            return
        if request.grid.count != 1 or request.files is not None:
            return
        learner = Learner(tuple([sys.intern(name) for name in request.given]))
        learner.learn(request, result)
        if learner.known == 0:
            return
        while len(known) >= KNOWN_TEXTS:
            known.pop(next(iter(list(known)), ""), None)
        known[request.kernel] = learner


known: dict[str, Learner] = {}
texts = _Texts()


# ---- function ----------------------------------------------------------------------------------------------------------


class Function(Learner):
    """A statement that is called like a function: ``f(a, b)``, ``f(a=a, b=b, out=r)``. Made by :func:`tilework.function`.

    Operands are given in the order in which the statement mentions them first, or by their names. Any thread may call it, several
    at the same time. It is pickled as its text and its options."""

    def __init__(self, statement: str, options: Mapping[str, Any], run: Callable[[Asked], Any],
                 again: Callable[..., Function]) -> None:
        if not isinstance(statement, str):
            raise TypeError(f"a statement is a text such as 'r[i,j] = y[i] * x[j]', not {type(statement).__name__}")
        try:
            names = _tilework.Statement.names_of(_scalars.plain(statement, "a statement")).split()
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        if "out" in names:
            raise ArgumentError("an operand of a function cannot be called out, which is where the results go: give it another name")
        super().__init__(tuple([sys.intern(name) for name in names]))
        self.statement = statement
        self._given = {name: dict(value) if isinstance(value, Mapping) else value for name, value in options.items()}
        self._run, self._again = run, again
        _options.FUNCTION.refuse(self._given)
        asked = _options.of_statement(_options.FUNCTION, statement, self._given)
        self._asked = asked
        self._learns = HARMLESS.issuperset(self._given) and isinstance(asked.pool, str) and asked.pool != "processes"
        notation = Statement(statement, {name: 1 for name in names if not is_subscripted(statement, name)},
                             edges_of(asked.edges, asked.lengths)).notation
        described = {name: f"{name}[{','.join(notation.axes[axis] for axis in shape)}]"
                     for name, shape in zip(notation.names, notation.shapes)}
        takes, gives = [described.get(name, name) for name in names], [described[notation.names[k]] for k in notation.outs]
        self._form = f"({', '.join(takes)}) -> {', '.join(gives)}"
        self.__name__ = self.__qualname__ = "function"
        self.__doc__ = _described(statement, names, described, gives)
        self.__signature__ = inspect.Signature([
            *[inspect.Parameter(f"{name}_" if keyword.iskeyword(name) else name, inspect.Parameter.POSITIONAL_OR_KEYWORD)
              for name in names], inspect.Parameter("out", inspect.Parameter.KEYWORD_ONLY, default=None)])

    def options(self, **options: Unpack[FunctionOptions]) -> Function:
        """The same statement with these options besides: ``f.options(workers=2)(a, b)``."""
        return self._again(self.statement, **{**self._given, **options})

    def _missed(self, /, *operands: Any, out: Any = None, **named: Any) -> Any:
        """A call of which nothing is remembered."""
        names = self.names
        if len(operands) > len(names):
            raise TypeError(f"{len(operands)} operands given for a statement that takes {len(names)}: {', '.join(names) or 'none'}")
        for name in names[:len(operands)]:
            if name in named:
                raise TypeError(f"{name} is given twice, in order and by its name")
        for name in named:
            if name not in names and name in _options.OPTIONS:
                raise TypeError(f"{name} is no operand of the statement; options are given by f.options({name}=...)(...)")
        given = {**dict(zip(names, operands)), **named}
        for name in names:
            if name not in given:
                raise ArgumentError(f"the statement has {'an operand' if is_subscripted(self.statement, name) else 'a parameter'} "
                                    f"{name}, which is not given: it takes {', '.join(names)}")
        _habits.refuse_operands(self.statement, given)
        return self._run(self._asked._replace(operands=given, out=out, learner=self if self._learns else None))

    def __get__(self, instance: object, owner: Any = None) -> Function:
        """As an attribute of a class it is no method: it has no place for an object. (help() shows what has this as a function.)"""
        return self

    def __repr__(self) -> str:
        return f"<tilework.function {self.statement!r}: {self._form}>"

    def __reduce__(self) -> Any:
        return _made_again, (self._again, self.statement, self._given)


def _described(statement: str, names: list[str], described: Mapping[str, str], gives: list[str]) -> str:
    """What help() shows."""
    takes = [f"{name} : " + (f"array, {described[name]}" if name in described else "number") for name in names]
    lines = [f"The statement ``{statement}``, prepared.", "", *(["Parameters", "----------", *takes] if takes else ["Parameters", "----------"]),
             "out : array, optional" if len(gives) == 1 else "out : tuple or dict of arrays, optional",
             f"    Where {' and '.join(gives)} {'is' if len(gives) == 1 else 'are'} written.", "", "Returns", "-------", ", ".join(gives)]
    return "\n".join(lines)


def _made_again(again: Callable[..., Function], statement: str, options: Mapping[str, Any]) -> Function:
    return again(statement, **options)
