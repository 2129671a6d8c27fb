"""What reductions are measured beside: `reduction_peers.py OPERATION-OVER-DTYPE-PEER ROWS COLUMNS WORKERS`, served as
peers.py does it, such as sum-columns-float32-numba. Compilation is over before "ready". Knows nothing of Tilework."""

import sys

import peers

AXIS = {"all": None, "rows": 1, "columns": 0}


def arrays(rows, columns, dtype):
    """Two arrays of numbers of -1 to 2, or of all bytes."""
    import numpy
    numbers = numpy.random.default_rng(1)
    if dtype == "uint8":
        return [numbers.integers(0, 256, (rows, columns), dtype=numpy.uint8) for _ in range(2)]
    return [(3 * numbers.random((rows, columns)) - 1).astype(dtype) for _ in range(2)]


# ---- NumPy and its like ----------------------------------------------------------------------------------------------


def with_numpy(operation, over, a, b, workers):
    import numpy
    axis = AXIS[over]
    if operation == "softmax":
        def softmax():
            powers = numpy.exp(a - a.max(1, keepdims=True))
            return powers / powers.sum(1, keepdims=True)
        return softmax
    if operation == "scores":
        return lambda: (a - a.mean(0)) / a.std(0)
    if operation == "squares":
        return lambda: numpy.vdot(a, a)
    if operation == "dot":
        return lambda: numpy.vdot(a, b)
    function = getattr(numpy, operation)
    return lambda: function(a, axis=axis)


def with_numbagg(operation, over, a, b, workers):
    import numba
    import numbagg
    numba.set_num_threads(workers)
    function = getattr(numbagg, operation if operation.startswith("nan") else f"nan{operation}")
    return lambda: function(a, axis=AXIS[over])


def with_numexpr(operation, over, a, b, workers):
    import numexpr
    numexpr.set_num_threads(workers)
    text = {"sum": "a", "squares": "a*a", "dot": "a*b", "max": "a"}[operation]
    call = "max" if operation == "max" else "sum"
    axis = {} if AXIS[over] is None else {"axis": AXIS[over]}
    text = f"{call}({text}{''.join(f', axis={value}' for value in axis.values())})"
    return lambda: numexpr.evaluate(text, local_dict={"a": a, "b": b})


def with_blosc2(operation, over, a, b, workers):
    import blosc2
    blosc2.set_nthreads(workers)
    text = {"sum": "a", "mean": "a", "max": "a", "squares": "a*a", "dot": "a*b"}[operation]
    call = operation if operation in ("mean", "max") else "sum"
    lazy = blosc2.lazyexpr(f"{call}({text})", {"a": a, "b": b})
    return lazy.compute


# ---- Numba -----------------------------------------------------------------------------------------------------------


def with_numba(operation, over, a, b, workers, fastmath=False):
    import numba
    import numpy
    numba.set_num_threads(workers)
    jit = numba.njit(parallel=True, fastmath=fastmath)
    serial = numba.njit(fastmath=fastmath)
    body = globals()[f"numba_{operation if over == 'all' else over}"]
    if over == "all":
        function = body(numba, jit)
        flat, other = a.reshape(-1), b.reshape(-1)
        return lambda: function(flat, other)
    if operation in ("softmax", "scores"):
        function = globals()[f"numba_{operation}"](numba, jit)
        result = numpy.empty_like(a)
        return lambda: function(a, result)
    return body(numba, jit, serial, operation, a, workers)


def numba_sum(numba, jit):
    @jit
    def function(a, b):
        total = 0.0
        for k in numba.prange(a.size):
            total += a[k]
        return total
    return function


def numba_mean(numba, jit):
    return numba_sum(numba, jit)


def numba_squares(numba, jit):
    @jit
    def function(a, b):
        total = 0.0
        for k in numba.prange(a.size):
            total += a[k] * a[k]
        return total
    return function


def numba_dot(numba, jit):
    @jit
    def function(a, b):
        total = 0.0
        for k in numba.prange(a.size):
            total += a[k] * b[k]
        return total
    return function


def numba_max(numba, jit):
    @jit
    def function(a, b):
        total = a[0]
        for k in numba.prange(a.size):
            total = max(total, a[k])
        return total
    return function


def numba_argmax(numba, jit):
    import numpy

    @jit
    def function(a, b):
        count = numba.get_num_threads()
        places = numpy.zeros(count, numpy.int64)
        for part in numba.prange(count):
            first, last = a.size * part // count, a.size * (part + 1) // count
            place = first
            for k in range(first, last):
                if a[k] > a[place]:
                    place = k
            places[part] = place
        best = places[0]
        for part in range(1, count):
            if a[places[part]] > a[best]:
                best = places[part]
        return best
    return function


def one_row(serial, operation):
    """A row's value, as one writes it by hand."""
    import math

    @serial
    def sums(x):
        total = x[0] - x[0]
        for value in x:
            total += value
        return total

    @serial
    def largest(x):
        most = x[0]
        for value in x:
            most = max(most, value)
        return most

    @serial
    def spread(x):
        total = 0.0
        for value in x:
            total += value
        mean, square = total / x.size, 0.0
        for value in x:
            square += (value - mean) ** 2
        return math.sqrt(square / x.size)

    @serial
    def nanmean(x):
        total, count = 0.0, 0
        for value in x:
            if not math.isnan(value):
                total += value
                count += 1
        return total / count

    @serial
    def integers(x):
        total = 0
        for value in x:
            total += value
        return total
    return {"sum": sums, "max": largest, "std": spread, "nanmean": nanmean, "integers": integers}[operation]


