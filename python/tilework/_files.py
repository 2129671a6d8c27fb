"""Files of a run: inputs that are given by their names, outputs that are written to files, with a journal, and what becomes of
them in the end. The library does the writing (tilework/outputs.h); here is what a user says of it, and the errors."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Optional, Protocol, Union

import numpy as np

from . import _frames, _naming, _tilework
from ._dtypes import PICKLED, descr_of
from ._errors import ArgumentError, CheckError, Error, FileError, of_failure
from ._signature import Notation

ANOTHER_JOB = -14  # TW_ERROR_JOURNAL
DAMAGED = -5  # TW_ERROR_FORMAT
MODES = ("r", "r+", "c", None)
WAYS = (False, True, "auto")

Masked = tuple[_tilework.Array, Optional[str]]  # a mask and its axes; None: those of the first output


class Wanted(NamedTuple):
    """Where the outputs of a run are written, and how."""

    paths: dict[int, str]  # by operand: all that are written
    resume: Union[bool, str]
    restart: bool
    verify: bool
    version: Optional[str]
    mmap_mode: Optional[str]
    # Of the kernel (None: its file says it) and of functions that fold; None: not known yet.
    identity: Optional[tuple[Optional[str], dict[int, str]]] = None
    node: Optional[tuple[int, int]] = None  # which one this process is, of how many; None: it writes them alone
    is_caller: bool = False  # the tiles are done by workers of an Executor, which join the run folder
    join: Optional[str] = None  # the run folder of whoever called this worker
    describe: Optional[str] = None  # the job in words

    @property
    def are_shared(self) -> bool:
        """The unfinished outputs lie in a run folder, and each tile is written whole."""
        return self.node is not None or self.join is not None

    def asked(self, asked: Any, notation: Notation, dtypes: Sequence[Optional[np.dtype[Any]]]) -> Any:
        """A call that asks for these files, and for outputs of these dtypes."""
        return asked._replace(out={notation.names[k]: path for k, path in self.paths.items()},
                              dtype={notation.names[k]: dtypes[k] for k in notation.made if dtypes[k] is not None},
                              resume=self.resume, restart=self.restart, verify=self.verify, version=self.version,
                              mmap_mode=self.mmap_mode, node=self.node)


# ---- what a user says --------------------------------------------------------------------------------------------------


def is_path(value: Any) -> bool:
    return isinstance(value, (str, os.PathLike)) and not isinstance(value, np.generic)


def path_of(value: Any, what: str) -> str:
    path: str = os.fsdecode(value)
    if not path or "\0" in path:
        raise ArgumentError(f"{what} is {path!r}, which cannot be the name of a file")
    return path


def resume(value: Any) -> Union[bool, str]:
    """The check of the option."""
    if isinstance(value, (bool, str)) and value in WAYS:
        return value
    raise ArgumentError(f"resume is {value!r}; it is True, False or 'auto'")


def version(value: Any) -> Optional[str]:
    if value is None or isinstance(value, str) and value:
        return None if value is None else str(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise ArgumentError(f"version is {value!r}; it is a text, or a number, that changes when the kernel does")


def mmap_mode(value: Any) -> Optional[str]:
    if value is None or isinstance(value, str) and value in MODES:
        return None if value is None else str(value)
    raise ArgumentError(f"mmap_mode is {value!r}; it is 'r', 'r+' or 'c', as for numpy.load, or None for an array in memory")


def is_for_files(out: Any) -> bool:
    """Any output is given a file."""
    if type(out) is np.ndarray:
        return False
    if isinstance(out, Mapping):
        return any(is_path(item) for item in out.values())
    return is_path(out) or isinstance(out, (tuple, list)) and any(is_path(item) for item in out)


def wanted(asked: Any, notation: Notation) -> Optional[Wanted]:
    """What a call says of files; None: it writes none."""
    if asked.out is None or not is_for_files(asked.out):
        if asked.node is not None:
            raise ArgumentError("nodes write their results together: give out='r.npy', a file that all of them reach")
        if not (asked.resume or asked.restart or asked.verify or asked.version) and asked.mmap_mode == "r":
            return None
        for name, given in (("resume", asked.resume), ("restart", asked.restart), ("verify", asked.verify),
                            ("version", asked.version), ("mmap_mode", asked.mmap_mode != "r")):
            if given:
                raise ArgumentError(f"{name} is about results in files: give out='r.npy', or a dict from outputs to files")
    paths = _paths_of(notation, asked.out)
    if asked.resume and asked.restart:
        raise ArgumentError("resume continues an unfinished run and restart discards it: give one of them")
    if asked.verify and not asked.resume:
        raise ArgumentError("verify reads the finished tiles of a run that is resumed: give resume=True too")
    if asked.node is not None:
        paths = {k: _absolute(path) for k, path in paths.items()}
    return Wanted(paths, asked.resume, asked.restart, asked.verify, asked.version, asked.mmap_mode, None, asked.node,
                  False, asked.folder, _described(asked) if asked.node is not None else None)


def _described(asked: Any) -> str:
    """The job in words, for those who look at a run folder."""
    if isinstance(asked.kernel, str):
        kernel: str = asked.kernel
        return kernel
    return f"{_naming.name_of(asked.kernel).partition(' (')[0]}: {asked.signature}"


def _paths_of(notation: Notation, out: Any) -> dict[int, str]:
    """By operand. Operands that are read and written are among them."""
    names = {notation.names[k]: k for k in notation.outs}
    listed = ", ".join(names)
    if isinstance(out, Mapping):
        for name in out:
            if name not in names:
                raise ArgumentError(f"out: the signature has no output {name}; it has {listed}")
        given = {names[name]: item for name, item in out.items() if item is not None}
    else:
        items = list(out) if isinstance(out, (tuple, list)) else [out]
        if len(items) != len(names):
            raise ArgumentError(f"out: {len(items)} file{'s' * (len(items) != 1)} given for {len(names)} outputs ({listed})")
        given = {k: item for k, item in zip(notation.outs, items) if item is not None}
    for k in notation.outs:
        if k not in given or not is_path(given[k]):
            what = "no file" if k not in given else f"an object of {type(given[k]).__name__}"
            raise ArgumentError(f"out: output {notation.names[k]} has {what}; a run that writes files writes all of its outputs to "
                                f"files: {', '.join(f'{name!r}: ...' for name in names)}")
    return {k: path_of(given[k], f"out {notation.names[k]}") for k in notation.outs}


# ---- inputs ------------------------------------------------------------------------------------------------------------


def opened(value: Any, what: str) -> np.ndarray[Any, Any]:
    """An input that is given by its name: the file is mapped, not read."""
    path = path_of(value, what)
    try:
        array = _tilework.open_array(os.fsencode(path))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
    if array.descr is not None and array.descr.startswith(PICKLED):  # a program could be in it
        raise FileError(f"{path}: has items of a dtype that is not NumPy's own, which is not read from files")
    found: np.ndarray[Any, Any] = array.numpy()
    return found


class _Place(NamedTuple):
    """A file, or one that will be: two are the same if their folder and name are, or if they are one file."""

    what: str
    path: str
    written: bool

    def is_same(self, other: "_Place") -> bool:
        with contextlib.suppress(OSError):
            if os.path.samefile(self.path, other.path):
                return True
        here, there = (os.path.dirname(place.path) or "." for place in (self, other))
        with contextlib.suppress(OSError):
            return os.path.samefile(here, there) and os.path.basename(self.path) == os.path.basename(other.path)
        return False


def inputs_of(notation: Notation, given: Iterable[tuple[int, Any]]) -> dict[int, str]:
    """Operands that are given by the names of their files."""
    return {k: path_of(value, f"operand {notation.names[k]}") for k, value in given
            if type(value) is not np.ndarray and is_path(value)}


def check_places(notation: Notation, inputs: Mapping[int, str], mask: Any, files: Wanted) -> None:
    """An ArgumentError where an output would replace another file of the run. `mask`: that of the run, if it is a file."""
    places = [_Place(f"operand {notation.names[k]}", path, False) for k, path in inputs.items()]
    if is_path(mask):
        places.append(_Place("the mask", path_of(mask, "where"), False))
    for number, (k, path) in enumerate(files.paths.items()):
        places.append(_Place(f"output {notation.names[k]}", path, True))
        for name, beside in zip(("the unfinished output", "the journal", "the run's partial results"), beside_of(path)):
            if number == 0 or name == "the unfinished output":
                places.append(_Place(name, beside, True))
    for n, place in enumerate(places):
        for other in places[:n]:
            if (place.written or other.written) and place.is_same(other):
                raise ArgumentError(f"{place.path} is used as both {other.what} and {place.what}; an output needs its own file")


def beside_of(path: str) -> tuple[str, str, str]:
    """The unfinished output, and journal and partial results if it is the first of its run."""
    try:
        unfinished, journal, partials = (os.fsdecode(name) for name in _tilework.Outputs.beside(os.fsencode(path)))
    except _tilework.Failure as failure:
        raise of_failure(failure) from None
    return unfinished, journal, partials


def unfinished_on_nodes(path: str) -> tuple[int, int]:
    """Tiles that are done, of all, in the run folder of an output; 0 if there is none."""
    if not os.path.isdir(run_folder(path)):
        return 0, 0
    finished, _, tiles, done, *_ = _tilework.job_status(os.fsencode(path))
    return (0, 0) if finished else (done, tiles)


# ---- a run that writes files -------------------------------------------------------------------------------------------


class Sought(Protocol):
    """The run that writes them: a request."""

    notation: Notation
    grid: _tilework.Grid
    dtypes: tuple[np.dtype[Any], ...]
    files: Optional[Wanted]
    lengths: tuple[int, ...]


def warn(words: str) -> None:
    """On the line of the user's that led here."""
    _frames.warn(words, RuntimeWarning)


