"""What makes two kernels the same to runs of different processes: a hash of a callable's code and of all values that it
computes with. Nothing of it depends on where the code stands, on addresses, or on the order of sets.

A function counts with its code, defaults and closure, and with the functions and constants of its own module that it names.
What it takes from other modules counts by its name. `_carried.py` asks the other question: whether forked workers still have
what the program has."""

from __future__ import annotations

import contextlib
import contextvars
import copyreg
import dis
import enum
import functools
import hashlib
import os
import re
import sys
import sysconfig
import types
import weakref
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Optional

import numpy as np

from . import _memory, _naming, _tilework, _ufuncs
from ._decorator import KernelFunction
from ._errors import ArgumentError
from ._native import Kernel, again, inner_of
from ._shared import SharedArray

MOST_VALUES = 1_000_000  # that are looked at; a kernel that carries more is known by its version
MOST_LISTED = 320  # bytes of the names of a kernel's parts
FOREVER = sys.maxsize

_BY_REPR = frozenset({int, bool, float, complex, range, type(None), type(Ellipsis), type(NotImplemented)})
_DESCRIPTORS = (types.WrapperDescriptorType, types.MethodDescriptorType, types.ClassMethodDescriptorType,
                types.GetSetDescriptorType, types.MemberDescriptorType)
_PLAIN_ARRAYS = (np.ndarray, np.memmap, np.recarray, SharedArray)  # which have nothing beside their items
# What a class has that says where it stands or what its parts are called, or is made from the rest.
_OF_PLACE = frozenset({
    "__module__", "__qualname__", "__doc__", "__dict__", "__weakref__", "__firstlineno__", "__static_attributes__", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__abstractmethods__", "_abc_impl", "__slotnames__",
    "__dataclass_fields__", "__dataclass_params__", "__orig_bases__", "__parameters__", "__type_params__"})
_NAMES_LOADED = frozenset({"LOAD_GLOBAL", "LOAD_NAME", "LOAD_FROM_DICT_OR_GLOBALS"})
_TWO_KERNELS = re.compile(r"(kernel|fold of \w+) was Python code with hash \w+ \(([^()]*)\) and is Python code with hash \w+ "
                          r"\(([^()]*)\)")
_HAS_DOCSTRING = 0x4000000  # of co_flags, from Python 3.13 on


_STEPS = (types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial, np.ufunc)  # in a dict, the order counts

_MISSING = object()


class _Unknown(Exception):
    """A value that cannot be hashed: what it is, and where."""


def of(function: Any, version: Optional[str] = None) -> str:
    """One line for the journal of a run; an ArgumentError if no hash can be made."""
    name = _naming.name_of(function).partition(" (")[0]
    if version is not None:
        return f"{name}, version {version!r}"
    reader = _Reader(function)
    try:
        found = reader.whole(function)
        return f"Python code with hash {found.hex()} ({_listed(reader.parts)})"
    except (_Unknown, RecursionError) as error:
        why = f"{error}" if isinstance(error, _Unknown) else "its values are nested too deeply"
        raise ArgumentError(f"the kernel {name} cannot be identified, so that a later run could not know it again: {why}; say which "
                            "one it is, and change that with its code: version='1'") from error


def _listed(parts: dict[str, bytes]) -> str:
    """Names and the beginnings of their hashes, as many as a message can show of two kernels."""
    texts: list[str] = []
    for name, part in parts.items():
        text = f"{name} {part.hex()[:8]}"
        if sum(map(len, texts)) + 2 * len(texts) + len(text) > MOST_LISTED:
            texts.append(f"... {len(parts)}")
            break
        texts.append(text)
    return ", ".join(texts)


def difference(words: str) -> str:
    """A message that says that two Python kernels differ, with the names of the parts that do."""
    found = _TWO_KERNELS.search(words)
    if found is None:
        return words
    before, after = (dict(part.rpartition(" ")[::2] for part in texts.split(", ")) for texts in found.groups()[1:])
    are_all = "..." not in before and "..." not in after
    changed = [name for name, part in after.items() if before.get(name, part if not are_all else None) != part and name != "..."]
    gone = [name for name in before if name not in after and are_all]
    parts = [f"{', '.join(changed)} {'is' if len(changed) == 1 else 'are'} not as before"] if changed else []
    parts += [f"{', '.join(gone)} {'is' if len(gone) == 1 else 'are'} no longer used"] if gone else []
    why = " and ".join(parts) or "something that it uses is not as before"
    return f"{words[:found.start()]}the {found[1]} is another one: {why}{words[found.end():]}"


