#!/usr/bin/env python3
"""A surface of option prices by Monte Carlo: strikes by maturities, each price the mean of many simulated paths.

Long maturities have longer paths, so tiles take unequal time: workers take the next tile when they are ready. The random
numbers of a maturity come from its own generator, so that any division and any number of workers give the same bits.
Beside it the same with NumPy alone and with joblib: `price_surface.py [--small]`.
"""

# %%
import sys
import time

import numpy as np

import tilework as tw

SMALL = "--small" in sys.argv
PATHS = 500 if SMALL else 20000
STEPS_A_YEAR = 24
SPOT, RATE, VOLATILITY, SEED = 100.0, 0.02, 0.25, 11
strikes = np.linspace(60, 140, 41)
maturities = np.arange(1, 9 if SMALL else 25) / 4


# %% Asian call options of one maturity: the mean over a path, less the strike.
def prices(strikes, maturity):
    rng = np.random.default_rng([SEED, round(maturity * 4)])
    steps = round(maturity * STEPS_A_YEAR)
    step = maturity / steps
    moves = rng.standard_normal((PATHS, steps)) * VOLATILITY * np.sqrt(step) + (RATE - VOLATILITY**2 / 2) * step
    means = (SPOT * np.exp(np.cumsum(moves, axis=1))).mean(axis=1)
    gains = np.maximum(means[:, None] - strikes, 0)
    return np.exp(-RATE * maturity) * gains.mean(axis=0)


# %% Tilework: a maturity a tile; k, the strikes, stays whole.
def kernel(maturity, strike, price):
    for t in range(len(maturity)):
        price[t] = prices(strike, maturity[t])


def with_tilework():
    return tw.run(kernel, "maturity[t], strike[k] -> price[t,k]", maturities, strikes, tiles={"t": 1})


# %% NumPy: one maturity after the other.
def with_numpy():
    return np.array([prices(strikes, maturity) for maturity in maturities])


# %% joblib
def with_joblib():
    import joblib
    return np.array(joblib.Parallel(n_jobs=-1)(joblib.delayed(prices)(strikes, maturity) for maturity in maturities))


# %%
def timed(name, compute):
    began = time.perf_counter()
    result = compute()
    print(f"{name:<10} {time.perf_counter() - began:8.3f} s")
    return result


if __name__ == "__main__":
    ours = timed("tilework", with_tilework)
    assert (ours == timed("numpy", with_numpy)).all()
    try:
        assert (ours == timed("joblib", with_joblib)).all()
    except ImportError:
        print("joblib is not installed")
    print(f"the same, bit for bit; {maturities[-1]:g} years at {strikes[20]:g}: {ours[-1, 20]:.3f}")
