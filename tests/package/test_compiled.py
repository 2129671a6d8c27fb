"""Statements compiled into files, and portable kernels: for machines without a compiler, or with another processor."""

import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

import tilework as tw

pytestmark = pytest.mark.usefixtures("own_cache")

STATEMENT = "r[i] = exp(x[i]) * x[i] + 1"
SOURCE = """
#include <tilework/tilework.h>
int twice(const tw_tile *tile)
{
    TW_VIEW(const double, x, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    for (int64_t i = 0; i < r.shape[0]; i++)
        TW_AT(r, i) = 2 * TW_AT(x, i);
    return 0;
}
"""
X = np.random.default_rng(1).standard_normal(1000)


@pytest.mark.parametrize("level", ["baseline", None])
def test_a_portable_statement_has_the_same_bits_on_each_level(tmp_path, monkeypatch, level):
    signature = tw.compile(STATEMENT, tmp_path / "k.so", {"x": "float64"}, name="f", portable=True)
    assert signature == "x[i] -> r[i]:float64"
    if level is not None:
        monkeypatch.setenv("TILEWORK_LEVEL", level)
    found = tw.run(tw.Kernel.from_library(tmp_path / "k.so", "f"), signature, X)
    assert found.tobytes() == tw.evaluate(STATEMENT, x=X).tobytes()


def test_what_cannot_be_compiled_is_refused(tmp_path):
    with pytest.raises(tw.ArgumentError, match="operand 'x' has no dtype"):
        tw.compile(STATEMENT, tmp_path / "k.so", {})
    with pytest.raises(tw.ArgumentError, match="no operand 'y'"):
        tw.compile(STATEMENT, tmp_path / "k.so", {"x": float, "y": float})
    with pytest.raises(tw.ArgumentError, match="cannot be the name of a kernel's function"):
        tw.compile(STATEMENT, tmp_path / "k.so", {"x": float}, name="while")
    with pytest.raises(tw.CompileError, match="/no/cc"):
        tw.compile(STATEMENT, tmp_path / "k.so", {"x": float}, compiler="/no/cc")
    assert os.listdir(tmp_path) == []


def test_a_portable_kernel_goes_to_another_process(tmp_path):
    kernel = tw.Kernel.from_c(SOURCE, "twice", portable=True)
    again = pickle.loads(pickle.dumps(kernel))
    assert tw.run(again, "x[i] -> r[i]", X).tobytes() == (2 * X).tobytes()


LOOKS = """
import sys, numpy as np, tilework as tw
source, folder = sys.argv[1:]
kernel = tw.Kernel.from_c(source, "twice", portable=True, look_in=folder, compiler="/no/cc")
assert tw.run(kernel, "x[i] -> r[i]", np.arange(3.0)).tolist() == [0, 2, 4]
try:
    tw.Kernel.from_c(source + "\\n", "twice", portable=True, look_in=folder, compiler="/no/cc")
except tw.CompileError as error:
    print(error)
"""


def test_a_folder_that_is_looked_in_needs_no_compiler(tmp_path, monkeypatch):
    """In a process of its own: one that opens such an object keeps a folder for its copy until it ends."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    tw.Kernel.from_c(SOURCE, "twice", portable=True)
    (made,) = (tmp_path / "cache" / "tilework").glob("*.so")
    (tmp_path / "run").mkdir()
    shutil.copyfile(made, tmp_path / "run" / "kernel.so")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "other"))
    done = subprocess.run([sys.executable, "-c", LOOKS, SOURCE, tmp_path / "run"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "there is no compiler '/no/cc': no such program\n"
    with pytest.raises(tw.ArgumentError, match="portable"):
        tw.Kernel.from_c(SOURCE, "twice", look_in=tmp_path / "run")
