/* test_signature.c - signatures: what is read, what is refused and where, and the lengths of axes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "grids.h"
#include "refusals.h"

#include "grid/signature.h"

static void reads_operands_and_axes(void **state)
{
    (void)state;
    tw_signature *s = parse("y[i], x[j] -> r[i,j]");
    assert_int_equal(tw_signature_noperands(s), 3);
    assert_int_equal(tw_signature_naxes(s), 2);
    assert_string_equal(tw_signature_axis(s, 0), "i");
    assert_string_equal(tw_signature_axis(s, 1), "j");
    assert_string_equal(tw_signature_operand(s, 1), "x");
    assert_int_equal(tw_signature_role(s, 1), TW_IN);
    assert_int_equal(tw_signature_role(s, 2), TW_OUT);
    assert_int_equal(tw_signature_ndim(s, 2), 2);
    assert_int_equal(tw_signature_operand_axis(s, 2, 1), 1);
    assert_int_equal(tw_signature_operand_axis(s, 1, 0), 1);
    assert_int_equal(tw_signature_find_axis(s, "j"), 1);
    assert_int_equal(tw_signature_find_axis(s, "k"), -1);
    assert_int_equal(tw_signature_find_operand(s, "r"), 2);
    assert_int_equal(tw_signature_find_operand(s, "z"), -1);
    assert_null(tw_signature_dtype(s, 2));
    tw_signature_destroy(s);
}

static void numbers_the_axes_of_outputs_first(void **state)
{
    (void)state;
    tw_signature *s = parse("a[i,k], b[k,j] -> s[j], r[i,j]");
    assert_int_equal(tw_signature_naxes(s), 3);
    assert_string_equal(tw_signature_axis(s, 0), "j");
    assert_string_equal(tw_signature_axis(s, 1), "i");
    assert_string_equal(tw_signature_axis(s, 2), "k");
    assert_int_equal(tw_signature_operand_axis(s, 0, 0), 1);
    assert_int_equal(tw_signature_operand_axis(s, 0, 1), 2);
    assert_int_equal(tw_signature_operand_axis(s, 3, 0), 1);
    tw_signature_destroy(s);
}

static void blanks_mean_nothing(void **state)
{
    (void)state;
    tw_signature *plain = parse("y[i],c[],x[i,j]->r[i,j]:float32,s[]");
    tw_signature *blanks = parse(" \n y [ i ] , c\t[ ] ,x[ i ,\r j ]-> r[i , j] : float32 , s [ ] ");
    assert_memory_equal(plain, blanks, sizeof *plain);
    tw_signature_destroy(plain);
    tw_signature_destroy(blanks);
}

static void inout_stands_once_among_the_outputs(void **state)
{
    (void)state;
    tw_signature *s = parse("u[i,j], y[i], v[j,i] -> a[i,j], u[i,j], v[j,i]");
    assert_int_equal(tw_signature_noperands(s), 4);
    const char *names[] = {"y", "a", "u", "v"};
    const tw_role roles[] = {TW_IN, TW_OUT, TW_INOUT, TW_INOUT};
    for (int k = 0; k < 4; k++) {
        assert_string_equal(tw_signature_operand(s, k), names[k]);
        assert_int_equal(tw_signature_role(s, k), roles[k]);
    }
    assert_int_equal(tw_signature_operand_axis(s, 3, 0), 1);
    assert_int_equal(tw_signature_operand_axis(s, 3, 1), 0);
    tw_signature_destroy(s);
}

static void inputs_may_be_missing_and_operands_scalar(void **state)
{
    (void)state;
    tw_signature *s = parse("-> r[i]");
    assert_int_equal(tw_signature_noperands(s), 1);
    tw_signature_destroy(s);
    s = parse("c[] -> s[]");
    assert_int_equal(tw_signature_naxes(s), 0);
    assert_int_equal(tw_signature_ndim(s, 0), 0);
    tw_signature_destroy(s);
}

static void keeps_the_text_of_a_dtype(void **state)
{
    (void)state;
    static const char *const dtypes[] = {"float32", "<f8", "S5", "|S5", "M8[ns]", "<m8[25us]", "b", ">c16", "=i4"};
    for (size_t k = 0; k < sizeof dtypes / sizeof dtypes[0]; k++) {
        char text[64];
        snprintf(text, sizeof text, "y[i] -> r[i]:%s, s[i]", dtypes[k]);
        tw_signature *s = parse(text);
        assert_string_equal(tw_signature_dtype(s, 1), dtypes[k]);
        assert_null(tw_signature_dtype(s, 2));
        tw_signature_destroy(s);
    }
}

/* Operands by their places in the text, whatever the order in which runs take them, and the text again. */
static void says_what_was_read(void **state)
{
    (void)state;
    tw_signature *s = parse("u[i,j],y[i] ,v[j,i]-> a[j]:m8[s], v[j,i],u[i,j], b[]");
    static const struct {
        const char *name, *dtype;
        tw_role role;
        int ndim, given, written, axes[2];
    } expected[] = {
        {"y", "", TW_IN, 1, 1, -1, {1}},      {"a", "m8[s]", TW_OUT, 1, -1, 0, {0}},
        {"v", "", TW_INOUT, 2, 2, 1, {0, 1}}, {"u", "", TW_INOUT, 2, 0, 2, {1, 0}},
        {"b", "", TW_OUT, 0, -1, 3, {0}},
    };
    int noperands = 0;
    const tw_operand *operands = tw_signature_operands(s, &noperands);
    assert_int_equal(noperands, 5);
    for (int k = 0; k < 5; k++) {
        assert_string_equal(operands[k].name, expected[k].name);
        assert_string_equal(operands[k].dtype, expected[k].dtype);
        assert_int_equal(operands[k].role, expected[k].role);
        assert_int_equal(operands[k].given, expected[k].given);
        assert_int_equal(operands[k].written, expected[k].written);
        assert_int_equal(operands[k].ndim, expected[k].ndim);
        for (int d = 0; d < operands[k].ndim; d++) {
            assert_int_equal(operands[k].axes[d], expected[k].axes[d]);
        }
    }
    char text[128];
    static const char same[] = "u[i,j], y[i], v[j,i] -> a[j]:m8[s], v[j,i], u[i,j], b[]";
    assert_int_equal(tw_signature_text(s, NULL, text, sizeof text), (int)strlen(same));
    assert_string_equal(text, same);
    const tw_dtype dtypes[] = {{0}, tw_dtype_of(TW_INT8), {0}, {0}, tw_dtype_of(TW_FLOAT64)};
    tw_signature_text(s, dtypes, text, sizeof text);
    assert_string_equal(text, "u[i,j], y[i], v[j,i] -> a[j]:int8, v[j,i], u[i,j], b[]:float64");
    assert_int_equal(tw_signature_text(s, NULL, text, 8), (int)strlen(same)); /* cut off, and the length of all */
    assert_string_equal(text, "u[i,j],");
    tw_signature_destroy(s);
    s = parse("-> r[ ]");
    tw_signature_text(s, NULL, text, sizeof text);
    assert_string_equal(text, "-> r[]");
    tw_signature_destroy(s);
}

