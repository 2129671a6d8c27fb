"""Statements on the command line: options, explain, compile, journals, and what is refused in which words."""

import os
import pathlib
import re

import numpy
import pytest

import sampling
from survival import wait_for_record


def test_a_statement_runs_on_every_pool_with_any_cuts(folder):
    y, x = folder.load("y.npy"), folder.load("x.npy")
    for arguments in (["--pool", "serial"], ["--cut", "i=333,666", "--cut", "j=1000"],
                      ["--pool", "processes", "-w", "2", "--tile", "j=77"]):  # fmt: skip
        result = folder.run_ok("r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy", "--check", *arguments)
        assert result.stdout == "max. abs. diff. = 0\nbit-identical: yes\n"
        assert (folder.load() == y[:, None] * x).all()


def test_explain_warns_where_small_integers_wrap_before_they_are_summed(folder):
    said = folder.call("explain", "r[i,j] = sum(k: a[i,k] * b[k,j])", "--types", "a=int8,b=int8").stdout
    assert "'*' at column 24 is int8 and wraps around before it is summed" in said
    for statement, types in (("r[i,j] = sum(k: int64(a[i,k]) * b[k,j])", "a=int8,b=int8"), ("r[i] = sum(k: a[i,k])", "a=int8"),
                             ("r[i,j] = sum(k: a[i,k] * b[k,j])", "a=float32,b=float32")):  # fmt: skip
        assert "wraps" not in folder.call("explain", statement, "--types", types).stdout, statement


def test_a_parameter_with_a_dtype_keeps_it(folder):
    folder.save("x.npy", numpy.arange(4, dtype="f4"))
    for number, dtype in (("3", "float32"), ("0.5", "float32"), ("float64(0.5)", "float64"), ("float16(0.5)", "float32"),
                          ("complex64(2j)", "complex64"), ("int64(3)", "float64")):
        folder.run_ok("r[i] = c * x[i]", "x=x.npy", "-o", "r=r.npy", "--param", f"c={number}")
        assert folder.load("r.npy").dtype == dtype, number
    folder.refused(2, "run", "r[i] = c * x[i]", "x=x.npy", "-o", "r=r.npy", "--param", "c=int8(300)",
                   says="--param: c: int8(300): the number does not fit int8")


def test_parameters_keep_their_class_and_need_no_new_compilation(folder):
    folder.save("a.npy", numpy.arange(5, dtype="uint8"))
    cache = folder.path / "cache"
    for value, expected in (("3", numpy.arange(5, dtype="uint8") * 3), ("7", numpy.arange(5, dtype="uint8") * 7),
                            ("0.5", numpy.arange(5) * 0.5), ("2j", numpy.arange(5) * 2j)):  # fmt: skip
        folder.run_ok("r[i] = c * a[i]", "a=a.npy", "-o", "r=r.npy", "--param", f"c={value}",
                      env={"XDG_CACHE_HOME": str(cache)})  # fmt: skip
        assert folder.load().dtype == expected.dtype and (folder.load() == expected).all()
    assert len(list((cache / "tilework").glob("*.so"))) == 3


def test_a_statement_is_compiled_once(folder):
    (folder / "cc.sh").write_text('#!/bin/sh\necho called >> log\nexec cc "$@"\n')
    (folder / "cc.sh").chmod(0o755)

    def calls(statement):
        folder.run_ok(statement, "y=y.npy", "-o", "r=r.npy", "--compiler", "./cc.sh")
        return (folder / "log").read_text().count("called")

    first = calls("r[i] = y[i] + 1")
    assert first == 2  # its version, and the statement
    assert calls("r[i] = y[i] + 1") == first and calls("q[i] = y[i] + 1".replace("q", "r")) == first
    assert calls("r[i] = y[i] + 2") == first and calls("r[i] = y[i] + 0.1") == first  # a constant is a value
    assert calls("r[i] = y[i] ** 2") == first + 1 and calls("r[i] = y[i] ** 3") == first + 2  # an exponent is code


def test_a_portable_object_runs_at_each_level(folder):
    """One file for all processors of a family; the level is chosen when it is opened, and the bits are the same."""
    folder.save("x.npy", numpy.random.default_rng(5).standard_normal(1000))
    done = folder.call("compile", "r[i] = exp(x[i]) / 3", "-o", "k.so", "--types", "x=x.npy", "--portable")
    assert done.returncode == 0 and done.stdout == "k.so:kernel -s 'x[i] -> r[i]:float64'\n", done.stderr
    folder.run_ok("r[i] = exp(x[i]) / 3", "x=x.npy", "-o", "r=r.npy")
    for level in ("baseline", ""):
        at = {"TILEWORK_LEVEL": level}
        folder.run_ok("r[i] = exp(x[i]) / 3", "--kernel", "k.so", "x=x.npy", "-o", "r=q.npy", env=at)
        assert folder.load().tobytes() == folder.load("q.npy").tobytes()
        folder.run_ok("k.so:kernel", "-s", "x[i] -> r[i]:float64", "x=x.npy", "-o", "r=q.npy", env=at)
        assert folder.load().tobytes() == folder.load("q.npy").tobytes()
    done = folder.call("run", "r[i] = exp(x[i]) / 3", "--kernel", "k.so", "x=x.npy", "-o", "r=q.npy", env={"TILEWORK_LEVEL": "v1"})
    assert done.returncode == 2 and "TILEWORK_LEVEL is 'v1'; the levels of this processor's family are: baseline" in done.stderr


