"""A surface by Monte Carlo: prices of Asian options, strikes by maturities, each the mean of many simulated paths.

Long maturities have longer paths, so their tiles take longer. The random numbers belong to the maturity and the path, so that the surface
is the same for any division, any pool and any number of workers.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "dask"
TOLERANCE = 4.0  # their random numbers are others, and so are the means of the paths
STEPS_A_YEAR, SPOT, RATE, VOLATILITY, SEED = 24, 100.0, 0.02, 0.25, 11


def steps_of(months):
    return int(months) * STEPS_A_YEAR // 12


def prices(months, strikes, numbers):
    """Of one maturity: the mean gain over all paths, for each strike. numbers: normal ones, paths by steps."""
    step = 1 / STEPS_A_YEAR
    moves = numbers * VOLATILITY * np.sqrt(step) + (RATE - VOLATILITY**2 / 2) * step
    means = (SPOT * np.exp(np.cumsum(moves, axis=1))).mean(axis=1)
    return np.exp(-RATE * months / 12) * np.array([np.maximum(means - strike, 0).mean() for strike in strikes])


def make(small):
    return np.arange(1, 9 if small else 49), np.linspace(60, 140, 20 if small else 81), 200 if small else 4000


# after: a maturity is a tile
def after(months, strikes, paths):
    def kernel(months, strikes, price, tile):
        for k, month in enumerate(months):
            numbers = tile.random(SEED + int(month), "normal", output="months", size=(paths, steps_of(month)))
            price[k] = prices(month, strikes, numbers[k])

    return tw.run(kernel, "months[t], strikes[k] -> price[t,k]", months, strikes, tiles={"t": 1}, dtype=float)


# before: a delayed call for each maturity, run by processes
def before(months, strikes, paths):
    import dask

    def own(month):
        return prices(month, strikes, np.random.default_rng([SEED, int(month)]).standard_normal((paths, steps_of(month))))

    return np.stack(dask.compute(*[dask.delayed(own)(month) for month in months], scheduler="processes"))


def show(surface):
    return colours(np.kron(surface, np.ones((4, 3))))


if __name__ == "__main__":
    main(make, after, before, show)
