"""Every job of the gallery runs, gives what it gave before Tilework, and has its picture or table; the page shows what the scripts do."""

import os
import pathlib
import re
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
GALLERY = TOP / "examples" / "gallery"
PAGE = (TOP / "docs" / "gallery.md").read_text()
NAMES = sorted(path.stem for path in GALLERY.glob("*.py") if path.stem != "canvas")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Both tests of a job have its kernels."""
    return str(tmp_path_factory.mktemp("cache"))


def run(tmp_path, cache, *command):
    """A program's output; all that it leaves but kernels is in a folder of the test's own."""
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, timeout=110, cwd=tmp_path, check=False,
                          env={**os.environ, "XDG_CACHE_HOME": cache, "TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def pixels_of(png):
    """Size and bytes of a PNG file."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        content = png[at + 8:at + 8 + length]
        assert struct.unpack(">I", png[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + content)
        chunks[kind], at = content, at + 12 + length
    width, height, depth, colour = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8)
    assert depth == 8 and lines.size == height * (1 + width * {0: 1, 2: 3}[colour])
    return lines.reshape(height, -1)[:, 1:]


def test_there_are_ten():
    assert len(NAMES) == 10


@pytest.mark.parametrize("name", NAMES)
def test_a_job_gives_what_it_gave_before(name, tmp_path, cache):
    said = run(tmp_path, cache, TOP / "bench" / "gallery.py", "--small", "--check", "--only", name)
    if "is not installed" in said:
        pytest.skip(said.splitlines()[-1])


@pytest.mark.parametrize("name", NAMES)
def test_a_job_is_a_program_with_a_picture_or_a_table(name, tmp_path, cache):
    said = run(tmp_path, cache, GALLERY / f"{name}.py", "--small", "--save", "it.png")
    if (tmp_path / "it.png").exists():
        assert np.ptp(pixels_of((tmp_path / "it.png").read_bytes())) > 100
        assert f"(gallery/{name}.png)" in PAGE and np.ptp(pixels_of((TOP / "docs" / "gallery" / f"{name}.png").read_bytes())) > 100
    else:
        assert len(said.splitlines()) > 5


def test_the_page_shows_what_the_scripts_do():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    for name in NAMES:
        section = next(text for text in sections if f"All of it: `examples/gallery/{name}.py`" in text)
        source = (GALLERY / f"{name}.py").read_text()
        blocks = re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
        assert len(blocks) == 2
        for block in blocks:
            assert block in source, (name, block)
