"""A surface by Monte Carlo: prices of Asian options, strikes by maturities, each the mean of many simulated paths.

Long maturities have longer paths, so their tiles take longer. The random numbers of a maturity come from a generator of its own, so
that the surface is the same for any division and any number of workers.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "dask"
STEPS_A_YEAR, SPOT, RATE, VOLATILITY, SEED = 24, 100.0, 0.02, 0.25, 11


def prices(months, strikes, paths):
    """Of one maturity: the mean gain over all paths, for each strike."""
    rng = np.random.default_rng([SEED, int(months)])
    steps = int(months) * STEPS_A_YEAR // 12
    step = 1 / STEPS_A_YEAR
    moves = rng.standard_normal((paths, steps)) * VOLATILITY * np.sqrt(step) + (RATE - VOLATILITY**2 / 2) * step
    means = (SPOT * np.exp(np.cumsum(moves, axis=1))).mean(axis=1)
    return np.exp(-RATE * months / 12) * np.array([np.maximum(means - strike, 0).mean() for strike in strikes])


def make(small):
    return np.arange(1, 9 if small else 49), np.linspace(60, 140, 20 if small else 81), 200 if small else 4000


# after: a maturity is a tile
def after(months, strikes, paths):
    def kernel(months, strikes, price):
        for k, month in enumerate(months):
            price[k] = prices(month, strikes, paths)

    return tw.run(kernel, "months[t], strikes[k] -> price[t,k]", months, strikes, tiles={"t": 1}, dtype=float)


# before: a delayed call for each maturity, run by processes
def before(months, strikes, paths):
    import dask
    calls = [dask.delayed(prices)(month, strikes, paths) for month in months]
    return np.stack(dask.compute(*calls, scheduler="processes"))


def show(surface):
    return colours(np.kron(surface, np.ones((4, 3))))


if __name__ == "__main__":
    main(make, after, before, show)
