"""Every example of docs/notation.md runs as it is written, and its result is that of the NumPy lines below it."""

import pathlib
import re
import shlex

import numpy
import pytest

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "notation.md"
EXAMPLE = re.compile(r"^### ([^\n]*)\n```sh\n([^\n]*)\n```\n```python\n(.*?)```", re.MULTILINE | re.DOTALL)
EXAMPLES = EXAMPLE.findall(DOCUMENT.read_text())


def inputs():
    random = numpy.random.default_rng(7)
    x = random.normal(size=(50, 7))
    return {"photo": random.integers(0, 256, (40, 60, 3), numpy.uint8),
            "gray": random.integers(0, 256, (40, 60), numpy.uint8), "h": random.random((40, 60)), "x": x,
            "means": x.mean(axis=0), "p": random.random((30, 3)), "q": random.random((20, 3)) + 1,
            "u": random.random((32, 48)), "charge": random.normal(size=20),
            "signal": random.normal(size=64)}  # fmt: skip


def test_there_are_ten_examples():
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize("title, command, lines", EXAMPLES, ids=[example[0] for example in EXAMPLES])
def test_an_example_gives_what_numpy_gives(folder, title, command, lines):
    arrays = inputs()
    for name, array in arrays.items():
        folder.save(f"{name}.npy", array)
    words = shlex.split(command)
    assert words[0] == "tilework"
    outputs = [words[k + 1].split("=")[0] for k, word in enumerate(words) if word == "-o"]
    names = {**arrays, "np": numpy}
    exec(lines, names)
    axes = re.match(r"\w+\[(\w+)", words[2])[1]
    for cuts in ([], ["--parts", f"{axes}=3", "--check", "--pool", "processes", "-w", "2"]):
        folder.run_ok(*words[2:], *cuts)
        compared = 0
        for output in outputs:
            found = folder.load(f"{output}.npy")
            if output in names:
                compared += 1
                assert found.dtype == names[output].dtype
                assert numpy.allclose(found, names[output], rtol=1e-10, atol=1e-10)
        assert compared > 0