OF_CONSTANTS = ["float64", "float32", "float16", "int8", "uint8", "int64", "uint64", "complex128"]


@pytest.mark.parametrize("dtype", OF_CONSTANTS)
def test_constants_as_values_change_no_bit(folder, dtype):
    """What runs has constants that are values; what is compiled elsewhere has them in its code: the same bits. In make test
    each text has two of the dtypes."""
    rng = numpy.random.default_rng(5)
    folder.save("x.npy", (rng.standard_normal((30, 30)) * 40).astype(dtype))
    texts = ("3 * x[i,j] + 5", "7 - x[i,j] * 1", "x[i,j] / 3 + 2 / (x[i,j] + 3)", "x[i,j] / 4", "where(x[i,j] > 5, 9, x[i,j] * 3)",
             "minimum(x[i,j], 7) + maximum(x[i,j], 3)", "sum(k: x[i,k] * 3 + 1) + x[i,j]", "x[i,j] ** 2 * 3",
             "0.1 * x[i,j] + 2.7", "sum(k: (x[i,k] - 5) * (x[j,k] + 3))", "(x[i,j] >= 17) + 3")
    for text in sampling.one_in(4, texts, OF_CONSTANTS.index(dtype)):
        folder.run_ok(f"r[i,j] = {text}", "x=x.npy", "-o", "r=r.npy")
        compiled = folder.call("compile", f"r[i,j] = {text}", "-o", "k.so", "--types", "x=x.npy", "--flags", "-O3 -march=native")
        assert compiled.returncode == 0, compiled.stderr
        folder.run_ok(f"r[i,j] = {text}", "--kernel", "k.so", "x=x.npy", "-o", "r=q.npy")
        assert folder.load().dtype == folder.load("q.npy").dtype
        assert folder.load().tobytes() == folder.load("q.npy").tobytes(), text


def test_refusals_are_what_they_were_for_constants(folder):
    folder.save("u.npy", numpy.arange(5, dtype="uint8"))
    for constant in ("300", "-1", "256"):
        result = folder.call("run", f"r[i] = u[i] + {constant}", "u=u.npy", "-o", "r=r.npy")
        assert result.returncode == 2 and "uint8" in result.stderr


def test_an_augmented_statement_adds_to_a_file(folder):
    folder.save("before.npy", numpy.arange(1000.0))
    folder.run_ok("r[i] += 2 * y[i]", "y=y.npy", "r=before.npy", "-o", "r=after.npy", "--pool", "processes")
    assert (folder.load("after.npy") == 3 * numpy.arange(1000.0)).all()
    assert (folder.load("before.npy") == numpy.arange(1000.0)).all()


@pytest.mark.parametrize("edge, mode", [("clamp", "edge"), ("wrap", "wrap"), ("zero", "constant")])
def test_edges_are_numpys_padding(folder, edge, mode):
    u = numpy.random.default_rng(3).random((9, 11))
    folder.save("u.npy", u)
    folder.run_ok("r[i,j] = u[i-2,j+3]", "u=u.npy", "-o", "r=r.npy", "--edge", f"i={edge}", "--edge", f"j={edge}",
                  "--tile", "i=4", "--tile", "j=3", "--check")  # fmt: skip
    assert (folder.load() == numpy.pad(u, 3, mode)[1:10, 6:17]).all()


@pytest.mark.parametrize("options, modes", [
    (["--edge", "clamp"], ("edge", "edge")),
    (["--edge", "i=wrap,j=zero"], ("wrap", "constant")),
    (["--edge", "clamp", "--edge", "j=wrap"], ("edge", "wrap")),
    (["--edge", "j=wrap,zero"], ("constant", "wrap")),
])
def test_an_edge_alone_is_that_of_all_other_axes(folder, options, modes):
    u = numpy.random.default_rng(3).random((9, 11))
    folder.save("u.npy", u)
    folder.run_ok("r[i,j] = u[i-2,j+3]", "u=u.npy", "-o", "r=r.npy", *options, "--tile", "i=4,j=3", "--check")
    padded = numpy.pad(numpy.pad(u, ((3, 3), (0, 0)), modes[0]), ((0, 0), (3, 3)), modes[1])
    assert (folder.load() == padded[1:10, 6:17]).all()
    folder.run_ok("r[i] = y[i]", "y=y.npy", "-o", "r=r.npy", "--edge", "clamp")  # nothing reads past an end: no error
    assert (folder.load() == numpy.arange(1000.0)).all()
    folder.run_ok("r[i] = y[i]", "y=y.npy", "-o", "r=r.npy", "--edge", "wrap", "--length", "i=1003")
    assert (folder.load() == numpy.arange(1003.0) % 1000).all()


@pytest.mark.parametrize("edge", ["clamp", "wrap", "zero"])
def test_far_outside_is_outside_too(folder, edge):
    folder.save("u.npy", numpy.arange(1.0, 4))
    expected = {"clamp": [1, 3], "wrap": [2, 1], "zero": [0, 0]}[edge]
    for shift, value in ((-1000001, expected[0]), (1000001, expected[1])):
        folder.run_ok(f"r[i] = u[i{shift:+d}]", "u=u.npy", "-o", "r=r.npy", "--edge", f"i={edge}")
        wrapped = numpy.take([1.0, 2, 3], numpy.arange(3) + shift, mode="wrap")
        assert (folder.load() == (wrapped if edge == "wrap" else numpy.full(3, float(value)))).all()


