"""A path tracer: balls on a plane under a sky, each pixel the mean of many paths of light.

Rows that see balls take longer than rows of sky, so the workers take the next rows whenever they are ready. Each row has random
numbers of its own, so the picture is the same for any tiles and any number of workers.
"""

import numpy as np

import tilework as tw
from canvas import grey, main

PEER = "joblib"
CENTRES = np.array([[0.0, 0.0, 3.0], [-1.1, -0.4, 2.4], [1.0, -0.5, 2.2], [0.3, -0.75, 1.7]])
RADII = np.array([1.0, 0.6, 0.5, 0.25])
ALBEDO = np.array([[0.9, 0.4, 0.3], [0.3, 0.6, 0.9], [0.9, 0.8, 0.3], [0.5, 0.9, 0.5]])
FLOOR, BOUNCES, SEED = -1.0, 4, 7


def nearest(origin, way):
    """How far along each ray the first thing is (inf: the sky), its normal and its colour."""
    towards = origin[:, None] - CENTRES
    b = np.einsum("nsk,nk->ns", towards, way)
    root = b * b - (np.einsum("nsk,nsk->ns", towards, towards) - RADII**2)
    far = np.where(root > 0, -b - np.sqrt(np.maximum(root, 0)), np.inf)
    far[far < 1e-4] = np.inf
    ball = far.argmin(axis=1)
    distance = far[np.arange(len(far)), ball]
    floor = np.where(way[:, 1] < -1e-6, (FLOOR - origin[:, 1]) / np.minimum(way[:, 1], -1e-6), np.inf)
    on_floor = floor < distance
    distance = np.minimum(distance, floor)
    where = origin + np.where(np.isfinite(distance), distance, 0)[:, None] * way
    normal = np.where(on_floor[:, None], [0.0, 1.0, 0.0], (where - CENTRES[ball]) / RADII[ball][:, None])
    squares = (np.floor(where[:, 0] * 2) + np.floor(where[:, 2] * 2)) % 2
    colour = np.where(on_floor[:, None], (0.35 + 0.4 * squares)[:, None], ALBEDO[ball])
    return distance, where, normal, colour


def trace(row, columns, height, width, samples):
    """The light of one row of pixels: (columns, 3)."""
    rng = np.random.default_rng([SEED, row])
    place = rng.random((samples, len(columns), 2))
    x = (columns + place[..., 0] - width / 2) / height
    y = (height / 2 - row - place[..., 1]) / height
    way = np.stack([x, y, np.full(x.shape, 1.0)], axis=-1).reshape(-1, 3)
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    origin = np.tile([0.0, 0.0, -0.5], (len(way), 1))
    light, strength, alive = np.zeros_like(way), np.ones_like(way), np.arange(len(way))
    for _ in range(BOUNCES):
        distance, where, normal, colour = nearest(origin, way)
        sky = ~np.isfinite(distance)
        light[alive[sky]] += strength[alive[sky]] * (0.6 + 0.6 * np.maximum(way[sky, 1:2], 0)) * [0.8, 0.9, 1.0]
        alive, where, normal = alive[~sky], where[~sky], normal[~sky]
        strength[alive] *= colour[~sky]
        way = normal + unit(rng, len(alive))  # a diffuse bounce
        way /= np.linalg.norm(way, axis=1, keepdims=True) + 1e-9
        origin = where + 1e-4 * normal
    return light.reshape(samples, len(columns), 3).mean(axis=0)


def unit(rng, count):
    way = rng.standard_normal((count, 3))
    return way / (np.linalg.norm(way, axis=1, keepdims=True) + 1e-9)


def make(small):
    height, width, samples = (30, 40, 4) if small else (150, 200, 48)
    return height, width, samples


# after: the rows of the picture are tiles, and each is computed in its place
def after(height, width, samples):
    def render(image, tile):
        for k, row in enumerate(range(height)[tile.ranges["row"]]):
            image[k] = trace(row, np.arange(width), height, width, samples)

    return tw.run(render, "-> image[row,column,rgb]", lengths={"row": height, "column": width, "rgb": 3}, tiles={"row": 1})


# before: a task for each row; what comes back is unpickled and stacked
def before(height, width, samples):
    from joblib import Parallel, delayed
    rows = Parallel(n_jobs=-1)(delayed(trace)(row, np.arange(width), height, width, samples) for row in range(height))
    return np.stack(rows)


def show(image):
    return grey(np.sqrt(image))


if __name__ == "__main__":
    main(make, after, before, show)
