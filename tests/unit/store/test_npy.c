/* test_npy.c - headers of .npy files, right and wrong, as bytes and as files that are opened. */
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "array/array.h"
#include "array/dtype.h"
#include "files.h"
#include "os/cpu.h"
#include "store/npy/npy.h"
#include "store/npy/npy_read.h"

/* A header made of this text, in a buffer that ends where it ends. Returns its length. */
static size_t make_header(unsigned char **bytes, int version, const char *text)
{
    const size_t prefix = version == 1 ? 10 : 12, length = strlen(text);
    unsigned char *made = malloc(prefix + length);
    assert_non_null(made);
    memcpy(made, "\x93NUMPY", 6);
    made[6] = (unsigned char)version;
    made[7] = 0;
    for (size_t k = 8; k < prefix; k++) {
        made[k] = (unsigned char)(length >> 8 * (k - 8));
    }
    memcpy(made + prefix, text, length);
    *bytes = made;
    return prefix + length;
}

static tw_status parse_bytes(struct tw__npy_header *header, const unsigned char *bytes, size_t length,
                             int64_t file_size, tw_error *error)
{
    int64_t header_length;
    const size_t front = length < TW__NPY_PREFIX ? length : TW__NPY_PREFIX;
    tw_status status = tw__npy_length(&header_length, bytes, front, file_size, "x.npy", error);
    if (status == TW_OK) {
        assert_int_equal(header_length, length);
        status = tw__npy_parse(header, bytes, header_length, file_size, "x.npy", error);
    }
    return status;
}

static tw_status parse(struct tw__npy_header *header, int version, const char *text, int64_t data_bytes,
                       tw_error *error)
{
    unsigned char *bytes;
    const size_t length = make_header(&bytes, version, text);
    const tw_status status = parse_bytes(header, bytes, length, (int64_t)length + data_bytes, error);
    free(bytes);
    return status;
}

static void headers_that_numpy_writes_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        tw_kind kind;
        int fortran, ndim;
        int64_t shape[3], bytes;
    } cases[] = {
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }     \n", TW_FLOAT64, 0, 2, {3, 4}, 96},
        {"{'descr': '|b1', 'fortran_order': True, 'shape': (3,), }\n", TW_BOOL, 1, 1, {3}, 3},
        {"{'descr': '<c16', 'fortran_order': False, 'shape': (), }\n", TW_COMPLEX128, 0, 0, {0}, 16},
        {"{'shape': (0, 5, 2), 'descr': '<i2', 'fortran_order': False}", TW_INT16, 0, 3, {0, 5, 2}, 0},
        {" { \"shape\" :( 2,\n3 ,) ,'descr':'u1' , 'fortran_order':False,}", TW_UINT8, 0, 2, {2, 3}, 6},
        {"{'descr': [('a', '<i4'), ('b', '|S3')], 'fortran_order': False, 'shape': (2,), }", TW_OPAQUE, 0, 1, {2}, 14},
        {"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (2,), }", TW_OPAQUE, 0, 1, {2}, 16},
        {"{'descr': '|V0', 'fortran_order': False, 'shape': (2,), }", TW_OPAQUE, 0, 1, {2}, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        for (int version = 1; version <= 3; version++) {
            for (int64_t more = 0; more < 2; more++) { /* data after those promised are ignored */
                struct tw__npy_header header;
                assert_int_equal(parse(&header, version, cases[k].text, cases[k].bytes + more, NULL), TW_OK);
                assert_int_equal(header.dtype.kind, cases[k].kind);
                assert_int_equal(header.fortran, cases[k].fortran);
                assert_int_equal(header.ndim, cases[k].ndim);
                assert_memory_equal(header.shape, cases[k].shape, (size_t)header.ndim * sizeof header.shape[0]);
                assert_int_equal(header.data_bytes, cases[k].bytes);
                assert_int_equal(header.data_offset, strlen(cases[k].text) + (version == 1 ? 10 : 12));
                assert_true((header.descr != NULL) == (cases[k].kind == TW_OPAQUE));
                tw__npy_fini(&header);
            }
        }
    }
}

