"""The tools that Tilework is measured beside, each as one who knows it would use it: `peers.py CASE ROWS COLUMNS WORKERS`.

Says "ready", then for each line "go" runs the case once and writes its seconds; says "missing WHY" where the peer
is not available. Each case is a function that prepares what may be prepared once, and gives one that runs and returns
seconds. A new result is given back after the time has been taken, as Tilework's is. Knows nothing of Tilework.
"""

import importlib
import itertools
import multiprocessing
import sys
import time

CASES = {}
now = time.perf_counter


def case(function):
    CASES[function.__name__.replace("_", "-")] = function
    return function


def vectors(rows, columns):
    import numpy
    return numpy.arange(rows, dtype=float), numpy.random.default_rng(1).random(columns)


def timed_new(compute):
    """A run that times compute(), and gives its result back after that."""
    def run():
        begin = now()
        result = compute()
        seconds = now() - begin
        del result
        return seconds
    return run


# ---- r[i,j] = y[i] * x[j] into a new array -------------------------------------------------------------------------


@case
def numpy_broadcast(rows, columns, workers):
    y, x = vectors(rows, columns)
    return timed_new(lambda: y[:, None] * x[None, :])


@case
def numexpr_new(rows, columns, workers):
    import numexpr
    y, x = vectors(rows, columns)
    numexpr.set_num_threads(workers)
    names = {"y": y[:, None], "x": x[None, :]}
    return timed_new(lambda: numexpr.evaluate("y * x", local_dict=names))


@case
def numba_new(rows, columns, workers):
    import numpy
    fill = numba_fill(workers)
    y, x = vectors(rows, columns)

    def compute():
        r = numpy.empty((rows, columns))  # NumPy's own, as it asks for huge pages and Numba's does not
        fill(y, x, r)
        return r
    return timed_new(compute)


@case
def blosc2_new(rows, columns, workers):
    import blosc2
    blosc2.set_nthreads(workers)
    y, x = vectors(rows, columns)
    y, x = y[:, None], x[None, :]
    return timed_new(lambda: blosc2.lazyexpr("y * x", {"y": y, "x": x})[:])


@case
def blosc2_ndarray(rows, columns, workers):
    import blosc2
    blosc2.set_nthreads(workers)
    y, x = vectors(rows, columns)
    y, x = y[:, None], x[None, :]
    plain = blosc2.CParams(clevel=0, nthreads=workers)
    return timed_new(lambda: blosc2.lazyexpr("y * x", {"y": y, "x": x}).compute(cparams=plain))


@case
def dask_array(rows, columns, workers):
    import dask.array
    y, x = vectors(rows, columns)

    def compute():
        lazy = dask.array.from_array(y)[:, None] * dask.array.from_array(x)[None, :]
        return lazy.rechunk("auto").compute(scheduler="threads", num_workers=workers)
    return timed_new(compute)


def rows_of(y, x):
    return y[:, None] * x[None, :]


def fill_rows(r, y, x, start, stop):
    r[start:stop] = y[start:stop, None] * x[None, :]


