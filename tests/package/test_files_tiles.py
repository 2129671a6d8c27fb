"""Tiles that are reported while files are written, and files that something else has changed meanwhile."""

import os

import numpy as np
import pytest

import tilework as tw

Y, X = np.arange(1.0, 13), np.arange(1.0, 31)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_tiles_are_reported_once_where_the_kernel_chooses_the_dtype():
    """Tile 0 is computed before the run, and is not reported then."""
    seen = []
    r = tw.run(lambda y, x: np.outer(y, x), "y[i], x[j] -> r[i,j]", Y, X, out="r.npy", tiles={"i": 3}, on_tile=seen.append)
    assert sorted(tile.number for tile in seen) == [0, 1, 2, 3] and all((tile.result == r[tile.index]).all() for tile in seen)
    with tw.iterate(lambda y: 2 * y, "y[i] -> r[i]", Y, out="s.npy", tiles={"i": 3}) as tiles:
        assert sorted(tile.number for tile in tiles) == [0, 1, 2, 3]
    assert (np.load("s.npy") == 2 * Y).all()


def test_a_tile_may_change_the_current_folder(folder, shared_pools):
    home = os.getcwd()
    (folder / "inner").mkdir()
    for pool in ("serial", "threads", "processes", *(shared_pools[kind] for kind in shared_pools if kind == "spawn")):
        r = tw.run(lambda y: 2 * y, "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 3}, on_tile=lambda tile: os.chdir(folder / "inner"), pool=pool)
        assert (r == 2 * Y).all() and os.listdir() == []
        os.chdir(home)
    assert sorted(os.listdir()) == ["inner", "r.npy"]


def test_an_unfinished_file_of_another_size_is_another_job():
    def run(**options):
        return tw.run(lambda y: 1 / (y - fails), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 1}, workers=1, version="1", **options)

    fails = 5
    with np.errstate(divide="raise"), pytest.raises(tw.TileError):
        run()
    os.truncate("r.npy.part", 200)
    with pytest.raises(tw.FileError, match="r.npy.part: has 200 bytes and should have 224; restart=True discards"):
        run(resume=True)
    fails = 0
    with pytest.warns(RuntimeWarning, match="r.npy.part: has 200 bytes"):
        assert (run(resume="auto") == 1 / Y).all()
