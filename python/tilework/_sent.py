"""What the workers of an Executor are sent of a run: a few kilobytes, and the names of files. They open these themselves.

Arrays that are in memory alone, and kernels that carry much, are written once to a file in the run folder, which all workers
reach, since they write their tiles there. An engine's own ways to send them would lose them with a worker."""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import sys
import tempfile
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from . import _context, _files, _memory, _tilework, _where
from ._errors import ArgumentError
from ._native import Kernel
from ._options import Asked, RunOptions
from ._request import Request
from ._wire import Content, content_of, kernel_of, reduce_of

POOL = "a pool that is an Executor"  # who sends kernels, in messages
SMALL = 1 << 16  # bytes: less is sent with each task

live: dict[str, Any] = {}  # kernels of runs whose workers are threads of this process, by token


class Input(NamedTuple):
    """An array, as a worker finds it: it is sent, or a file, or a part of a file."""

    path: Optional[str] = None
    array: Optional[np.ndarray[Any, Any]] = None
    dtype: Any = None  # of a part of a file, from here on
    offset: int = 0
    shape: tuple[int, ...] = ()
    strides: tuple[int, ...] = ()
    size: int = 0  # bytes of the part


class Spec(NamedTuple):
    """A run, as its workers need it."""

    asked: Asked  # whose kernel and operands are those below
    kernel: Content
    inputs: dict[Union[int, str], Any]  # by their place in the signature, or the names that a statement has: Input or number
    where: Optional[tuple[Input, Optional[str]]]
    context: tuple[Any, Any]
    identity: tuple[Optional[str], dict[int, str]]
    folder: str
    tiles: int
    threads: int
    records: bool  # what happened to each tile is wanted


class Head(NamedTuple):
    """What comes with each task: a tuple of texts, which any version can read."""

    tilework: str
    python: str
    numpy: str
    token: str  # of the run
    file: str  # where the Spec is; "": it comes with the task
    content: bytes
    digest: str  # of the Spec
    folder: str  # of the run


def versions() -> tuple[str, str, str]:
    return _tilework.version, f"{sys.version_info[0]}.{sys.version_info[1]}", ".".join(np.__version__.split(".")[:2])


# ---- the caller's side -------------------------------------------------------------------------------------------------


def _mapped_file(address: int) -> Optional[tuple[int, int]]:
    """Device and number of the file that is mapped at an address; None: that is not known."""
    with contextlib.suppress(OSError, ValueError), open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        for line in file:
            places, _, _, device, number, *_ = line.split(None, 5)
            first, _, end = places.partition("-")
            if int(first, 16) <= address < int(end, 16):
                major, _, minor = device.partition(":")
                return os.makedev(int(major, 16), int(minor, 16)), int(number)
    return None


def part_of_file(array: np.ndarray[Any, Any]) -> Optional[Input]:
    """An array that is a numpy.memmap, or a view of one, if its file still has its name and holds what the array has."""
    whole: Any = _memory._map_of(array)  # pylint: disable=protected-access
    if whole is None or not whole.filename or whole.mode == "c" or not array.size or array.dtype.hasobject:
        return None
    path = os.path.abspath(whole.filename)
    address = array.__array_interface__["data"][0]
    try:
        info = os.stat(path)
    except OSError:
        return None
    if _mapped_file(address) != (info.st_dev, info.st_ino):
        return None
    if whole.mode != "r":
        whole.flush()
    reaches = [stride * (length - 1) for stride, length in zip(array.strides, array.shape)]
    first = whole.offset + address - whole.__array_interface__["data"][0]
    low = first + sum([min(reach, 0) for reach in reaches])
    size = first + sum([max(reach, 0) for reach in reaches]) + array.itemsize - low
    return Input(path, None, array.dtype, low, array.shape, array.strides, size)


