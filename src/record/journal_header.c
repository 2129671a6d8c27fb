/* journal_header.c - the JSON object at the front of a journal: the files and the job that it is of. Knows no bytes of
 * the journal's file. */
#include "record/journal_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "array/array.h"
#include "base/error.h"
#include "grid/signature.h"
#include "os/file.h"
#include "record/journal_file.h"
#include "record/partials.h"
#include "store/store.h"

static void hex_text(char *text, const unsigned char *bytes, size_t count)
{
    for (size_t k = 0; k < count; k++) {
        snprintf(text + 2 * k, 3, "%02x", bytes[k]);
    }
}

/* {"name": "r", "tag": "91...", "device": "65024", "inode": "1234", "born": "17..."}; numbers as texts, since JSON's
 * end at 2^63. */
static json_t *identity_object(const char *name, const struct tw__file_identity *identity)
{
    char tag[2 * TW__TAG_SIZE + 1], device[24], inode[24], born[24];
    hex_text(tag, identity->tag, TW__TAG_SIZE);
    snprintf(device, sizeof device, "%" PRIu64, identity->device);
    snprintf(inode, sizeof inode, "%" PRIu64, identity->inode);
    snprintf(born, sizeof born, "%" PRId64, identity->born_at);
    return json_pack("{s:s, s:s, s:s, s:s, s:s}", "name", name, "tag", tag, "device", device, "inode", inode, "born",
                     born);
}

static const tw_operand *described(const struct tw__journal *journal, const struct tw__journal_output *output)
{
    return &journal->grid->signature->operands[output->operand];
}

/* Adds what the header says of one output. */
static int add_output(json_t *outputs, json_t *sources, const struct tw__journal *journal,
                      struct tw__journal_output *output)
{
    struct tw__file_identity identity;
    const tw_operand *operand = described(journal, output);
    if (tw__store_identity(output->array, &identity) == 0 &&
        json_array_append_new(outputs, identity_object(operand->name, &identity)) != 0) {
        return -1;
    }
    if (operand->role != TW_INOUT) {
        return 0;
    }
    output->began = strdup(output->array->origin != NULL ? output->array->origin : "");
    return output->began == NULL ? -1 : json_object_set_new(sources, operand->name, json_string(output->began));
}

char *tw__journal_header(struct tw__journal *journal, json_t *fingerprint)
{
    char id[33];
    unsigned char random[16];
    tw__file_random(random, sizeof random);
    hex_text(id, random, sizeof random);
    json_t *outputs = json_array(), *sources = json_object();
    int failed = outputs == NULL || sources == NULL;
    for (int k = 0; !failed && k < journal->noutputs; k++) {
        failed = add_output(outputs, sources, journal, &journal->outputs[k]);
    }
    if (failed) {
        json_decref(outputs);
        json_decref(sources);
        return NULL;
    }
    json_t *header = json_pack("{s:s, s:I, s:o, s:o, s:O}", "id", id, "tiles", (json_int_t)journal->ledger.count,
                               "outputs", outputs, "sources", sources, "job", fingerprint);
    if (header != NULL && journal->partials != NULL &&
        json_object_set_new(header, "partials", json_string(journal->partials->tag)) != 0) {
        json_decref(header);
        return NULL;
    }
    char *text = header != NULL ? tw__journal_file_text(header) : NULL;
    json_decref(header);
    return text;
}

const json_t *tw__journal_header_job(const json_t *header)
{
    return json_object_get(header, "job");
}

/* Whether the file of an output is the one that was described as `was`. */
static tw_status check_output(struct tw__journal *journal, const struct tw__journal_output *output, const json_t *was,
                              tw_error *error)
{
    static const char *const keys[] = {"name", "tag", "device", "inode", "born"};
    struct tw__file_identity identity;
    const char *name = described(journal, output)->name;
    const int known = tw__store_identity(output->array, &identity) == 0;
    json_t *is = known ? identity_object(name, &identity) : NULL;
    if (known && is == NULL) {
        return tw__fail_memory(error, sizeof identity, "a journal's header");
    }
    int same = known && was != NULL;
    /* A tag says it all; the magic leaves only where the file lies. */
    const size_t first = identity.is_finished ? 2 : 0, end = identity.is_finished ? 5 : 2;
    for (size_t key = first; same && key < end; key++) {
        const char *a = json_string_value(json_object_get(was, keys[key]));
        const char *b = json_string_value(json_object_get(is, keys[key]));
        same = a != NULL && b != NULL && strcmp(a, b) == 0;
    }
    json_decref(is);
    if (!same) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: does not belong to the file of output '%s' that is there",
                        journal->held.path, name);
    }
    journal->is_finished |= identity.is_finished;
    return TW_OK;
}

tw_status tw__journal_header_take(struct tw__journal *journal, const json_t *header, tw_error *error)
{
    const json_t *outputs = json_object_get(header, "outputs"), *sources = json_object_get(header, "sources");
    const char *tag = json_string_value(json_object_get(header, "partials"));
    tw_status status = TW_OK;
    if (tag != NULL && strlen(tag) == TW__PARTIALS_TAG - 1) {
        journal->partials_tag = strdup(tag);
        status = journal->partials_tag != NULL ? TW_OK : tw__fail_memory(error, strlen(tag), "a journal's header");
    }
    for (int k = 0; status == TW_OK && k < journal->noutputs; k++) {
        struct tw__journal_output *output = &journal->outputs[k];
        status = check_output(journal, output, json_array_get(outputs, (size_t)k), error);
        const char *source = json_string_value(json_object_get(sources, described(journal, output)->name));
        output->began = source != NULL ? strdup(source) : NULL;
        if (status == TW_OK && source != NULL && output->began == NULL) {
            status = tw__fail_memory(error, strlen(source), "a journal's header");
        }
    }
    return status;
}
