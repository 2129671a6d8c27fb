"""Runs that write files and read them: what is written, what a later call continues, what is refused."""

import importlib.util
import os
import pathlib
import time

import numpy as np
import pytest

import tilework as tw

Y, X = np.arange(1.0, 13), np.arange(1.0, 31)  # tile 0 of zeros would be computed twice
SIGNATURE = "y[i], x[j] -> r[i,j]"
OUTER = np.outer(Y, X)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Each test in a folder of its own."""
    inner = tmp_path / "files"  # what tests tell kernels lies beside it
    inner.mkdir()
    monkeypatch.chdir(inner)
    return inner


def names():
    return sorted(os.listdir())


class Log:
    """Which tiles were computed, also by other processes."""

    def __init__(self):
        self.path = os.path.abspath("../tiles.log")

    def note(self, tile):
        with open(self.path, "ab", buffering=0) as file:
            file.write(b"%d\n" % tile.number)

    def take(self):
        """Those since the last call, each in order of its number."""
        if not os.path.exists(self.path):
            return []
        text = pathlib.Path(self.path).read_text()
        os.unlink(self.path)
        return sorted(int(line) for line in text.split())


def kernels(log):
    """One that fails at a tile while there is a file that says so, made anew as in another process."""
    def operate(y, x, r, tile):
        log.note(tile)
        if os.path.exists("../fail") and tile.number == int(pathlib.Path("../fail").read_text()):
            raise ValueError("asked for")
        r[...] = y[:, None] * x
    return operate


class Job:
    """The outer product, tile by tile of one row."""

    def __init__(self):
        self.log = Log()
        self.options = {"tiles": {"i": 1}, "out": "r.npy", "workers": 1}

    def run(self, *operands, kernel=None, **options):
        return tw.run(kernel or kernels(self.log), SIGNATURE, *(operands or (Y, X)), **{**self.options, **options})

    def leave(self, at=5, **options):
        """An unfinished run, whose tile `at` has failed."""
        pathlib.Path("../fail").write_text(str(at))
        with pytest.raises(tw.TileError):
            self.run(**options)
        os.unlink("../fail")
        return self.log.take()


@pytest.fixture
def job():
    return Job()


# ---- what is written ----

@pytest.mark.parametrize("pool", ["auto", "processes", "threads", "serial"])
def test_a_result_is_a_file_that_is_mapped(pool):
    def operate(y, x, r):
        for i in range(len(r)):
            r[i] = y[i] * x

    r = tw.run(operate, SIGNATURE, Y, X, out="r.npy", pool=pool)
    assert type(r) is np.memmap and not r.flags.writeable and (r == OUTER).all()
    assert names() == ["r.npy"] and (np.load("r.npy") == OUTER).all()
    assert r.filename == os.path.abspath("r.npy")


def test_a_pool_writes_files_run_after_run(pool):
    for factor in (1, 2):
        r = pool.run(lambda y, x, r, factor=factor: np.multiply(y[:, None] * factor, x, out=r), SIGNATURE, Y, X, out="r.npy")
        assert (r == factor * OUTER).all() and names() == ["r.npy"]
        s = pool.evaluate("s[i,j] = y[i] * x[j] * c", y=Y, x=X, c=factor, out=pathlib.Path("s.npy"))
        assert (s == factor * OUTER).all()
        os.unlink("s.npy")


@pytest.mark.parametrize("given", [{"a": "a.npy", "b": pathlib.Path("b.npy")}, ("a.npy", "b.npy"), ["a.npy", pathlib.Path("b.npy")]])
def test_several_outputs_have_names_of_their_own(given):
    a, b = tw.run(lambda y: (y + 1, y * 2), "y[i] -> a[i], b[i]", Y, out=given, dtype="f4")
    assert (a == Y + 1).all() and (b == Y * 2).all() and a.dtype == b.dtype == np.float32
    assert names() == ["a.npy", "b.npy"]
    a, b = tw.evaluate("a[i] = y[i] + 1; b[i] = y[i] * 2", y=Y, out=given)
    assert (a == Y + 1).all() and (b == Y * 2).all() and names() == ["a.npy", "b.npy"]


@pytest.mark.parametrize("mode, kind, writeable", [("r", np.memmap, False), ("r+", np.memmap, True), ("c", np.memmap, True),
                                                   (None, np.ndarray, True)])
def test_mmap_mode_says_what_the_result_is(mode, kind, writeable):
    r = tw.evaluate("r[i] = 2*y[i]", y=Y, out="r.npy", mmap_mode=mode)
    assert type(r) is kind and r.flags.writeable == writeable
    if writeable:
        r[0] = 7
        if mode == "r+":
            r.flush()
    assert np.load("r.npy")[0] == (7 if mode == "r+" else 2)


def test_texts_records_and_arrays_without_items_are_files_too():
    record = np.dtype([("a", "i4"), ("b", "f8", 2)])
    def fill(y, r):
        r["a"], r["b"] = y, y[:, None]
    r = tw.run(fill, "y[i] -> r[i]", Y, out="r.npy", dtype=record)
    assert r.dtype == record and (r["b"][:, 1] == Y).all()
    words = tw.run(lambda y: np.array([f"<{v:.0f}>" for v in y]), "y[i] -> w[i]", Y, out="w.npy", dtype="U6", tiles={"i": 5})
    assert words.tolist() == [f"<{v:.0f}>" for v in Y]
    assert tw.run(lambda y: y + 1, "y[i] -> r[i]", Y[:0], out="e.npy", dtype=float).shape == (0,)
    assert tw.evaluate("s[] = sum(i: y[i])", y=Y, out="s.npy") == Y.sum()
    with pytest.raises(tw.ArgumentError, match="a run that writes files writes all of its outputs to files"):
        tw.evaluate("a[i] = y[i]; b[i] = y[i]", y=Y, out={"a": "a.npy"})


# ---- inputs ----

@pytest.mark.parametrize("make", [str, pathlib.Path])
def test_inputs_are_arrays_or_names_of_files(make, pool):
    np.save("y.npy", Y)
    np.save("x.npy", np.asfortranarray(np.stack([X, X + 1])))
    y, x = make("y.npy"), make("x.npy")
    r = pool.run(lambda y, x: y[:, None] * x[1], "y[i], x[k,j] -> r[i,j]", y, x)
    assert (r == np.outer(Y, X + 1)).all()
    r = pool.evaluate("r[i,j] = y[i] * x[1,j]", y=y, x=x)
    assert (r == np.outer(Y, X + 1)).all()
    assert pool.run(lambda y: y.sum(), "y[i] -> s[]", y) == Y.sum()
    with pytest.raises(tw.TileError, match="read-only"):
        pool.run(lambda y: y.fill(1), "y[i] -> r[i]", y, dtype=float)


def test_a_file_that_is_no_array_is_said():
    pathlib.Path("text.npy").write_text("hello")
    for name, words in (("text.npy", "text.npy: "), ("none.npy", "none.npy: cannot be"), ("", "cannot be the name of a file"),
                        ("a\0b", "cannot be the name of a file")):
        with pytest.raises((tw.FileError, tw.ArgumentError), match=words):
            tw.run(lambda y: y, "y[i] -> r[i]", name)
    np.save("objects.npy", np.array([1, "a", None], object), allow_pickle=True)
    with pytest.raises(tw.FileError, match="objects.npy"):
        tw.run(lambda y: y, "y[i] -> r[i]", "objects.npy")


def test_what_a_file_says_of_its_items_is_never_run():
    from tilework._dtypes import PICKLED
    import pickle

    class Evil:
        def __reduce__(self):
            return os.mkdir, ("evil",)

    descr = f"{PICKLED}{pickle.dumps(Evil()).hex()}', '|V8')]"
    header = f"{{'descr': {descr}, 'fortran_order': False, 'shape': (2,), }}"
    header += " " * (-(len(header) + 11) % 64) + "\n"
    pathlib.Path("e.npy").write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + bytes(16))
    with pytest.raises((tw.FileError, TypeError)):
        tw.run(lambda y: y, "y[i] -> r[i]", "e.npy")
    assert not os.path.exists("evil")


# ---- resume ----

@pytest.mark.parametrize("pool", ["processes", "threads", "serial"])
def test_the_same_call_computes_what_is_missing(job, pool):
    job.leave(pool=pool)
    assert names() == ["r.npy.journal", "r.npy.part"]
    r, report = job.run(pool=pool, resume=True, report=True)
    assert (r == OUTER).all() and names() == ["r.npy"]
    assert job.log.take() == list(range(5, 12)) and report.totals["resumed"] == 5


def test_resume_begins_where_there_is_nothing(job):
    for _ in range(2):
        assert (job.run(resume=True) == OUTER).all()
        assert job.log.take() == list(range(12)) and names() == ["r.npy"]


def test_the_error_says_what_is_kept(job):
    pathlib.Path("../fail").write_text("5")
    with pytest.raises(tw.TileError) as caught:
        job.run()
    os.unlink("../fail")
    if hasattr(caught.value, "add_note"):
        assert caught.value.__notes__ == ["5 of 12 tiles are done and kept in r.npy.part; the same call with resume=True continues"]


def test_an_unfinished_run_is_refused_without_a_choice(job):
    job.leave()
    before = pathlib.Path("r.npy.journal").read_bytes()
    with pytest.raises(tw.ArgumentError, match="r.npy.part: holds 5 of 12 tiles of an unfinished run; resume=True continues it, "
                                               "restart=True discards it"):
        job.run()
    assert job.log.take() == [] and pathlib.Path("r.npy.journal").read_bytes() == before
    assert (job.run(restart=True) == OUTER).all()
    assert job.log.take() == list(range(12)) and names() == ["r.npy"]


def another(y, x, r):
    r[...] = y[:, None] + x


@pytest.mark.parametrize("change, words", [
    ({"kernel": another}, "r.npy.journal: is of another job: the kernel is another one: its own code or what it carries is not as before"), ({"version": "2"}, "and is operate, version '2'"),
    ({"tiles": {"i": 2}}, "axis i was length 12"), ({"dtype": "f4"}, "float32"), ({"operands": (Y, X + 1)}, "operand x was")])
def test_a_journal_of_another_job_is_refused_or_discarded(job, change, words):
    job.leave()
    operands = change.pop("operands", (Y, X))
    with pytest.raises(tw.FileError, match="restart=True discards the unfinished run") as caught:
        job.run(*operands, resume=True, **change)
    assert words in str(caught.value) and names() == ["r.npy.journal", "r.npy.part"] and job.log.take() == []
    with pytest.warns(RuntimeWarning, match="r.npy.journal: is of another job: .*; resume='auto' has discarded that run and begun "
                                            "anew|resume='auto' has discarded"):
        r = job.run(*operands, resume="auto", **change)
    right = np.add.outer(Y, X) if change.get("kernel") is another else np.outer(*operands)
    assert (r == right).all() and names() == ["r.npy"]


def test_auto_continues_what_is_the_same_job(job, recwarn):
    job.leave()
    assert (job.run(resume="auto") == OUTER).all()
    assert job.log.take() == list(range(5, 12)) and not recwarn.list


def test_a_version_names_a_kernel_whose_code_may_change(job):
    job.leave(version=3)
    log = job.log

    def operate(y, x, r, tile):
        log.note(tile)
        r[...] = x * y[:, None]  # other code

    assert (job.run(kernel=operate, version="3", resume=True) == OUTER).all()
    assert job.log.take() == list(range(5, 12))


def test_a_kernel_without_a_hash_needs_a_version(job):
    import threading
    lock = threading.Lock()

    def operate(y, x, r):
        r[...] = y[:, None] * x if lock else 0

    with pytest.raises(tw.ArgumentError, match="the kernel operate cannot be identified, so that a later run could not know it "
                                               "again: its closure's lock is a _thread.lock"):
        job.run(kernel=operate)
    assert names() == []
    assert (job.run(kernel=operate, version="1") == OUTER).all()


def test_verify_computes_changed_tiles_again(job):
    job.leave()
    with open("r.npy.part", "r+b") as file:
        file.seek(-8 * X.size * (12 - 2), os.SEEK_END)
        file.write(bytes(8 * 3 + 1) + b"\1")
    assert (job.run(resume=True, verify=True) == OUTER).all()
    assert job.log.take() == [2, *range(5, 12)]


def test_keep_going_keeps_all_but_the_failed_tiles(job):
    assert job.leave(keep_going=True) == list(range(12))
    assert (job.run(resume=True, keep_going=True) == OUTER).all() and job.log.take() == [5]


def test_a_changed_input_file_is_another_job(job):
    np.save("y.npy", Y)
    job.leave()
    os.unlink("r.npy.part")
    os.unlink("r.npy.journal")
    pathlib.Path("../fail").write_text("5")
    with pytest.raises(tw.TileError):
        job.run("y.npy", X)
    os.unlink("../fail")
    job.log.take()
    os.utime("y.npy", ns=(1, 1))
    with pytest.raises(tw.FileError, match="operand y was 12 float64, file of"):
        job.run("y.npy", X, resume=True)


# ---- operands that are read and written ----

def doubled(log):
    def operate(u, tile):
        log.note(tile)
        u *= 2
        if os.path.exists("../fail") and tile.number == 5:
            raise ValueError("asked for")
    return operate


@pytest.mark.parametrize("pool", ["processes", "threads", "serial"])
@pytest.mark.parametrize("given", ["array", "file"])
def test_an_operand_that_is_written_begins_with_its_first_values(given, pool):
    log = Log()
    u = np.arange(12.0)
    np.save("u0.npy", u)
    first = u if given == "array" else "u0.npy"
    pathlib.Path("../fail").write_text("")
    options = {"out": "u.npy", "tiles": {"i": 1}, "workers": 1, "pool": pool}
    with pytest.raises(tw.TileError):
        tw.run(doubled(log), "u[i] -> u[i]", first, **options)
    os.unlink("../fail")
    assert log.take() == list(range(6))
    if given == "array":
        with pytest.raises(tw.FileError, match="'u' began as contents with checksum"):
            tw.run(doubled(log), "u[i] -> u[i]", u + 1, resume=True, **options)
    r = tw.run(doubled(log), "u[i] -> u[i]", first, resume=True, **options)
    assert (r == 2 * np.arange(12.0)).all() and log.take() == list(range(5, 12))
    assert (u == np.arange(12.0)).all() and (np.load("u0.npy") == u).all() and names() == ["u.npy", "u0.npy"]


def test_a_file_is_never_changed_in_place():
    np.save("u.npy", Y)
    with pytest.raises(tw.ArgumentError, match="operand u is a file, and is read and written: give its result a file of its own"):
        tw.run(lambda u: None, "u[i] -> u[i]", "u.npy")
    with pytest.raises(tw.ArgumentError, match="u.npy is used as both operand u and output u; an output needs its own file"):
        tw.run(lambda u: None, "u[i] -> u[i]", "u.npy", out="u.npy")
    with pytest.raises(tw.ArgumentError, match="is used as both operand y and output r"):
        tw.evaluate("r[i] = y[i]", y="./u.npy", out=os.path.abspath("u.npy"))
    assert (np.load("u.npy") == Y).all() and names() == ["u.npy"]


# ---- jobs of several steps ----

def test_a_reduction_resumes_from_its_partial_results():
    a, log = np.random.default_rng(1).random((40, 7)), Log()

    def sums(a, tile):
        log.note(tile)
        if os.path.exists("../fail") and tile.number == 6:
            raise ValueError("asked for")
        return a.sum(0)

    options = {"out": "s.npy", "tiles": {"i": 4}, "reduce": {"s": "sum"}, "workers": 1, "dtype": float}
    right = tw.run(sums, "a[i,j] -> s[j]", a, **{**options, "out": None})
    log.take()
    pathlib.Path("../fail").write_text("")
    with pytest.raises(tw.TileError):
        tw.run(sums, "a[i,j] -> s[j]", a, **options)
    os.unlink("../fail")
    assert names() == ["s.npy.journal", "s.npy.part", "s.npy.partials"] and log.take() == list(range(7))
    s = tw.run(sums, "a[i,j] -> s[j]", a, resume=True, **options)
    assert s.tobytes() == right.tobytes() and log.take() == list(range(6, 10)) and names() == ["s.npy"]


def test_a_function_that_folds_counts():
    a = np.arange(80.0).reshape(40, 2)

    def run(amount, **options):
        def fold(into, part):
            into += part * amount

        def sums(a, tile):
            if os.path.exists("../fail") and tile.number == 6:
                raise ValueError("asked for")
            return a.sum(0)
        return tw.run(sums, "a[i,j] -> s[j]", a, out="s.npy", tiles={"i": 4}, reduce=fold, dtype=float, workers=1, **options)

    pathlib.Path("../fail").write_text("")
    with pytest.raises(tw.TileError):
        run(1)
    os.unlink("../fail")
    with pytest.raises(tw.FileError, match="the fold of s is another one: its own code or what it carries is not as before"):
        run(2, resume=True)
    assert (run(1, resume=True) == a.sum(0)).all()


def test_statements_of_several_steps_are_written():
    u = np.random.default_rng(2).random(100_000) + 1
    right = tw.evaluate("u[i] /= sum(k: u[k])", u=u.copy(), parts={"i": 7})
    r = tw.evaluate("u[i] /= sum(k: u[k])", u=u, out="u.npy", parts={"i": 7})
    assert r.tobytes() == right.tobytes() and names() == ["u.npy"]
    s = tw.evaluate("s[] = sum(i: u[i]*u[i])", u="u.npy", out="s.npy", parts={"i": 5})
    assert s == tw.evaluate("s[] = sum(i: u[i]*u[i])", u=right)


# ---- dtypes that the kernel chooses ----

@pytest.mark.parametrize("pool", ["processes", "threads", "serial"])
def test_a_file_has_the_dtype_of_the_first_tile(pool):
    log = Log()

    def operate(y, tile):
        log.note(tile)
        if os.path.exists("../fail") and tile.number == 5:
            raise ValueError("asked for")
        return np.sqrt(y).astype("f4")

    options = {"out": "r.npy", "tiles": {"i": 1}, "workers": 1, "pool": pool}
    pathlib.Path("../fail").write_text("")
    with pytest.raises(tw.TileError):
        tw.run(operate, "y[i] -> r[i]", Y, **options)
    os.unlink("../fail")
    assert log.take() == [0, 0, 1, 2, 3, 4, 5]
    r = tw.run(operate, "y[i] -> r[i]", Y, resume=True, **options)
    assert r.dtype == np.float32 and (r == np.sqrt(Y).astype("f4")).all() and log.take() == list(range(5, 12))


def test_a_tile_of_another_dtype_is_refused():
    with pytest.raises(tw.TileError, match="float64.*int64|same_kind"):
        tw.run(lambda y, tile: y if tile.number else y.astype(int), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 4}, workers=1)
    assert tw.run(lambda a: a.sum(0), "a[i,j] -> s[j]", np.ones((40, 2), "f4"), out="s.npy", reduce="sum").dtype == np.float32


# ---- what is refused, what is left ----

@pytest.mark.parametrize("options, words", [
    ({"resume": True}, "resume is about results in files: give out='r.npy'"),
    ({"restart": True}, "restart is about results in files"), ({"verify": True}, "verify is about"),
    ({"version": "1"}, "version is about"), ({"mmap_mode": "c"}, "mmap_mode is about"),
    ({"out": "r.npy", "resume": "always"}, "resume is 'always'; it is True, False or 'auto'"),
    ({"out": "r.npy", "resume": 1.5}, "resume is 1.5"), ({"out": "r.npy", "mmap_mode": "w+"}, "mmap_mode is 'w\\+'"),
    ({"out": "r.npy", "version": ""}, "version is ''"), ({"out": "r.npy", "version": True}, "version is True"),
    ({"out": "r.npy", "resume": True, "restart": True}, "give one of them"),
    ({"out": "r.npy", "verify": True}, "give resume=True too"),
    ({"out": {"q": "r.npy"}}, "the signature has no output q; it has r"), ({"out": ("a.npy", "b.npy")}, "2 files given for 1"),
    ({"out": "none/r.npy"}, "none"), ({"out": "."}, "folder"), ({"out": ""}, "cannot be the name of a file"),
    ({"out": "r.npy", "dtype": object}, "references")])
def test_what_makes_no_sense_is_refused_before_anything_is_made(options, words):
    with pytest.raises((tw.ArgumentError, tw.FileError, TypeError), match=words):
        tw.run(lambda y, x: y[:, None] * x, SIGNATURE, Y, X, **options)
    assert names() == []


def test_a_wrong_result_leaves_nothing():
    def uneven(y, r, tile):
        r[...] = y + tile.number

    with pytest.raises(tw.CheckError):
        tw.run(uneven, "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 4}, check=True)
    assert names() == []
    assert (tw.run(lambda y, r: np.add(y, 1, out=r), "y[i] -> r[i]", Y, out="r.npy", tiles={"i": 4}, check=True) == Y + 1).all()


def test_an_output_that_is_not_filled_is_said_again_after_a_resume(job):
    with pytest.raises(tw.TileError):
        tw.run(lambda y, x, r: None, SIGNATURE, Y, X, out="r.npy", workers=1)
    assert names() in ([], ["r.npy.journal", "r.npy.part"])


def test_a_kernel_that_keeps_a_view_of_a_file_is_refused():
    kept = []
    with pytest.raises(tw.TileError, match="ends with the run"):
        tw.run(lambda y, r: kept.append(r), "y[i] -> r[i]", Y, out="r.npy", pool="serial", version="1")
    kept.clear()


def test_a_link_is_followed_and_a_file_keeps_its_mode():
    os.mkdir("real")
    np.save("real/r.npy", Y)
    os.chmod("real/r.npy", 0o640)
    os.symlink("real/r.npy", "r.npy")
    r = tw.evaluate("r[i] = 3*y[i]", y=Y, out="r.npy")
    assert os.path.islink("r.npy") and (r == 3 * Y).all() and os.stat("real/r.npy").st_mode & 0o777 == 0o640


def test_a_plan_makes_no_file():
    assert tw.plan(lambda y, x: y[:, None] * x, SIGNATURE, Y, X, out="r.npy").tiles > 1
    assert tw.plan("r[i,j] = y[i] * x[j]", y=Y, x=X, out="r.npy", no_run=True).tiles >= 1
    assert names() == []


# ---- native kernels, other interpreters ----

TWICE = """
#include <tilework/tilework.h>
int twice(const tw_tile *tile)
{
    TW_VIEW(const double, y, tile->operand[0]);
    TW_VIEW(double, r, tile->operand[1]);
    if (tile->number == %s) return 1;
    for (int64_t i = 0; i < y.shape[0]; i++) TW_AT(r, i) = 2 * TW_AT(y, i);
    return 0;
}
"""


def test_a_kernel_of_c_is_known_by_its_object_or_by_a_version():
    failing, right = (tw.Kernel.from_c(TWICE % number, "twice") for number in ("5", "-1"))
    options = {"out": "r.npy", "tiles": {"i": 1}, "workers": 1}
    with pytest.raises(tw.TileError):
        tw.run(failing, "y[i] -> r[i]", Y, dtype=float, **options)
    with pytest.raises(tw.FileError, match="kernel was twice of an object with hash"):
        tw.run(right, "y[i] -> r[i]", Y, dtype=float, resume=True, **options)
    with pytest.raises(tw.TileError):
        tw.run(failing, "y[i] -> r[i]", Y, dtype=float, version=1, restart=True, **options)
    r, report = tw.run(right, "y[i] -> r[i]", Y, dtype=float, version=1, resume=True, report=True, **options)
    assert (r == 2 * Y).all() and report.totals["resumed"] == 5


def test_pointers_are_known_by_their_library_or_need_a_version():
    numba = pytest.importorskip("numba")
    from numba import carray, cfunc, types
    assert numba

    @cfunc(types.int32(types.CPointer(types.void)))
    def nothing(tile):
        return 0

    r = tw.run(nothing, "y[i] -> r[i]", Y, out="r.npy", dtype=float)
    assert (r == 0).all() and carray
    import ctypes
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p)(lambda tile: 0)
    with pytest.raises(tw.ArgumentError, match="lies in no file, so a later run cannot know it again; say which one it is"):
        tw.run(callback, "y[i] -> r[i]", Y, out="r.npy", dtype=float, pool="serial")
    assert tw.run(callback, "y[i] -> r[i]", Y, out="r.npy", dtype=float, pool="serial", version="1").shape == Y.shape


@pytest.mark.skipif(importlib.util.find_spec("cloudpickle") is None, reason="needs cloudpickle")
def test_a_pool_of_a_fresh_interpreter_writes_and_resumes(job):
    np.save("y.npy", Y)
    with tw.Pool(1, start="spawn") as pool:
        def run(**options):
            return pool.run(kernels(job.log), SIGNATURE, "y.npy", X, out="r.npy", tiles={"i": 1}, **options)

        pathlib.Path("../fail").write_text("5")
        os.environ["PWD"] = os.getcwd()
        with pytest.raises(tw.TileError):
            run()
        os.unlink("../fail")
        assert job.log.take() == list(range(6))
        with pytest.raises(tw.ArgumentError, match="holds 5 of 12 tiles of an unfinished run"):
            run()
        r, report = run(resume=True, report=True)
        assert type(r) is np.memmap and (r == OUTER).all() and report.totals["resumed"] == 5
        assert job.log.take() == list(range(5, 12)) and names() == ["r.npy", "y.npy"]
        u = np.arange(5.0)
        assert (pool.run(lambda u: np.multiply(u, 2, out=u), "u[i] -> u[i]", u, out="u.npy") == 2 * u).all() and u[4] == 4
        assert pool.run(lambda y: y.astype("f4"), "y[i] -> s[i]", Y, out="s.npy").dtype == np.float32
    # The same kernel, in forked workers, is the same job.
    pathlib.Path("../fail").write_text("5")
    with tw.Pool(1, start="spawn") as pool, pytest.raises(tw.TileError):
        pool.run(kernels(job.log), SIGNATURE, Y, X, out="r.npy", tiles={"i": 1})
    os.unlink("../fail")
    job.log.take()
    assert (job.run(resume=True) == OUTER).all() and job.log.take() == list(range(5, 12))


# ---- tiles as they finish, futures ----

@pytest.mark.parametrize("pool", ["processes", "threads", "serial"])
def test_tiles_that_are_told_are_in_the_files(job, pool):
    seen = {}
    r = job.run(pool=pool, dtype=float, on_tile=lambda tile: seen.setdefault(tile.number, tile.result))
    assert sorted(seen) == list(range(12)) and (r == OUTER).all()
    assert all((view == OUTER[number]).all() for number, view in seen.items())  # such a view outlives the run


def test_a_loop_that_is_left_keeps_what_is_done(job):
    log = job.log

    def operate(y, x, r, tile):
        log.note(tile)
        time.sleep(1 if tile.number > 5 and not os.path.exists("../left") else 0.05)  # the loop is left before these
        r[...] = y[:, None] * x
    for tile in tw.iterate(operate, SIGNATURE, Y, X, out="r.npy", tiles={"i": 1}, workers=1):
        assert (tile.result == OUTER[tile.index]).all()
        if tile.number == 3:
            break
    assert names() == ["r.npy.journal", "r.npy.part"]
    del tile
    pathlib.Path("../left").touch()
    job.log.take()
    for tile in tw.iterate(operate, SIGNATURE, Y, X, out="r.npy", tiles={"i": 1}, workers=1, resume=True):
        assert (tile.result == OUTER[tile.index]).all()
    del tile
    again = job.log.take()
    assert min(again) >= 3 and max(again) == 11 and names() == ["r.npy"] and (np.load("r.npy") == OUTER).all()


def test_a_future_gives_a_file(job):
    future = tw.submit(kernels(job.log), SIGNATURE, Y, X, out="r.npy", tiles={"i": 1}, resume="auto")
    r = future.result()
    assert type(r) is np.memmap and (r == OUTER).all() and names() == ["r.npy"]