def test_lengths_follow_or_are_given(folder):
    folder.save("u.npy", numpy.arange(10.0))
    folder.save("w.npy", numpy.array([1.0, 2, 3]))
    cases = [("r[i] = u[2*i+1]", [], [1, 3, 5, 7, 9]), ("r[i] = u[2*i]", [], [0, 2, 4, 6, 8]),
             ("r[i] = u[len(i)-1-i]", [], list(range(9, -1, -1))), ("r[i] = u[9-i]", [], list(range(9, -1, -1))),
             ("r[i] = u[i+1] - u[i]", ["--length", "i=9"], [1] * 9), ("r[i] = i * 10", ["--length", "i=3"], [0, 10, 20]),
             ("r[i] = u[3] + i", ["--length", "i=2"], [3, 4]), ("r[i] = u[3*i]", ["--edge", "i=clamp"], [0, 3, 6, 9])]  # fmt: skip
    for statement, options, expected in cases:
        folder.run_ok(statement, "u=u.npy", "-o", "r=r.npy", *options) if "u[" in statement else folder.run_ok(
            statement, "-o", "r=r.npy", *options)
        assert folder.load().tolist() == expected, statement
    folder.run_ok("r[i] = sum(k: w[k] * u[i+k])", "u=u.npy", "w=w.npy", "-o", "r=r.npy")
    assert folder.load().tolist() == numpy.correlate(numpy.arange(10.0), [1, 2, 3], "valid").tolist()
    folder.run_ok("r[i] = sum(k: w[k] * u[i+k-1])", "u=u.npy", "w=w.npy", "-o", "r=r.npy", "--edge", "i=zero")
    assert folder.load().tolist() == numpy.correlate(numpy.arange(10.0), [1, 2, 3], "same").tolist()


def test_axes_of_length_0_give_empty_results_and_empty_sums(folder):
    folder.save("a.npy", numpy.zeros((0, 4)))
    folder.save("b.npy", numpy.zeros((3, 0)))
    folder.run_ok("r[i,j] = a[i,j] + 1", "a=a.npy", "-o", "r=r.npy")
    assert folder.load().shape == (0, 4)
    folder.run_ok("r[i,j] = a[i,j-1]", "a=a.npy", "-o", "r=r.npy")  # nothing is read
    assert folder.load().shape == (0, 4)
    folder.run_ok("r[i] = sum(k: b[i,k])", "b=b.npy", "-o", "r=r.npy")
    assert folder.load().tolist() == [0, 0, 0]
    folder.run_ok("r[i] = prod(k: b[i,k])", "b=b.npy", "-o", "r=r.npy")
    assert folder.load().tolist() == [1, 1, 1]
    folder.run_ok("r[i] = mean(k: b[i,k])", "b=b.npy", "-o", "r=r.npy")
    assert numpy.isnan(folder.load()).all()
    folder.refused(2, "run", "r[i] = max(k: b[i,k])", "b=b.npy", "-o", "r=none.npy", sentences=3,
                   says="there is no smallest and no largest of no elements")  # fmt: skip


def test_later_statements_read_earlier_results(folder):
    a = numpy.random.default_rng(5).random((6, 8))
    folder.save("a.npy", a)
    folder.run_ok("t[i,j] = a[i,j] * 2\ns[i] = sum(j: t[i,j])\n", "a=a.npy", "-o", "t=t.npy", "-o", "s=s.npy", "--check",
                  "--tile", "i=2")  # fmt: skip
    assert (folder.load("t.npy") == 2 * a).all()
    assert numpy.allclose(folder.load("s.npy"), 2 * a.sum(axis=1), rtol=1e-15)


def test_an_unfinished_run_goes_on_with_the_same_statement_alone(folder):
    """The journal knows the statement, its parameters and its lengths."""
    y, x = folder.load("y.npy")[:100], folder.load("x.npy")[:400]
    folder.save("y.npy", y), folder.save("x.npy", x)
    arguments = ["y=y.npy", "x=x.npy", "-o", "r=r.npy", "--tile", "i=1", "--pool", "serial", "--flags", "-O0"]
    statement = "r[i,j] = c * (sum(l: sin(x[j] * x[l] * y[i]) + cos(x[j] + x[l] * y[i])) + y[i])"
    process = folder.start("run", statement, *arguments, "--param", "c=2.0")
    wait_for_record(folder, 100)
    process.send_signal(2)
    process.communicate()
    assert process.returncode == 130
    folder.refused(2, "run", statement, *arguments, "--param", "c=3.0", "--resume", says="--restart discards")
    folder.refused(2, "run", statement.replace("cos", "exp"), *arguments, "--param", "c=2.0", "--resume",
                   says="--restart discards")  # fmt: skip
    result = folder.run_ok(statement, *arguments, "--param", "c=2.0", "--resume", "--pool", "threads")
    assert "continuing: " in result.stderr
    rows = [(numpy.sin(numpy.outer(x, x) * one) + numpy.cos(x[:, None] + x * one)).sum(axis=1) for one in y]
    expected = 2 * (numpy.array(rows) + y[:, None])
    assert numpy.allclose(folder.load(), expected, rtol=1e-9)


def test_replay_runs_one_tile_of_a_statement(folder):
    result = folder.call("replay", "3", "r[i,j] = y[i] * x[j]", "y=y.npy", "x=x.npy", "-o", "r=part.npy", "--cut",
                         "i=333,666", "--cut", "j=1000")  # fmt: skip
    assert result.returncode == 0, result.stderr
    y, x = folder.load("y.npy"), folder.load("x.npy")
    assert (folder.load("part.npy") == y[333:666, None] * x[1000:]).all()


