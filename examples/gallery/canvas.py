"""What the jobs of the gallery share: pictures as PNG files, and a command line. Knows no job, and needs NumPy alone."""

import argparse
import struct
import time
import zlib

import numpy as np

# From dark blue over green to yellow: a scale that everybody can read, also in grey.
ANCHORS = np.array([[68, 1, 84], [59, 82, 139], [33, 145, 140], [94, 201, 98], [253, 231, 37]], float)


def colours(values, low=None, high=None):
    """Numbers as colours: an array of bytes with a last axis of red, green, blue."""
    low, high = np.min(values) if low is None else low, np.max(values) if high is None else high
    place = np.round(np.clip((values - low) / ((high - low) or 1), 0, 1) * 64) / 64 * (len(ANCHORS) - 1)
    return np.stack([np.interp(place, range(len(ANCHORS)), ANCHORS[:, c]) for c in range(3)], axis=-1).astype(np.uint8)


def grey(values, low=0.0, high=1.0):
    """Numbers as bytes."""
    return (np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)


def png(image):
    """An image of bytes, (height, width) or (height, width, 3), as the content of a PNG file."""
    height, width = image.shape[:2]
    rows = np.ascontiguousarray(image, np.uint8).reshape(height, -1)
    above = np.vstack([np.zeros_like(rows[:1]), rows[:-1]])
    ways = [np.hstack([np.full((height, 1), kind, np.uint8), lines]) for kind, lines in ((0, rows), (2, rows - above))]
    content = min((zlib.compress(lines.tobytes(), 9) for lines in ways), key=len)  # as it is, or as what changes from line to line

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2 if image.ndim == 3 else 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", content) + chunk(b"IEND", b"")


def main(make, after, before, show):
    """Runs a job: `--small` for a try, `--before` as it was written before Tilework, `--save FILE.png` for its picture."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--before", action="store_true")
    parser.add_argument("--save", metavar="FILE.png")
    options = parser.parse_args()
    inputs = make(options.small)
    began = time.perf_counter()
    result = (before if options.before else after)(*inputs)
    print(f"{time.perf_counter() - began:.3f} s")
    shown = show(result)
    if isinstance(shown, str):
        print(shown)
    elif options.save:
        with open(options.save, "wb") as file:
            file.write(png(shown))