/* "NAME[AXIS], " for so many operands, or "AXIS," for so many axes, and an end. */
static char *repeat(const char *before, const char *format, int count, const char *after)
{
    char *text = malloc((size_t)count * 16 + 64);
    assert_non_null(text);
    int n = sprintf(text, "%s", before);
    for (int k = 0; k < count; k++) {
        n += sprintf(text + n, format, k > 0 ? "," : "", k);
    }
    sprintf(text + n, "%s", after);
    return text;
}

static void limits_are_met_and_not_passed(void **state)
{
    (void)state;
    static const struct {
        const char *before, *format, *after, *message;
        int most;
    } limits[] = {
        {"a[", "%sx%d", "] -> r[]", "a has more than 32 axes", 32},
        {"", "%sx%d[]", " -> r[]", "more than 64 operands", 63},
        {"-> ", "%sx%d[]", "", "more than 64 operands", 64},
        {"c[] -> ", "%sx%d[i]", "", "more than 64 operands", 63},
        {"-> ", "%sx%d[i]", "", "more than 64 operands", 64},
        {"", "%so%d[i]", "-> r[i]", "more than 64 operands", 63},
        {"-> ", "%so[x%d]", "", "o stands twice among the outputs", 1},
    };
    for (size_t k = 0; k < sizeof limits / sizeof limits[0]; k++) {
        for (int more = 0; more < 2; more++) {
            tw_error error = {0};
            char *text = repeat(limits[k].before, limits[k].format, limits[k].most + more, limits[k].after);
            assert_int_equal(status_of(text, &error), more ? TW_ERROR_SYNTAX : TW_OK);
            if (more) {
                assert_non_null(strstr(error.message, limits[k].message));
            }
            free(text);
        }
    }
    /* 64 axes in all, 32 each in two operands, and one more */
    char *left = repeat("-> l[", "%sx%d", 32, "], ");
    char *right = repeat("r[", "%sy%d", 32, "]");
    char text[1024];
    tw_error error = {0};
    snprintf(text, sizeof text, "%s%s", left, right);
    assert_int_equal(status_of(text, &error), TW_OK);
    snprintf(text, sizeof text, "%s%s, s[one]", left, right);
    assert_int_equal(status_of(text, &error), TW_ERROR_SYNTAX);
    assert_non_null(strstr(error.message, "more than 64 axes"));
    free(left);
    free(right);

    char name[80];
    memset(name, 'n', sizeof name);
    snprintf(text, sizeof text, "-> %.63s[%.63s]:%.63s", name, name, name);
    assert_int_equal(status_of(text, &error), TW_OK);
    snprintf(text, sizeof text, "-> %.64s[i]", name);
    assert_int_equal(status_of(text, &error), TW_ERROR_SYNTAX);
    snprintf(text, sizeof text, "-> r[%.64s]", name);
    assert_int_equal(status_of(text, &error), TW_ERROR_SYNTAX);
    snprintf(text, sizeof text, "-> r[i]:%.64s", name);
    assert_int_equal(status_of(text, &error), TW_ERROR_SYNTAX);
    assert_int_equal(error.column, 9);

    char *blanks = malloc(6000);
    memset(blanks, ' ', 6000);
    memcpy(blanks, "-> r[i]", 7);
    blanks[4096] = '\0';
    assert_int_equal(status_of(blanks, &error), TW_OK);
    blanks[4096] = ' ';
    blanks[5999] = '\0';
    assert_int_equal(status_of(blanks, &error), TW_ERROR_SYNTAX);
    assert_int_equal(error.column, 4097);
    free(blanks);
}