def test_guard_finds_nothing_in_statements(folder):
    folder.save("u.npy", numpy.random.default_rng(8).random((20, 30)))
    folder.run_ok("r[i,j] = u[i-1,j] + u[i,j+1]", "u=u.npy", "-o", "r=r.npy", "--guard", "--edge", "i=clamp", "--edge",
                  "j=wrap", "--tile", "i=7", "--tile", "j=4")  # fmt: skip
    folder.run_ok("r[i,j] = sum(k: a[i,k] * a[j,k])", "a=u.npy", "-o", "r=r.npy", "--guard", "--tile", "i=7")


# ---- explain ----


def test_explain_shows_signature_dtypes_and_work(folder):
    result = folder.call("explain", "r[i,j] = 2 * sum(k: a[i,k] * b[k,j])", "--types", "a=float32,b=int8")
    assert result.returncode == 0 and result.stderr == ""
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    for line in ("a[i,k], b[k,j] -> r[i,j]", "a float32 read, cut along i, k", "r float32 written, cut along i, j",
                 "2 Python int", "a[i,k] * b[k,j] float32", "sum(k: a[i,k] * b[k,j]) float32",
                 "reads 2 * len(k) (5 * len(k) bytes)", "writes 1 (4 bytes)", "flops 2 * len(k) + 1"):  # fmt: skip
        assert line in lines, result.stdout


def test_explain_tells_floating_point_operations_from_others(folder):
    result = folder.call("explain", "r[i] = (g[i] & 15)*2 + 0.5 * sum(k: g[k])", "--types", "g=uint8")
    lines = [" ".join(line.split()) for line in result.stdout.splitlines()]
    assert "flops 2" in lines and "other ops 2 + len(k)" in lines, result.stdout


def test_explain_prints_c_that_has_no_name_of_the_users(folder):
    result = folder.call("explain", "secret_r[alpha,beta] = secret_y[alpha] * gamma_p + 0.3", "--c", "--param",
                         "gamma_p=0.5")  # fmt: skip
    assert result.returncode == 0, result.stderr
    code = result.stdout[result.stdout.index("#include"):]
    assert not re.search("secret|alpha|beta|gamma_p", code)


def test_an_empty_list_of_types_names_none(folder):
    for command in (("explain", "r[i] = 2 * i"), ("compile", "r[i] = 2 * i", "-o", "k.so")):
        result = folder.call(*command, "--types", "")
        assert result.returncode == 0, result.stderr


def test_types_may_come_from_files(folder):
    folder.save("h.npy", numpy.zeros(3, "float16"))
    result = folder.call("explain", "r[i] = sqrt(h[i])", "--types", "h=h.npy")
    assert re.search(r"r +float16 +written", result.stdout), result.stdout + result.stderr


# ---- compile ----


def test_a_compiled_statement_runs_without_a_compiler(folder):
    statement = "r[i,j] = c * y[i] * x[j]"
    result = folder.call("compile", statement, "-o", "mult.so", "--types", "y=float64,x=float64", "--param", "c=1.0")
    assert result.returncode == 0 and result.stdout == "mult.so:kernel -s 'y[i], x[j] -> r[i,j]:float64'\n", result.stderr
    nothing = {"PATH": "/nonexistent", "XDG_CACHE_HOME": str(folder / "no-cache")}
    folder.run_ok(statement, "--kernel", "mult.so", "--param", "c=0.25", "y=y.npy", "x=x.npy", "-o", "r=r.npy",
                  "--pool", "processes", env=nothing)  # fmt: skip
    y, x = folder.load("y.npy"), folder.load("x.npy")
    assert (folder.load() == 0.25 * y[:, None] * x).all()
    assert not (folder / "no-cache").exists()


def test_a_compiled_statement_that_needs_nothing_is_a_kernel(folder):
    result = folder.call("compile", "r[i,j] = y[i] * x[j]", "-o", "m.so", "--types", "y=y.npy,x=f8", "--name", "outer")
    assert result.returncode == 0, result.stderr
    folder.run_ok("m.so:outer", "-s", "y[i], x[j] -> r[i,j]", "y=y.npy", "x=x.npy", "-o", "r=r.npy")
    assert (folder.load() == folder.load("y.npy")[:, None] * folder.load("x.npy")).all()
    folder.save("f.npy", numpy.zeros(3, "float32"))
    result = folder.call("run", "m.so:outer", "-s", "y[i], x[j] -> r[i,j]", "y=f.npy", "x=x.npy", "-o", "r=n.npy")
    assert result.returncode == 1 and "float64" in result.stderr, result.stderr


def test_a_compiled_statement_refuses_axes_that_lead_outside(folder):
    folder.save("u.npy", numpy.zeros((50, 40)))
    folder.call("compile", "r[i,j] = u[i,j] * 2; s[i,j] = u[i,j]", "-o", "m.so", "--types", "u=f8")
    folder.run_ok("m.so:kernel", "-s", "u[i,j] -> r[i,j], s[i,j]", "u=u.npy", "-o", "r=r.npy", "-o", "s=s.npy")
    for signature, says in (("u[j,i] -> r[i,j], s[i,j]", "operand 1 with other axes"),
                            ("u[i,j] -> r[i,j], s[j,i]", "operand 3 with other axes")):  # fmt: skip
        result = folder.call("run", "m.so:kernel", "-s", signature, "u=u.npy", "-o", "r=n.npy", "-o", "s=o.npy")
        assert result.returncode == 1 and says in result.stderr, result.stderr


