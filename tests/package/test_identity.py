"""What makes two Python kernels the same to runs of different processes: the same code and values have the same hash
wherever they stand, and a change of anything that is computed with has another one."""

import functools
import textwrap

import numpy as np
import pytest

import tilework as tw
from conftest import run_python
from tilework import _identity

HEAD = """
import collections, contextvars, dataclasses, enum, functools, re, sys, types
import numpy as np
from tilework._identity import of
"""


def hashes(program, seed, before=""):
    """What the program prints, in a process of its own."""
    code, out, err = run_python(HEAD + before + textwrap.dedent(program), seed)
    assert code == 0, err
    return out.splitlines()


def in_process(source, name="kernel", file="<test>", lines=0):
    """The hash of a function of a module that is made here, whose code stands so many lines further down."""
    space = {"np": np, "functools": functools, "__name__": "made"}
    exec(compile("\n" * lines + textwrap.dedent(source), file, "exec"), space)
    return _identity.of(space[name])


# ---- the same ----

EVERYTHING = """
import random
class Color(enum.Enum):
    RED = 1
    BLUE = "b"
@dataclasses.dataclass
class Options:
    names: set
    table: dict
    color: Color = Color.RED
class Base:
    scale = 3
    def half(self): return self.scale / 2
class Model(Base):
    __slots__ = ("weights", "me")
    def __init__(self):
        self.weights = np.arange(2_000_000.0)
        self.me = self
        self.options = Options({"a", "b", "c", "d", b"e", 1, None}, {name: {name, "z"} for name in {"x", "y", "w", "q"}})
    def __call__(self, y):
        return helper(y, self.half()) * LIMITS["low"]
    @property
    def size(self): return len(self.weights)
    @staticmethod
    def twice(y): return 2 * y
LIMITS = {"low": 1.5, "high": {3, 4, "five", (6, frozenset({7, "8"}))}}
PATTERN = re.compile("a+")
def helper(y, n):
    if n > 0:
        return other(y, n - 1)
    return y + (1 if "x" in {"x", "y", "z", "v"} else 0)
def other(y, n):
    return helper(y, n) if PATTERN else CURSE(y)
CURSE = functools.lru_cache(lambda y: y)
def outer(n, values):
    inner = lambda y: y * n + sum(v for v in values if isinstance(v, int))
    def kernel(y, *, shift=frozenset({"p", "q", 9})):
        class Local:
            at = 3
            def go(self): return inner(y) + Local.at
        return Local().go()
    return kernel
loop = []
loop.append(loop)
def looping(y, loop=loop): return y
kernels = [Model(), Model().half, outer(3, {1, 2, "x", "y"}), functools.partial(helper, n=4), np.sqrt, np.vectorize(lambda a: a + 1),
           looping, Model.twice, lambda y: y[np.array([3, 1])] + Color.RED.value, np.linalg.norm,
           collections.deque([1, 2]).append]
for kernel in kernels:
    print(of(kernel))
"""


def test_a_hash_is_the_same_in_other_processes_and_places():
    first = hashes("import os\n" + EVERYTHING, "1")
    assert len(first) == 11 and len(set(first)) == 11
    moved = "# a comment\n" * 30 + "unused = 7\n"
    import os
    for seed in ("0", "1", "77", "4000"):
        os.environ["PYTHONHASHSEED"] = seed
        try:
            assert hashes(EVERYTHING, seed, moved) == first
        finally:
            del os.environ["PYTHONHASHSEED"]


def test_the_environment_counts_by_its_name(monkeypatch):
    source = """
        import os
        environ = os.environ
        def kernel(y): return y + int(environ.get("SCALE", "1"))
        """
    before = in_process(source)
    monkeypatch.setenv("WINDOWID", "7")
    assert in_process(source) == before


@pytest.mark.parametrize("change", [
    ("y + 1", "y  +  1  # as before"), ('"""Text."""', '"""Other text, which is longer."""'), ('"""Text."""', ""),
    ("def kernel(y)", "def kernel(y: float) -> float"), ("unused = 1", "unused = 2")])
def test_what_changes_nothing_does_not_count(change):
    source = '''
        unused = 1
        def kernel(y):
            """Text."""
            return y + 1
        '''
    assert change[0] in source
    assert in_process(source) == in_process(source.replace(*change), file="<other cell>", lines=40)


def test_a_text_of_documentation_that_is_a_constant_counts():
    source = '''
        def kernel(y):
            "text"
            return y + len("text")
        '''
    assert in_process(source) != in_process(source.replace("text", "texts"))


# ---- not the same ----

