"""A contact sheet: many images from files, each made small, in one picture.

An image is a tile of the sheet: the worker reads the file, and writes the small image into its place.
"""

import os
import tempfile

import numpy as np

import tilework as tw
from canvas import colours, main

PEER = "joblib"
ACROSS, SMALL_SIZE = 8, 30


def make(small):
    count, size = (16, 60) if small else (64, 600)
    folder = os.path.join(tempfile.gettempdir(), f"tilework-gallery-images-{count}-{size}")
    paths = [os.path.join(folder, f"{k}.npy") for k in range(count)]
    if not os.path.exists(paths[-1]):
        os.makedirs(folder, exist_ok=True)
        y, x = np.mgrid[-2:2:size * 1j, -2:2:size * 1j]
        for k, path in enumerate(paths):
            z, c, steps = x + 1j * y, 0.77 * np.exp(2j * np.pi * k / count), np.zeros(x.shape)
            for _ in range(40):  # Julia sets: how long each point stays near
                near = np.abs(z) < 4
                z = np.where(near, z * z + c, z)
                steps += near
            np.save(path, colours(np.log(steps + 1)))
    return (paths,)


def shrink(path):
    """The image as (SMALL_SIZE, SMALL_SIZE, 3): each pixel is the mean of a square."""
    image = np.load(path)
    step = len(image) // SMALL_SIZE
    squares = image[:step * SMALL_SIZE, :step * SMALL_SIZE].reshape(SMALL_SIZE, step, SMALL_SIZE, step, 3)
    return squares.mean(axis=(1, 3)).astype(np.uint8)


# after: the sheet's rows and columns of images are axes of the result
def after(paths):
    down = -(-len(paths) // ACROSS)

    def kernel(sheet, tile):
        for i, row in enumerate(range(down)[tile.ranges["row"]]):
            for j, column in enumerate(range(ACROSS)[tile.ranges["column"]]):
                if row * ACROSS + column < len(paths):
                    sheet[i, :, j] = shrink(paths[row * ACROSS + column])

    lengths = {"row": down, "y": SMALL_SIZE, "column": ACROSS, "x": SMALL_SIZE, "rgb": 3}
    sheet = tw.run(kernel, "-> sheet[row,y,column,x,rgb]", lengths=lengths, tiles={"row": 1, "column": 1}, dtype=np.uint8)
    return sheet.reshape(down * SMALL_SIZE, ACROSS * SMALL_SIZE, 3)


# before: a list of small images, put together afterwards
def before(paths):
    from joblib import Parallel, delayed
    images = Parallel(n_jobs=-1)(delayed(shrink)(path) for path in paths)
    sheet = np.zeros((-(-len(paths) // ACROSS) * SMALL_SIZE, ACROSS * SMALL_SIZE, 3), np.uint8)
    for k, image in enumerate(images):
        top, left = k // ACROSS * SMALL_SIZE, k % ACROSS * SMALL_SIZE
        sheet[top:top + SMALL_SIZE, left:left + SMALL_SIZE] = image
    return sheet


def show(sheet):
    return sheet


if __name__ == "__main__":
    main(make, after, before, show)
