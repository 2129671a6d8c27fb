"""A tile of bench/node_peers.py: what workers of other engines call. The same C as Tilework's kernel, by ctypes, into a mapped
.npy file.
"""

import ctypes
import functools

import numpy


@functools.lru_cache(maxsize=None)
def opened(library, file):
    """A worker opens both once."""
    rows = ctypes.CDLL(library).rows
    rows.argtypes = [ctypes.c_int64, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p]
    return rows, numpy.load(file, mmap_mode="r+")


def compute(library, file, first, stop):
    rows, picture = opened(library, file)
    part = numpy.empty((stop - first, picture.shape[1]), picture.dtype)
    rows(first, stop, picture.shape[1], part.ctypes.data)
    picture[first:stop] = part
    return stop - first


def of_block(block, library, file):
    """Daisy's block of rows."""
    compute(library, file, block.write_roi.begin[0], block.write_roi.end[0])