def left_dtypes(files: Wanted, outputs: Iterable[int]) -> dict[int, Optional[np.dtype[Any]]]:
    """Those of unfinished outputs that are continued; of nodes also those of finished ones."""
    if files.restart or not (files.resume or files.are_shared and not files.is_caller):
        return {k: None for k in outputs}
    found = {k: left_dtype(unfinished_of(files, k)) for k in outputs}
    for k, dtype in found.items():
        if dtype is None and files.are_shared and os.path.exists(files.paths[k]):
            found[k] = opened(files.paths[k], "the output").dtype
    return found


def unfinished_of(files: Wanted, k: int) -> str:
    """The name of output k until it is finished: the library's `FILE.part`, or its place in the run folder of nodes."""
    if not files.are_shared:
        return beside_of(files.paths[k])[0]
    folder = files.join or run_folder(files.paths[min(files.paths)])
    return os.path.join(folder, f"{sorted(files.paths).index(k)}.npy")


def run_folder(path: str) -> str:
    """Of nodes whose first output has this name."""
    return beside_of(path)[0].removesuffix(".part") + ".run"


def left_dtype(unfinished: str) -> Optional[np.dtype[Any]]:
    """That of an unfinished output: a .npy file but for its first eight bytes, which come last."""
    for read in (np.lib.format.read_array_header_1_0, np.lib.format.read_array_header_2_0):
        with contextlib.suppress(OSError, ValueError), open(unfinished, "rb") as file:
            file.seek(np.lib.format.MAGIC_LEN)
            dtype: np.dtype[Any] = read(file)[2]
            return dtype
    return None


