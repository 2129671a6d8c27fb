/* emitter.c - lines, types and numbers of generated C. Knows no statements. */
#include "notation/print/emitter.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines ---- */

__attribute__((format(printf, 2, 0))) static void add(struct tw__emitter *e, const char *format, va_list arguments)
{
    if (vfprintf(e->out, format, arguments) < 0) {
        e->failed = 1;
    }
}

void tw__emit_text(struct tw__emitter *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(e, format, arguments);
    va_end(arguments);
}

void tw__emit_begin(struct tw__emitter *e)
{
    for (int k = 0; k < e->indent; k++) {
        fputs("    ", e->out);
    }
}

void tw__emit_end(struct tw__emitter *e)
{
    fputc('\n', e->out);
}

void tw__emit_line(struct tw__emitter *e, const char *format, ...)
{
    va_list arguments;
    tw__emit_begin(e);
    va_start(arguments, format);
    add(e, format, arguments);
    va_end(arguments);
    tw__emit_end(e);
}

void tw__emit_open(struct tw__emitter *e, const char *format, ...)
{
    va_list arguments;
    tw__emit_begin(e);
    va_start(arguments, format);
    add(e, format, arguments);
    va_end(arguments);
    fputs(" {\n", e->out);
    e->indent++;
}

void tw__emit_close(struct tw__emitter *e)
{
    e->indent--;
    tw__emit_line(e, "}");
}

void tw__emit_function(struct tw__emitter *e, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    add(e, format, arguments);
    va_end(arguments);
    fputs("\n{\n", e->out);
    e->indent = 1;
}

void tw__emit_function_end(struct tw__emitter *e)
{
    e->indent = 0;
    fputs("}\n\n", e->out);
}

/* ---- dtypes ---- */

static const struct {
    const char *type, *storage, *suffix;
    int size;
} kinds[] = {
    [TW_BOOL] = {"uint8_t", "uint8_t", "bool", 1},    [TW_INT8] = {"int8_t", "int8_t", "i8", 1},
    [TW_INT16] = {"int16_t", "int16_t", "i16", 2},    [TW_INT32] = {"int32_t", "int32_t", "i32", 4},
    [TW_INT64] = {"int64_t", "int64_t", "i64", 8},    [TW_UINT8] = {"uint8_t", "uint8_t", "u8", 1},
    [TW_UINT16] = {"uint16_t", "uint16_t", "u16", 2}, [TW_UINT32] = {"uint32_t", "uint32_t", "u32", 4},
    [TW_UINT64] = {"uint64_t", "uint64_t", "u64", 8}, [TW_FLOAT16] = {"float", "uint16_t", "f16", 2},
    [TW_FLOAT32] = {"float", "float", "f32", 4},      [TW_FLOAT64] = {"double", "double", "f64", 8},
    [TW_COMPLEX64] = {"tw_c64", "tw_c64", "c64", 8},  [TW_COMPLEX128] = {"tw_c128", "tw_c128", "c128", 16},
};

const char *tw__emit_type(tw_kind kind)
{
    return kinds[kind].type;
}

const char *tw__emit_storage(tw_kind kind)
{
    return kinds[kind].storage;
}

const char *tw__emit_suffix(tw_kind kind)
{
    return kinds[kind].suffix;
}

int tw__emit_size(tw_kind kind)
{
    return kinds[kind].size;
}

/* ---- numbers ---- */

/* Small integers read as such, all others are hexadecimal: exact, and free of the locale's decimal point. */
static void emit_float(struct tw__emitter *e, double value, int single)
{
    const char *suffix = single ? "f" : "";
    if (isnan(value)) {
        tw__emit_text(e, single ? "__builtin_nanf(\"\")" : "__builtin_nan(\"\")");
        return;
    }
    const int negative = signbit(value) != 0;
    const double size = fabs(value);
    tw__emit_text(e, negative ? "(-" : "");
    if (isinf(value)) {
        tw__emit_text(e, single ? "__builtin_inff()" : "__builtin_inf()");
    } else if (size < 1e9 && size == floor(size)) {
        tw__emit_text(e, "%" PRId64 ".0%s", (int64_t)size, suffix);
    } else {
        int exponent;
        const double fraction = frexp(size, &exponent); /* 0.5 <= fraction < 1: 53 bits, of which the first is 1 */
        uint64_t digits = (uint64_t)ldexp(fraction, 53) & (((uint64_t)1 << 52) - 1);
        int count = 13;
        while (count > 0 && digits % 16 == 0) {
            digits /= 16;
            count--;
        }
        if (count == 0) {
            tw__emit_text(e, "0x1p%d%s", exponent - 1, suffix);
        } else {
            tw__emit_text(e, "0x1.%0*" PRIx64 "p%d%s", count, digits, exponent - 1, suffix);
        }
    }
    tw__emit_text(e, negative ? ")" : "");
}

static void emit_integer(struct tw__emitter *e, tw_kind kind, int64_t value)
{
    if (kind == TW_INT64 && value == INT64_MIN) {
        tw__emit_text(e, "INT64_MIN");
    } else if (kind == TW_INT64) {
        tw__emit_text(e, value < 0 ? "(-INT64_C(%" PRId64 "))" : "INT64_C(%" PRId64 ")", value < 0 ? -value : value);
    } else if (kind == TW_UINT64) {
        tw__emit_text(e, "UINT64_C(%" PRIu64 ")", (uint64_t)value);
    } else if (kind == TW_UINT32) {
        tw__emit_text(e, "UINT32_C(%" PRIu32 ")", (uint32_t)value);
    } else if (kind == TW_INT32 && value == INT32_MIN) {
        tw__emit_text(e, "INT32_MIN");
    } else {
        tw__emit_text(e, value < 0 ? "(%" PRId64 ")" : "%" PRId64, value);
    }
}

void tw__emit_constant(struct tw__emitter *e, tw_kind kind, const union tw__value *value)
{
    if (tw__kind_is_complex(kind)) {
        const int single = kind == TW_COMPLEX64;
        tw__emit_text(e, "(%s){", tw__emit_type(kind));
        emit_float(e, value->number.real, single);
        tw__emit_text(e, ", ");
        emit_float(e, value->number.imag, single);
        tw__emit_text(e, "}");
    } else if (tw__kind_is_float(kind)) {
        emit_float(e, value->number.real, kind != TW_FLOAT64);
    } else if (kind == TW_BOOL) {
        tw__emit_text(e, "%d", value->integer != 0);
    } else {
        emit_integer(e, kind, value->integer);
    }
}