static void reads_jobs_without_outputs(void **state)
{
    (void)state;
    static const struct {
        const char *text, *again;
        int noperands, naxes;
    } cases[] = {
        {"y[i]", "y[i]", 1, 1},
        {"y[i], x[j,i] ->", "y[i], x[j,i]", 2, 2},
        {" [j, i] ", "[j,i]", 0, 2},
        {"c[]", "c[]", 1, 0},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        char text[64];
        tw_signature *signature;
        assert_int_equal(tw_signature_parse(&signature, cases[k].text, NULL), TW_OK);
        assert_int_equal(tw_signature_noperands(signature), cases[k].noperands);
        assert_int_equal(tw_signature_naxes(signature), cases[k].naxes);
        tw_signature_text(signature, NULL, text, sizeof text);
        assert_string_equal(text, cases[k].again);
        tw_signature_destroy(signature);
    }
    tw_signature *ranges;
    assert_int_equal(tw_signature_parse(&ranges, "[j,i]", NULL), TW_OK);
    assert_string_equal(tw_signature_axis(ranges, 0), "j");
    tw_signature_destroy(ranges);
}

static void says_where_the_syntax_is_wrong(void **state)
{
    (void)state;
    static const struct wrong_text wrong[] = {
        {"y[i x[j] -> r[i,j]", 4, "signature: expected ']' or ',' at column 4: 'y[i x[j] -> r[i,j]'"},
        {"y[i), x[j] -> r[i,j]", 4, "signature: expected ']' or ',' at column 4: 'y[i), x[j] -> r[i,j]'"},
        {"y[i   ) -> r[i]", 7, "expected ']' or ',' at column 7"},
        {"", 1, "signature: expected an operand such as y[i], or '->' at column 1: ''"},
        {"   ", 4, "expected an operand such as y[i], or '->'"},
        {"y", 2, "expected '['"},
        {"y[", 3, "expected an axis's name or ']'"},
        {"y[i", 4, "expected ']' or ','"},
        {"y[i,", 5, "expected an axis's name"},
        {"y[i,]", 5, "expected an axis's name"},
        {"y[,i]", 3, "expected an axis's name or ']'"},
        {"[", 2, "expected an axis's name or ']'"},
        {"[]", 2, "expected an axis's name or ']'"},
        {"[i-1..i+1]", 1, "a halo, which is for operands, on axes without an operand"},
        {"[i,i]", 4, "axis i stands twice in the ranges"},
        {"[i] -> r[i]", 5, "expected the end: axes without an operand stand alone"},
        {"->", 3, "expected an output such as r[i]"},
        {"y[i] x[j] -> r[i,j]", 5, "expected ',' or '->'"},
        {"y[i] - > r[i]", 6, "expected ',' or '->'"},
        {"y[i] => r[i]", 6, "expected ',' or '->'"},
        {"r[i,j] = y[i] * x[j]", 8, "expected ',' or '->'"},
        {"y[i] -> ,", 9, "expected an output such as r[i]"},
        {"y[i], -> r[i]", 7, "expected an input after ','"},
        {"y[i] -> r[i],", 14, "expected an output after ','"},
        {"y[i] -> [i]", 9, "expected an output such as r[i]"},
        {"y[i] -> r[i] -> s[i]", 14, "expected ',' or the end"},
        {"y[i] -> r[i] s[i]", 13, "expected ',' or the end"},
        {"y[i] -> r[i]]", 13, "expected ',' or the end"},
        {"y[0] -> r[0]", 3, "expected an axis's name or ']'"},
        {"0[i] -> r[i]", 1, "expected an operand such as y[i], or '->'"},
        {"y[i] -> r[i]:", 14, "expected a dtype such as float32"},
        {"y[i] -> r[i]:,", 14, "expected a dtype such as float32"},
        {"y[i] -> r[i]:<", 14, "expected a dtype such as float32"},
        {"y[i] -> r[i]:M8[]", 17, "expected a unit such as ns"},
        {"y[i] -> r[i]:M8[ns", 19, "expected ']' after the dtype's unit"},
        {"y[i] -> r[i]:M8[n-]", 18, "expected ']' after the dtype's unit"},
        {"y[i] -> r[i]:M8 [ns]", 17, "expected ',' or the end"},
        {"y[i] -> r[i]:f8,:f4", 17, "expected an output after ','"},
        {"y[i]:f8 -> r[i]", 5, "y, which is an input, brings its own dtype"},
        {"u[i] -> u[i]:f8", 13, "u, which is read and written, brings its own dtype"},
        {"a[i,j,i] -> r[j]", 7, "axis i stands twice in a at column 7"},
        {"a[i] -> r[i,i]", 13, "axis i stands twice in r at column 13"},
        {"y[i], y[j] -> r[i,j]", 7, "y stands twice among the inputs at column 7"},
        {"y[i] -> r[i], r[i]", 15, "r stands twice among the outputs at column 15"},
        {"r[i] -> r[i], r[i]", 15, "r stands twice among the outputs"},
        {"u[i,j] -> u[j,i]", 11, "u, which is read and written, has other axes than among the inputs"},
        {"u[i] -> u[i,j]", 9, "u, which is read and written, has other axes than among the inputs"},
        {"y[\xc3\xa9] -> r[i]", 3, "at column 3: 'y[\\xc3\\xa9] -> r[i]'"},
        {"\xff\xfe\x01", 1, "at column 1: '\\xff\\xfe\\x01'"},
    };
    refuses_each(wrong, sizeof wrong / sizeof wrong[0]);
    tw_error error = {0};
    assert_int_equal(status_of(NULL, &error), TW_ERROR_ARGUMENT);
}