def _storable(dtype: np.dtype[Any], name: str) -> tuple[np.dtype[Any], Optional[str]]:
    """The dtype that the items of an output have in a file, and the library's text for it."""
    if dtype.type is np.record:
        dtype = np.dtype((np.void, dtype))
    text = descr_of(dtype)
    if text is not None and text.startswith(PICKLED):
        raise ArgumentError(f"output {name} has dtype {dtype}, which a .npy file cannot hold; give dtype=")
    return dtype, text


def _absolute(path: str) -> str:
    try:
        return os.path.abspath(path)
    except OSError:  # the current folder has been deleted
        return path


class Written:
    """The files of one run, from their beginning to their end."""

    def __init__(self, request: Sought, kernel: _tilework.Kernel, arrays: Sequence[Optional[_tilework.Array]],
                 warn: Callable[[str], None], where: Optional[Masked] = None) -> None:
        files = request.files
        assert files is not None
        self.files = files
        self.request = request
        self.warn = warn
        self.where = where
        named = [files.paths.get(k) for k in range(len(request.notation.names))]
        self.given = tuple([None if path is None else (os.fsencode(path), *_storable(dtype, request.notation.names[k]))
                            for k, (path, dtype) in enumerate(zip(named, request.dtypes))])
        self.first = unfinished_of(files, min(files.paths))
        self.kept_in = self.first if not files.are_shared else run_folder(files.paths[min(files.paths)])
        self.places = {k: _absolute(path) for k, path in files.paths.items()}  # a tile may change the current folder
        self.inner = self._open(kernel, tuple(arrays))
        self.done = self.inner.totals["done"]
        for note in self.inner.notes():
            self.warn(note)

    def _open(self, kernel: _tilework.Kernel, arrays: tuple[Optional[_tilework.Array], ...]) -> _tilework.Outputs:
        files, grid = self.files, self.request.grid
        join = os.fsencode(files.join) if files.join is not None else None

        def opened_so(resume: bool, restart: bool, verify: bool) -> _tilework.Outputs:
            return _tilework.Outputs.open(kernel, grid, arrays, self.given, resume and not files.are_shared, restart and join is None,
                                          verify and join is None, self.where, files.node, join, files.describe)

        try:
            restart = files.restart
            if not files.restart and not files.resume and not files.are_shared:
                self._refuse_unfinished(*_tilework.Outputs.look(self.request.notation.signature, self.given))
            elif files.is_caller and not files.resume:
                if not files.restart:
                    self._refuse_unfinished(*unfinished_on_nodes(files.paths[min(files.paths)]))
                restart = True  # as in any run: what is finished is replaced
            return opened_so(bool(files.resume), restart, files.verify)
        except _tilework.Failure as failure:
            if files.resume != "auto" or failure.args[0] != ANOTHER_JOB:
                raise self._advised(failure) from None
            from ._identity import difference
            why = difference(failure.args[1])
        self.warn(f"{why}; resume='auto' has discarded that run and begun anew")
        try:
            return opened_so(False, True, False)
        except _tilework.Failure as failure:
            raise self._advised(failure) from None

    def _refuse_unfinished(self, done: int, tiles: int) -> None:
        if done > 0:
            raise ArgumentError(f"{self.kept_in}: holds {done} of {tiles} tiles of an unfinished run; resume=True continues it, "
                                "restart=True discards it")

    @staticmethod
    def _advised(failure: _tilework.Failure) -> Error:
        """The library's sentence, and how to get rid of a journal that is of no use."""
        error = of_failure(failure)
        from ._identity import difference
        words = difference(str(failure.args[1]))
        if failure.args[0] in (ANOTHER_JOB, DAMAGED):
            error.args = (f"{words}; restart=True discards the unfinished run", *error.args[1:])
        if "tw_kernel_set_identity" in words:
            error.args = (words.replace("say what it is with tw_kernel_set_identity", "say which one it is, and change that with its "
                                                                                      "code: version='1'"),)
        return error

    def commit(self) -> None:
        """All files get their names."""
        try:
            self.inner.commit()
        except _tilework.Failure as failure:
            raise of_failure(failure) from None
        for note in self.inner.notes():
            self.warn(note)

    def keep(self, error: BaseException) -> None:
        """The run has failed: what is done stays for a later one. The error says so from Python 3.11 on."""
        if isinstance(error, CheckError):
            self.inner.discard()  # a wrong result is of no use
            if self.files.is_caller:
                _remove_run_folder(self.kept_in, True)
            return
        try:
            kept = self.inner.keep()
        except _tilework.Failure as failure:
            self._add(error, f"what was done could not all be recorded: {failure.args[1]}")
            return
        if self.files.are_shared:
            self.inner.discard()  # closes the run folder, which stays
        if kept == 0 and self.files.is_caller:
            _remove_run_folder(self.kept_in)
        if kept > 0:
            again = "the same call continues" if self.files.are_shared and not self.files.is_caller else \
                "the same call with resume=True continues"
            self._add(error, f"{kept} of {self.request.grid.count} tiles are done and kept in {self.kept_in}; {again}")

    @staticmethod
    def _add(error: BaseException, note: str) -> None:
        if hasattr(error, "add_note"):
            error.add_note(note)

    def views(self) -> dict[int, np.ndarray[Any, Any]]:
        """The outputs while they are written."""
        return views(self.request, self.files, self.places)

    def results(self) -> dict[int, np.ndarray[Any, Any]]:
        """The finished files."""
        return {k: loaded(path, self.files.mmap_mode) for k, path in self.places.items()}