static void headers_that_are_wrong_are_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "ends where '{'"},
        {"{}", "'descr' is missing"},
        {"[]", "'{' belongs"},
        {"{'descr': '<f8', 'fortran_order': False}", "'shape' is missing"},
        {"{'descr': '<f8', 'shape': (1,)}", "'fortran_order' is missing"},
        {"{'fortran_order': False, 'shape': (1,)}", "'descr' is missing"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'more': 1}", "'more' is not one of the keys"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'descr': '<f8'}", "'descr' is there twice"},
        {"{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}", "True or False"},
        {"{'descr': '<f8', 'fortran_order': Falsehood, 'shape': (1,)}", "True or False"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,)}", "negative"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (+1,)}", "digits alone"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1l,)}", "',' or ')'"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1.5,)}", "',' or ')'"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (0x1,)}", "',' or ')'"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (01,)}", "begins with 0"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1)}", "'(3,)'"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': 1}", "'(' belongs"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': [1]}", "'(' belongs"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (,)}", "digits alone"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,,2)}", "digits alone"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775808,)}", "above 2^63 - 1"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (9223372036854775807,)}", "more than 2^63 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "more than 2^63 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967296, 4294967296)}", "more than 2^63 bytes"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': "
         "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,"
         "1,1,1)}",
         "more than 32 dimensions"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (100,)}", "promises 800 bytes of data, the file has 8"},
        {"{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", "runs code"},
        {"{'descr': 5, 'fortran_order': False, 'shape': (1,)}", "type belongs here"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)", "',' or '}'"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,),", "quoted string"},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x", "after the closing"},
        {"{'descr': '<f8' 'fortran_order': False, 'shape': (1,)}", "',' or '}'"},
        {"{'descr' '<f8', 'fortran_order': False, 'shape': (1,)}", "':' belongs"},
        {"{'descr': '<f8', , 'fortran_order': False, 'shape': (1,)}", "quoted string"},
        {"{'descr': '\xff', 'fortran_order': False, 'shape': (1,)}", "x.npy: "},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        for (int version = 1; version <= 3; version++) {
            struct tw__npy_header header;
            tw_error error;
            assert_int_equal(parse(&header, version, cases[k].text, 8, &error), TW_ERROR_FORMAT);
            assert_ptr_equal(strstr(error.message, "x.npy: "), error.message);
            assert_non_null(strstr(error.message, cases[k].says));
            for (const char *c = error.message; *c != '\0'; c++) {
                assert_in_range(*c, 0x20, 0x7e);
            }
        }
    }
    const char nul[] = "\x93NUMPY\1\0\x3a\0{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} \0 ";
    struct tw__npy_header header;
    assert_int_equal(parse_bytes(&header, (const unsigned char *)nul, 10 + 58, 100, NULL), TW_ERROR_FORMAT);
}