static void long_text_is_quoted_around_the_column(void **state)
{
    (void)state;
    char *text = repeat("", "%sx%d[i]", 60, " ! r[i]");
    tw_error error = {0};
    assert_int_equal(status_of(text, &error), TW_ERROR_SYNTAX);
    assert_int_equal(text[error.column - 1], '!');
    assert_non_null(strstr(error.message, "'..."));
    assert_non_null(strstr(error.message, "x59[i] ! r[i]'"));
    assert_true(strlen(error.message) < 200);
    free(text);
}

static tw_view shaped(int ndim, int64_t a, int64_t b)
{
    return (tw_view){.ndim = ndim, .shape = {a, b}};
}

static void finds_lengths_from_inputs(void **state)
{
    (void)state;
    tw_signature *s = parse("y[i], x[j], c[] -> r[i,j]");
    const tw_view y = shaped(1, 1000, 0), x = shaped(1, 2000, 0), c = shaped(0, 0, 0), r = shaped(2, 1000, 2000);
    const tw_view *operands[] = {&y, &x, &c, NULL};
    int64_t lengths[] = {-1, -1};
    assert_int_equal(tw_signature_lengths(s, operands, lengths, NULL), TW_OK);
    assert_int_equal(lengths[0], 1000);
    assert_int_equal(lengths[1], 2000);
    operands[3] = &r;
    assert_int_equal(tw_signature_lengths(s, operands, lengths, NULL), TW_OK); /* now all are given */
    const tw_view *only_output[] = {NULL, NULL, NULL, &r};
    int64_t again[] = {-1, -1};
    assert_int_equal(tw_signature_lengths(s, only_output, again, NULL), TW_OK);
    assert_memory_equal(lengths, again, sizeof again);
    tw_signature_destroy(s);
}

