/* fingerprint.c - what a job is made of: kernel, signature, lengths, cuts, operands. Knows no journal. */
#include "record/fingerprint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "array/array.h"
#include "array/view.h"
#include "base/error.h"
#include "base/text.h"
#include "grid/grid.h"
#include "grid/halo.h"
#include "grid/signature.h"
#include "grid/stages.h"
#include "job/where.h"
#include "kernel/cache.h"
#include "kernel/kernel.h"
#include "os/file.h"
#include "os/path.h"
#include "record/contents.h"

#define MOST_PROGRAM ((size_t)1 << 30) /* bytes of a file that is hashed */
#define CUTS_SPELLED_OUT 8

#define TEXT_SIZE 4096

static int put(json_t *object, const char *name, const char *text)
{
    /* Names of dtypes' fields may be no UTF-8, which JSON has no place for; and a text must not depend on whether
     * memory was there: bytes past ASCII are spelled out. */
    char clean[4 * TEXT_SIZE];
    size_t used = 0;
    for (const char *c = text; *c != '\0' && used + 5 < sizeof clean; c++) {
        used += (size_t)snprintf(clean + used, sizeof clean - used, (unsigned char)*c < 0x80 ? "%c" : "\\x%02x",
                                 (unsigned char)*c);
    }
    clean[used] = '\0';
    return json_object_set_new(object, name, json_string(clean));
}

static tw_status hash_file(char text[TW__HASH_TEXT], const char *path, tw_error *error)
{
    char *data;
    size_t length;
    const int failed = tw__file_text(&data, &length, path, MOST_PROGRAM);
    if (failed != 0) {
        return tw__fail_path(error, failed, path, "cannot be read, so this kernel cannot be identified");
    }
    tw__hash(text, data, length);
    free(data);
    return TW_OK;
}

/* What its maker says it is, "mult of HASH", "function at 0x1234 of HASH". */
static tw_status describe_kernel(char *text, size_t size, const tw_kernel *kernel, tw_error *error)
{
    char hash[TW__HASH_TEXT], context[TW__HASH_TEXT] = "", where[4096];
    size_t offset = 0;
    const char *path = kernel->path;
    if (kernel->identity != NULL) {
        snprintf(text, size, "%s", kernel->identity);
        return TW_OK;
    }
    if (path == NULL) {
        tw__library_of((void (*)(void))kernel->function, where, sizeof where, &offset);
        path = where;
    }
    if (path[0] == '\0') {
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "kernel %s lies in no file, so a later run cannot know it again; say what it is with "
                        "tw_kernel_set_identity",
                        kernel->name);
    }
    /* A portable object is known by what it was made from: unlike compilers give other bytes. */
    const int portable = kernel->path != NULL && kernel->origin[0] != '\0';
    const tw_status status = portable ? TW_OK : hash_file(hash, path, error);
    if (status != TW_OK) {
        return status;
    }
    if (kernel->context_size > 0) {
        tw__hash(context, kernel->context, kernel->context_size);
    }
    struct tw__text out;
    tw__text_init(&out, text, size);
    if (portable) {
        tw__text_add(&out, "%s of a portable source with hash %s", kernel->symbol, kernel->origin);
    } else if (kernel->path != NULL) {
        tw__text_add(&out, "%s of an object with hash %s", kernel->symbol, hash);
    } else {
        tw__text_add(&out, "function at %zu of a program with hash %s", offset, hash);
    }
    if (context[0] != '\0') {
        tw__text_add(&out, ", context %s", context);
    }
    return TW_OK;
}

static void describe_signature(char *text, size_t size, const tw_signature *signature)
{
    static const char *const roles[] = {"in", "out", "inout"};
    struct tw__text out;
    tw__text_init(&out, text, size);
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        tw__text_add(&out, "%s%s %s[", k > 0 ? ", " : "", roles[operand->role], operand->name);
        for (int d = 0; d < operand->ndim; d++) {
            tw__text_add(&out, "%s", d > 0 ? "," : "");
            tw__signature_add_index(&out, signature, k, d);
        }
        tw__text_add(&out, "]");
    }
}

