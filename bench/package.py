"""The NumPy package as a contestant, and what its rows are measured beside: `package.py CASE ROWS COLUMNS WORKERS`.

Speaks as peers.py does. Sizes of the rows that are about small jobs are their own.
"""

import subprocess
import sys

import peers
from peers import case, now, timed_new, timed_two, vectors

ORIGIN = (1000, 2000)
TILES = 100_000
ITERATIONS, WIDTH, HEIGHT = 200, 150, 300


def operate(y, x, r):
    """The origin's function."""
    for i in range(len(r)):
        r[i] = y[i] * x


def nothing(r):
    """An empty kernel, for outputs that are given: a new one must be written."""


def shortest(r):
    """The kernel that writes its output in the shortest time."""
    r[0] = 1


# ---- what a tile costs above calling the function in a loop --------------------------------------------------------------


def tile_above_loop(kind, workers):
    import numpy
    import tilework
    pool = tilework.Pool(workers, kind)
    r = pool.zeros(TILES) if kind == "processes" else numpy.zeros(TILES)
    views = [r[i:i + 1] for i in range(TILES)]

    def run():
        begin = now()
        for view in views:
            nothing(view)
        loop = now() - begin
        begin = now()
        pool.run(nothing, "-> r[i]", out=r, tiles={"i": 1})
        return (now() - begin - loop) / TILES * 1e6
    run()
    return run


@case
def python_tile_threads(rows, columns, workers):
    return tile_above_loop("threads", workers)


@case
def python_tile_processes(rows, columns, workers):
    return tile_above_loop("processes", workers)


@case
def python_two(rows, columns, workers):
    import tilework
    pool = tilework.Pool(workers)
    return timed_two(lambda: pool.run(shortest, "-> r[i]", lengths={"i": 2}, tiles={"i": 1}), 1000)


# ---- the origin's job ----------------------------------------------------------------------------------------------------


def cuts(rows, columns):
    return {"i": [rows * 333 // 1000, rows * 666 // 1000], "j": [columns // 2]}


@case
def python_origin_cold(rows, columns, workers):
    import tilework
    y, x = vectors(*ORIGIN)

    def run():
        begin = now()
        r = tilework.run(operate, "y[i], x[j] -> r[i,j]", y, x, cuts=cuts(*ORIGIN), workers=workers)
        float(r.sum())
        return now() - begin
    return run


@case
def origin_small(rows, columns, workers):
    return peers.origin(*ORIGIN, workers)


@case
def python_origin_new(rows, columns, workers):
    import tilework
    y, x = vectors(rows, columns)

    def run():
        begin = now()
        r = tilework.run(operate, "y[i], x[j] -> r[i,j]", y, x, cuts=cuts(rows, columns), workers=workers)
        float(r.sum())
        return now() - begin
    return run


@case
def python_origin_reused(rows, columns, workers):
    import tilework
    y, x = vectors(rows, columns)
    pool = tilework.Pool(workers)
    r = pool.zeros((rows, columns))

    def run():
        begin = now()
        pool.run(operate, "y[i], x[j] -> r[i,j]", y, x, out=r)
        return now() - begin
    run()
    return run


# ---- statements ------------------------------------------------------------------------------------------------------------


@case
def evaluate_new(rows, columns, workers):
    import tilework
    y, x = vectors(rows, columns)
    return timed_new(lambda: tilework.evaluate("r[i,j] = y[i] * x[j]", y=y, x=x, workers=workers))


@case
def evaluate_reused(rows, columns, workers):
    import tilework
    y, x = vectors(rows, columns)
    text = "r[i,j] = y[i] * x[j]"
    r = tilework.evaluate(text, y=y, x=x, workers=workers)

    def run():
        begin = now()
        tilework.evaluate(text, y=y, x=x, out=r, workers=workers)
        return now() - begin
    run()
    return run


@case
def evaluate_small(rows, columns, workers):
    import tilework
    y, x = vectors(4, 5)
    return timed_two(lambda: tilework.evaluate("r[i,j] = y[i] * x[j]", y=y, x=x), 2000)


# ---- rows of very unequal cost, in Python alone ----------------------------------------------------------------------------


def mandelbrot_row(row):
    """How many iterations each point of a row stays inside."""
    imaginary = 1.2 * (row / HEIGHT)
    counts = []
    for column in range(WIDTH):
        c = complex(-2.0 + 2.6 * column / WIDTH, imaginary)
        z, count = c, 0
        while count < ITERATIONS and abs(z) <= 2:
            z, count = z * z + c, count + 1
        counts.append(count)
    return counts


def mandelbrot_tile(r, tile):
    for i, row in enumerate(range(tile.ranges["i"].start, tile.ranges["i"].stop)):
        r[i] = mandelbrot_row(row)


def timed_rows(compute):
    def run():
        begin = now()
        compute()
        return now() - begin
    run()
    return run


@case
def python_rows(rows, columns, workers):
    import tilework
    pool = tilework.Pool(workers)
    return timed_rows(lambda: pool.run(mandelbrot_tile, "-> r[i,j]", lengths={"i": HEIGHT, "j": WIDTH}, tiles={"i": 1},
                                       dtype="i4"))


@case
def serial_rows(rows, columns, workers):
    return timed_rows(lambda: [mandelbrot_row(row) for row in range(HEIGHT)])


@case
def pool_rows(rows, columns, workers):
    import multiprocessing
    pool = multiprocessing.Pool(workers)
    return timed_rows(lambda: pool.map(mandelbrot_row, range(HEIGHT)))


@case
def joblib_rows(rows, columns, workers):
    import joblib
    parallel = joblib.Parallel(n_jobs=workers)
    return timed_rows(lambda: parallel(joblib.delayed(mandelbrot_row)(row) for row in range(HEIGHT)))


@case
def mpire_rows(rows, columns, workers):
    import mpire
    pool = mpire.WorkerPool(workers, keep_alive=True)
    return timed_rows(lambda: pool.map(mandelbrot_row, range(HEIGHT)))


@case
def dask_rows(rows, columns, workers):
    import dask
    lazy = dask.delayed(mandelbrot_row)
    return timed_rows(lambda: dask.compute(*[lazy(row) for row in range(HEIGHT)], scheduler="processes",
                                           num_workers=workers))


# ---- the import ------------------------------------------------------------------------------------------------------------


@case
def python_import(rows, columns, workers):
    import tilework  # pylint: disable=unused-import
    program = "import time, numpy; begin = time.perf_counter(); import tilework; print(time.perf_counter() - begin)"

    def run():
        return float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
    return run


if __name__ == "__main__":
    peers.main(peers.CASES)
