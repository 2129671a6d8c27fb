"""Every example of README, docs and docstrings runs as it is written, and so do the programs in examples/python."""

import doctest
import importlib
import os
import pathlib
import re
import subprocess
import sys

import pytest
import tilework
import tilework as tw

TOP = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
PAGES = ["README.md", "docs/python.md", "docs/random.md", "docs/executors.md"]
BLOCKS = [(page, number, code) for page in PAGES
          for number, code in enumerate(BLOCK.findall((TOP / page).read_text()), 1)]
PEERS = ("joblib", "dask", "numexpr", "numba", "distributed", "loky", "mpi4py", "parsl", "executorlib", "ipyparallel")


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    programs = os.pathsep.join((os.path.dirname(sys.executable), os.environ.get("PATH", "")))  # those of Parsl are found by their names
    return {**os.environ, "PATH": programs, "XDG_CACHE_HOME": str(tmp_path_factory.mktemp("cache"))}


def run(command, environment, folder):
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, cwd=folder, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page, number, code", BLOCKS, ids=[f"{page}-{number}" for page, number, _ in BLOCKS])
def test_examples_of_the_pages(page, number, code, environment, tmp_path):
    for peer in PEERS:
        if re.search(rf"^ *(import|from) {peer}", code, re.MULTILINE):
            pytest.importorskip(peer)
    path = tmp_path / "example.py"
    path.write_text(code)
    run([sys.executable, path], environment, tmp_path)


def test_signatures_of_the_page_are_read_and_refused_as_it_says():
    page = (TOP / "docs" / "signature.md").read_text()
    rows = re.findall(r"^\| `([^`]+)`(?: or `([^`]+)`)? \|", page.partition("## Grammar")[2].partition("## The order")[0], re.MULTILINE)
    accepted = [text for row in rows for text in row if text]
    refused = re.findall(r"^signature: .* at column \d+: '(.*)'$", page, re.MULTILINE)
    assert len(accepted) > 10 and len(refused) > 2
    for text in accepted:
        tw._tilework.Signature(text)
    for text in refused:
        with pytest.raises(tw._tilework.Failure) as caught:
            tw._tilework.Signature(text)
        assert caught.value.args[1] in page


def test_the_pages_have_examples():
    assert len([page for page, _, _ in BLOCKS if page == "README.md"]) >= 1
    assert len([page for page, _, _ in BLOCKS if page == "docs/python.md"]) >= 10


@pytest.mark.parametrize("name", sorted(path.name for path in (TOP / "examples" / "python").glob("*.py")))
def test_programs(name, environment, tmp_path):
    run([sys.executable, TOP / "examples" / "python" / name, "--small"], environment, tmp_path)


NAMES = ["tilework", "tilework._functions", "tilework._native", "tilework._pool", "tilework._report", "tilework._shared",
         "tilework.run", "tilework.evaluate"]  # the last two are made by a decorator, so that they are not of their module


@pytest.mark.parametrize("name", NAMES)
def test_docstrings(name, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    function = vars(tilework).get(name.partition(".")[2])
    if function is None:
        results = doctest.testmod(importlib.import_module(name))
    else:
        runner = doctest.DocTestRunner()
        for found in doctest.DocTestFinder().find(function, name, globs={}):
            runner.run(found)
        results = runner.summarize()
    assert results.failed == 0
    assert results.attempted > 0 or name == "tilework._shared"