static void describe_axis(char *text, size_t size, const struct tw__grid_axis *axis)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "length %" PRId64 " in %" PRId64 " tiles", axis->length, axis->count);
    if (axis->cuts == NULL) {
        tw__text_add(&out, " of %" PRId64, axis->tile);
        if (axis->longer > 0) {
            tw__text_add(&out, ", the first %" PRId64 " longer by 1", axis->longer);
        }
        return;
    }
    const int64_t ncuts = axis->count > 0 ? axis->count - 1 : 0;
    if (ncuts > CUTS_SPELLED_OUT) {
        char hash[TW__HASH_TEXT];
        tw__hash(hash, axis->cuts, (size_t)ncuts * sizeof axis->cuts[0]);
        tw__text_add(&out, ", cuts with hash %s", hash);
        return;
    }
    for (int64_t k = 0; k < ncuts; k++) {
        tw__text_add(&out, "%s%" PRId64, k == 0 ? ", cuts " : ",", axis->cuts[k]);
    }
}

static tw_status describe_operand(char *text, size_t size, const tw_array *array, tw_role role, tw_error *error)
{
    char view[512], source[256];
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__view_text(&array->view, view, sizeof view);
    tw__text_add(&out, "%s", view);
    if (role != TW_IN) {
        return TW_OK;
    }
    const tw_status status = tw__contents_text(array, source, sizeof source, error);
    if (status == TW_OK) {
        tw__text_add(&out, ", %s", source);
    }
    return status;
}

/* ---- a job of several steps ---- */

/* A text that is hashed, and too long to be kept as it is. */
static tw_status hash_text(char hash[TW__HASH_TEXT], char *text, size_t length, tw_error *error)
{
    if (text == NULL) {
        return tw__fail_memory(error, length, "the fingerprint of a job");
    }
    tw__hash(hash, text, length);
    free(text);
    return TW_OK;
}

static void write_operands(FILE *out, const struct tw__stage *stage)
{
    const tw_signature *signature = stage->grid->signature;
    for (int k = 0; k < signature->noperands; k++) {
        const tw_operand *operand = &signature->operands[k];
        fprintf(out, "%d as %d, parts %" PRIx64 ":", stage->operand[k], (int)operand->role, stage->parts[k]);
        for (int d = 0; d < operand->ndim; d++) {
            fprintf(out, " %d", operand->axes[d]);
        }
        fprintf(out, "; ");
    }
}

/* "fold of s, 12 tiles, details with hash HASH": what a sentence can say of a step, and the rest. */
static tw_status describe_stage(char *text, size_t size, const struct tw__stage *stage, const tw_signature *signature,
                                tw_error *error)
{
    char axis[512], details[TW__HASH_TEXT], context[TW__HASH_TEXT] = "", *all = NULL;
    size_t length = 0;
    struct tw__text out;
    FILE *stream = open_memstream(&all, &length);
    if (stream == NULL) {
        return tw__fail_memory(error, sizeof axis, "the fingerprint of a job");
    }
    if (stage->context_size > 0) {
        tw__hash(context, stage->context, stage->context_size);
    }
    write_operands(stream, stage);
    for (int a = 0; a < stage->grid->naxes; a++) {
        describe_axis(axis, sizeof axis, &stage->grid->axes[a]);
        fprintf(stream, "axis %d: %s; ", stage->axis[a], axis);
    }
    fprintf(stream, "context %s", context);
    const int failed = fclose(stream) != 0; /* out of memory */
    if (failed) {
        free(all);
        all = NULL;
    }
    const tw_status status = hash_text(details, all, length, error);
    tw__text_init(&out, text, size);
    if (stage->call == TW__STAGE_FOLD) {
        tw__text_add(&out, "fold of %s", signature->operands[stage->fold].name);
    } else {
        tw__text_add(&out, "kernel");
    }
    tw__text_add(&out, ", %" PRIu64 " tiles, details with hash %s", stage->grid->count, details);
    return status;
}

static void describe_temporary(char *text, size_t size, const struct tw__temporary *temporary)
{
    struct tw__text out;
    tw__text_init(&out, text, size);
    tw__text_add(&out, "dtype %d as operand %d, ", (int)temporary->kind, temporary->like);
    for (int d = 0; d < temporary->ndim; d++) {
        tw__text_add(&out, "%s%" PRId64, d > 0 ? " x " : "", temporary->shape[d]);
    }
}

static tw_status describe_fold(char *text, size_t size, const struct tw__stages *stages, int k, tw_error *error)
{
    static const char *const names[] = {"none", "sum", "prod", "min", "max", "any", "all"};
    if (stages->folds[k] == TW_FOLD_KERNEL) {
        return describe_kernel(text, size, stages->fold_kernel[k], error);
    }
    snprintf(text, size, "%s", names[stages->folds[k]]);
    return TW_OK;
}