def of_native(kernel: Kernel, version: Optional[str] = None) -> Optional[str]:
    """The same of a compiled kernel; None: its file says what it is."""
    if version is not None:
        return f"{kernel.name}, version {version!r}"
    anchor = kernel.place[1] if kernel.place is not None else None
    return of(anchor) if anchor is not None and _pyfunc_of(anchor) is not None else None


def of_request(request: Any) -> tuple[Optional[str], dict[int, str]]:
    """Of the kernel of a run, and of the functions that fold its partial results."""
    files = request.files
    if files.identity is not None:
        own, folds = files.identity
        return own, dict(folds)
    own = of(request.kernel, files.version) if request.native is None else of_native(request.native, files.version)
    found = {k: of_native(one.function, files.version) if isinstance(one.function, Kernel) else of(one.function, files.version)
             for k, one in request.reductions.items() if one.function is not None}
    return own, {k: text for k, text in found.items() if text is not None}


def known_as(kernel: Optional[Kernel], identity: str) -> Optional[Kernel]:
    """A compiled kernel with an identity of its own; the object that the user has stays as it is."""
    if kernel is None:
        return None
    made = again(kernel)
    if made is not kernel:
        inner_of(made).set_identity(identity)
    return made


# ---- modules -----------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=1)
def _installed_folders() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    return tuple({os.path.join(os.path.realpath(paths[name]), "") for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def _is_installed(name: Any) -> bool:
    """A module of Python's or of a package: its functions are known by their names. A notebook's or a script's is not."""
    if not isinstance(name, str) or name == "__main__":
        return False
    if name.partition(".")[0] == __name__.partition(".")[0]:
        return True
    module = sys.modules.get(name)
    if module is None:
        return False
    file = getattr(module, "__file__", None)
    if not isinstance(file, str):
        return name in sys.builtin_module_names or getattr(module, "__spec__", None) is not None
    return os.path.realpath(file).startswith(_installed_folders()) or f"{os.sep}site-packages{os.sep}" in file


def _attribute(value: Any, *names: str) -> Any:
    """The attribute of an attribute and so on; None: there is none."""
    for name in names:
        try:
            value = getattr(value, name, None)
        except KeyError:  # Numba's stencils look it up among their options
            return None
    return value


def _pyfunc_of(value: Any) -> Any:
    """The Python function that Numba has compiled; None: it is none of Numba's."""
    if not type(value).__module__.startswith("numba."):
        return None
    places = ("py_func",), ("_pyfunc",), ("_dispatcher", "py_func"), ("kernel_ir", "func_id", "func")
    return next((found for names in places if (found := _attribute(value, *names)) is not None), None)


# ---- code --------------------------------------------------------------------------------------------------------------


def _names_loaded(code: types.CodeType) -> set[str]:
    """Globals, also those that nested functions name."""
    found = {step.argval for step in dis.get_instructions(code) if step.opname in _NAMES_LOADED}
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            found |= _names_loaded(constant)
    return found


def _constants(code: types.CodeType, documented: bool) -> list[Any]:
    """Of a function, without its text of documentation, and without what a class body knows of its place."""
    constants = list(code.co_consts)
    has_text = bool(constants) and isinstance(constants[0], str) and (documented or bool(code.co_flags & _HAS_DOCSTRING))
    places = "__firstlineno__" in code.co_names or "__static_attributes__" in code.co_names
    if not has_text and not places:
        return constants
    steps = list(dis.get_instructions(code))
    if has_text and not any(step.opname == "LOAD_CONST" and step.arg == 0 for step in steps):
        constants[0] = None
    for step, after in zip(steps, steps[1:]):
        if step.opname == "LOAD_CONST" and step.arg is not None and after.opname == "STORE_NAME" and \
                after.argval in ("__firstlineno__", "__static_attributes__"):
            constants[step.arg] = None
    return constants


# ---- values ------------------------------------------------------------------------------------------------------------


def _hash(mark: str, *parts: bytes) -> bytes:
    found = hashlib.blake2b(mark.encode(), digest_size=16)
    for part in parts:
        found.update(len(part).to_bytes(8, "little"))
        found.update(part)
    return found.digest()


def _text(words: Any) -> bytes:
    return str(words).encode("utf-8", "surrogatepass")


class _Reader:
    """Hashes values, each by what its parts hash to. A value that contains itself stands there as the number of steps up.

    Globals stand as their names, and each is hashed once, beside the rest: functions that name each other make no circle."""

    def __init__(self, root: Any) -> None:
        self.home = self.modules_of(root)
        self.context: Optional[str] = None  # the module whose global is read; None: what the kernel carries
        self.named: dict[tuple[str, str], dict[str, Any]] = {}  # (module, name): the globals that have it
        self.waiting: list[tuple[str, str]] = []
        self.depth: dict[int, int] = {}  # of the values that are being read, by id
        self.outermost = FOREVER  # depth of the outermost of these that was found again
        self.known: dict[tuple[int, Optional[str]], tuple[Any, bytes]] = {}  # which keep their ids
        self.path: list[str] = []
        self.parts: dict[str, bytes] = {}  # what `whole` has hashed, in words
        self.left = MOST_VALUES

    @staticmethod
    def modules_of(root: Any) -> set[Any]:
        """Of the function that was written, and of what stands around it."""
        found = set()
        for _ in range(100):
            if root is None:
                break
            found.add(getattr(root, "__module__", None))
            root = _naming.wrapped_by(root) or _pyfunc_of(root)
        return found

    def whole(self, function: Any) -> bytes:
        parts = [self.value(_ufuncs.behind(function))]
        done: dict[tuple[str, str], bytes] = {}
        while self.waiting:
            key = self.waiting.pop()
            module, name = key
            self.context = module
            with self.step(f"the global {name}"):
                done[key] = self.value(self.named[key][name])
        self.parts["its own code or what it carries"] = parts[0]
        self.parts.update(sorted((f"the global {name}" if module in self.home else f"the global {module}.{name}", part)
                                 for (module, name), part in done.items()))
        return _hash("kernel", *parts, *[_hash("global", _text("" if module in self.home else module), _text(name), done[module, name])
                                         for module, name in sorted(done)])

    @contextlib.contextmanager
    def step(self, words: str) -> Iterator[None]:
        """What is read next, in words."""
        self.path.append(words)
        yield
        self.path.pop()

    def fail(self, value: Any, why: str = "") -> _Unknown:
        kind = type(value)
        name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        where = " of ".join(reversed(self.path)) or "it"
        return _Unknown(f"{where} is a {name}" + (f", {why}" if why else ", which has no contents that could be compared"))

    def expands(self, module: Any) -> bool:
        """Functions and classes of this module count with their code, not by their names."""
        return module in self.home or (module == self.context if self.context is not None else not _is_installed(module))

    # ---- any value ----

    def value(self, value: Any) -> bytes:
        kind = type(value)
        if kind is str:
            return _hash("str", value.encode("utf-8", "surrogatepass"))
        if kind in _BY_REPR:
            return _hash(kind.__name__, _text(repr(value)))
        if kind is bytes or kind is bytearray:
            return _hash(kind.__name__, bytes(value))
        key = id(value), self.context
        if key in self.known:
            return self.known[key][1]
        depth = len(self.depth)
        if id(value) in self.depth:
            self.outermost = min(self.outermost, self.depth[id(value)])
            return _hash("up", _text(depth - self.depth[id(value)]))
        self.left -= 1
        if self.left < 0:
            raise _Unknown(f"it carries more than {MOST_VALUES} values")
        before, self.outermost = self.outermost, FOREVER
        self.depth[id(value)] = depth
        try:
            found = self.object(value, kind)
        finally:
            del self.depth[id(value)]
        if self.outermost >= depth:  # it means the same wherever it stands
            self.known[key] = value, found
            self.outermost = before
        else:
            self.outermost = min(before, self.outermost)
        return found

    def values(self, mark: str, values: Iterable[Any], words: str = "item") -> bytes:
        parts = []
        for number, value in enumerate(values):
            self.path.append(f"{words} {number}")
            parts.append(self.value(value))
            self.path.pop()
        return _hash(mark, *parts)

    def pairs(self, mark: str, pairs: Iterable[tuple[Any, Any]], words: str) -> bytes:
        """In the order of their hashes."""
        parts = []
        for key, value in pairs:
            self.path.append(f"{words} {key!r}" if not isinstance(key, str) else f"{words} {key}")
            parts.append(_hash("pair", self.value(key), self.value(value)))
            self.path.pop()
        return _hash(mark, *sorted(parts))

    def object(self, value: Any, kind: type) -> bytes:
        for test, read in _READERS:
            if isinstance(value, test):
                return bytes(read(self, value))
        if isinstance(value, types.ModuleType):
            return _hash("module", _text(value.__name__))
        if _pyfunc_of(value) is not None:
            options = _attribute(value, "targetoptions") or _attribute(value, "options")  # of a stencil
            return _hash("numba", self.value(_pyfunc_of(value)), _text(_attribute(value, "_sig") or ""),
                         self.pairs("options", options.items(), "option") if isinstance(options, dict) else b"")
        found = self.by_name(value, kind)
        return found if found is not None else self.instance(value, kind)

    def by_name(self, value: Any, kind: type) -> Optional[bytes]:
        """Objects that are found by a name which is the same in each process."""
        module = kind.__module__.partition(".")[0]
        if kind is type(os.environ):
            return _hash("environment", _text(kind.__qualname__))
        if kind.__module__ == "logging":
            return _hash("logger", _text(getattr(value, "name", kind.__qualname__)))
        if module == "ctypes" and isinstance(value, sys.modules["ctypes"].CDLL):
            return _hash("library", _text(value._name))  # pylint: disable=protected-access
        if kind.__module__ == "_cffi_backend" and kind.__name__ in ("Lib", "FFI", "CompiledFFI"):
            return _hash("library", _text(re.sub(r"0x[0-9a-f]+", "", repr(value))))
        return None

    # ---- functions and classes ----

    def name(self, value: Any) -> bytes:
        module = getattr(value, "__module__", None)
        name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
        if name is None:
            raise self.fail(value)
        top = sys.modules.get(str(module).partition(".")[0])
        return _hash("name", _text(module), _text(name), _text(getattr(top, "__version__", "")))

    def function(self, function: types.FunctionType) -> bytes:
        module = function.__module__ or function.__globals__.get("__name__")
        if not self.expands(module):
            return self.name(function)
        space = function.__globals__
        place = str(space.get("__name__", module))
        for name in _names_loaded(function.__code__):
            if name in space and (place, name) not in self.named:
                self.named[place, name] = space
                self.waiting.append((place, name))
        cells = []
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or ()):
            try:
                cells.append((name, cell.cell_contents))
            except ValueError:  # not bound yet
                continue
        attributes = {name: value for name, value in function.__dict__.items() if name != "__wrapped__"}
        with self.step(f"the function {function.__qualname__.rpartition('<locals>.')[2]}") if self.depth_is_inner() else \
                contextlib.nullcontext():
            return _hash("function", self.code(function.__code__, function.__doc__ is not None),
                         self.values("defaults", function.__defaults__ or (), "default"),
                         self.pairs("keyword defaults", (function.__kwdefaults__ or {}).items(), "default"),
                         self.pairs("closure", cells, "its closure's"),
                         self.pairs("attributes", attributes.items(), "attribute"))

    def depth_is_inner(self) -> bool:
        return len(self.depth) > 1

    def code(self, code: types.CodeType, documented: bool = False) -> bytes:
        constants = [self.code(value) if isinstance(value, types.CodeType) else self.value(value)
                     for value in _constants(code, documented)]
        names = [" ".join(names) for names in (code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars)]
        counts = code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags & ~_HAS_DOCSTRING
        return _hash("code", code.co_code, getattr(code, "co_exceptiontable", b""), _text(counts), *map(_text, names), *constants)

    def method(self, method: types.MethodType) -> bytes:
        with self.step("self"):
            owner = self.value(method.__self__)
        return _hash("method", self.value(method.__func__), owner)

    def builtin(self, function: types.BuiltinFunctionType) -> bytes:
        owner = function.__self__
        if owner is None or isinstance(owner, types.ModuleType):
            return self.name(function)
        return _hash("builtin", _text(function.__name__), self.value(owner))

    def kind(self, kind: type) -> bytes:
        """A class."""
        if not self.expands(kind.__module__) or kind.__module__ == "builtins":
            return self.name(kind)
        if isinstance(kind, enum.EnumMeta):
            values: Any = kind.__members__
            return self.pairs("enum", [(name, one.value) for name, one in values.items()], "member")
        members = [(name, value) for name, value in vars(kind).items() if name not in _OF_PLACE]
        bases = [base for base in kind.__bases__ if base is not object]
        with self.step(f"the class {kind.__qualname__}"):
            return _hash("class", self.values("bases", bases, "base"), self.pairs("members", members, "member"))

    def descriptor(self, value: Any) -> bytes:
        return _hash("descriptor", _text(value.__objclass__.__name__), _text(value.__name__))

    def around(self, mark: str, *functions: Any) -> bytes:
        return self.values(mark, functions, "function")

    def ufunc(self, value: np.ufunc) -> bytes:
        if value.__name__.endswith(" (vectorized)"):
            raise self.fail(value, "of numpy.frompyfunc, which does not show its function")
        return _hash("ufunc", _text(value.__name__), _text(value.types))

    def partial(self, value: functools.partial[Any]) -> bytes:
        return _hash("partial", self.value(value.func), self.values("arguments", value.args, "argument"),
                     self.pairs("keywords", value.keywords.items(), "argument"))

    def vectorize(self, value: np.vectorize) -> bytes:
        return _hash("vectorize", self.value(value.pyfunc), self.value(getattr(value, "otypes", None)),
                     self.value(getattr(value, "signature", None)), self.value(getattr(value, "excluded", None)))

    def kernel(self, value: Kernel) -> bytes:
        if value.recipe is not None:
            return _hash("kernel of C", self.value(value.recipe))
        found = of_native(value)
        if found is None:
            raise self.fail(value, "which is an address of this process")
        return _hash("kernel of C", _text(found))

    # ---- data ----

    def array(self, array: np.ndarray[Any, Any]) -> bytes:
        plain = np.asarray(array)
        if plain.dtype.hasobject:
            items = self.values("items", plain.reshape(-1).tolist())
        else:
            usable = plain if _memory.usable(plain) else np.ascontiguousarray(plain)
            items = _text(_tilework.checksum(_memory.wrapped(usable)))
        beside = b"" if type(array) in _PLAIN_ARRAYS else self.pairs("beside", vars(array).items(), "attribute")
        return _hash("array", self.dtype(plain.dtype), _text(plain.shape), items, beside)

    def scalar(self, value: np.generic) -> bytes:
        if value.dtype.hasobject:
            return self.values("scalar", [value.item()])
        return _hash("scalar", self.dtype(value.dtype), value.tobytes())

    def dtype(self, value: np.dtype[Any]) -> bytes:
        return _hash("dtype", _text(repr(value)), _text(value.itemsize))

    def mapping(self, value: Any) -> bytes:
        kind = type(value)
        if isinstance(value, OrderedDict) or any(isinstance(item, _STEPS) for item in dict(value).values()):
            pairs = self.values("in order", [part for pair in value.items() for part in pair])
        else:
            pairs = self.pairs("dict", dict(value).items() if kind is types.MappingProxyType else dict.items(value), "the value of")
        if kind is dict or kind is types.MappingProxyType:
            return pairs
        factory = self.value(value.default_factory) if isinstance(value, defaultdict) else b""
        return _hash("mapping", self.kind(kind), pairs, factory, self.rest(value))

    def sequence(self, value: Any) -> bytes:
        kind = type(value)
        items = self.values("list" if isinstance(value, list) else "tuple", (list if isinstance(value, list) else tuple).__iter__(value))
        return items if kind in (list, tuple) else _hash("sequence", self.kind(kind), items, self.rest(value))

    def set(self, value: Any) -> bytes:
        items = _hash("set", *sorted([self.value(item) for item in value]))
        return items if type(value) in (set, frozenset) else _hash("sets", self.kind(type(value)), items, self.rest(value))

    def rest(self, value: Any) -> bytes:
        """What an object of a class that was derived from a container has beside its items."""
        return self.pairs("rest", getattr(value, "__dict__", {}).items(), "attribute")

    def instance(self, value: Any, kind: type) -> bytes:
        """An object of any class: its class, and what is in it; or what a pickle would have of it."""
        own = all(getattr(kind, name, None) is getattr(object, name, None)
                  for name in ("__reduce__", "__reduce_ex__", "__getstate__"))
        if own and self.expands(kind.__module__) and kind.__module__ != "builtins":
            slots = [(name, found) for base in kind.__mro__ for name, member in vars(base).items()
                     if type(member) is types.MemberDescriptorType and (found := getattr(value, name, _MISSING)) is not _MISSING]
            return _hash("instance", self.kind(kind), self.rest(value), self.pairs("slots", slots, "attribute"))
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:
            raise self.fail(value) from error
        if isinstance(reduced, str):
            return _hash("by name", _text(kind.__module__), _text(reduced))
        how, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        parts = arguments[1:] if how in (copyreg.__newobj__, copyreg._reconstructor) else arguments  # type: ignore[attr-defined]
        if isinstance(state, tuple) and len(state) == 2 and isinstance(state[1], dict):
            state = [state[0], state[1]]
        with self.step(f"the {kind.__qualname__}") if not self.path else contextlib.nullcontext():
            return _hash("object", self.kind(kind), self.values("arguments", parts, "part"),
                         self.pairs("state", state.items(), "attribute") if isinstance(state, dict) else self.value(state),
                         self.values("items", items if items is not None else ()),
                         self.pairs("pairs", pairs if pairs is not None else (), "the value of"))




# The first that fits, in this order.
_READERS: tuple[tuple[Any, Any], ...] = (
    (types.FunctionType, _Reader.function),
    (types.MethodType, _Reader.method),
    (types.CodeType, _Reader.code),
    (types.BuiltinFunctionType, _Reader.builtin),
    (type, _Reader.kind),
    (np.ndarray, _Reader.array),
    (np.generic, _Reader.scalar),
    (np.dtype, _Reader.dtype),
    (enum.Enum, lambda reader, value: _hash("member", reader.kind(type(value)), _text(value.name))),
    ((dict, types.MappingProxyType), _Reader.mapping),
    ((list, tuple), _Reader.sequence),
    ((set, frozenset), _Reader.set),
    (np.ufunc, _Reader.ufunc),
    (np.vectorize, _Reader.vectorize),
    (functools.partial, _Reader.partial),
    (Kernel, _Reader.kernel),
    (KernelFunction, lambda reader, value: reader.values("tiled", (value.body, value.signature, value.given))),
    (property, lambda reader, value: reader.around("property", value.fget, value.fset, value.fdel)),
    ((staticmethod, classmethod), lambda reader, value: reader.around(type(value).__name__, value.__func__)),
    (functools.cached_property, lambda reader, value: reader.around("property", value.func)),
    (type(functools.lru_cache(len)), lambda reader, value: reader.around("cache", value.__wrapped__)),
    (slice, lambda reader, value: reader.values("slice", (value.start, value.stop, value.step))),
    (_DESCRIPTORS, _Reader.descriptor),
    (types.MethodWrapperType, lambda reader, value: _hash("builtin", _text(value.__name__), reader.value(value.__self__))),
    (re.Pattern, lambda reader, value: reader.values("pattern", (value.pattern, value.flags))),
    (contextvars.ContextVar, lambda reader, value: _hash("context", _text(value.name))),
    (weakref.ref, lambda reader, value: reader.around("reference", value())),
    (types.SimpleNamespace, lambda reader, value: reader.pairs("namespace", vars(value).items(), "attribute")),
)