def parts(rows, count):
    edges = [rows * part // count for part in range(count + 1)]
    return list(zip(edges, edges[1:]))


@case
def joblib_concatenate(rows, columns, workers):
    import joblib
    import numpy
    y, x = vectors(rows, columns)
    parallel = joblib.Parallel(n_jobs=workers)
    parallel(joblib.delayed(rows_of)(y[:1], x[:1]) for _ in range(workers))
    return timed_new(lambda: numpy.concatenate(parallel(joblib.delayed(rows_of)(y[start:stop], x)
                                                        for start, stop in parts(rows, 4 * workers))))


@case
def joblib_memmap(rows, columns, workers):
    import pathlib
    import tempfile

    import joblib
    import numpy
    y, x = vectors(rows, columns)
    parallel = joblib.Parallel(n_jobs=workers)
    parallel(joblib.delayed(rows_of)(y[:1], x[:1]) for _ in range(workers))

    def run():
        shared = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
        with tempfile.TemporaryDirectory(dir=shared) as folder:
            begin = now()
            r = numpy.memmap(f"{folder}/r", dtype=float, shape=(rows, columns), mode="w+")
            parallel(joblib.delayed(fill_rows)(r, y, x, start, stop) for start, stop in parts(rows, 4 * workers))
            float(r.sum())
            return now() - begin
    return run


# ---- the same into an array that is there --------------------------------------------------------------------------


def numba_fill(workers):
    import numba
    numba.set_num_threads(workers)

    @numba.njit(parallel=True)
    def fill(y, x, r):
        for i in numba.prange(r.shape[0]):
            for j in range(r.shape[1]):
                r[i, j] = y[i] * x[j]
    return fill


def timed_into(fill, rows, columns):
    import numpy
    r = numpy.zeros((rows, columns))

    def run():
        begin = now()
        fill(r)
        return now() - begin
    return run


@case
def numpy_out(rows, columns, workers):
    import numpy
    y, x = vectors(rows, columns)
    return timed_into(lambda r: numpy.multiply(y[:, None], x[None, :], out=r), rows, columns)


@case
def numexpr_out(rows, columns, workers):
    import numexpr
    y, x = vectors(rows, columns)
    numexpr.set_num_threads(workers)
    names = {"y": y[:, None], "x": x[None, :]}
    return timed_into(lambda r: numexpr.evaluate("y * x", local_dict=names, out=r), rows, columns)


@case
def numba_reused(rows, columns, workers):
    y, x = vectors(rows, columns)
    fill = numba_fill(workers)
    return timed_into(lambda r: fill(y, x, r), rows, columns)


# ---- the origin's method -------------------------------------------------------------------------------------------
# Shared multiprocessing.Array, Pool with an initializer, map over the product of slices: its program, word for word
# where it matters. All that its user waits for is timed: the shared arrays, the pool, the map, and reading the result.

SHARED_VARS = {}


def operate(slices):
    yslice, xslice = slices
    y, x, r = get_shared_arrays("y", "x", "r")
    y = y[yslice]
    x = x[xslice]
    r = r[yslice, xslice]
    for i in range(len(r)):
        r[i] = y[i] * x


def m2n(buf, shape, typecode, ismatrix=False):
    import numpy
    return numpy.frombuffer(buf, dtype=typecode).reshape(shape)


def n2m(a):
    return multiprocessing.Array(a.dtype.char, a.flat, lock=False), tuple(a.shape), a.dtype.char, False


def new_shared_array(shape, typecode="d"):
    import numpy
    typecode = numpy.dtype(typecode).char
    return multiprocessing.Array(typecode, int(numpy.prod(shape)), lock=False), tuple(shape), typecode, False


def get_shared_arrays(*names):
    return [m2n(*SHARED_VARS[name]) for name in names]


def init(*pargs, **kwargs):
    SHARED_VARS.update(pargs, **kwargs)


@case
def origin(rows, columns, workers):
    y, x = vectors(rows, columns)
    yslices = [slice(0, rows * 333 // 1000), slice(rows * 333 // 1000, rows * 666 // 1000),
               slice(rows * 666 // 1000, None)]
    xslices = [slice(0, columns // 2), slice(columns // 2, None)]

    def run():
        begin = now()
        init(y=n2m(y))
        init(x=n2m(x))
        init(r=new_shared_array([rows, columns], float))
        pool = multiprocessing.Pool(workers, initializer=init, initargs=SHARED_VARS.items())
        pool.map(operate, itertools.product(yslices, xslices))
        float(get_shared_arrays("r")[0].sum())
        seconds = now() - begin
        pool.terminate()
        pool.join()
        SHARED_VARS.clear()
        return seconds
    return run


# ---- what an empty tile costs --------------------------------------------------------------------------------------


def empty(tile):
    return None


def timed_empty(run_tiles, tiles, times=1):
    """Seconds for a million tiles, from `times` runs of fewer."""
    def run():
        begin = now()
        for _ in range(times):
            run_tiles(tiles)
        return (now() - begin) / (times * tiles) * 1e6
    return run


def origin_pool(workers):
    pool = multiprocessing.Pool(workers)
    pool.map(empty, range(1000))
    return pool


@case
def pool_map(rows, columns, workers):
    pool = origin_pool(workers)
    return timed_empty(lambda tiles: pool.map(empty, range(tiles), chunksize=1), 20000)


@case
def pool_map_batches(rows, columns, workers):
    pool = origin_pool(workers)
    return timed_empty(lambda tiles: pool.map(empty, range(tiles)), 1000000)


@case
def joblib_loky(rows, columns, workers):
    import joblib
    parallel = joblib.Parallel(n_jobs=workers)
    parallel(joblib.delayed(empty)(tile) for tile in range(1000))
    return timed_empty(lambda tiles: parallel(joblib.delayed(empty)(tile) for tile in range(tiles)), 20000)


@case
def dask_threads(rows, columns, workers):
    import dask
    lazy = dask.delayed(empty)
    return timed_empty(lambda tiles: dask.compute(*[lazy(tile) for tile in range(tiles)], scheduler="threads",
                                                  num_workers=workers), 5000)


# ---- a run of two empty tiles --------------------------------------------------------------------------------------


def timed_two(run_two, times):
    def run():
        begin = now()
        for _ in range(times):
            run_two()
        return (now() - begin) / times
    return run


@case
def pool_map_two(rows, columns, workers):
    pool = origin_pool(workers)
    return timed_two(lambda: pool.map(empty, range(2)), 1000)


@case
def joblib_two(rows, columns, workers):
    import joblib
    parallel = joblib.Parallel(n_jobs=workers)
    return timed_two(lambda: parallel(joblib.delayed(empty)(tile) for tile in range(2)), 20)


@case
def dask_two(rows, columns, workers):
    import dask
    lazy = dask.delayed(empty)
    return timed_two(lambda: dask.compute(lazy(0), lazy(1), scheduler="threads", num_workers=workers), 200)


def versions():
    """Name and version of each peer that is here, one a line."""
    for name in ("numpy", "numexpr", "numba", "numbagg", "joblib", "dask", "blosc2"):
        try:
            print(name, importlib.import_module(name).__version__)
        except ImportError:
            print(name, "missing")


def main(cases):
    if sys.argv[1:] == ["versions"]:
        versions()
        return
    try:
        run = cases[sys.argv[1]](*map(int, sys.argv[2:5]))
    except ImportError as error:
        print(f"missing {error}", flush=True)
        return
    print("ready", flush=True)
    for line in sys.stdin:
        if line != "go\n":
            break
        print(f"{run():.9f}", flush=True)


if __name__ == "__main__":
    main(CASES)