static void one_fits_any_length_in_an_input(void **state)
{
    (void)state;
    tw_signature *s = parse("a[i,j], b[i,j] -> r[i,j]");
    static const int64_t cases[][6] = {/* a, b, lengths */
                                       {1, 5, 4, 1, 4, 5},
                                       {1, 1, 1, 1, 1, 1},
                                       {0, 1, 1, 1, 0, 1},
                                       {4, 5, 1, 1, 4, 5},
                                       {1, 0, 3, 0, 3, 0}};
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        const tw_view a = shaped(2, cases[k][0], cases[k][1]), b = shaped(2, cases[k][2], cases[k][3]);
        int64_t lengths[] = {-1, -1};
        assert_int_equal(tw_signature_lengths(s, (const tw_view *[]){&a, &b, NULL}, lengths, NULL), TW_OK);
        assert_int_equal(lengths[0], cases[k][4]);
        assert_int_equal(lengths[1], cases[k][5]);
    }
    /* the caller and an output count too */
    const tw_view one = shaped(2, 1, 1), r = shaped(2, 6, 7);
    int64_t given[] = {6, -1};
    assert_int_equal(tw_signature_lengths(s, (const tw_view *[]){&one, &one, NULL}, given, NULL), TW_OK);
    assert_int_equal(given[0], 6);
    assert_int_equal(given[1], 1);
    given[1] = -1;
    assert_int_equal(tw_signature_lengths(s, (const tw_view *[]){&one, &one, &r}, given, NULL), TW_OK);
    assert_int_equal(given[1], 7);
    tw_signature_destroy(s);
}

static void lengths_that_disagree_are_named(void **state)
{
    (void)state;
    const tw_view v1000 = shaped(1, 1000, 0), v999 = shaped(1, 999, 0), v1 = shaped(1, 1, 0), v0 = shaped(1, 0, 0);
    const tw_view negative = shaped(1, -3, 0), m = shaped(2, 3, 4);
    const struct {
        const char *signature;
        const tw_view *operands[3];
        int64_t given[2];
        const char *message;
    } cases[] = {
        {"y[i], x[i] -> r[i]", {&v1000, &v999}, {-1}, "axis i: y has length 1000 but x has 999"},
        {"y[i], x[i] -> r[i]", {&v0, &v999}, {-1}, "axis i: y has length 0 but x has 999"},
        {"y[i] -> r[i]", {&v1000, &v999}, {-1}, "axis i: y has length 1000 but r has 999"},
        {"y[i] -> r[i]", {&v1000, &v1}, {-1}, "axis i: y has length 1000 but r has 1; an output is never broadcast"},
        {"y[i] -> r[i]", {&v1000, NULL}, {7}, "axis i: the length given is 7 but y has length 1000"},
        {"y[i] -> r[i]", {&v1000, NULL}, {1}, "axis i: the length given is 1 but y has length 1000"},
        {"y[i] -> y[i]", {&v1, NULL}, {5}, "axis i: the length given is 5 but y has length 1; an output"},
        {"y[i,j] -> r[i]", {&v1000, NULL}, {-1, -1}, "y has 1 dimension but the signature gives it 2: y[i,j]"},
        {"y[i] -> r[i]", {&m, NULL}, {-1}, "y has 2 dimensions but the signature gives it 1: y[i]"},
        {"c[] -> r[]", {&m, NULL}, {-1}, "c has 2 dimensions but the signature gives it 0: c[]"},
        {"y[i] -> r[i,j]", {&v1000, NULL}, {-1, -1}, "axis j has no length: no input has it; give one"},
        {"y[i] -> r[i]", {NULL, NULL}, {-1}, "axis i has no length: y has it but is not given"},
        {"y[i] -> r[i]", {&negative, NULL}, {-1}, "y has the negative length -3 on axis i"},
        {"y[i] -> r[i]", {&v1000, NULL}, {-2}, "axis i: the length given is -2, which is negative"},
    };
    for (size_t k = 0; k < sizeof cases / sizeof cases[0]; k++) {
        tw_signature *s = parse(cases[k].signature);
        tw_error error = {0};
        int64_t lengths[2] = {cases[k].given[0], cases[k].given[1]};
        assert_int_equal(tw_signature_lengths(s, cases[k].operands, lengths, &error), TW_ERROR_ARGUMENT);
        if (strstr(error.message, cases[k].message) == NULL) {
            fail_msg("%s\nsaid: %s", cases[k].message, error.message);
        }
        assert_memory_equal(lengths, cases[k].given, sizeof lengths);
        tw_signature_destroy(s);
    }
}

