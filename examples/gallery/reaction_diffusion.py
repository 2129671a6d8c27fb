"""Reaction and diffusion: two substances on a ring in both directions, of which one feeds on the other (Gray and Scott's model).

A time step is a statement with two results; u[i-1,j] is the neighbour, and what lies beyond an edge is at the other side.
"""

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "numba"
FEED, KILL, SPREAD_U, SPREAD_V = 0.055, 0.062, 0.16, 0.08
AROUND = "({0}[i-1,j] + {0}[i+1,j] + {0}[i,j-1] + {0}[i,j+1] - 4*{0}[i,j])"
STEP = f"""
    next_u[i,j] = u[i,j] + spread_u*{AROUND.format('u')} - u[i,j]*v[i,j]*v[i,j] + feed*(1 - u[i,j]);
    next_v[i,j] = v[i,j] + spread_v*{AROUND.format('v')} + u[i,j]*v[i,j]*v[i,j] - loss*v[i,j]"""


def make(small):
    size, steps = (32, 20) if small else (256, 4000)
    u, v = np.ones((size, size)), np.zeros((size, size))
    rng = np.random.default_rng(4)
    for i, j in rng.integers(0, size - 6, (12, 2)):
        u[i:i + 6, j:j + 6], v[i:i + 6, j:j + 6] = 0.5, 0.25
    return u, v, steps


# after
def after(u, v, steps):
    step = tw.function(STEP, edges="wrap")
    next_u, next_v = np.empty_like(u), np.empty_like(v)
    u, v = u.copy(), v.copy()
    for _ in range(steps):
        step(u=u, v=v, spread_u=SPREAD_U, spread_v=SPREAD_V, feed=FEED, loss=FEED + KILL, out=(next_u, next_v))
        u, v, next_u, next_v = next_u, next_v, u, v
    return v


# before
def before(u, v, steps):
    step = compiled()
    next_u, next_v = np.empty_like(u), np.empty_like(v)
    u, v = u.copy(), v.copy()
    for _ in range(steps):
        step(u, v, next_u, next_v)
        u, v, next_u, next_v = next_u, next_v, u, v
    return v


def compiled(cache={}):
    if not cache:
        import numba

        @numba.njit(parallel=True)
        def step(u, v, next_u, next_v):
            rows, columns = u.shape
            for i in numba.prange(rows):
                up, down = (i - 1) % rows, (i + 1) % rows
                for j in range(columns):
                    left, right = (j - 1) % columns, (j + 1) % columns
                    around_u = u[up, j] + u[down, j] + u[i, left] + u[i, right] - 4 * u[i, j]
                    around_v = v[up, j] + v[down, j] + v[i, left] + v[i, right] - 4 * v[i, j]
                    reaction = u[i, j] * v[i, j] * v[i, j]
                    next_u[i, j] = u[i, j] + SPREAD_U * around_u - reaction + FEED * (1 - u[i, j])
                    next_v[i, j] = v[i, j] + SPREAD_V * around_v + reaction - (FEED + KILL) * v[i, j]

        cache["step"] = step
    return cache["step"]


def show(v):
    return colours(v[::2, ::2], 0, 0.35)


if __name__ == "__main__":
    main(make, after, before, show)