static void fronts_of_other_files_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t count;
        int64_t file_size;
        const char *says;
    } cases[] = {
        {"", 0, 0, "is empty"},
        {"\x93NUM", 4, 4, "ends after 4 bytes"},
        {"\x93NUMPY\1\0\x76", 9, 9, "ends after 9 bytes"},
        {"\x93NUMPY\2\0\x76\0\0", 11, 11, "ends after 11 bytes"},
        {"\x93NUMPY\1\0\x76\0{'", 12, 127, "promises to be 128 bytes long, the file has 127"},
        {"\x93NUMPY\2\0\0\0\0\x80", 12, INT64_MAX, "2147483648 bytes; more than 1048576 are not read"},
        {"\x93NUMPY\0\0\x76\0\0\0", 12, 1000, "version 0.0"},
        {"\x93NUMPY\4\0\x76\0\0\0", 12, 1000, "version 4.0"},
        {"\x93NUMPY\1\1\x76\0\0\0", 12, 1000, "version 1.1"},
        {"\x93NUMPX\1\0\x76\0\0\0", 12, 1000, "is not a .npy file"},
        {"1.0 2.0 3.0\n", 12, 12, "is not a .npy file"},
        {"PK\3\4\0\0\0\0\0\0\0\0", 12, 1000, "unzip"},
        {"\x80\4\x95\0\0\0\0\0\0\0\0\0", 12, 1000, "a pickle runs code"},
        {"\0\0\0\0\0\0\0\0\x76\0{'", 12, 1000, "never finished"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        int64_t length = -1;
        tw_error error;
        assert_int_equal(tw__npy_length(&length, (const unsigned char *)cases[k].bytes, cases[k].count,
                                        cases[k].file_size, "x.npy", &error),
                         TW_ERROR_FORMAT);
        assert_int_equal(length, -1);
        assert_non_null(strstr(error.message, cases[k].says));
    }
}

/* ISO 8859-1 names of version 1.0 are UTF-8 in memory; written again they need version 3.0. */
static void names_are_utf8_in_memory(void **state)
{
    (void)state;
    struct tw__npy_header header;
    const char *latin1 = "{'descr': [('\xe9', '<i4')], 'fortran_order': False, 'shape': (1,)}";
    const char *utf8 = "{'descr': [('\xc3\xa9', '<i4')], 'fortran_order': False, 'shape': (1,)}";
    assert_int_equal(parse(&header, 1, latin1, 4, NULL), TW_OK);
    assert_string_equal(header.descr, "[('\xc3\xa9', '<i4')]");
    unsigned char *bytes;
    size_t length;
    assert_int_equal(tw__npy_format(&bytes, &length, &header.dtype, 1, header.shape, TW__NPY_ALIGNMENT, NULL), TW_OK);
    assert_int_equal(bytes[6], 3);
    free(bytes);
    tw__npy_fini(&header);
    assert_int_equal(parse(&header, 3, utf8, 4, NULL), TW_OK);
    assert_string_equal(header.descr, "[('\xc3\xa9', '<i4')]");
    tw__npy_fini(&header);
    assert_int_equal(parse(&header, 3, latin1, 4, NULL), TW_ERROR_FORMAT);
}

static void what_is_written_is_read_as_the_same(void **state)
{
    (void)state;
    uint64_t random = 5;
    static const char *const descrs[] = {"|S5", "<U7", ">M8[us]", "[('a', '<i4'), ('b', '<f8', (2, 3))]", "|V0"};
    static const int64_t sizes[] = {5, 28, 8, 52, 0};
    for (int round = 0; round < 2000; round++) {
        tw_dtype dtype = tw_dtype_of((tw_kind)(1 + random_below(&random, 14)));
        if (round % 3 == 0) {
            const int64_t k = random_below(&random, 5);
            dtype = (tw_dtype){TW_OPAQUE, 1, sizes[k], descrs[k]};
        }
        int64_t shape[TW_MAX_DIMS], bytes = dtype.itemsize;
        const int ndim = (int)random_below(&random, round % 10 == 0 ? TW_MAX_DIMS + 1 : 4);
        for (int d = 0; d < ndim; d++) {
            shape[d] = ndim > 4 ? 1 + random_below(&random, 2) : random_below(&random, 12345);
            bytes *= shape[d];
        }
        unsigned char *text;
        size_t length;
        assert_int_equal(tw__npy_format(&text, &length, &dtype, ndim, shape, TW__NPY_ALIGNMENT, NULL), TW_OK);
        assert_int_equal(length % 64, 0);
        assert_int_equal(text[length - 1], '\n');
        struct tw__npy_header header;
        assert_int_equal(parse_bytes(&header, text, length, (int64_t)length + bytes, NULL), TW_OK);
        assert_true(tw__dtype_same(&header.dtype, &dtype));
        assert_int_equal(header.ndim, ndim);
        assert_memory_equal(header.shape, shape, (size_t)ndim * sizeof shape[0]);
        assert_int_equal(header.data_bytes, bytes);
        assert_true(!header.fortran && !header.swapped);
        tw__npy_fini(&header);
        free(text);
    }
}