/* Random operands, written down and read again. */
static void reads_what_was_written(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252;
    for (int round = 0; round < 3000; round++) {
        char text[2048] = "";
        int axes[8][4], ndim[8], n = 0;
        const int inputs = (int)random_below(&seed, 4), outputs = 1 + (int)random_below(&seed, 3);
        for (int k = 0; k < inputs + outputs; k++) {
            ndim[k] = k == 0 ? 4 : (int)random_below(&seed, 5);
            const char *before = k == inputs ? " -> " : k == 0 ? "" : k % 2 != 0 ? "," : " , ";
            n += sprintf(text + n, "%sop%d[", before, k);
            const int first = (int)random_below(&seed, 7), step = 1 + (int)random_below(&seed, 6);
            for (int d = 0; d < ndim[k]; d++) {
                axes[k][d] = (first + d * step) % 7; /* 7 is a prime: all differ */
                n += sprintf(text + n, "%s%c", d > 0 ? "," : "", 'a' + axes[k][d]);
            }
            n += sprintf(text + n, "]");
        }
        tw_signature *s = parse(text);
        assert_int_equal(tw_signature_noperands(s), inputs + outputs);
        int highest = -1; /* outputs name new axes in increasing order, then inputs do */
        for (int pass = 0; pass < 2; pass++) {
            for (int k = pass == 0 ? inputs : 0; k < (pass == 0 ? inputs + outputs : inputs); k++) {
                assert_int_equal(tw_signature_ndim(s, k), ndim[k]);
                for (int d = 0; d < ndim[k]; d++) {
                    const int a = tw_signature_operand_axis(s, k, d);
                    const char name[] = {(char)('a' + axes[k][d]), '\0'};
                    assert_string_equal(tw_signature_axis(s, a), name);
                    assert_true(a <= highest + 1);
                    highest = a > highest ? a : highest;
                }
            }
        }
        assert_int_equal(highest + 1, tw_signature_naxes(s));
        tw_signature_destroy(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_operands_and_axes),
        cmocka_unit_test(numbers_the_axes_of_outputs_first),
        cmocka_unit_test(blanks_mean_nothing),
        cmocka_unit_test(inout_stands_once_among_the_outputs),
        cmocka_unit_test(inputs_may_be_missing_and_operands_scalar),
        cmocka_unit_test(keeps_the_text_of_a_dtype),
        cmocka_unit_test(says_what_was_read),
        cmocka_unit_test(limits_are_met_and_not_passed),
        cmocka_unit_test(reads_jobs_without_outputs),
        cmocka_unit_test(says_where_the_syntax_is_wrong),
        cmocka_unit_test(long_text_is_quoted_around_the_column),
        cmocka_unit_test(finds_lengths_from_inputs),
        cmocka_unit_test(one_fits_any_length_in_an_input),
        cmocka_unit_test(lengths_that_disagree_are_named),
        cmocka_unit_test(reads_what_was_written),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
