/* helper.c - finding helpers by name and kind, and printing each once. Knows none of their texts. */
#include "notation/print/helper.h"

#include <string.h>

#include "notation/print/prelude.h"

enum { KINDS = TW_COMPLEX128 + 1, LONGEST = 48 };

static const struct tw__helper *const tables[] = {tw__helpers_memory, tw__helpers_integer, tw__helpers_real,
                                                  tw__helpers_complex, tw__helpers_reduce};

int tw__helper_count(void)
{
    int count = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct tw__helper *helper = tables[t]; helper->name != NULL; helper++) {
            count++;
        }
    }
    return count * KINDS;
}

static char class_of(tw_kind kind)
{
    if (kind == TW_BOOL) {
        return 'b';
    }
    if (tw__kind_is_integer(kind)) {
        return tw__kind_is_signed(kind) ? 'i' : 'u';
    }
    return kind == TW_FLOAT16 ? 'h' : tw__kind_is_complex(kind) ? 'c' : kind == TW_OPAQUE ? '-' : 'f';
}

static const struct tw__helper *find(const char *name, tw_kind kind, int *number)
{
    *number = 0;
    for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++) {
        for (const struct tw__helper *helper = tables[t]; helper->name != NULL; helper++, ++*number) {
            if (strcmp(helper->name, name) == 0 && strchr(helper->kinds, class_of(kind)) != NULL) {
                return helper;
            }
        }
    }
    return NULL;
}

static const char *sum_type(tw_kind kind)
{
    const int is_short = tw__emit_size(kind) < 4;
    return tw__kind_is_signed(kind) ? (is_short ? "int32_t" : "int64_t") : is_short ? "uint32_t" : "uint64_t";
}

static void print(struct tw__emitter *e, const char *text, tw_kind kind)
{
    FILE *out = e->part[TW__PART_HELPERS];
    const tw_kind part = tw__kind_part(kind);
    for (const char *c = text; *c != '\0'; c++) {
        if (*c != '@') {
            fputc(*c, out);
            continue;
        }
        c++;
        if (*c == 'B') {
            fprintf(out, "%d", tw__emit_size(kind) * 8);
            continue;
        }
        fputs(*c == 'T'   ? tw__emit_type(kind)
              : *c == 'M' ? tw__emit_storage(kind)
              : *c == 'S' ? tw__emit_suffix(kind)
              : *c == 'U' ? (tw__emit_size(kind) == 8 ? "uint64_t" : "uint32_t")
              : *c == 'A' ? sum_type(kind)
              : *c == 'P' ? tw__emit_type(part)
              : *c == 'R' ? tw__emit_suffix(part)
                          : (part == TW_FLOAT64 ? "" : "f"),
              out);
    }
    fputc('\n', out);
}

/* Some functions of the prelude have the names that helpers would have. */
static int need_math(struct tw__emitter *e, const char *name, tw_kind kind)
{
    static const enum tw__operation extremes[] = {TW__OP_MINIMUM, TW__OP_MAXIMUM, TW__OP_FMIN, TW__OP_FMAX};
    struct tw__prelude_function function;
    for (size_t k = 0; k < sizeof extremes / sizeof extremes[0]; k++) {
        if (strcmp(name, tw__operation_name(extremes[k])) == 0 && tw__prelude_find(extremes[k], kind, &function)) {
            e->math |= function.needs;
            return 1;
        }
    }
    return 0;
}

int tw__helper_need(struct tw__emitter *e, const char *name, tw_kind kind)
{
    int number;
    const struct tw__helper *helper = find(name, kind, &number);
    if (helper == NULL) {
        return need_math(e, name, kind);
    }
    unsigned char *stands = &e->helpers[number * KINDS + (int)kind];
    if (*stands) {
        return 1;
    }
    *stands = 1;
    for (const char *need = helper->needs; *need != '\0';) {
        char word[LONGEST];
        const size_t length = strcspn(need, " ");
        memcpy(word, need, length);
        word[length] = '\0';
        need += length + strspn(need + length, " ");
        char *slash = strchr(word, '/');
        tw_kind of = kind;
        if (slash != NULL) {
            *slash = '\0';
            of = slash[1] != '\0' ? tw__kind_part(kind) : TW_OPAQUE;
        }
        (void)tw__helper_need(e, word, of);
    }
    print(e, helper->text, kind);
    return 1;
}