def test_a_kernel_that_needs_its_lengths_says_so_without_them(folder):
    folder.save("u.npy", numpy.arange(9.0))
    folder.call("compile", "r[i] = u[i+1]", "-o", "s.so", "--types", "u=float64")
    result = folder.call("run", "s.so:kernel", "-s", "u[k] -> r[i]", "--length", "i=9", "u=u.npy", "-o", "r=r.npy")
    assert result.returncode == 1, result.stderr
    assert "this kernel needs the values of its statement's parameters and lengths" in result.stderr
    assert not (folder / "r.npy").exists()


def test_an_object_of_another_statement_is_refused(folder):
    folder.call("compile", "r[i,j] = y[i] * x[j]", "-o", "m.so", "--types", "y=float64,x=float64")
    for statement in ("r[i,j] = y[i] + x[j]", "r[i,j]:float32 = y[i] * x[j]"):
        folder.refused(2, "run", statement, "--kernel", "m.so", "y=y.npy", "x=x.npy", "-o", "r=r.npy",
                       says="m.so: was compiled from another statement")  # fmt: skip
    folder.refused(3, "run", "r[i,j] = y[i] * x[j]", "--kernel", "y.npy", "y=y.npy", "x=x.npy", "-o", "r=r.npy",
                   says="y.npy: ")  # fmt: skip


CORPUS = pathlib.Path(__file__).resolve().parents[2] / "fuzz" / "corpus" / "statement"


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_c_of_the_fuzzers_corpus_compiles(folder, compiler):
    """Without a warning but that of names that nobody uses, each statement for its own choice of dtypes."""
    dtypes = ["float64", "float32", "int16", "uint8", "complex64", "bool", "float16", "int64"]
    compiled = 0
    for number, path in enumerate(sorted(CORPUS.iterdir())):
        text = path.read_bytes()[2:].decode()
        names = sorted(set(re.findall(r"\b(\w+)\[", text)))
        options = [option for name, value in (("p", "3"), ("q", "0.5")) if re.search(rf"\b{name}\b", text)
                   for option in ("--param", f"{name}={value}")]  # fmt: skip
        options += ["--edge", f"i={['error', 'clamp', 'wrap', 'zero'][number % 4]}"] if "i" in text else []
        for shift in range(2):
            types = ",".join(f"{name}={dtypes[(number + k + 3 * shift) % 8]}" for k, name in enumerate(names))
            result = folder.call("compile", text, "-o", "k.so", "--types", types, *options, "--compiler", compiler,
                                 "--flags", "-O1 -Wall -Wextra -Wno-unused -Werror")  # fmt: skip
            if result.returncode == 0:
                compiled += 1
            else:  # refused by us, never by the compiler
                assert "does not compile" not in result.stderr, (text, types, result.stderr)
    assert compiled >= 20


# ---- refused ----