static void a_file_cut_at_any_byte_is_refused(void **state)
{
    (void)state;
    unsigned char *bytes;
    size_t length;
    const tw_dtype dtype = tw_dtype_of(TW_INT32);
    assert_int_equal(tw__npy_format(&bytes, &length, &dtype, 2, (int64_t[]){2, 3}, TW__NPY_ALIGNMENT, NULL), TW_OK);
    unsigned char whole[512] = {0};
    memcpy(whole, bytes, length);
    free(bytes);
    tw_array *array = NULL;
    for (size_t cut = 0; cut < length + 24; cut++) {
        write_file("cut.npy", whole, cut);
        tw_error error;
        assert_int_equal(tw__npy_open(&array, NULL, "cut.npy", &error), TW_ERROR_FORMAT);
        assert_ptr_equal(strstr(error.message, "cut.npy: "), error.message);
        assert_null(array);
    }
    write_file("cut.npy", whole, length + 24);
    assert_int_equal(tw__npy_open(&array, NULL, "cut.npy", NULL), TW_OK);
    tw_array_destroy(array);
}

/* Writes a file from a header's text and its data. */
static void make_file(const char *path, const char *text, const void *data, size_t bytes)
{
    unsigned char *header;
    const size_t length = make_header(&header, 1, text);
    unsigned char *whole = malloc(length + bytes);
    assert_non_null(whole);
    memcpy(whole, header, length);
    memcpy(whole + length, data, bytes);
    write_file(path, whole, length + bytes);
    free(whole);
    free(header);
}

static void native_data_are_mapped_and_others_are_read_and_swapped(void **state)
{
    (void)state;
    const int16_t native[4] = {1, -2, 300, 4}, swapped[4] = {0x0100, (int16_t)0xfeff, 0x2c01, 0x0400};
    const char *const texts[] = {
        /* data at 64: aligned */ "{'descr': '<i2', 'fortran_order': False, 'shape': (4,)}",
        /* data at 65: not aligned */ "{'descr': '<i2', 'fortran_order': False, 'shape': (4,)} ",
        "{'descr': '>i2', 'fortran_order': False, 'shape': (4,)}",
    };
    for (size_t k = 0; k < 3; k++) {
        make_file("in.npy", texts[k], k == 2 ? swapped : native, sizeof native);
        tw_array *array = NULL;
        assert_int_equal(tw__npy_open(&array, NULL, "in.npy", NULL), TW_OK);
        const size_t offset = strlen(texts[k]) + 10;
        assert_int_equal(tw_array_memory(array), k < 2 && offset % 2 == 0 ? TW_MAPPED : TW_PRIVATE);
        assert_true(array->writable == (tw_array_memory(array) == TW_PRIVATE));
        assert_memory_equal(tw_array_data(array), native, sizeof native);
        assert_int_equal(tw_array_view(array)->dtype.descr[0], TW__NATIVE);
        if (tw_array_memory(array) == TW_MAPPED) {
            tw_array *writable = NULL;
            assert_int_equal(tw__array_create(&writable, NULL, &tw_array_view(array)->dtype, 1, (int64_t[]){4}, NULL),
                             TW_OK);
            assert_int_equal(tw_array_copy(array, writable, NULL), TW_ERROR_ARGUMENT); /* opened for reading */
            tw_array_destroy(writable);
        }
        tw_array_destroy(array);
    }
}

