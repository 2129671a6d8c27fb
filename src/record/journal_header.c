/* journal_header.c - the JSON object at the front of a journal: the files and the job that it is of. Knows no bytes of
 * the journal's file. */
#include "record/journal_header.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "os/file.h"
#include "record/fingerprint.h"
#include "store/npy/npy_write.h"

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

json_t *tw__journal_header(tw_journal *journal, json_t *fingerprint)
{
    char id[33], source[256];
    unsigned char random[16];
    tw__file_random(random, sizeof random);
    hex_text(id, random, sizeof random);
    json_t *outputs = json_array();
    journal->sources = json_object();
    int failed = outputs == NULL || journal->sources == NULL;
    for (int k = 0; !failed && k < journal->noperands; k++) {
        struct tw__file_identity identity;
        const tw_operand *operand = &journal->grid->signature->operands[k];
        if (tw__journal_is_output(journal, k) && tw__outfile_identity(journal->operands[k], &identity) == 0) {
            failed |= json_array_append_new(outputs, identity_object(operand->name, &identity));
        }
        if (operand->role == TW_INOUT) {
            tw__fingerprint_source(journal->operands[k], source, sizeof source);
            failed |= json_object_set_new(journal->sources, operand->name, json_string(source));
        }
    }
    if (failed) {
        json_decref(outputs);
        json_decref(fingerprint);
        return NULL;
    }
    return json_pack("{s:s, s:I, s:o, s:O, s:o}", "id", id, "tiles", (json_int_t)journal->count, "outputs", outputs,
                     "sources", journal->sources, "job", fingerprint);
}

tw_status tw__journal_header_check(const tw_journal *journal, const json_t *outputs, int *finished, tw_error *error)
{
    size_t place = 0;
    for (int k = 0; k < journal->noperands; k++) {
        struct tw__file_identity identity;
        const char *name = journal->grid->signature->operands[k].name;
        if (!tw__journal_is_output(journal, k)) {
            continue;
        }
        const int known = tw__outfile_identity(journal->operands[k], &identity) == 0;
        json_t *is = known ? identity_object(name, &identity) : NULL;
        const json_t *was = json_array_get(outputs, place++);
        static const char *const keys[] = {"name", "tag", "device", "inode", "born"};
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
        *finished |= identity.is_finished;
    }
    return TW_OK;
}