NAMES = "y[i] x"
SENTENCES = [
    # statement, options, message, column
    ("r[i] = sin(y[i]", [], "expected an operator or ')'", 16),
    ("r[i] = (y[i]", [], "expected an operator or ')'", 13),
    ("r[i] = y[i", [], "expected ']' or ','", 11),
    ("r[i = y[i]", [], "expected ']' or ','", 5),
    ("r = y[i]", [], None, None),
    ("r[i] = ", [], "expected a number, a name or '('", 7),
    ("r[i] = y[i] +", [], "expected a number, a name or '('", 14),
    ("r[i] = * y[i]", [], "expected a number, a name or '('", 8),
    ("r[i] = y[i] y[i]", [], "expected an operator, ';' or the end: a product is written x * y", 13),
    ("r[i] == y[i]", [], "expected '=' (not '==') or '+='", 6),
    ("r[i,i] = y[i]", [], "axis i stands twice in r (a diagonal: r[i,j] = x[i] if i == j else 0)", 5),
    ("r[0] = y[0]", [], "expected an axis's name or ']' (all elements of a result are written: r[i])", 3),
    ("r[i] = sine(y[i])", [], "there is no function 'sine'; there are sin, sinh, sign, asin, asinh, rint, isinf, min, "
     "... (an element of an array stands in square brackets: sine[i])", 8),
    ("r[i] = y[i] + cc", ["--param", "c=1"], "'cc' is no axis of r, parameter or constant: there are c, i, pi, e, "
     "inf, nan, True, False (an array is read with its indices, cc[i]; a parameter is given its "
     "number, --param cc=0.5 or in Python cc=0.5; an axis that r lacks is reduced, sum(cc: ...))",
     15),
    ("r[i] = y[i] * y", [], "y is an array: its elements are y[...], with an index for each dimension", 15),
    ("r[i] = a[i,k]", [], "'k' is no axis of r, parameter or constant: there are i, e, pi, inf, nan, True, False (an "
     "array is read with its indices, k[i]; a parameter is given its number, --param k=0.5 or in Python k=0.5; an axis that r "
     "lacks is reduced, sum(k: ...))", 12),
    ("r[i] = sum(i: y[i])", [], "axis i cannot be reduced here: r has it or it is reduced already; take another name",
     12),
    ("r[i] = sum(k, k: y[k])", [], "axis k is reduced twice", 15),
    ("r[i] = sum(y[i])", [], "expected the axes that are reduced, and ':', as in sum(k: x[k])", 12),
    ("r[i] = max(y[i], 0)", [], "expected the axes that are reduced, and ':', as in max(k: x[k]) (of two values: "
     "maximum(a, b))", 12),
    ("r[] = var(k: y[k], 1)", [], "expected ddof=1, the degrees of freedom that are lost, behind ',': var(k: x[k]) or "
     "var(k: x[k], ddof=1)", 20),
    ("r[] = nanstd(k: y[k], ddof=2j)", [], "ddof is a real number, the same for all elements, such as 1 or a parameter: "
     "nanstd(k: x[k]) or nanstd(k: x[k], ddof=1)", 28),
    ("r[] = std(k: y[k], ddof=y[0])", [], "ddof is a real number, the same for all elements, such as 1 or a parameter: "
     "std(k: x[k]) or std(k: x[k], ddof=1)", 25),
    ("r[] = sum(k: y[k], ddof=1)", [], "expected an operator or ')'", 18),
    ("r[] = nanmax(k: y[k+99])", ["--length", "k=0"], "there is no smallest and no largest of no elements: an axis has "
     "length 0", 7),
    ("r[] = stdd(k: y[k])", [], "there is no function 'stdd'; there are std, sign, sqrt, sin, tan, atan, sinh, fmod, ... "
     "(an element of an array stands in square brackets: stdd[i])", 7),
    ("r[i] = y[i].real", [], "there are no attributes: write real(x[i])", 12),
    ("r[i] = sum(k y[k])", [], "expected ':' after the axes that are reduced, as in sum(k: x[k])", 14),
    ("r[i] = y[i] if y[i] > 0", [], "expected 'else' (x if c else y)", 24),
    ("r[i] = where(y[i] > 0, 1)", [], "expected ',' and another argument: where(condition, x, y)", 25),
    ("r[i] = sqrt(y[i], 2)", [], "expected ')': sqrt(x)", 17),
    ("r[i] = y[i] == not y[i]", [], "'not' binds less than a comparison: put it in parentheses", 16),
    ("r[i] = y[y[i]]", [], "an index cannot come from an array: where it leads to must be known before the run", 10),
    ("r[i] = y[i*i]", [], "an index is made of axes, whole numbers, whole parameters and len(), by +, - and * with a "
     "number, as in u[2*i - 1]", 11),
    ("r[i] = y[0.5]", [], "an index is a whole number, this is a float", 10),
    ("r[i] = y[:]", [], "there are no ranges: an index names an axis, as in u[i,j] or u[i+1], and how long the axis is "
     "follows from the arrays or is given (--length i=9, in Python lengths={\"i\": 9})", 10),
    ("r[i] = y[i,0] + y[i]", [], "y has 1 index here but 2 elsewhere", 17),
    ("r[i] = r[i-1] + y[i]; ", [], "r, which is written too, can be read at its own indices alone, here i", 10),
    ("r[i] = y[i]; r[j] = y[j]", [], "r had other axes in an earlier statement", 14),
    ("r[i] = y[i] # twice", [], "a statement has no comments", 13),
    ("r[i] = y[i] @ y[i]", [], "there is no '@': write sum(k: a[i,k] * b[k,j])", 13),
    ("r[i] = !y[i]", [], "there is no '!': write not x, x != y, or gamma(n + 1) for a factorial", 8),
    ("r[i] = 'y'", [], "there are no texts in quotes", 8),
    ("r[i] = y[i] ? 1", [], "there is no '?': write x if c else y, or where(c, x, y)", 13),
    ("r[i] = 012 * y[i]", [], "a whole number does not begin with 0 (octal is 0o17)", 8),
    ("r[i] = 1x * y[i]", [], "expected an operator after the number (a product is 2 * x)", 9),
    ("r[i] = 1e * y[i]", [], "expected the digits of an exponent after 'e'", 9),
    ("r[i] = 0x * y[i]", [], "expected digits of base 16 after 0x", 10),
    ("r[i] = 340282366920938463463374607431768211456 * y[i]", [], "a whole number of more than 128 bits (a decimal point "
     "makes it a float)", 8),
    ("r[i] = u[i] + 2**64", [], "18446744073709551616 does not fit uint8", 16),
    ("r[i] = 2**128 * y[i]", [], "the result has more than 128 bits (write a float: 1e40)", 9),
    ("r[i] = y[i] + 1/0", [], "a division by zero", 16),
    ("r[i] = y[i] & 1.5", [], "'&' of float64 and a Python float: it is for integers and bools", 13),
    ("r[i] = u[i] + 300", [], "300 does not fit uint8", 15),
    ("r[i] = u[i] ** -1", [], "'**' of uint8 and a whole number: whole numbers to a negative power are no whole "
     "numbers; write the exponent as a float", 13),
    ("r[i] = -b[i]", [], "'-' of bool: NumPy has no such operation; write not, or ~", 8),
    ("r[i] = b[i] - b[i]", [], "'-' of bool and bool: NumPy has no such operation; write ^ for what differs, or x & ~y",
     13),
    ("r[i] = z[i] // 2", [], "'//' of complex128 and a whole number: complex numbers have no such operation", 13),
    ("r[i] = uint8(z[i])", [], "uint8 of complex128 would lose the imaginary part: write real(), imag() or abs()", 8),
    ("r[i]:float64 = z[i]", [], "r is float64, but the result is complex128: write real(), imag() or abs() of it", 14),
    ("r[i]:float64 = 0; r[i] += z[i]", [], "r is float64, but the result is complex128: write real(), imag() or abs() of "
     "it", 24),
    ("r[i]:S5 = y[i]", [], "'S5' is no dtype to compute with; one is float64, float32, int32, uint8, bool, complex128", 6),
    ("r[i] = y[i+1]", [], "this index reaches 1 past the end of dimension 0 of y, whose length is 1000; give axis i an "
     "edge (clamp, wrap, zero, reflect, mirror or constant=x) or another length", 10),
    ("r[i] = y[i-3]", [], "this index reaches 3 below the beginning of dimension 0 of y, whose length is 1000; give "
     "axis i an edge (clamp, wrap, zero, reflect, mirror or constant=x) or another length", 10),
    ("r[i] = y[i] + u[-1]", [], "this index reaches 1 below the beginning of dimension 0 of u, whose length is 3", 17),
    ("r[i] = i", [], "axis i has no length: no input says it; give axis i its length", 3),
    ("r[i] = y[i] + len(q)", [], "'q' is no axis (len(i) is the length of an axis): there are i", 19),
    ("r[i] * y[i]", [], "expected '=' or '+=': a statement says which result its value is, as in r[i] = r[i] + 1", 6),
    ("r[i", [], "expected ']' or ','", 4),
    ("if[i] = y[i]", [], "expected a result such as r[i]: 'if' is an operator", 1),
    ("r[or] = 1", [], "expected an axis's name or ']' (all elements of a result are written: r[i]): 'or' is an operator", 3),
    ("r[] = sum(not: 1)", [], "expected the axes that are reduced, and ':', as in sum(k: x[k])", 11),
    ("r[] = sum(i,j: i)", ["--length", f"i={2**62}", "--length", "j=2"], "a reduction of more than 2^63 elements", 7),
]  # fmt: skip