static tw_status add_stages(json_t *made, int *failed, const tw_grid *grid, tw_error *error)
{
    char text[TEXT_SIZE], name[256];
    const struct tw__stages *stages = grid->stages;
    tw_status status = TW_OK;
    for (int s = 0; status == TW_OK && s < stages->count; s++) {
        snprintf(name, sizeof name, "step %d", s);
        status = describe_stage(text, sizeof text, &stages->stage[s], grid->signature, error);
        *failed |= put(made, name, text);
    }
    for (int t = 0; status == TW_OK && t < stages->ntemporaries; t++) {
        snprintf(name, sizeof name, "temporary %d", t);
        describe_temporary(text, sizeof text, &stages->temporary[t]);
        *failed |= put(made, name, text);
    }
    for (int k = 0; status == TW_OK && k < grid->signature->noperands; k++) {
        if (stages->folds[k] != TW_FOLD_NONE) {
            snprintf(name, sizeof name, "fold of %.200s", grid->signature->operands[k].name);
            status = describe_fold(text, sizeof text, stages, k, error);
            *failed |= put(made, name, text);
        }
    }
    return status;
}

/* "[i,j], bool, shape (40, 6), contents with checksum HASH" */
static tw_status describe_mask(char *text, size_t size, const struct tw__where *where, const tw_signature *signature,
                               tw_error *error)
{
    char axes[512], array[1024];
    tw__where_axes_text(where, signature, axes, sizeof axes);
    const tw_status status = describe_operand(array, sizeof array, where->mask, TW_IN, error);
    snprintf(text, size, "%s, %s", axes, array);
    return status;
}

tw_status tw__fingerprint(json_t **fingerprint, const tw_kernel *kernel, const tw_grid *grid, tw_array *const *operands,
                          const struct tw__where *where, tw_error *error)
{
    const tw_signature *signature = grid->signature;
    char text[TEXT_SIZE], name[256];
    json_t *made = json_object();
    int failed = made == NULL;
    tw_status status = describe_kernel(text, sizeof text, kernel, error);
    if (status == TW_OK && !failed) {
        failed |= put(made, "version", TW_VERSION) | put(made, "kernel", text);
        describe_signature(text, sizeof text, signature);
        failed |= put(made, "signature", text);
    }
    for (int a = 0; status == TW_OK && a < grid->naxes; a++) {
        snprintf(name, sizeof name, "axis %.200s", signature->axes[a]);
        describe_axis(text, sizeof text, &grid->axes[a]);
        failed |= put(made, name, text);
        if (tw__halo_width(signature, a) > 0 || grid->edges[a].edge != TW_EDGE_ERROR) {
            struct tw__text out;
            tw__text_init(&out, text, sizeof text);
            tw__halo_edge_text(&out, &grid->edges[a]);
            snprintf(name, sizeof name, "edge %.200s", signature->axes[a]);
            failed |= put(made, name, text);
        }
    }
    for (int k = 0; status == TW_OK && k < signature->noperands; k++) {
        snprintf(name, sizeof name, "operand %.200s", signature->operands[k].name);
        status = describe_operand(text, sizeof text, operands[k], signature->operands[k].role, error);
        failed |= put(made, name, text);
    }
    if (status == TW_OK && where != NULL && where->mask != NULL) {
        status = describe_mask(text, sizeof text, where, signature, error);
        failed |= status == TW_OK && put(made, "where", text);
    }
    if (status == TW_OK && grid->stages != NULL) {
        status = add_stages(made, &failed, grid, error);
    }
    if (status == TW_OK && failed) {
        status = tw__fail_memory(error, sizeof text, "the fingerprint of a job");
    }
    if (status != TW_OK) {
        json_decref(made);
        return status;
    }
    *fingerprint = made;
    return TW_OK;
}

void tw__fingerprint_free(json_t *fingerprint)
{
    json_decref(fingerprint);
}

int tw__fingerprint_same(const json_t *was, const json_t *is, char *text, size_t size)
{
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)is, name, value)
    {
        const char *before = json_string_value(json_object_get(was, name));
        const char *now = json_string_value(value);
        if (before == NULL || now == NULL || strcmp(before, now) != 0) {
            snprintf(text, size, "%s was %s and is %s", name, before != NULL ? before : "not there",
                     now != NULL ? now : "not there");
            return 0;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)was, name, value)
    {
        if (json_object_get(is, name) == NULL) {
            const char *before = json_string_value(value);
            snprintf(text, size, "%s was %s and is not there", name, before != NULL ? before : "not there");
            return 0;
        }
    }
    return 1;
}