static void complex_numbers_are_swapped_by_halves_into_the_heap(void **state)
{
    (void)state;
    double data[4] = {1.5, -2, 3, 1e300};
    const double expected[4] = {1.5, -2, 3, 1e300};
    for (int k = 0; k < 4; k++) {
        uint64_t bits;
        memcpy(&bits, &data[k], 8);
        bits = __builtin_bswap64(bits);
        memcpy(&data[k], &bits, 8);
    }
    char text[] = "{'descr': '?c16', 'fortran_order': True, 'shape': (2, 1)}";
    *strchr(text, '?') = TW__NATIVE == '<' ? '>' : '<';
    make_file("in.npy", text, data, sizeof data);
    struct tw__heap *heap = NULL;
    tw_array *array = NULL;
    assert_int_equal(tw__heap_create(&heap, (int64_t)16 << 20, NULL), TW_OK);
    assert_int_equal(tw__npy_open(&array, heap, "in.npy", NULL), TW_OK);
    assert_int_equal(tw_array_memory(array), TW_SHARED);
    assert_memory_equal(tw_array_data(array), expected, sizeof expected);
    tw_array_destroy(array);
    tw__heap_release(heap);
}

static void fortran_order_is_a_matter_of_strides(void **state)
{
    (void)state;
    const int8_t data[6] = {1, 2, 3, 4, 5, 6};
    make_file("in.npy", "{'descr': '|i1', 'fortran_order': True, 'shape': (2, 3)}", data, sizeof data);
    tw_array *array = NULL;
    assert_int_equal(tw__npy_open(&array, NULL, "in.npy", NULL), TW_OK);
    const tw_view v = *tw_array_view(array);
    assert_int_equal(v.strides[0], 1);
    assert_int_equal(v.strides[1], 2);
    assert_int_equal(((int8_t *)v.data)[1 * v.strides[0] + 2 * v.strides[1]], 6);
    assert_int_equal(((int8_t *)v.data)[1 * v.strides[1]], 3);
    tw_array_destroy(array);
}

static void arrays_of_no_bytes_are_opened(void **state)
{
    (void)state;
    const char *const texts[] = {
        "{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}",
        "{'descr': '>f8', 'fortran_order': True, 'shape': (3, 0)}",
        "{'descr': [], 'fortran_order': False, 'shape': (3,)}",
    };
    for (size_t k = 0; k < 3; k++) {
        make_file("in.npy", texts[k], "", 0);
        tw_array *array = NULL;
        assert_int_equal(tw__npy_open(&array, NULL, "in.npy", NULL), TW_OK);
        assert_non_null(tw_array_data(array));
        assert_int_equal(tw_view_size(tw_array_view(array)) * tw_array_view(array)->dtype.itemsize, 0);
        tw_array_destroy(array);
    }
}

static int cannot_open(void)
{
    tw_array *array = NULL;
    tw_error error;
    const tw_status status = tw__npy_open(&array, NULL, "secret.npy", &error);
    return status == TW_ERROR_FILE && strstr(error.message, "secret.npy: cannot be opened: Permission denied") ? 0 : 1;
}

static void what_is_no_readable_file_is_refused_without_waiting(void **state)
{
    (void)state;
    assert_int_equal(mkdir("folder.npy", 0777), 0);
    assert_int_equal(mkfifo("pipe.npy", 0666), 0);
    write_file("secret.npy", "x", 1);
    assert_int_equal(chmod("secret.npy", 0), 0);
    static const struct {
        const char *path, *says;
    } cases[] = {
        {"missing.npy", "missing.npy: cannot be opened: No such file or directory"},
        {"", "cannot be opened"},
        {"folder.npy", "folder.npy: is a folder, not a .npy file"},
        {"pipe.npy/x.npy", "pipe.npy/x.npy: cannot be opened: pipe.npy is not a folder"},
    };
    alarm(20); /* a test that hangs is to end */
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_array *array = NULL;
        tw_error error;
        assert_int_equal(tw__npy_open(&array, NULL, cases[k].path, &error), TW_ERROR_FILE);
        assert_non_null(strstr(error.message, cases[k].says));
    }
    alarm(0);
    as_another_user(cannot_open);
}