def result_dtype(operation, a):
    import numpy
    if operation == "sum" and a.dtype == numpy.uint8:
        return numpy.dtype(numpy.uint64)
    return numpy.dtype(float) if operation in ("std", "nanmean") and a.dtype == numpy.uint8 else a.dtype


def numba_rows(numba, jit, serial, operation, a, workers):
    import numpy
    is_count = operation == "sum" and a.dtype == numpy.uint8
    of_row = one_row(serial, "integers" if is_count else operation)
    result = numpy.empty(a.shape[0], result_dtype(operation, a))

    @jit
    def function(a, result):
        for i in numba.prange(a.shape[0]):
            result[i] = of_row(a[i])
    return lambda: function(a, result)


def numba_columns(numba, jit, serial, operation, a, workers):
    """Each thread goes down some rows, all columns of each, into totals of its own."""
    import numpy
    kind = result_dtype(operation, a)
    totals = numpy.empty((workers, a.shape[1]), kind)
    squares, counts = numpy.empty_like(totals), numpy.empty((workers, a.shape[1]), numpy.int64)

    @jit
    def sums(a, totals):
        count = totals.shape[0]
        for part in numba.prange(count):
            totals[part] = 0
            for i in range(a.shape[0] * part // count, a.shape[0] * (part + 1) // count):
                for j in range(a.shape[1]):
                    totals[part, j] += a[i, j]

    @jit
    def largest(a, totals):
        count = totals.shape[0]
        for part in numba.prange(count):
            first = a.shape[0] * part // count
            totals[part] = a[first]
            for i in range(first, a.shape[0] * (part + 1) // count):
                for j in range(a.shape[1]):
                    totals[part, j] = max(totals[part, j], a[i, j])

    @jit
    def spreads(a, mean, squares):
        count = squares.shape[0]
        for part in numba.prange(count):
            squares[part] = 0
            for i in range(a.shape[0] * part // count, a.shape[0] * (part + 1) // count):
                for j in range(a.shape[1]):
                    squares[part, j] += (a[i, j] - mean[j]) ** 2

    @jit
    def known(a, totals, counts):
        count = totals.shape[0]
        for part in numba.prange(count):
            totals[part] = 0
            counts[part] = 0
            for i in range(a.shape[0] * part // count, a.shape[0] * (part + 1) // count):
                for j in range(a.shape[1]):
                    there = a[i, j] == a[i, j]
                    totals[part, j] += a[i, j] if there else 0
                    counts[part, j] += there

    def run():
        if operation == "max":
            largest(a, totals)
            return totals.max(0)
        if operation == "nanmean":
            known(a, totals, counts)
            return totals.sum(0) / counts.sum(0)
        sums(a, totals)
        if operation == "sum":
            return totals.sum(0)
        spreads(a, totals.sum(0) / a.shape[0], squares)
        return numpy.sqrt(squares.sum(0) / a.shape[0])
    return run


def numba_softmax(numba, jit):
    import math

    @jit
    def function(a, result):
        for i in numba.prange(a.shape[0]):
            most, total = a[i, 0], 0.0
            for j in range(a.shape[1]):
                most = max(most, a[i, j])
            for j in range(a.shape[1]):
                result[i, j] = math.exp(a[i, j] - most)
                total += result[i, j]
            for j in range(a.shape[1]):
                result[i, j] /= total
    return function


def numba_scores(numba, jit):
    import numpy

    @jit
    def function(a, result):
        count = numba.get_num_threads()
        for part in numba.prange(count):
            first, last = a.shape[1] * part // count, a.shape[1] * (part + 1) // count
            mean, spread = numpy.zeros(last - first), numpy.zeros(last - first)
            for i in range(a.shape[0]):
                for j in range(first, last):
                    mean[j - first] += a[i, j]
            mean /= a.shape[0]
            for i in range(a.shape[0]):
                for j in range(first, last):
                    spread[j - first] += (a[i, j] - mean[j - first]) ** 2
            spread = numpy.sqrt(spread / a.shape[0])
            for i in range(a.shape[0]):
                for j in range(first, last):
                    result[i, j] = (a[i, j] - mean[j - first]) / spread[j - first]
    return function


PEERS = {"numpy": with_numpy, "numbagg": with_numbagg, "numexpr": with_numexpr, "blosc2": with_blosc2, "numba": with_numba,
         "numbafast": lambda *given: with_numba(*given, fastmath=True)}


class Cases(dict):
    """All cases, by their names."""

    def __missing__(self, name):
        operation, over, dtype, peer = name.split("-")

        def prepare(rows, columns, workers):
            compute = PEERS[peer](operation, over, *arrays(rows, columns, dtype), workers)
            compute()
            return peers.timed_new(compute)
        return prepare


if __name__ == "__main__":
    sys.exit(peers.main(Cases()))
