"""Statistics of the columns of a table in a file: missing values, mean, standard deviation and extremes of each.

The file is read where it is, as a memory map. A statement says what is wanted of a column; its rows are divided among the cores,
and the bits do not depend on how.
"""

import os
import tempfile

import numpy as np

import tilework as tw
from canvas import main

PEER = "dask"
STATEMENTS = {"missing": "s[j] = count_nonzero(i: isnan(t[i,j]))", "mean": "s[j] = nanmean(i: t[i,j])", "std": "s[j] = nanstd(i: t[i,j])",
              "min": "s[j] = nanmin(i: t[i,j])", "max": "s[j] = nanmax(i: t[i,j])"}


def make(small):
    rows, columns = (2_000, 6) if small else (4_000_000, 6)
    path = os.path.join(tempfile.gettempdir(), f"tilework-gallery-table-{rows}.npy")
    if not os.path.exists(path):
        rng = np.random.default_rng(5)
        table = rng.normal(np.arange(columns), np.arange(1, columns + 1), (rows, columns))
        table[rng.random(rows) < 0.01, 2] = np.nan
        np.save(path, table)
    return (path,)


# after: five statements
def after(path):
    table = np.load(path, mmap_mode="r")
    return np.stack([tw.evaluate(statement, t=table) for statement in STATEMENTS.values()])


# before: five graphs, computed together
def before(path):
    import dask
    import dask.array as da
    table = da.from_array(np.load(path, mmap_mode="r"), chunks=(250_000, -1))
    return np.stack(dask.compute(da.isnan(table).sum(0), da.nanmean(table, 0), da.nanstd(table, 0), da.nanmin(table, 0), da.nanmax(table, 0)))


def show(statistics):
    lines = [f"{'column':<8}" + "".join(f"{name:>10}" for name in STATEMENTS)]
    lines += [f"{column:<8}" + "".join(f"{value:10.3f}" for value in values) for column, values in enumerate(statistics.T)]
    return "\n".join(lines)


if __name__ == "__main__":
    main(make, after, before, show)
