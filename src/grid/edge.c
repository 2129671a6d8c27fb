/* edge.c - the edges: their names, and the place that each reads for an index. */
#include "grid/edge.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* ---- places ---- */

/* Mirroring maps an index to one that is not negative (-1 to 0 or to 1), and repeats after a period. Neither step
 * overflows: both are of 64 bits without a sign. */
static int64_t reflect(int64_t index, uint64_t length)
{
    const uint64_t at = (uint64_t)(index < 0 ? ~index : index) % (2 * length);
    return (int64_t)(at < length ? at : 2 * length - 1 - at);
}

static int64_t mirror(int64_t index, uint64_t length)
{
    const uint64_t size = index < 0 ? 0 - (uint64_t)index : (uint64_t)index;
    const uint64_t at = length > 1 ? size % (2 * length - 2) : 0;
    return (int64_t)(at < length ? at : 2 * length - 2 - at);
}

int64_t tw__edge_outside(tw_edge edge, int64_t index, int64_t length)
{
    if (length <= 0) {
        return -1;
    }
    switch (edge) {
    case TW_EDGE_CLAMP:
        return index < 0 ? 0 : length - 1;
    case TW_EDGE_WRAP:
        return index % length < 0 ? index % length + length : index % length;
    case TW_EDGE_REFLECT:
        return reflect(index, (uint64_t)length);
    case TW_EDGE_MIRROR:
        return mirror(index, (uint64_t)length);
    default:
        return -1;
    }
}

/* ---- names ---- */

const char *const tw__edge_choices = "error, clamp, wrap, zero, reflect, mirror or constant=x";

/* The first name of each edge is ours; those of scipy.ndimage come behind. */
static const struct {
    const char *name;
    tw_edge edge;
} names[] = {
    {"error", TW_EDGE_ERROR},
    {"clamp", TW_EDGE_CLAMP},
    {"wrap", TW_EDGE_WRAP},
    {"zero", TW_EDGE_ZERO},
    {"reflect", TW_EDGE_REFLECT},
    {"mirror", TW_EDGE_MIRROR},
    {"constant", TW_EDGE_CONSTANT},
    {"nearest", TW_EDGE_CLAMP},
    {"grid-wrap", TW_EDGE_WRAP},
    {"grid-mirror", TW_EDGE_REFLECT},
    {"grid-constant", TW_EDGE_CONSTANT},
};
enum { NAMES = sizeof names / sizeof names[0] };

int tw__edge_is_known(tw_edge edge)
{
    return edge >= TW_EDGE_ERROR && edge <= TW_EDGE_CONSTANT;
}

int tw__edge_same(const tw_axis_edge *x, const tw_axis_edge *y)
{
    return x->edge == y->edge &&
           (x->edge != TW_EDGE_CONSTANT || (memcmp(&x->constant, &y->constant, sizeof x->constant) == 0 &&
                                            memcmp(&x->imag, &y->imag, sizeof x->imag) == 0));
}

/* A part of a number: a sign, then digits, inf or nan, then j if it is imaginary. Returns how many characters. */
static size_t read_part(const char *text, int needs_sign, double *value, int *is_imaginary)
{
    const size_t sign = text[0] == '-' || text[0] == '+';
    const char *at = text + sign;
    if (needs_sign && sign == 0) {
        return 0;
    }
    size_t length = tw__parse_real(at, strlen(at), value);
    if (length == 0 && (strncmp(at, "inf", 3) == 0 || strncmp(at, "nan", 3) == 0)) {
        length = 3;
        *value = at[0] == 'i' ? (double)INFINITY : (double)NAN;
    }
    if (length == 0) {
        return 0;
    }
    *value = text[0] == '-' ? -*value : *value;
    *is_imaginary = at[length] == 'j';
    return sign + length + (size_t)*is_imaginary;
}

/* Whether a number is a whole one that a double does not hold, such as 9007199254740993. */
static int is_rounded(const char *text)
{
    const size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 20 || text[length] != '\0') {
        return 0; /* longer ones are of no integer dtype */
    }
    double value;
    uint64_t whole = 0;
    int is_longer = 0;
    for (size_t k = 0; k < length; k++) {
        is_longer |= whole > (UINT64_MAX - (uint64_t)(text[k] - '0')) / 10;
        whole = 10 * whole + (uint64_t)(text[k] - '0');
    }
    tw__parse_real(text, length, &value);
    return !is_longer && (value >= ldexp(1, 64) || (uint64_t)value != whole);
}