@pytest.mark.parametrize("statement, options, message, column", [s for s in SENTENCES if s[2] is not None],
                         ids=[s[0] for s in SENTENCES if s[2] is not None])  # fmt: skip
def test_what_is_wrong_is_said_with_its_column_and_a_caret(folder, statement, options, message, column):
    folder.save("a.npy", numpy.zeros((1000, 3)))
    folder.save("u.npy", numpy.zeros(3, "uint8"))
    folder.save("b.npy", numpy.zeros(3, "bool"))
    folder.save("z.npy", numpy.zeros(3, "complex128"))
    inputs = [f"{name}={name}.npy" for name in "yaubz" if re.search(rf"\b{name}\[", statement)]
    result = folder.refused(2, "run", statement, *inputs, "-o", "r=r.npy", *options, sentences=3)
    first, line, caret = result.stderr.splitlines()
    assert first == f"tilework: statement: {message} at column {column}"
    assert line == "  " + statement and caret == "  " + " " * (column - 1) + "^"


def test_a_place_in_several_lines_is_said_with_its_line(folder):
    result = folder.refused(2, "run", "t[i] = y[i]\nr[i] = t[i] + oops\n", "y=y.npy", "-o", "t=t.npy", "-o", "r=r.npy",
                            sentences=3)  # fmt: skip
    first, line, caret = result.stderr.splitlines()
    assert first.endswith(" at line 2, column 15") and line == "  r[i] = t[i] + oops"
    assert caret == "  " + " " * 14 + "^"


def test_a_long_line_is_shown_in_part(folder):
    statement = "r[i] = " + "y[i] + " * 60 + "oops" + " + y[i]" * 60
    result = folder.refused(2, "run", statement, "y=y.npy", "-o", "r=r.npy", sentences=3)
    _, line, caret = result.stderr.splitlines()
    assert len(line) < 120 and line.startswith("  ...") and line.endswith("...")
    assert line[caret.index("^"):].startswith("oops")


@pytest.mark.parametrize("text", ["(" * 101 + "y[i]" + ")" * 101, "-" * 200 + "y[i]", "y[i]" + " + y[i]" * 300,
                                  "not " * 300 + "y[i]", "sin(" * 150 + "y[i]" + ")" * 150,
                                  "2**" * 150 + "y[i]", "1 if y[i] else " * 150 + "1"])  # fmt: skip
def test_depth_is_bounded(folder, text):
    folder.refused(2, "run", f"r[i] = {text}", "y=y.npy", "-o", "r=r.npy", sentences=3, says="statement: ")


def test_a_hundred_brackets_are_no_more_than_there_may_be(folder):
    for text in ("(" * 99 + "y[i]" + ")" * 99, "sqrt(" * 99 + "y[i]" + ")" * 99, "-" * 99 + "y[i]"):
        assert folder.call("explain", f"r[i] = {text}").returncode == 0


def test_explain_says_where_a_text_is_no_statement(folder):
    for text, message, column in (("y", "expected '[' after y: a result and the arrays that it is made of have "
                                   "their indices, y[i] = x[i] + y[i] (a single number is y[])", 2), ("= 3", "expected a result "
                                  "such as r[i]", 1), ("", "expected a statement such as r[i] = 2 * x[i]", 1)):  # fmt: skip
        result = folder.refused(2, "explain", text, sentences=3)
        first, line, caret = result.stderr.splitlines()
        assert first == f"tilework: statement: {message} at column {column}"
        assert line == "  " + text and caret.index("^") == column + 1


def test_an_index_at_the_ends_of_64_bits_is_computed_right(folder):
    folder.save("y.npy", numpy.arange(50.0))
    least = -(2**63)
    for edge, values in (("wrap", [(i + least) % 50 for i in range(50)]), ("clamp", [0] * 50)):
        folder.run_ok("r[i] = y[i - 9223372036854775807 - 1]", "y=y.npy", "-o", "r=r.npy", "--edge", f"i={edge}")
        assert (folder.load("r.npy") == values).all()


