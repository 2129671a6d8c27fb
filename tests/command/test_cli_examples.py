"""Every example of --help and of the man page runs as it is written, with the kernels of examples/kernels."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

import numpy
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(TOP / "tools" / "generate"))

import man_pages  # noqa: E402

COMMANDS = ["run", "replay", "explain", "compile", "demo", "show", "info", "bench"]


def joined(text):
    """Lines that end with a backslash go on."""
    return re.sub(r"\\\n\s*", "", text)


def of_help(folder, *command):
    text = folder.call(*command, "--help").stdout.partition("Examples:\n")[2].partition("\n\n")[0]
    return [line.strip() for line in joined(text).splitlines() if line.strip().startswith(("tilework ", "gdb "))]


def of_man_page():
    text = (TOP / "docs" / "tilework.1").read_text().replace("\\(aq", "'").replace("\\e\n", "\\\n")
    lines = [line.removeprefix(".Dl ") for line in joined(text).splitlines()]
    return [line.removeprefix("$ ") for line in lines if line.startswith(("$ tilework ", "$ gdb "))]


@pytest.fixture
def examples(folder):
    """A folder with what the examples name, and `tilework` on the PATH of the call."""
    for kernel in (TOP / "examples" / "kernels").glob("*.c"):
        shutil.copy(kernel, folder.path)
    folder.save("before.npy", numpy.ones(2000))
    folder.save("r.npy", numpy.ones((3, 4)))
    (folder / "bin").mkdir()
    os.symlink(folder.command()[0], folder / "bin" / "tilework")
    return folder


def run(folder, line):
    if re.match(r"tilework (demo|bench)", line) and "--rows" not in line:
        line += " --rows 50 --cols 60"  # as it is written it takes a minute
    if line.startswith("tilework bench"):
        line += " --side 100"  # of 15 pictures
    if line.startswith("gdb "):
        if shutil.which("gdb") is None:
            return None
        line = line.replace("gdb ", "gdb -batch -ex run ", 1)
    path = f"{folder / 'bin'}:{folder.environment['PATH']}"
    result = subprocess.run(["sh", "-c", line], cwd=folder.path, env={**folder.environment, "PATH": path},
                            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)  # fmt: skip
    assert result.returncode == 0, (line, result.stderr)
    for output in re.findall(r"-o (\w+=)(\S+)", line):
        assert (folder / output[1]).exists(), line
    return result


@pytest.mark.parametrize("command", [[], *([c] for c in COMMANDS)])
def test_examples_of_help_run_as_written(examples, command):
    lines = of_help(examples, *command)
    assert lines
    for line in lines:
        run(examples, line)


def test_examples_of_the_man_page_run_as_written(examples):
    lines = of_man_page()
    assert len(lines) >= 4
    for line in lines:
        result = run(examples, line)
        if "--check" in line:
            assert result.stdout == "max. abs. diff. = 0\nbit-identical: yes\n"
            assert result.stderr.startswith("tilework: 6 tiles on 2 processes in ")


def test_the_man_page_has_every_option(folder):
    page = (TOP / "docs" / "tilework.1").read_text()
    for command in [*COMMANDS, "status", "plan"]:
        assert f".Cm {command}" in page
        options = re.findall(r"^ +(?:-\w, +)?--([a-z-]+)", folder.call(command, "--help").stdout, re.M)
        assert {"help", "version"} <= set(options)
        for option in options:
            assert "Fl \\-" + option.replace("-", "\\-") in page, (command, option)


def test_the_man_pages_have_every_function(folder):
    pages = "".join(man_pages.pages().values())
    header = "".join(path.read_text() for path in (TOP / "include" / "tilework").glob("*.h"))
    functions = re.findall(r"^TW_API [^(]*?(tw_\w+)\(", header, re.M)
    assert len(functions) > 60
    assert [name for name in functions if not re.search(rf"Fn {name}\b", pages)] == []


@pytest.mark.parametrize("source", sorted((TOP / "docs" / "man").glob("*.c")), ids=lambda path: path.stem)
def test_the_example_of_a_man_page_compiles_and_runs(folder, source):
    program, library = folder.path / "example", pathlib.Path(os.environ["TILEWORK_BUILD"]) / "src" / "libtilework.a"
    subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-pedantic", "-I", TOP / "include", source, "-o", program, library,
                    "-lxxhash", "-ljansson", "-lpthread", "-ldl", "-lm"], check=True)
    done = subprocess.run([program], cwd=folder.path, env=folder.environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_kernel_of_the_man_page_is_right(examples):
    text = (TOP / "docs" / "tilework.1").read_text()
    (examples / "mult.c").write_text(re.search(r"#include <tilework.*?^}\n", text, re.S | re.M)[0])
    run(examples, next(line for line in of_man_page() if "mult.c" in line))
    expected = numpy.multiply.outer(examples.load("y.npy"), examples.load("x.npy"))
    assert examples.load().tobytes() == expected.tobytes()


def blocks_of(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```", (TOP / "docs" / page).read_text(), re.S | re.M)


@pytest.mark.parametrize("code", blocks_of("kernels.md", "c"), ids=lambda code: re.sub(r"\W+", "-", code)[:30])
def test_c_of_the_page_on_kernels_compiles(folder, code):
    if not re.search(r"^int ", code, re.M):  # lines of a kernel's body
        code = f"int part(const tw_tile *tile)\n{{\n{code}    return 0;\n}}\n"
    (folder / "it.c").write_text("#include <math.h>\n#include <tilework/tile.h>\n" + code)
    done = subprocess.run(["cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-O2", "-I", TOP / "include", "-c", "it.c", "-o", "it.o"], cwd=folder.path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_kernels_of_the_page_on_kernels_are_right(examples):
    page = (TOP / "docs" / "kernels.md").read_text()
    lines = re.findall(r"^    (tilework run .*)$", page, re.M)
    for name in ("mult", "blur"):
        code = next(code for code in blocks_of("kernels.md", "c") if f"int {name}(" in code)
        (examples / f"{name}.c").write_text("#include <tilework/tile.h>\n" + code)
        examples.save("u.npy", numpy.arange(1200.0).reshape(30, 40) % 7)
        run(examples, next(line for line in lines if f"{name}.c" in line))
    assert len(lines) == 2 and (examples.load("r.npy") == numpy.multiply.outer(examples.load("y.npy"), examples.load("x.npy"))).all()
    around = numpy.lib.stride_tricks.sliding_window_view(numpy.pad(examples.load("u.npy"), 1, mode="symmetric"), (3, 3))
    assert numpy.allclose(examples.load("v.npy"), around.mean(axis=(2, 3)))


def test_commands_of_the_page_on_signatures_run(examples):
    lines = [line for block in blocks_of("signature.md", "") for line in joined(block).splitlines() if line.startswith("tilework ")]
    assert lines
    examples.save("x.npy", numpy.linspace(0, 0.999, 2000))
    for line in lines:
        run(examples, line)
    assert examples.load("n.npy").sum() == 2000


@pytest.mark.parametrize("name", ["mult", "filter", "heat", "mandelbrot", "matmul", "records"])
def test_example_programs_refuse_options(folder, name):
    program = pathlib.Path(folder.command()[0]).parents[1] / "examples" / f"example_{name}"
    if not program.exists():
        pytest.skip("the example programs are not beside the command under test")
    before = folder.contents()
    for arguments in (["--help"], ["-x"], *([["a.npy", "-r.npy"]] if name == "records" else [])):
        result = subprocess.run([program, *arguments], cwd=folder.path, capture_output=True, text=True, timeout=60)
        assert (result.returncode, result.stdout) == (2, "")
        assert result.stderr.startswith(f"usage: {name}") and result.stderr.count("\n") == 1
    if name == "mandelbrot":
        assert subprocess.run([program, "5", "5", "-x"], cwd=folder.path, capture_output=True).returncode == 2
    assert folder.contents() == before


def test_kernels_run_as_their_comments_say_on_any_tiles(examples):
    examples.save("im.npy", numpy.linspace(-1, 1, 20))
    examples.save("re.npy", numpy.linspace(-2, 1, 30))
    examples.save("a.npy", numpy.random.default_rng(1).random((30, 40)))
    examples.save("b.npy", numpy.random.default_rng(2).random((40, 50)))
    found = 0
    for kernel in sorted((TOP / "examples" / "kernels").glob("*.c")):
        for line in re.findall(r"^ \* +(tilework run .*)$", kernel.read_text(), re.M):
            assert f"{kernel.name}:" in line
            small = re.sub(r"=1500\b", "=150", line)
            assert run(examples, f"{small} --check").stdout == "max. abs. diff. = 0\nbit-identical: yes\n"
            assert shlex.split(line)[2].split(":")[0] == kernel.name
            found += 1
    assert found >= 5
    assert (examples.load("after.npy") == 1 + 2 * examples.load("x.npy")).all()