static int read_constant(const char *text, double *constant, double *imag)
{
    *constant = *imag = 0;
    if (strcmp(text, "True") == 0 || strcmp(text, "False") == 0) {
        *constant = text[0] == 'T';
        return 1;
    }
    double part;
    int is_imaginary;
    size_t length = read_part(text, 0, &part, &is_imaginary);
    if (length == 0) {
        return 0;
    }
    *(is_imaginary ? imag : constant) = part;
    if (text[length] != '\0' && !is_imaginary) {
        const size_t more = read_part(text + length, 1, imag, &is_imaginary);
        if (more == 0 || !is_imaginary) {
            return 0;
        }
        length += more;
    }
    return text[length] == '\0';
}

static tw_status refuse(const char *text, const char *why, tw_error *error)
{
    char quoted[256];
    struct tw__text quote;
    tw__text_init(&quote, quoted, sizeof quoted);
    tw__text_add_quoted(&quote, text, strlen(text), 0);
    return tw__fail_syntax(error, 1, "%s is not an edge: %s", quoted, why);
}

tw_status tw_edge_parse(const char *text, tw_axis_edge *edge, tw_error *error)
{
    const char *equals = strchr(text, '=');
    const size_t length = equals != NULL ? (size_t)(equals - text) : strlen(text);
    int found = -1;
    for (int k = 0; k < NAMES && found < 0; k++) {
        found = strlen(names[k].name) == length && memcmp(names[k].name, text, length) == 0 ? k : -1;
    }
    if (found < 0) {
        char why[128];
        struct tw__text choices;
        tw__text_init(&choices, why, sizeof why);
        tw__text_add(&choices, "it is one of %s", tw__edge_choices);
        return refuse(text, why, error);
    }
    double constant = 0, imag = 0;
    if (equals != NULL && names[found].edge != TW_EDGE_CONSTANT) {
        return refuse(text, "only constant has a number, as in constant=1", error);
    }
    if (equals != NULL && !read_constant(equals + 1, &constant, &imag)) {
        return refuse(text, "the constant is no number, as 0, -1.5, 1e-9, nan, True and 1+2j are", error);
    }
    if (equals != NULL && is_rounded(equals + 1 + (equals[1] == '-'))) {
        return refuse(text, "a whole number past 2^53 that is no float64 is not kept as it is; write 1e16 for floats",
                      error);
    }
    edge->edge = names[found].edge;
    edge->constant = constant;
    edge->imag = imag;
    return TW_OK;
}

/* ---- texts ---- */

static int same_double(double x, double y)
{
    return x >= y && x <= y;
}

/* As Python's repr writes it, but for whole numbers, which have no point. */
static void add_number(struct tw__text *text, double value, const char *plus)
{
    tw__text_add(text, "%s", signbit(value) && !isnan(value) ? "-" : plus);
    if (!isfinite(value)) {
        tw__text_add(text, "%s", isnan(value) ? "nan" : "inf");
        return;
    }
    char digits[TW__MAX_DIGITS];
    int exponent = 0;
    const int is_zero = same_double(value, 0);
    const int count = is_zero ? 1 : tw__shortest_digits(digits, &exponent, fabs(value), same_double);
    if (is_zero) {
        digits[0] = '0';
    }
    if (exponent < -5 || exponent > 15) {
        tw__text_add(text, "%c%s%.*se%d", digits[0], count > 1 ? "." : "", count - 1, digits + 1, exponent);
        return;
    }
    if (exponent < 0) {
        tw__text_add(text, "0.%.*s%.*s", -exponent - 1, "0000", count, digits);
        return;
    }
    for (int k = 0; k < count || k <= exponent; k++) {
        tw__text_add(text, "%s%c", k == exponent + 1 ? "." : "", k < count ? digits[k] : '0');
    }
}

void tw__edge_add(struct tw__text *text, const tw_axis_edge *edge)
{
    if (edge->edge != TW_EDGE_CONSTANT) {
        tw__text_add(text, "%s", names[edge->edge].name);
        return;
    }
    tw__text_add(text, "constant=");
    add_number(text, edge->constant, "");
    if (!same_double(edge->imag, 0)) {
        add_number(text, edge->imag, "+");
        tw__text_add(text, "j");
    }
}