WHOLE = """
    import math, contextlib
    TABLE = np.arange(6.0)
    CONSTANT = 3
    WORDS = {"a": [1, 2], "b": (3.0, -0.0)}
    class Thing:
        step = 5
        def __init__(self, at): self.at = at
        def go(self, y): return y + self.at * self.step
    THING = Thing(8)
    def helper(y, k=10):
        return inner(y) * k
    def inner(y):
        return helper if y is None else y - 11
    def made(n, array):
        def nested(y, shift=12, *, turn=13):
            def innermost(z): return z + n + 14
            return innermost(y) + shift + turn + array[0] + CONSTANT + TABLE[1] + len(WORDS) + helper(y) + THING.go(y) + math.pi
        return nested
    kernel = made(15, np.array([16.5, 17]))
    kernel.mark = 18
    """


@pytest.mark.parametrize("change", [
    ("arange(6.0)", "arange(6)"), ("arange(6.0)", "arange(7.0)"), ("CONSTANT = 3", "CONSTANT = 4"), ("CONSTANT = 3", "CONSTANT = 3.0"),
    ("[1, 2]", "[2, 1]"), ("[1, 2]", "(1, 2)"), ("-0.0", "0.0"), ('"b"', '"c"'), ("step = 5", "step = 6"), ("Thing(8)", "Thing(9)"),
    ("y + self.at", "y - self.at"), ("k=10", "k=9"), ("y - 11", "y - 12"), ("shift=12", "shift=11"), ("turn=13", "turn=12"),
    ("n + 14", "n + 15"), ("made(15", "made(16"), ("17]", "18]"), ("16.5, 17", "16.5"), ("mark = 18", "mark = 19"),
    ("math.pi", "math.e"), ("*, turn", "turn"), ("import math", "import cmath as math")])
def test_a_change_of_anything_that_it_computes_with_is_another_kernel(change):
    assert WHOLE.count(change[0]) == 1
    assert in_process(WHOLE) == in_process(WHOLE)
    assert in_process(WHOLE) != in_process(WHOLE.replace(*change))


def test_the_order_of_functions_in_a_dict_counts():
    """They are the steps of something; that of values, which may come from a set, does not."""
    source = """
        def double(y): return 2 * y
        STEPS = {"double": double, "root": np.sqrt}
        VALUES = {"a": 1, "b": 2}
        def kernel(y):
            for step in STEPS.values(): y = step(y)
            return y + VALUES["a"]
        """
    for changed, same in (('"double": double, "root": np.sqrt', False), ('"a": 1, "b": 2', True)):
        first, second = changed.split(", ")
        assert (in_process(source) == in_process(source.replace(changed, f"{second}, {first}"))) == same


def test_attributes_are_no_globals():
    source = """
        size = 1
        def kernel(y):
            return y.size
        """
    assert in_process(source) == in_process(source.replace("= 1", "= 2"))
    assert in_process(source) != in_process(source.replace("y.size", "y.ndim"))


def test_a_partial_and_a_method_count_with_what_they_carry():
    def scaled(y, by):
        return y * by

    class Scale:
        def __init__(self, by):
            self.by = by

        def __call__(self, y):
            return y * self.by

        def times(self, y):
            return y * self.by

    for make in (lambda by: functools.partial(scaled, by=by), lambda by: functools.partial(scaled, np.full(3, by)), Scale,
                 lambda by: Scale(by).times):
        assert _identity.of(make(2)) == _identity.of(make(2)) != _identity.of(make(3))
    assert _identity.of(Scale(2)) != _identity.of(Scale(2).times)


def test_arrays_count_by_their_contents_whatever_their_layout():
    def kernel_with(array):
        return lambda y: y + array

    a = np.arange(3_000_000).reshape(1000, 3000)
    assert _identity.of(kernel_with(a)) == _identity.of(kernel_with(np.asfortranarray(a))) == _identity.of(kernel_with(tw.share(a)))
    b = a.copy()
    b[999, 2999] += 1
    assert _identity.of(kernel_with(a)) != _identity.of(kernel_with(b))
    assert _identity.of(kernel_with(a)) != _identity.of(kernel_with(a.reshape(3000, 1000)))
    assert _identity.of(kernel_with(a)) != _identity.of(kernel_with(a.view("M8[s]")))
    assert _identity.of(kernel_with(np.array([1, "a", None], object))) != _identity.of(kernel_with(np.array([1, "b", None], object)))
    masked = np.ma.array([1, 2], mask=[0, 1])
    assert _identity.of(kernel_with(masked)) != _identity.of(kernel_with(np.ma.array([1, 2], mask=[1, 0])))