static void a_file_larger_than_memory_in_the_other_byte_order_is_refused(void **state)
{
    (void)state;
    const int64_t items = (int64_t)1 << 38; /* 2 TiB, on the disk nothing */
    if (tw__available_memory() >= items * 8) {
        print_message("# skipped: this machine has 2 TiB of memory\n");
        return;
    }
    char text[100];
    snprintf(text, sizeof text, "{'descr': '%cf8', 'fortran_order': False, 'shape': (274877906944,)}",
             TW__NATIVE == '<' ? '>' : '<');
    make_file("huge.npy", text, "", 0);
    if (truncate("huge.npy", 1000 + items * 8) != 0) {
        print_message("# skipped: the file system has no file of 2 TiB\n");
        return;
    }
    tw_array *array = NULL;
    tw_error error;
    assert_int_equal(tw__npy_open(&array, NULL, "huge.npy", &error), TW_ERROR_MEMORY);
    assert_non_null(strstr(error.message, "an array of 274877906944 float64 needs 2048.0 GiB; this machine has "));
}

static void lengths_of_python_2_are_read_where_numpy_reads_them(void **state)
{
    (void)state;
    struct tw__npy_header header;
    tw_error error;
    assert_int_equal(parse(&header, 1, "{'descr': '<f8', 'fortran_order': False, 'shape': (3L, 4L), }", 96, NULL),
                     TW_OK);
    assert_true(header.ndim == 2 && header.shape[0] == 3 && header.shape[1] == 4);
    tw__npy_fini(&header);
    assert_int_equal(parse(&header, 2, "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,)}", 24, NULL), TW_OK);
    tw__npy_fini(&header);
    assert_int_equal(parse(&header, 1,
                           "{'descr': [('L', '<i4', (2L, 3L)), ('\"1L', '|S3')], 'fortran_order': False, 'shape': ()}",
                           27, NULL),
                     TW_OK);
    assert_string_equal(header.descr, "[('L', '<i4', (2, 3)), ('\"1L', '|S3')]");
    tw__npy_fini(&header);
    static const char *const wrong[] = {"(3LL, 4)", "(3 L,)", "(L,)", "(3l,)", "(3L4,)"};
    for (size_t k = 0; k < sizeof wrong / sizeof wrong[0]; k++) {
        char text[128];
        snprintf(text, sizeof text, "{'descr': '<f8', 'fortran_order': False, 'shape': %s}", wrong[k]);
        assert_int_equal(parse(&header, 1, text, 1000, &error), TW_ERROR_FORMAT);
    }
    /* Version 3.0 is younger than Python 2. */
    assert_int_equal(parse(&header, 3, "{'descr': '<f8', 'fortran_order': False, 'shape': (3L,)}", 24, &error),
                     TW_ERROR_FORMAT);
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_that_numpy_writes_are_read),
        cmocka_unit_test(headers_that_are_wrong_are_refused_with_a_reason),
        cmocka_unit_test(fronts_of_other_files_are_told_apart),
        cmocka_unit_test(names_are_utf8_in_memory),
        cmocka_unit_test(what_is_written_is_read_as_the_same),
        IN_FOLDER(a_file_cut_at_any_byte_is_refused),
        IN_FOLDER(native_data_are_mapped_and_others_are_read_and_swapped),
        IN_FOLDER(complex_numbers_are_swapped_by_halves_into_the_heap),
        IN_FOLDER(fortran_order_is_a_matter_of_strides),
        IN_FOLDER(arrays_of_no_bytes_are_opened),
        IN_FOLDER(what_is_no_readable_file_is_refused_without_waiting),
        IN_FOLDER(a_file_larger_than_memory_in_the_other_byte_order_is_refused),
        cmocka_unit_test(lengths_of_python_2_are_read_where_numpy_reads_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