def views(request: Sought, files: Wanted, places: Mapping[int, str]) -> dict[int, np.ndarray[Any, Any]]:
    """The outputs of a run while they are written, mapped once more: such a view outlives the run. `places`: their whole names."""
    found: dict[int, np.ndarray[Any, Any]] = {}
    for k, path in places.items():
        unfinished = unfinished_of(files, k) if files.are_shared else beside_of(path)[0]
        dtype = request.dtypes[k]
        shape = tuple([request.lengths[axis] for axis in request.notation.shapes[k]])
        size = math.prod(shape) * dtype.itemsize
        if size == 0:
            found[k] = np.empty(shape, dtype)
        elif not os.path.exists(unfinished):  # an earlier run has finished it
            found[k] = loaded(path, "r")
        else:
            found[k] = np.memmap(unfinished, dtype, "r", os.path.getsize(unfinished) - size, shape)
    return found


def _remove_run_folder(folder: str, also_others: bool = False) -> None:
    """Nothing in it is of use. Tasks that still run write to files that have no name any more. `also_others`: earlier runs may have
    written to it."""
    import shutil
    with contextlib.suppress(OSError, _tilework.Failure):
        if also_others or len(_tilework.job_status(os.fsencode(folder))[6]) <= 1:
            gone = f"{folder}.gone-{os.urandom(4).hex()}"
            os.rename(folder, gone)
            shutil.rmtree(gone, ignore_errors=True)


def loaded(path: str, mode: Optional[str]) -> np.ndarray[Any, Any]:
    """A finished file as `mmap_mode` asks for it."""
    try:
        found: np.ndarray[Any, Any] = np.load(path, mmap_mode=mode, allow_pickle=False)  # type: ignore[arg-type]
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: was written, but cannot be read again: {error}") from error
    return found
