/* operations.h - the table of operations: everything that is known of an operation stands in its row. The parser, the
 * typing, the printer, the description of a statement's work and the tests are expansions of this table or look-ups in
 * it (operation.h). The order of the rows means nothing but the order in which functions are listed. */
#ifndef TW_NOTATION_VALUE_OPERATIONS_H
#define TW_NOTATION_VALUE_OPERATIONS_H

/* clang-format off */

/*     code      TW__OP_CODE
 *     spelled   how a statement writes it
 *     n         how many arguments it has
 *     written   INFIX(level): between its arguments, a higher level binds tighter; COMPARES: the same, below all levels;
 *               PREFIX: before its argument; ONE, TWO, AS("(y, x)"): as a function, with these arguments in messages
 *     rule      TW__RULE_...: which dtypes it takes and gives
 *     sign      the C operator for float32 and float64, and for all dtypes if there is no helper
 *     helper    the helper function of print/helper_*.c for other dtypes: tw_HELPER_c64
 *     family,   the function of math/FAMILY_f32.h and math/FAMILY_f64.h that computes float32 and float64:
 *     function  tw_FUNCTION_f64
 *     flops     machine operations of one, real and complex; 0: it is counted as a call of its own name
 *     cost      about how long one takes in a long row that lies in a core's own cache, beyond what its memory costs, in
 *               hundredths of a nanosecond: float64, and complex128. bench/costs.py measures them again
 *     traits    TW__TRAIT_...: the list is in operation.h
 *
 * Nothing here is undefined for any value. Integers wrap. The results for which C has no rule:
 *     x // 0     of integers 0; INT_MIN // -1 is INT_MIN; the sign is Python's; of floats as NumPy
 *     x % 0      of integers 0; INT_MIN % -1 is 0; the sign is Python's; of floats as NumPy
 *     fmod       as %, with the sign of the dividend: C's fmod
 *     x ** y     of integers: a negative exponent makes the kernel fail
 *     x << n     by as many bits as the dtype has or more, or by a negative number: 0
 *     x >> n     the same: 0, or -1 if x is negative
 *     < == ...   int64 and uint64, in either order, are compared by value, exactly. Complex: as NumPy, the real parts, and
 *                if these are equal the imaginary ones; a number with a NaN is not less, not greater, not equal
 *     minimum    NaN if either is NaN, the first one that is; complex: in NumPy's order; maximum the same
 *     fmin       the same, but a NaN gives way to the other; fmax the same
 *     nextafter  the next number of the dtype from the first argument towards the second
 *     abs        INT_MIN stays; of a complex number its float
 *     sign       NaN stays; complex: x / |x|, and 0 for 0
 *     rint       to even; complex: both parts
 *     uniform    and normal: of a statement's seed alone; in the tree of (element, seed, place), see type/random.h */
