"""A generator that a kernel has from outside is warned of, on the user's line; nothing else is."""

import functools
import random
import warnings

import numpy as np
import pytest

import tilework as tw
from conftest import run_python

Y = np.zeros(8)
GENERATOR = np.random.default_rng(1)
STATE = np.random.RandomState(1)
PYTHONS = random.Random(1)
NORMAL = np.random.default_rng(1).normal


class Model:
    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.scale = 2.0

    def noisy(self, y):
        return y + self.rng.random(len(y))

    def noisy_by_way_of_another(self, y):
        return self.noisy(y)

    def quiet(self, y):
        return y * self.scale

    def quiet_with_tiles(self, y, tile):
        return y + tile.rng().random(len(y))

    def __call__(self, y):
        return self.rng.random(len(y))


class Slotted:
    __slots__ = ("rng",)

    def __init__(self):
        self.rng = np.random.default_rng(1)

    def noisy(self, y):
        return y + self.rng.random(len(y))


MODEL = Model()


def helper(n):
    return GENERATOR.random(n)


def of_a_global(y):
    return y + GENERATOR.random(len(y))


def of_a_legacy_state(y):
    return y + STATE.rand(len(y))


def of_a_method(y):
    return y + NORMAL(size=len(y))


def of_pythons(y):
    return y + [PYTHONS.random() for _ in y]


def of_a_helper(y):
    return y + helper(len(y))


def of_an_attribute(y):
    return y + MODEL.rng.random(len(y))


def of_an_inner_function(y):
    def draw():
        return GENERATOR.random(len(y))
    return y + draw()


def with_an_argument(rng, y):
    return y + rng.random(len(y))


def closure():
    rng = np.random.default_rng(3)
    return lambda y: y + rng.random(len(y))


def decorated():
    @functools.wraps(of_a_global)
    def outer(y):
        return inner(y)
    inner = of_a_global
    return outer


NOISY = {
    "global": of_a_global, "legacy": of_a_legacy_state, "method of a generator": of_a_method, "random.Random": of_pythons,
    "helper": of_a_helper, "attribute": of_an_attribute, "inner function": of_an_inner_function, "closure": closure(),
    "default": lambda y, rng=np.random.default_rng(1): y + rng.random(len(y)),
    "keyword default": lambda y, *, rng=np.random.default_rng(1): y + rng.random(len(y)),
    "partial": functools.partial(with_an_argument, np.random.default_rng(1)),
    "partial by name": functools.partial(lambda y, rng: y + rng.random(len(y)), rng=np.random.default_rng(1)),
    "partial of a method": functools.partial(Model().noisy), "object of a method": Model().noisy,
    "another method": Model().noisy_by_way_of_another, "slots": Slotted().noisy, "callable": Model(),
    "decorated": decorated(), "bit generator": lambda y, bits=np.random.PCG64(1): y + bits.random_raw(len(y)) / 2**64,
    "vectorize": np.vectorize(lambda y: y + GENERATOR.random()),
}


def seeded(y, tile):
    rng = tile.rng(1)
    return y + rng.random(len(y))


def of_a_generator_of_its_own(y):
    GENERATOR = np.random.default_rng(5)  # noqa: N806  # pylint: disable=redefined-outer-name
    return y + GENERATOR.random(len(y))


def of_the_modules(y):
    return y + np.random.rand(len(y)) + random.random()


def names_alone(y, tile):
    return y + tile.GENERATOR if hasattr(tile, "GENERATOR") else y


QUIET = {
    "tile.rng": seeded, "of its own": of_a_generator_of_its_own, "modules": of_the_modules, "names": names_alone,
    "attribute that is not used": Model().quiet, "tile.rng of a method": Model().quiet_with_tiles,
    "system": lambda y, rng=random.SystemRandom(): y + rng.random(),
    "seed": lambda y, seed=np.random.SeedSequence(1): y + np.random.default_rng(seed).random(len(y)),
    "class": lambda y: y if isinstance(y, np.random.Generator) else y, "ufunc": np.sin,
    "functions of the modules": lambda y, rand=np.random.rand, one=random.random: y + rand(len(y)) + one(),
}


def run(kernel, pool):
    return pool.run(kernel, "y[i] -> r[i]", Y, tiles={"i": 2})


@pytest.fixture(params=["processes", "threads"])
def kept(request):
    with tw.Pool(2, request.param) as pool:
        yield pool


@pytest.mark.parametrize("name", NOISY)
def test_a_generator_from_outside_is_warned_of(name, kept):
    words = "repeat" if kept.kind == "processes" else "whichever worker"
    with pytest.warns(RuntimeWarning, match=rf"{words}.*tile\.rng") as caught:
        run(NOISY[name], kept)
    assert [warning.filename for warning in caught] == [__file__]


@pytest.mark.parametrize("name", QUIET)
def test_no_false_alarm(name, kept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run(QUIET[name], kept)


def test_serial_runs_are_as_a_loop_is():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        expected = np.random.default_rng(9).random(8)
        rng = np.random.default_rng(9)
        assert tw.run(lambda y: rng.random(len(y)), "y[i] -> r[i]", Y, tiles={"i": 2}, pool="serial").tolist() == expected.tolist()


def test_spawned_workers_are_warned_of_too():
    pytest.importorskip("cloudpickle")
    with tw.Pool(2, start="spawn") as pool:
        with pytest.warns(RuntimeWarning, match="repeat"):
            run(closure(), pool)


def test_the_warning_comes_once_on_the_line_of_the_run_and_names_the_generator():
    code, out, err = run_python("""
        import numpy as np, tilework as tw
        rng = np.random.default_rng(0)
        def noisy(y):
            return y + rng.random(len(y))
        with tw.Pool(2) as pool:
            for _ in range(3):
                pool.run(noisy, "y[i] -> r[i]", np.zeros(8))
        """)
    assert code == 0 and err.count("RuntimeWarning") == 1, err
    assert "<string>:8: RuntimeWarning: the kernel noisy (<string>:4) takes random numbers from rng, a Generator that" in err
