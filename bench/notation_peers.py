"""What statements are measured beside: `notation_peers.py CASE ROWS COLUMNS WORKERS`, served as peers.py does it.

Each peer computes the same into an array that is there, unless its name says otherwise. Compilation is over before
"ready". Knows nothing of Tilework."""

import peers
from peers import case, timed_into, timed_new

MATMUL = 1000


def arrays(rows, columns, count=2):
    import numpy
    numbers = numpy.random.default_rng(1)
    return [3 * numbers.random((rows, columns)) - 1 for _ in range(count)]


def pictures(rows, columns):
    import numpy
    numbers = numpy.random.default_rng(1)
    return [numbers.integers(0, 256, (rows, columns), dtype=numpy.uint8) for _ in range(3)]


def with_numexpr(text, names, rows, columns, workers, **more):
    import numexpr
    numexpr.set_num_threads(workers)
    return timed_into(lambda r: numexpr.evaluate(text, local_dict=names, out=r, **more), rows, columns)


def jit(workers):
    import numba
    numba.set_num_threads(workers)
    return numba.njit(parallel=True, fastmath=False)


# ---- 2*a + 3*b - a*b -------------------------------------------------------------------------------------------------


@case
def polynomial_numexpr(rows, columns, workers):
    a, b = arrays(rows, columns)
    return with_numexpr("2*a + 3*b - a*b", {"a": a, "b": b}, rows, columns, workers)


@case
def polynomial_numba(rows, columns, workers):
    import numba
    a, b = arrays(rows, columns)

    @jit(workers)
    def fill(a, b, r):
        for i in numba.prange(r.shape[0]):
            for j in range(r.shape[1]):
                r[i, j] = 2 * a[i, j] + 3 * b[i, j] - a[i, j] * b[i, j]
    return timed_into(lambda r: fill(a, b, r), rows, columns)


@case
def polynomial_numpy(rows, columns, workers):
    a, b = arrays(rows, columns)
    return timed_new(lambda: 2 * a + 3 * b - a * b)


# ---- exp(-a*a) * sin(b) ----------------------------------------------------------------------------------------------


@case
def waves_numexpr(rows, columns, workers):
    a, b = arrays(rows, columns)
    return with_numexpr("exp(-a*a) * sin(b)", {"a": a, "b": b}, rows, columns, workers)


@case
def waves_numba(rows, columns, workers):
    import math

    import numba
    a, b = arrays(rows, columns)

    @jit(workers)
    def fill(a, b, r):
        for i in numba.prange(r.shape[0]):
            for j in range(r.shape[1]):
                r[i, j] = math.exp(-a[i, j] * a[i, j]) * math.sin(b[i, j])
    return timed_into(lambda r: fill(a, b, r), rows, columns)


@case
def waves_blosc2(rows, columns, workers):
    import blosc2
    blosc2.set_nthreads(workers)
    a, b = arrays(rows, columns)
    return timed_new(lambda: blosc2.lazyexpr("exp(-a*a) * sin(b)", {"a": a, "b": b})[:])


@case
def waves_numpy(rows, columns, workers):
    import numpy
    a, b = arrays(rows, columns)
    return timed_new(lambda: numpy.exp(-a * a) * numpy.sin(b))


# ---- where(a > b, sqrt(a), b**3) -------------------------------------------------------------------------------------


@case
def where_numexpr(rows, columns, workers):
    a, b = arrays(rows, columns)
    return with_numexpr("where(a > b, sqrt(a), b**3)", {"a": a, "b": b}, rows, columns, workers)


@case
def where_numba(rows, columns, workers):
    import math

    import numba
    a, b = arrays(rows, columns)

    @jit(workers)
    def fill(a, b, r):
        for i in numba.prange(r.shape[0]):
            for j in range(r.shape[1]):
                r[i, j] = math.sqrt(a[i, j]) if a[i, j] > b[i, j] else b[i, j] ** 3
    return timed_into(lambda r: fill(a, b, r), rows, columns)


# ---- the mean of four neighbours: of the inside alone, where Tilework does the edges too -----------------------------


@case
def stencil_numpy(rows, columns, workers):
    u, = arrays(rows, columns, 1)

    def fill(r):
        r[1:-1, 1:-1] = (u[:-2, 1:-1] + u[2:, 1:-1] + u[1:-1, :-2] + u[1:-1, 2:]) / 4
    return timed_into(fill, rows, columns)


@case
def stencil_numba(rows, columns, workers):
    import numba
    u, = arrays(rows, columns, 1)

    @jit(workers)
    def fill(u, r):
        for i in numba.prange(1, r.shape[0] - 1):
            for j in range(1, r.shape[1] - 1):
                r[i, j] = (u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1]) / 4
    return timed_into(lambda r: fill(u, r), rows, columns)


# ---- a matrix product ------------------------------------------------------------------------------------------------


@case
def matmul_openblas(rows, columns, workers):
    import numpy
    a, b = arrays(MATMUL, MATMUL)
    return timed_into(lambda r: numpy.matmul(a, b, out=r), MATMUL, MATMUL)


# ---- gray values of a picture ----------------------------------------------------------------------------------------


def timed_picture(fill, rows, columns):
    import numpy
    r = numpy.zeros((rows, columns), numpy.uint8)

    def run():
        begin = peers.now()
        fill(r)
        return peers.now() - begin
    return run


@case
def image_numexpr(rows, columns, workers):
    import numexpr
    numexpr.set_num_threads(workers)
    red, green, blue = pictures(rows, columns)
    names = {"red": red, "green": green, "blue": blue}
    return timed_picture(lambda r: numexpr.evaluate("0.299*red + 0.587*green + 0.114*blue", local_dict=names, out=r,
                                                    casting="unsafe"), rows, columns)


@case
def image_numba(rows, columns, workers):
    import numba
    import numpy
    red, green, blue = pictures(rows, columns)

    @jit(workers)
    def fill(red, green, blue, r):
        for i in numba.prange(r.shape[0]):
            for j in range(r.shape[1]):
                r[i, j] = numpy.uint8(0.299 * red[i, j] + 0.587 * green[i, j] + 0.114 * blue[i, j])
    return timed_picture(lambda r: fill(red, green, blue, r), rows, columns)


if __name__ == "__main__":
    peers.main(peers.CASES)