def _written(array: np.ndarray[Any, Any], folder: str, name: str) -> Optional[str]:
    """The array as a file in the run folder; None: a file cannot hold its items."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f"{name}.", delete=False) as file:
        try:
            np.lib.format.write_array(file, array, allow_pickle=False)
        except ValueError:
            os.unlink(file.name)
            return None
        except BaseException:
            os.unlink(file.name)
            raise
    path = os.path.join(folder, f"{name}.npy")
    os.replace(file.name, path)
    return path


def input_of(array: np.ndarray[Any, Any], path: Optional[str], folder: str, name: str) -> Input:
    """How workers find an input. `path`: the file whose name was given."""
    if path is not None:
        return Input(os.path.abspath(path))
    found = part_of_file(array)
    if found is not None:
        return found
    plain = np.asarray(array)
    if plain.nbytes > SMALL:
        written = _written(plain, folder, name)
        if written is not None:
            return Input(written)
    return Input(None, plain.copy(order="K"))  # sums may depend on the order of the dimensions in memory


def _inputs_of(request: Request, asked: Asked, folder: str) -> dict[Union[int, str], Any]:
    notation = request.notation
    found: dict[Union[int, str], Any] = {}
    parameters: dict[str, Any] = getattr(request, "parameters", {})
    paths: dict[int, str] = dict(request.input_files)
    given = getattr(request, "given", None)
    if given is not None:
        paths = _files.inputs_of(notation, ((k, given.get(name)) for k, name in enumerate(notation.names)))
    for k in notation.given:
        array = request.arrays[k]
        assert array is not None
        found[notation.names[k] if isinstance(asked.kernel, str) else k] = input_of(array, paths.get(k), folder, f"input-{k}")
    found.update(parameters)
    return found


def _kernel_content(request: Request) -> Content:
    if isinstance(request.kernel, str):
        return "statement", request.kernel
    if request.native is not None and request.native.recipe is None:
        raise ArgumentError("a kernel that is an address of this process cannot be sent to the workers of an Executor; give one from a "
                            "library or from C source")
    return content_of(request, POOL)


def kernels_of(request: Request, in_process: bool) -> tuple[Content, Optional[dict[str, Any]]]:
    """The kernel of a run and what its outputs are reduced by, as they are sent."""
    if in_process:
        return ("live", ""), None
    return _kernel_content(request), reduce_of(request, POOL) if request.reductions else None


def head_of(request: Request, asked: Asked, options: RunOptions, kernels: tuple[Content, Optional[dict[str, Any]]], folder: str,
            threads: int) -> Head:
    """Writes what is large, and gives what comes with each task."""
    files = request.files
    assert files is not None and files.identity is not None
    notation = request.notation
    token = f"{os.getpid()}-{os.urandom(8).hex()}"
    axes, mask = _where.axes_and_mask(options.where)
    where = None
    if mask is not None:
        array = _memory.read(mask, "where")
        where = input_of(array, _files.path_of(mask, "where") if _files.is_path(mask) else None, folder, "where"), axes
    kernel, reduce = kernels
    if kernel[0] == "live":
        kernel = "live", token
        live[token] = request.kernel, asked.reduce
    bare = asked._replace(
        kernel=None, operands=(), pool=None, workers=None, learner=None, restart=False, resume=True, verify=False, reduce=reduce, node=None,
        out={notation.names[k]: os.path.abspath(path) for k, path in files.paths.items()}, folder=folder,
        signature=None if isinstance(asked.kernel, str) else asked.signature,
        dtype={notation.names[k]: request.dtypes[k] for k in notation.made} or None,
        options=RunOptions(keep_going=options.keep_going, report=True))
    spec = Spec(bare, kernel, _inputs_of(request, asked, folder), where, _context.portable(), files.identity, folder, request.grid.count,
                threads, options.report)
    content = pickle.dumps(spec, pickle.HIGHEST_PROTOCOL)
    digest = hashlib.sha256(content).hexdigest()
    if len(content) <= SMALL:
        return Head(*versions(), token, "", content, digest, folder)
    with tempfile.NamedTemporaryFile(dir=folder, prefix="sent.", delete=False) as file:
        file.write(content)
    return Head(*versions(), token, file.name, b"", digest, folder)


def forget(token: str) -> None:
    live.pop(token, None)


def stop(folder: str, token: str) -> None:
    """Tasks of that run end after the tile that they compute; those that begin end at once."""
    with contextlib.suppress(OSError):  # the folder may be removed, or full
        os.close(os.open(_stop_file(folder, token), os.O_CREAT | os.O_WRONLY, 0o666))


def _stop_file(folder: str, token: str) -> str:
    return os.path.join(folder, f"stop.{token}")


# ---- the worker's side -------------------------------------------------------------------------------------------------


def is_stopped(head: Head) -> bool:
    return os.path.exists(_stop_file(head.folder, head.token))


def spec_of(head: Head) -> Spec:
    content = head.content
    if head.file:
        with open(head.file, "rb") as file:
            content = file.read()
        if hashlib.sha256(content).hexdigest() != head.digest:
            raise ArgumentError(f"{head.file}: is not what the caller has written")
    spec: Spec = pickle.loads(content)
    return spec


def array_of(found: Any) -> Any:
    if not isinstance(found, Input):
        return found  # a number
    if found.path is None:
        return found.array
    if found.dtype is None:
        return found.path
    memory = np.memmap(found.path, np.uint8, "r", found.offset, (found.size,))
    first = -sum([min(stride * (length - 1), 0) for stride, length in zip(found.strides, found.shape)])
    return np.ndarray(found.shape, found.dtype, memory, first, found.strides)


def asked_of(spec: Spec) -> Asked:
    """The call, to be done in this process."""
    how, what = spec.kernel
    operands: Any = {name: array_of(found) for name, found in spec.inputs.items()}
    asked = spec.asked
    if how == "statement":
        kernel: Any = what
    else:
        kernel = live[what][0] if how == "live" else _kernel_here(spec.kernel, spec.folder)
        operands = operands if isinstance(kernel, str) else tuple([operands[k] for k in sorted(operands)])
        asked = asked._replace(reduce=live[what][1] if how == "live" else asked.reduce and
                               {name: one if isinstance(one, str) else kernel_of(one) for name, one in asked.reduce.items()})
    where = None
    if spec.where is not None:
        mask = array_of(spec.where[0])
        where = mask if spec.where[1] is None else {spec.where[1]: mask}
    return asked._replace(kernel=kernel, operands=operands, options=asked.options._replace(where=where))


def _kernel_here(content: Content, folder: str) -> Any:
    """A compiled kernel is in the run folder: a worker needs no compiler, and not the library that the caller had."""
    how, what = content
    compiled = os.path.join(folder, "kernel.so")
    if how == "recipe" and os.path.exists(compiled):
        return Kernel.from_recipe(("library", (compiled, what[1][1])))
    return kernel_of(content)