def test_functions_that_name_each_other_in_a_ring_end():
    source = "\n".join(f"def f{n}(y): return f{(n + 1) % 30}(y) + f{(n + 7) % 30}(y) + {n}" for n in range(30))
    assert in_process(source, "f0") == in_process(source, "f0") != in_process(source.replace("+ 29", "+ 30"), "f0")
    assert in_process(source, "f0") != in_process(source, "f1")


def test_numba_functions_count_by_what_was_written():
    numba = pytest.importorskip("numba")
    source = """
        import numba
        FACTOR = 2
        @numba.njit(nogil=True)
        def inner(y): return y * FACTOR
        @numba.njit(nogil=True)
        def kernel(y, r):
            for i in range(len(y)): r[i] = inner(y[i])
        """
    assert in_process(source) == in_process(source)
    assert in_process(source) != in_process(source.replace("= 2", "= 3"))
    assert numba


def test_stencils_of_numba_count_by_what_was_written():
    pytest.importorskip("numba")
    source = """
        import numba
        @numba.stencil(cval=0)
        def around(a): return a[-1] + a[1]
        @numba.njit
        def kernel(y): return around(y)
        """
    assert in_process(source) == in_process(source)
    assert in_process(source) != in_process(source.replace("a[1]", "a[2]"))
    assert in_process(source) != in_process(source.replace("cval=0", "cval=1"))


def test_what_is_not_as_before_is_named():
    source = """
        LIMIT, WORDS = 3, ("a", "b")
        def helper(y): return y - LIMIT
        def kernel(y): return helper(y) + len(WORDS)
        """

    def said(one, other):
        return _identity.difference(f"r.npy.journal: is of another job: kernel was {in_process(one)} and is {in_process(other)}; restart=True")
    start, end = "r.npy.journal: is of another job: the kernel is another one: ", "; restart=True"
    for change, words in ((("LIMIT, WORDS = 3", "LIMIT, WORDS = 4"), "the global LIMIT is not as before"),
                          (("= 3, (", "= 4, (0, "), "the global LIMIT, the global WORDS are not as before"),
                          (("y - LIMIT", "y - 3"), "the global helper is not as before and the global LIMIT is no longer used"),
                          (("helper(y) +", "helper(y) -"), "its own code or what it carries is not as before")):
        assert said(source, source.replace(*change)) == start + words + end
    many = "".join(f"        GLOBAL_{n} = {n}\n" for n in range(60))
    many += f"        def kernel(y): return y + {' + '.join(f'GLOBAL_{n}' for n in range(60))}\n"
    assert len(in_process(many)) < 400
    assert said(many, many.replace("GLOBAL_9 = 9", "GLOBAL_9 = 8")) == start + "something that it uses is not as before" + end
    assert _identity.difference("kernel was f, version '1' and is f, version '2'") == "kernel was f, version '1' and is f, version '2'"


# ---- what has no hash ----

@pytest.mark.parametrize("value, words", [
    ("__import__('threading').Lock()", "its closure's value is a _thread.lock"),
    ("[1, {'a': open('/dev/null')}]", "the value of a of item 1 of its closure's value is a _io.TextIOWrapper"),
    ("np.frompyfunc(len, 1, 1)", "its closure's value is a numpy.ufunc, of numpy.frompyfunc"),
    ("(n for n in range(3))", "its closure's value is a generator")])
def test_what_cannot_be_hashed_is_said_with_what_to_do(value, words):
    value = eval(value)

    def operate(y):
        return y, value

    with pytest.raises(tw.ArgumentError) as caught:
        _identity.of(operate)
    assert str(caught.value).startswith("the kernel operate cannot be identified, so that a later run could not know it again: ")
    assert words in str(caught.value) and "say which one it is, and change that with its code: version='1'" in str(caught.value)
    assert _identity.of(operate, "1") == "operate, version '1'"
    if hasattr(value, "close"):
        value.close()
    elif isinstance(value, list):
        value[1]["a"].close()


def test_a_global_that_cannot_be_hashed_is_named():
    with pytest.raises(tw.ArgumentError, match="the global LOCK is a _thread.lock, which has no contents that could be compared"):
        in_process("""
            import threading
            LOCK = threading.Lock()
            def kernel(y):
                with LOCK:
                    return y
            """)
    with pytest.raises(tw.ArgumentError, match="attribute lock of self is a _thread.lock"):
        in_process("""
            import threading
            class Model:
                def __init__(self): self.lock = threading.Lock()
                def go(self, y): return y
            kernel = Model().go
            """)