#define TW__OPERATION_TABLE(ROW) \
/*      code           spelled      n  written       rule           sign   helper          family        function     flops  cost         traits */              \
    ROW(NEGATIVE,      "-",         1, PREFIX,       ARITHMETIC,    "-",   "negative",     NONE,         NONE,        1, 2,  2,    5,     PLAIN)                  \
    ROW(NOT,           "not",       1, PREFIX,       NOT,           "!",   NONE,           NONE,         NONE,        1, 2,  2,    5,     PLAIN)                  \
    ROW(INVERT,        "~",         1, PREFIX,       BITS,          "~",   NONE,           NONE,         NONE,        1, 2,  2,    2,     PLAIN)                  \
    ROW(ADD,           "+",         2, INFIX(4),     ARITHMETIC,    "+",   "add",          NONE,         NONE,        1, 2,  4,    8,     ROUNDS | LIFTS | GROWS) \
    ROW(SUBTRACT,      "-",         2, INFIX(4),     ARITHMETIC,    "-",   "subtract",     NONE,         NONE,        1, 2,  4,    8,     ROUNDS | LIFTS | GROWS) \
    ROW(MULTIPLY,      "*",         2, INFIX(5),     ARITHMETIC,    "*",   "multiply",     NONE,         NONE,        1, 6,  4,    15,    ROUNDS | LIFTS | GROWS) \
    ROW(DIVIDE,        "/",         2, INFIX(5),     DIVIDE,        "/",   "divide",       NONE,         NONE,        1, 11, 15,   750,   ROUNDS | LIFTS)         \
    ROW(FLOOR_DIVIDE,  "//",        2, INFIX(5),     FLOOR,         NONE,  "floor_divide", NONE,         NONE,        1, 2,  500,  500,   ROUNDS)                 \
    ROW(REMAINDER,     "%",         2, INFIX(5),     FLOOR,         NONE,  "remainder",    NONE,         NONE,        1, 2,  500,  500,   ROUNDS)                 \
    ROW(POWER,         "**",        2, INFIX(6),     POWER,         NONE,  "power",        "pow",        "pow",       0, 0,  600,  16000, ROUNDS | GROWS)         \
    ROW(BIT_AND,       "&",         2, INFIX(2),     BITS,          "&",   NONE,           NONE,         NONE,        1, 2,  4,    4,     PLAIN)                  \
    ROW(BIT_OR,        "|",         2, INFIX(0),     BITS,          "|",   NONE,           NONE,         NONE,        1, 2,  4,    4,     PLAIN)                  \
    ROW(BIT_XOR,       "^",         2, INFIX(1),     BITS,          "^",   NONE,           NONE,         NONE,        1, 2,  4,    4,     PLAIN)                  \
    ROW(SHIFT_LEFT,    "<<",        2, INFIX(3),     SHIFT,         NONE,  "shift_left",   NONE,         NONE,        1, 2,  5,    5,     GROWS)                  \
    ROW(SHIFT_RIGHT,   ">>",        2, INFIX(3),     SHIFT,         NONE,  "shift_right",  NONE,         NONE,        1, 2,  5,    5,     PLAIN)                  \
    ROW(EQUAL,         "==",        2, COMPARES,     COMPARE,       "==",  "equal",        NONE,         NONE,        1, 2,  4,    10,    LIFTS)                  \
    ROW(NOT_EQUAL,     "!=",        2, COMPARES,     COMPARE,       "!=",  "not_equal",    NONE,         NONE,        1, 2,  4,    10,    LIFTS)                  \
    ROW(LESS,          "<",         2, COMPARES,     COMPARE,       "<",   "less",         NONE,         NONE,        1, 2,  4,    15,    LIFTS)                  \
    ROW(LESS_EQUAL,    "<=",        2, COMPARES,     COMPARE,       "<=",  "less_equal",   NONE,         NONE,        1, 2,  4,    15,    LIFTS)                  \
    ROW(GREATER,       ">",         2, COMPARES,     COMPARE,       ">",   "less",         NONE,         NONE,        1, 2,  4,    15,    LIFTS | SWAPS)          \
    ROW(GREATER_EQUAL, ">=",        2, COMPARES,     COMPARE,       ">=",  "less_equal",   NONE,         NONE,        1, 2,  4,    15,    LIFTS | SWAPS)          \
    ROW(ABSOLUTE,      "abs",       1, ONE,          ABSOLUTE,      NONE,  "absolute",     "exact",      "absolute",  0, 0,  3,    520,   PLAIN)                  \
    ROW(SIGN,          "sign",      1, ONE,          SIGN,          NONE,  "sign",         "exact",      "sign",      0, 0,  15,   3500,  PLAIN)                  \
    ROW(SQRT,          "sqrt",      1, ONE,          FLOAT_COMPLEX, NONE,  "sqrt",         "exact",      "sqrt",      0, 0,  40,   1900,  ROUNDS)                 \
    ROW(CBRT,          "cbrt",      1, ONE,          FLOAT,         NONE,  NONE,           "root",       "cbrt",      0, 0,  260,  260,   ROUNDS | LONG)          \
    ROW(EXP,           "exp",       1, ONE,          FLOAT_COMPLEX, NONE,  "exp",          "exp",        "exp",       0, 0,  130,  2000,  ROUNDS | LONG)          \
    ROW(EXP2,          "exp2",      1, ONE,          FLOAT_COMPLEX, NONE,  "exp2",         "exp",        "exp2",      0, 0,  140,  3400,  ROUNDS | LONG)          \
    ROW(EXPM1,         "expm1",     1, ONE,          FLOAT_COMPLEX, NONE,  "expm1",        "exp",        "expm1",     0, 0,  165,  3000,  ROUNDS | LONG)          \
    ROW(LOG,           "log",       1, AS("(x) (to the base b: log(x) / log(b))"), FLOAT_COMPLEX, NONE,  "log",          "log",        "log",       0, 0,  140,  12000, ROUNDS | LONG) \
    ROW(LOG2,          "log2",      1, ONE,          FLOAT_COMPLEX, NONE,  "log2",         "log",        "log2",      0, 0,  160,  12000, ROUNDS | LONG)          \
    ROW(LOG10,         "log10",     1, ONE,          FLOAT_COMPLEX, NONE,  "log10",        "log",        "log10",     0, 0,  165,  12000, ROUNDS | LONG)          \
    ROW(LOG1P,         "log1p",     1, ONE,          FLOAT_COMPLEX, NONE,  "log1p",        "log",        "log1p",     0, 0,  180,  2700,  ROUNDS | LONG)          \
    ROW(SIN,           "sin",       1, ONE,          FLOAT_COMPLEX, NONE,  "sin",          "trig",       "sin",       0, 0,  150,  3100,  ROUNDS | LONG | FAST)   \
    ROW(COS,           "cos",       1, ONE,          FLOAT_COMPLEX, NONE,  "cos",          "trig",       "cos",       0, 0,  150,  3100,  ROUNDS | LONG | FAST)   \
    ROW(TAN,           "tan",       1, ONE,          FLOAT_COMPLEX, NONE,  "tan",          "trig",       "tan",       0, 0,  260,  3400,  ROUNDS | LONG | FAST)   \
    ROW(ASIN,          "asin",      1, ONE,          FLOAT_COMPLEX, NONE,  "asin",         "asin",       "asin",      0, 0,  110,  7000,  ROUNDS | LONG)          \
    ROW(ACOS,          "acos",      1, ONE,          FLOAT_COMPLEX, NONE,  "acos",         "asin",       "acos",      0, 0,  130,  7000,  ROUNDS | LONG)          \
    ROW(ATAN,          "atan",      1, ONE,          FLOAT_COMPLEX, NONE,  "atan",         "atan",       "atan",      0, 0,  140,  10000, ROUNDS | LONG)          \
    ROW(ATAN2,         "atan2",     2, AS("(y, x)"), FLOAT,         NONE,  NONE,           "atan",       "atan2",     0, 0,  240,  240,   ROUNDS | LONG)          \
    ROW(SINH,          "sinh",      1, ONE,          FLOAT_COMPLEX, NONE,  "sinh",         "hyperbolic", "sinh",      0, 0,  215,  3100,  ROUNDS | LONG)          \
    ROW(COSH,          "cosh",      1, ONE,          FLOAT_COMPLEX, NONE,  "cosh",         "hyperbolic", "cosh",      0, 0,  190,  3100,  ROUNDS | LONG)          \
    ROW(TANH,          "tanh",      1, ONE,          FLOAT_COMPLEX, NONE,  "tanh",         "hyperbolic", "tanh",      0, 0,  245,  3800,  ROUNDS | LONG)          \
    ROW(ASINH,         "asinh",     1, ONE,          FLOAT_COMPLEX, NONE,  "asinh",        "area",       "asinh",     0, 0,  290,  7000,  ROUNDS | LONG)          \
    ROW(ACOSH,         "acosh",     1, ONE,          FLOAT_COMPLEX, NONE,  "acosh",        "area",       "acosh",     0, 0,  300,  7000,  ROUNDS | LONG)          \
    ROW(ATANH,         "atanh",     1, ONE,          FLOAT_COMPLEX, NONE,  "atanh",        "area",       "atanh",     0, 0,  255,  9600,  ROUNDS | LONG)          \
    ROW(HYPOT,         "hypot",     2, TWO,          FLOAT,         NONE,  NONE,           "root",       "hypot",     0, 0,  210,  210,   ROUNDS | LONG)          \
    ROW(FLOOR,         "floor",     1, ONE,          ROUND,         NONE,  NONE,           "exact",      "floor",     0, 0,  40,   40,    PLAIN)                  \
    ROW(CEIL,          "ceil",      1, ONE,          ROUND,         NONE,  NONE,           "exact",      "ceil",      0, 0,  40,   40,    PLAIN)                  \
    ROW(RINT,          "rint",      1, ONE,          FLOAT_COMPLEX, NONE,  "rint",         "exact",      "rint",      0, 0,  4,    8,     PLAIN)                  \
    ROW(TRUNC,         "trunc",     1, ONE,          ROUND,         NONE,  NONE,           "exact",      "trunc",     0, 0,  40,   40,    PLAIN)                  \
    ROW(MINIMUM,       "minimum",   2, TWO,          EXTREME,       NONE,  "minimum",      "exact",      "minimum",   1, 2,  5,    40,    LIFTS)                  \
    ROW(MAXIMUM,       "maximum",   2, TWO,          EXTREME,       NONE,  "maximum",      "exact",      "maximum",   1, 2,  5,    40,    LIFTS)                  \
    ROW(FMIN,          "fmin",      2, TWO,          EXTREME,       NONE,  "fmin",         "exact",      "fmin",      1, 2,  5,    40,    LIFTS)                  \
    ROW(FMAX,          "fmax",      2, TWO,          EXTREME,       NONE,  "fmax",         "exact",      "fmax",      1, 2,  5,    40,    LIFTS)                  \
    ROW(FMOD,          "fmod",      2, TWO,          FLOOR,         NONE,  "fmod",         NONE,         NONE,        1, 2,  500,  500,   PLAIN)                  \
    ROW(COPYSIGN,      "copysign",  2, TWO,          FLOAT,         NONE,  NONE,           "exact",      "copysign",  0, 0,  5,    5,     PLAIN)                  \
    ROW(NEXTAFTER,     "nextafter", 2, TWO,          FLOAT,         NONE,  NONE,           "exact",      "nextafter", 0, 0,  20,   20,    PLAIN)                  \
    ROW(SELECT,        "where",     3, AS("(condition, x, y)"), SELECT,        "?:",  NONE,           NONE,         NONE,        1, 2,  5,    15,    LIFTS)       \
    ROW(ISNAN,         "isnan",     1, ONE,          TEST,          NONE,  "isnan",        NONE,         NONE,        0, 0,  4,    8,     PLAIN)                  \
    ROW(ISINF,         "isinf",     1, ONE,          TEST,          NONE,  "isinf",        NONE,         NONE,        0, 0,  4,    8,     PLAIN)                  \
    ROW(ISFINITE,      "isfinite",  1, ONE,          TEST,          NONE,  "isfinite",     NONE,         NONE,        0, 0,  4,    8,     PLAIN)                  \
    ROW(REAL,          "real",      1, ONE,          PART,          ".re", NONE,           NONE,         NONE,        0, 0,  0,    0,     PLAIN)                  \
    ROW(IMAG,          "imag",      1, ONE,          PART,          ".im", NONE,           NONE,         NONE,        0, 0,  0,    0,     PLAIN)                  \
    ROW(CONJ,          "conj",      1, ONE,          PART,          NONE,  "conj",         NONE,         NONE,        0, 0,  0,    3,     PLAIN)                  \
    ROW(ARG,           "arg",       1, ONE,          PART,          NONE,  "arg",          NONE,         NONE,        0, 0,  200,  1450,  PLAIN)                  \
    ROW(ERF,           "erf",       1, ONE,          FLOAT,         NONE,  NONE,           "erf",        "erf",       0, 0,  250,  250,   ROUNDS | LONG)          \
    ROW(GAMMA,         "gamma",     1, ONE,          FLOAT,         NONE,  NONE,           "gamma",      "gamma",     0, 0,  1770, 1770,  ROUNDS | LONG) \
    ROW(UNIFORM,       "uniform",   1, AS("(seed)"), RANDOM,        NONE,  NONE,           NONE,         NONE,        0, 0,  215,  215,   LIFTS | LONG)           \
    ROW(NORMAL,        "normal",    1, AS("(seed)"), RANDOM,        NONE,  NONE,           NONE,         NONE,        0, 0,  550,  550,   LIFTS | LONG)

/* Names that NumPy has for the same: name, code, arity, arguments in messages. */
#define TW__ALIAS_TABLE(ALIAS) \
    ALIAS("absolute",  ABSOLUTE, 1, "(x)") \
    ALIAS("arcsin",    ASIN,     1, "(x)") \
    ALIAS("arccos",    ACOS,     1, "(x)") \
    ALIAS("arctan",    ATAN,     1, "(x)") \
    ALIAS("arctan2",   ATAN2,    2, "(y, x)") \
    ALIAS("arcsinh",   ASINH,    1, "(x)") \
    ALIAS("arccosh",   ACOSH,    1, "(x)") \
    ALIAS("arctanh",   ATANH,    1, "(x)") \
    ALIAS("conjugate", CONJ,     1, "(x)") \
    ALIAS("angle",     ARG,      1, "(x)")
/* clang-format on */

#endif
