/* test_dtype.c - kinds, names and type strings. */
#include <stdio.h>
#include <string.h>

#include "array/dtype.h"
#include "harness.h"

static const tw_kind all_kinds[] = {TW_BOOL,    TW_INT8,    TW_INT16,     TW_INT32,     TW_INT64,
                                    TW_UINT8,   TW_UINT16,  TW_UINT32,    TW_UINT64,    TW_FLOAT16,
                                    TW_FLOAT32, TW_FLOAT64, TW_COMPLEX64, TW_COMPLEX128};
#define KINDS (sizeof all_kinds / sizeof all_kinds[0])

static void every_kind_has_its_c_size_and_reads_its_own_names(void **state)
{
    (void)state;
    static const struct {
        tw_kind kind;
        const char *name, *descr;
        int64_t size, alignment;
    } known[] = {
        {TW_BOOL, "bool", "|b1", 1, 1},
        {TW_INT64, "int64", "<i8", sizeof(int64_t), _Alignof(int64_t)},
        {TW_UINT16, "uint16", "<u2", sizeof(uint16_t), _Alignof(uint16_t)},
        {TW_FLOAT16, "float16", "<f2", 2, 2},
        {TW_FLOAT32, "float32", "<f4", sizeof(float), _Alignof(float)},
        {TW_FLOAT64, "float64", "<f8", sizeof(double), _Alignof(double)},
        {TW_COMPLEX64, "complex64", "<c8", sizeof(float _Complex), _Alignof(float _Complex)},
        {TW_COMPLEX128, "complex128", "<c16", sizeof(double _Complex), _Alignof(double _Complex)},
    };
    for (size_t k = 0; k < sizeof known / sizeof known[0]; k++) {
        const tw_dtype dtype = tw_dtype_of(known[k].kind);
        assert_int_equal(dtype.itemsize, known[k].size);
        assert_int_equal(dtype.alignment, known[k].alignment);
        assert_string_equal(dtype.descr + 1, known[k].descr + 1);
        assert_string_equal(tw_dtype_name(&dtype), known[k].name);
    }
    for (size_t k = 0; k < KINDS; k++) {
        const tw_dtype dtype = tw_dtype_of(all_kinds[k]);
        const char *const names[] = {tw_dtype_name(&dtype), dtype.descr, dtype.descr + 1};
        for (size_t n = 0; n < 3; n++) {
            tw_dtype read;
            char storage[TW_DTYPE_TEXT];
            assert_int_equal(tw_dtype_parse(&read, names[n], storage, NULL), TW_OK);
            assert_true(tw__dtype_same(&read, &dtype));
            assert_ptr_equal(read.descr, dtype.descr);
        }
    }
    assert_int_equal(tw_dtype_of(TW_OPAQUE).itemsize, 0);
    assert_int_equal(tw_dtype_of((tw_kind)99).kind, TW_OPAQUE);
}

static void opaque_names_become_descriptions(void **state)
{
    (void)state;
    static const struct {
        const char *name, *descr;
        int64_t size;
    } cases[] = {
        {"S5", "|S5", 5},
        {"|S5", "|S5", 5},
        {"U3", "<U3", 12},
        {">U3", ">U3", 12},
        {"V16", "|V16", 16},
        {"M8[ns]", "<M8[ns]", 8},
        {"m8", "<m8", 8},
        {"m8[25s]", "<m8[25s]", 8},
        {"=M8[as]", "<M8[as]", 8},
        {"<f16", "<f16", 16},
        {"c32", "<c32", 32},
        {"S0", "|S0", 0},
        {"S2147483647", "|S2147483647", INT32_MAX},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_dtype dtype;
        char storage[TW_DTYPE_TEXT];
        assert_int_equal(tw_dtype_parse(&dtype, cases[k].name, storage, NULL), TW_OK);
        assert_int_equal(dtype.kind, TW_OPAQUE);
        assert_int_equal(dtype.itemsize, cases[k].size);
        assert_int_equal(dtype.alignment, 1);
        assert_ptr_equal(dtype.descr, storage);
        assert_string_equal(tw_dtype_name(&dtype), cases[k].descr);
    }
}

static void names_that_are_no_dtype_are_refused_untouched(void **state)
{
    (void)state;
    static const char *const names[] = {
        "",
        "float",
        "flot64",
        "Float64",
        "f8 ",
        " f8",
        "f9",
        "f",
        "i3",
        "b2",
        "8",
        "<",
        "<<f8",
        "f-8",
        "f+8",
        "f8x",
        "O",
        "|O",
        "O8",
        ">f8",
        ">c16",
        "|f8",
        "|U3",
        "S-1",
        "S",
        "Sx",
        "M8[]",
        "M8[xx]",
        "M8[ns",
        "M8ns]",
        "M8[0s]",
        "M4",
        "m8[-1s]",
        "T16",
        "c4",
        "U536870912",
        "S2147483648",
        "V99999999999999999999",
        "[('a', '<i4')]",
        "M8[99999999999s]",
        "object",
        "S5[ns]",
        "U9223372036854775807",
    };
    for (size_t k = 0; k < sizeof names / sizeof names[0]; k++) {
        tw_dtype dtype = {.kind = TW_INT8, .itemsize = 77};
        char storage[TW_DTYPE_TEXT];
        tw_error error;
        assert_int_equal(tw_dtype_parse(&dtype, names[k], storage, &error), TW_ERROR_SYNTAX);
        assert_int_equal(error.column, 1);
        assert_non_null(strstr(error.message, names[k]));
        assert_int_equal(dtype.itemsize, 77);
    }
    char longest[200];
    snprintf(longest, sizeof longest, "S%0150d", 5);
    tw_dtype dtype;
    char storage[TW_DTYPE_TEXT];
    assert_int_equal(tw_dtype_parse(&dtype, longest, storage, NULL), TW_ERROR_SYNTAX);
}

static void a_name_that_is_no_dtype_is_told_what_is_one(void **state)
{
    (void)state;
    static const struct {
        const char *name, *says;
    } cases[] = {
        {"float99", "'float99' is no dtype; one is float64, int32, "},
        {"uint7", "'uint7' is no dtype; one is"},
        {"", "'' is no dtype; one is"},
        {"f9", "dtype 'f9' has a size that its kind does not have; one is"},
        {"S", "dtype 'S' has no size after its letter"},
        {"O", "dtype 'O' means Python objects, which cannot be computed with"},
        {"|O8", "means Python objects, which cannot be computed with"},
        {"object", "dtype 'object' means Python objects, which cannot be computed with"},
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        {">f8", "outputs are written; write '<f8'"},
#else
        {"<f8", "outputs are written; write '>f8'"},
#endif
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_dtype dtype;
        char storage[TW_DTYPE_TEXT];
        tw_error error;
        assert_int_equal(tw_dtype_parse(&dtype, cases[k].name, storage, &error), TW_ERROR_SYNTAX);
        assert_non_null(strstr(error.message, cases[k].says));
        assert_null(strstr(error.message, "pickle"));
    }
}

int main(void)
{
    cmocka_set_message_output(CM_OUTPUT_TAP);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_has_its_c_size_and_reads_its_own_names),
        cmocka_unit_test(opaque_names_become_descriptions),
        cmocka_unit_test(names_that_are_no_dtype_are_refused_untouched),
        cmocka_unit_test(a_name_that_is_no_dtype_is_told_what_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
