"""The library's .npy files against NumPy's, in both directions, by way of tests/helpers/npycopy.c."""

import io
import os
import pickle
import subprocess
import threading
import warnings

import numpy
import pytest
from numpy.lib import format as npy_format

NUMBERS = ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]
SHAPES = [(), (1,), (7,), (0,), (3, 4), (4, 0, 3), (2, 1, 3, 2), (1,) * 32]


def helper():
    path = os.environ.get("TILEWORK_NPYCOPY")
    if not path or not os.access(path, os.X_OK):
        pytest.exit(f"TILEWORK_NPYCOPY={path!r} is no program: set it to tests/npycopy of a build", returncode=2)
    return os.path.abspath(path)


def call(*arguments):
    return subprocess.run([helper(), *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=60)  # fmt: skip


def content(dtype, shape, seed=1):
    """Items of any bytes at all, true bools, and text and times that NumPy can compare."""
    dtype = numpy.dtype(dtype)
    random = numpy.random.default_rng(seed)
    if dtype.kind == "b":
        return numpy.array(random.integers(0, 2, shape), dtype)
    if dtype.kind == "U":
        return numpy.array(random.choice(["", "a", "zwölf", "日本"], shape), dtype)
    array = numpy.zeros(shape, dtype)
    if array.nbytes > 0:
        array = numpy.frombuffer(random.bytes(array.nbytes), "V%d" % dtype.itemsize).reshape(shape).view(dtype)
    return array


def same(a, b):
    """Same dtype, shape and bytes; NaNs count by their bits."""
    assert a.dtype == b.dtype and a.shape == b.shape
    assert a.tobytes() == b.tobytes()


def load_both_ways(path, **options):
    whole = numpy.load(path, **options)
    if whole.size > 0 and whole.dtype.itemsize > 0:  # numpy.memmap itself cannot map nothing
        same(whole, numpy.asarray(numpy.load(path, mmap_mode="r", **options)))
    return whole


def copied(tmp_path, array, version=None):
    """The array after NumPy wrote it, the library read and wrote it, and NumPy read it."""
    with open(tmp_path / "in.npy", "wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        npy_format.write_array(file, array, version)
    result = call(tmp_path / "in.npy", tmp_path / "out.npy")
    assert result.returncode == 0, result.stderr
    assert not os.path.exists(tmp_path / "out.npy.part")
    return load_both_ways(tmp_path / "out.npy", max_header_size=1 << 21)


def refused(tmp_path, content, *says):
    path = tmp_path / "bad.npy"
    path.write_bytes(content)
    result = call(path, tmp_path / "out.npy")
    assert result.returncode == 3, result.stderr
    assert result.stderr.count("\n") == 1 and f"{path}: " in result.stderr, result.stderr
    for text in says:
        assert text in result.stderr, result.stderr
    assert sorted(os.listdir(tmp_path)) == ["bad.npy"]
    return result.stderr


def saved(array, **options):
    file = io.BytesIO()
    numpy.save(file, array, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", NUMBERS)
def test_numbers_come_back_native_whatever_their_byte_order(tmp_path, kind):
    for order in "<>":
        for shape in SHAPES:
            array = content(order + kind, shape)
            same(copied(tmp_path, array), array.astype("=" + kind))


@pytest.mark.parametrize("kind", NUMBERS + ["S5", "M8[ns]", "V3"])
@pytest.mark.parametrize("order", "<>")
def test_fortran_order_comes_back_as_c_order(tmp_path, kind, order):
    for shape in [(3, 4), (2, 3, 4), (5, 1), (40, 50, 3)]:
        array = numpy.asfortranarray(content(numpy.dtype(kind).newbyteorder(order), shape))
        assert array.flags.f_contiguous
        result = copied(tmp_path, array)
        assert result.flags.c_contiguous
        if kind in NUMBERS:
            array = array.astype("=" + kind)
        same(result, numpy.ascontiguousarray(array))


OPAQUE = {
    "text": "S5",
    "no text": "V0",
    "unicode": "<U3",
    "unicode big-endian": ">U3",
    "bytes": "V16",
    "time": "<M8[ns]",
    "time big-endian": ">M8[D]",
    "time without a unit": "<M8",
    "duration of 25 s": "<m8[25s]",
    "long double": numpy.dtype("longdouble").str,
    "long complex": numpy.dtype("clongdouble").str,
    "record": [("a", "<i4"), ("b", ">f8"), ("c", "S3")],
    "record without fields": [],
    "nested record": [("p", [("x", "<f4"), ("y", [("z", "<c8"), ("t", "<M8[us]")])]), ("n", "u1")],
    "subarrays": [("m", "<f8", (2, 3)), ("e", "<i2", (0,)), ("r", [("q", ">i4", (2,))], (1, 4))],
    "titles": [(("the title", "a"), "<i4"), (("another", "b"), "<f4")],
    "padding": numpy.dtype([("a", "i1"), ("b", "<f8"), ("c", "i1")], align=True),
    "names that need quoting": [("a'b", "<i4"), ('a"b', "<i4"), ("a\\b", "<i4"), ("a'\"b\n\x01", "<i4"), ("a, ('x')", "<i4")],
    "names of ISO 8859-1": [("größe", "<f8"), ("é", "<i4")],
    "names of Unicode": [("大きさ", "<f8"), ("é", "<i4"), ("\U0001f600", "i1")],
}


@pytest.mark.parametrize("name", OPAQUE)
def test_other_dtypes_are_kept_as_they_are(tmp_path, name):
    dtype = numpy.dtype(OPAQUE[name])
    for shape in [(), (5,), (0, 3), (2, 3)]:
        array = content(dtype, shape)
        same(copied(tmp_path, array), array)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_is_read(tmp_path, version):
    array = content("f8", (3, 5))
    same(copied(tmp_path, array, version), array)
    assert (tmp_path / "out.npy").read_bytes()[6:8] == b"\1\0"


@pytest.mark.parametrize("letters, version", [("field", 2), ("größe", 3)])
def test_a_header_of_more_than_64_KiB_is_written_in_a_later_version(tmp_path, letters, version):
    dtype = numpy.dtype([("%s%05d" % (letters, k), "<i2") for k in range(5000)])
    array = content("V%d" % dtype.itemsize, (2,)).view(dtype)
    same(copied(tmp_path, array), array)
    assert (tmp_path / "out.npy").read_bytes()[6] == version


def test_data_that_are_not_aligned_are_read(tmp_path):
    text = b"{'descr': '<f8', 'fortran_order': False, 'shape': (3,), }"
    for pad in range(9):
        header = text + b" " * pad
        data = content("<f8", (3,))
        (tmp_path / "in.npy").write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data.tobytes())
        assert call(tmp_path / "in.npy", tmp_path / "out.npy").returncode == 0
        same(load_both_ways(tmp_path / "out.npy"), data)


def test_headers_that_others_write_are_read(tmp_path):
    data = content("<i4", (2, 3))
    for text in [
        "{'shape': (2, 3), 'fortran_order': False, 'descr': '<i4'}",
        '{"shape":(2,3),"fortran_order":False,"descr":"<i4"}',
        "{ 'shape' : ( 2 , 3 , ) , 'fortran_order' : False , 'descr' : '=i4' , } \t\n",
        "{'shape': (2, 3), 'fortran_order': False, 'descr': 'i4'}",
    ]:
        header = text.encode()
        (tmp_path / "in.npy").write_bytes(b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header + data.tobytes())
        result = call(tmp_path / "in.npy", tmp_path / "out.npy")
        assert result.returncode == 0, result.stderr
        same(load_both_ways(tmp_path / "out.npy"), data)


def test_bytes_after_the_data_are_ignored_as_numpy_does(tmp_path):
    (tmp_path / "in.npy").write_bytes(saved(numpy.arange(5.0)) + b"more")
    assert call(tmp_path / "in.npy", tmp_path / "out.npy").returncode == 0
    same(load_both_ways(tmp_path / "out.npy"), numpy.arange(5.0))


def test_a_file_replaces_what_had_its_name(tmp_path):
    numpy.save(tmp_path / "in.npy", numpy.arange(3))
    (tmp_path / "out.npy").write_bytes(b"x" * 100000)
    assert call(tmp_path / "in.npy", tmp_path / "out.npy").returncode == 0
    same(load_both_ways(tmp_path / "out.npy"), numpy.arange(3))
    assert call(tmp_path / "out.npy", tmp_path / "out.npy").returncode == 0
    same(load_both_ways(tmp_path / "out.npy"), numpy.arange(3))


# ---- bad input ----


def test_truncated_at_every_byte(tmp_path):
    whole = saved(numpy.zeros((2, 3), [("a", "<i4"), ("b", "<f8", (2,))]))
    for length in range(len(whole)):
        refused(tmp_path, whole[:length])


def test_every_byte_of_the_header_changed(tmp_path):
    """Whatever the byte becomes: a clean refusal, or an array that NumPy reads the same."""
    whole = saved(numpy.arange(6.0).reshape(2, 3))
    for place in range(80):
        for value in (0, 0x20, 0x27, 0x2C, 0x30, 0x39, 0x7D, 0xFF):
            (tmp_path / "in.npy").write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            result = call(tmp_path / "in.npy", tmp_path / "out.npy")
            assert result.returncode in (0, 3), result.stderr
            if result.returncode == 0:
                expected = numpy.load(tmp_path / "in.npy")
                same(numpy.load(tmp_path / "out.npy"), numpy.ascontiguousarray(expected.astype(expected.dtype.newbyteorder("="))))


def test_objects_and_pickles_are_refused_with_the_reason(tmp_path):
    array = numpy.array([{}, None], dtype=object)
    refused(tmp_path, saved(array, allow_pickle=True), "pickles", "runs code", "never read")
    records = numpy.zeros(2, [("a", "<i4"), ("b", [("c", "O")])])
    refused(tmp_path, saved(records, allow_pickle=True), "pickles", "runs code", "never read")
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        refused(tmp_path, pickle.dumps(numpy.arange(3), protocol), "pickle", "runs code", "never read")
    file = io.BytesIO()
    numpy.savez(file, a=numpy.arange(3))
    refused(tmp_path, file.getvalue(), "unzip")


def test_a_pipe_is_read_and_an_empty_device_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.npy")
    array = numpy.arange(70000.0)  # more than a pipe holds
    whole = io.BytesIO()
    numpy.save(whole, array)
    writer = threading.Thread(target=(tmp_path / "pipe.npy").write_bytes, args=(whole.getvalue(),))
    writer.start()
    result = call(tmp_path / "pipe.npy", tmp_path / "out.npy")
    writer.join()
    assert result.returncode == 0 and (numpy.load(tmp_path / "out.npy") == array).all()
    os.remove(tmp_path / "out.npy")
    result = call("/dev/null", tmp_path / "out.npy")
    assert result.returncode == 3 and "/dev/null: is empty, not a .npy file" in result.stderr
    assert os.listdir(tmp_path) == ["pipe.npy"]


# ---- text ----


def printed(tmp_path, array):
    numpy.save(tmp_path / "in.npy", array)
    result = call(tmp_path / "in.npy")
    assert result.returncode == 0, result.stderr
    return result.stdout.splitlines()


def random_doubles(count, seed=2):
    random = numpy.random.default_rng(seed)
    special = [0.0, -0.0, 0.1, 1.0, 100.0, 1e15, 9.999999999999999e15, 1e16, 1e-4, 9.9e-5, 1e300, 5e-324, 1.7976931348623157e308,
               numpy.inf, -numpy.inf, numpy.nan, 2.0**-44, 2.0**53, 123456.789]  # fmt: skip
    powers = numpy.ldexp(1.0, numpy.arange(-1074, 1024))
    bits = numpy.frombuffer(random.bytes(8 * count), "f8")
    short = numpy.round(random.normal(size=count), 3)
    return numpy.concatenate([special, powers, bits, short])


def test_float64_prints_as_numpy_prints_it(tmp_path):
    values = random_doubles(3000)
    assert printed(tmp_path, values) == [str(v) for v in values]


def test_complex128_prints_as_numpy_prints_it(tmp_path):
    values = random_doubles(2000)
    values = values[: len(values) // 2 * 2].view("c16")
    assert printed(tmp_path, values) == [str(v) for v in values]
    real = numpy.array([0.0, -0.0, 1.0, numpy.nan, -numpy.inf])
    grid = numpy.empty((5, 5), "c16")
    grid.real, grid.imag = real[:, None], real[None, :]
    assert printed(tmp_path, grid) == [str(v) for v in grid.ravel()]


@pytest.mark.parametrize("kind", ["f2", "f4", "c8"])
def test_smaller_floats_print_their_shortest_digits(tmp_path, kind):
    """Versions of NumPy differ in where they put the point, so digits are compared, and the value read back."""
    if kind == "f2":
        values = numpy.arange(65536, dtype="u2").view("f2")
    else:
        bits = numpy.frombuffer(numpy.random.default_rng(3).bytes(4 * 6000), "f4")
        values = numpy.concatenate([bits, numpy.ldexp(numpy.float32(1), numpy.arange(-149, 128)).astype("f4")])
    if kind == "c8":
        values = values[: len(values) // 2 * 2].view("c8")
        lines = printed(tmp_path, values)
        assert [str(numpy.complex64(complex(line))) for line in lines] == [str(v) for v in values]
        return
    for line, value in zip(printed(tmp_path, values), values, strict=True):
        if numpy.isnan(value):
            assert line == "nan"
            continue
        assert values.dtype.type(line) == value
        if numpy.isfinite(value):
            shortest = numpy.format_float_scientific(value, unique=True, trim="-")
            assert numpy.format_float_scientific(float(line), unique=True, trim="-") == shortest
            assert ("e" in line) == (value != 0 and not 1e-4 <= abs(float(value)) < 1e16)


@pytest.mark.parametrize("kind", ["b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8"])
def test_integers_print_as_numpy_prints_them(tmp_path, kind):
    values = content(kind, (500,))
    assert printed(tmp_path, values) == [str(v) for v in values]


def test_other_items_print_their_bytes(tmp_path):
    assert printed(tmp_path, numpy.array([b"ab", b"c"], "S3")) == ["616200", "630000"]
    assert printed(tmp_path, numpy.array([b"x" * 20])) == ["78" * 16 + "..."]


# ---- other spellings ----

LETTERS = [order + letter for order in ("", "<", ">", "=", "|") for letter in "?bBhHiIlLqQefdgFDGSUVcMmpPnN"]
WORDS = ("bool bool_ byte ubyte short ushort intc uintc int_ int uint longlong ulonglong intp uintp half single double "
         "longdouble csingle cdouble clongdouble float complex int8 int16 int32 int64 uint8 uint16 uint32 uint64 float16 "
         "float32 float64 float128 complex64 complex128 complex256 str str_ bytes bytes_ void datetime64 timedelta64 "
         "datetime64[ns] timedelta64[s] <datetime64[D] |timedelta64[25us] M8 m8 M8[generic]").split()
TYPES = ["|b1", "<b1", ">b1", "<i1", "|i2", "|f8", "|c16", "|M8[ns]", "|m8[3D]", "|U3", "<S3", ">V4", "=i4", "=U2"]


def written(path, header, data=bytes(64), version=1):
    """A .npy file with any header."""
    text = header.encode("latin-1" if version < 3 else "utf-8") + b"\n"
    length = len(text).to_bytes(2 if version == 1 else 4, "little")
    path.write_bytes(b"\x93NUMPY" + bytes([version, 0]) + length + text + data)
    return path


@pytest.mark.parametrize("spelling", LETTERS + WORDS + TYPES)
def test_types_are_read_however_they_are_spelled(tmp_path, spelling):
    path = written(tmp_path / "in.npy", f"{{'descr': '{spelling}', 'fortran_order': False, 'shape': (2,)}}",
                   bytes(range(1, 65)) if numpy.dtype(spelling).kind not in "Ub" else b"\1\0\0\0" * 16)
    done = call(path, tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    expected, found = numpy.load(path), numpy.load(tmp_path / "out.npy")
    assert found.shape == (2,) and found.dtype.newbyteorder("=") == expected.dtype.newbyteorder("=")
    assert found.tobytes() in (expected.tobytes(), expected.astype(found.dtype).tobytes())


@pytest.mark.parametrize("header", [
    "{'shape': (2L, 3L), 'descr': '<f8', 'fortran_order': False}",  # Python 2
    "{'shape': (2, 3,), 'fortran_order': True, 'descr': '<f8',}",
    '{"descr":"<f8","fortran_order":False,"shape":(2,3)}',
    "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }" + " " * 40,
    "  { 'descr' :\n'<f8' , 'fortran_order' : False , 'shape' : ( 2 , 3 ) }  ",
    "{'descr': [('x', 'd')], 'fortran_order': False, 'shape': (2, 3)}",
    "{'descr': [('x', '|i4'), ('y', 'float32', (1,))], 'fortran_order': False, 'shape': (2, 3)}",
])
@pytest.mark.parametrize("version", [1, 2, 3])
def test_headers_are_read_however_they_are_laid_out(tmp_path, header, version):
    if version == 3 and "2L" in header:
        pytest.skip("NumPy reads these in versions 1 and 2 alone")
    path = written(tmp_path / "in.npy", header, numpy.arange(6.0).tobytes(), version)
    done = call(path, tmp_path / "out.npy")
    assert done.returncode == 0, done.stderr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        expected = numpy.load(path, max_header_size=100000)
    found = numpy.load(tmp_path / "out.npy")
    assert found.dtype == expected.dtype and (found == expected).all()


@pytest.mark.parametrize("spelling", ["f3", "d8", "q8", "?1", "f8f8", "<int", "Float64", "bool8", "", "<=f8", "3f8", "f8,i4"])
def test_what_is_no_single_type_is_refused(tmp_path, spelling):
    path = written(tmp_path / "in.npy", f"{{'descr': '{spelling}', 'fortran_order': False, 'shape': (2,)}}")
    done = call(path, tmp_path / "out.npy")
    assert done.returncode == 3 and "in.npy: the header is wrong at character 11" in done.stderr