def test_size_is_bounded(folder):
    folder.refused(2, "run", "r[i] = " + "1" * 20000, "y=y.npy", "-o", "r=r.npy",
                   says="statement: more than 16384 characters")  # fmt: skip
    many = " + ".join(f"a{k}[i]" for k in range(70))
    folder.refused(2, "run", f"r[i] = {many}", "-o", "r=r.npy", sentences=3, says="more than 64 operands")


def test_options_of_statements_are_refused_where_they_mean_nothing(folder, mult):
    job = ["y=y.npy", "-o", "r=r.npy"]
    folder.refused(2, "run", "r[i] = y[i]", *job, "--param", "c=3", says="parameter c does not occur in the statement")
    folder.refused(2, "run", "r[i] = c * y[i]", *job, "--param", "c=x", says="--param: c: 'x' is no number")
    folder.refused(2, "run", "r[i] = y[i]", *job, "--edge", "k=wrap",
                   says="an edge is given for 'k', which is no axis of the statement; it has i")  # fmt: skip
    folder.refused(2, "run", "r[i] = y[i]", *job, "--edge", "i=mirorr", says="--edge: axis 'i': 'mirorr' is not an edge: it "
                   "is one of error, clamp, wrap, zero, reflect, mirror or constant=x")  # fmt: skip
    for edges, says in (
        (["mirorr"], "'mirorr' is not an edge: it is one of error, clamp, wrap, zero, reflect, mirror or constant=x (for all "
         "axes; for one: AXIS=EDGE)"),
        (["constant=x"], "'constant=x' is not an edge: the constant is no number, as 0, -1.5, 1e-9, nan, True and 1+2j are"),
        (["i=constant=1e"], "axis 'i': 'constant=1e' is not an edge: the constant is no number"),
        (["clamp", "wrap"], "given twice for all axes: 'clamp' and 'wrap'"),
        (["clamp,i=wrap,i=zero"], "axis 'i' is given twice"),
        (["clamp,,i=wrap"], "'clamp,,i=wrap' contains an empty item"),
        (["i="], "'i=' should be AXIS=EDGE"),
        ([""], "'' should be AXIS=EDGE"),
    ):
        folder.refused(2, "run", "r[i] = y[i]", *job, *(f"--edge={edge}" for edge in edges), says=f"--edge: {says}")
    folder.refused(2, "run", "r[i] = y[i]", *job, "--edge", "clamp,k=wrap", says="an edge is given for 'k'")
    folder.refused(2, "run", "r[i] = y[i]", *job, "--edge", "clamp", "--length", "k=3", says="a length is given for 'k'")
    folder.refused(2, "run", "r[i] = y[i]", *job, "--length", "k=3",
                   says="a length is given for 'k', which is no axis of the statement; it has i")  # fmt: skip
    folder.refused(2, "run", *mult, "--param", "c=3", says="--param: is for statements")
    folder.refused(2, "run", *mult, "--edge", "clamp", says="edges say what a kernel reads past the ends of an input, and no "
                   "input of the signature has a halo: write one as u[i-1..i+1]")  # fmt: skip
    folder.refused(2, "run", "r[i] = y[i]", "-s", "y[i] -> r[i]", *job, says="a statement has its own")
    folder.refused(2, "run", "r[i] += y[i]", *job, says="input 'r' has no file: give r=FILE.npy")
    folder.refused(2, "compile", "r[i] = y[i]", "-o", "k.so", says="'y' has no dtype: give --types y=float64")
    folder.refused(2, "compile", "r[i] = y[i]", "-o", "k.so", "--types", "y=f8", "--name", "a b",
                   says="'a b' cannot be the name of a kernel's function")  # fmt: skip
    for name in ("int", "while", "memcpy", "main", "_y", "tw_x"):
        folder.refused(2, "compile", "r[i] = y[i]", "-o", "k.so", "--types", "y=f8", "--name", name,
                       says=f"'{name}' cannot be the name of a kernel's function")  # fmt: skip


def test_a_compiled_statement_takes_the_place_of_no_pipe_or_device(folder):
    os.mkfifo(folder.path / "pipe")
    folder.refused(3, "compile", "r[i] = y[i]", "-o", "pipe", "--types", "y=f8",
                   says="pipe: is a pipe or a device; only a regular file can be written")  # fmt: skip
    assert (folder.path / "pipe").is_fifo()
    assert [path.name for path in folder.path.iterdir() if "part" in path.name] == []


def test_without_a_compiler_one_sentence_says_what_to_install(folder):
    result = folder.refused(2, "run", "r[i] = y[i]", "y=y.npy", "-o", "r=r.npy", env={"PATH": "/nonexistent"})
    assert result.stderr == ("tilework: there is no C compiler: none of cc, gcc and clang is on PATH; install one "
                             "(Debian, Ubuntu: apt install gcc libc6-dev; in a Python environment: pip install "
                             "'tilework[compiler]') or name one in TILEWORK_CC\n")  # fmt: skip


def test_a_text_that_tries_to_be_c_is_no_c(folder):
    for text in ('r[i] = y[i]; system("x")', "r[i] = y[i] /* */", "r[i] = y[i]; #include <x>", "r[i] = y[i] \\\n+ 1",
                 "r[i] = `id`", "r[i] = $(id)", "r[i] = y[i]; }; int x;", "r[i] = y[i] ??/", "r[i] = \"y\""):  # fmt: skip
        folder.refused(2, "run", text, "y=y.npy", "-o", "r=r.npy", sentences=3, says="statement: ")
