/* journal_file.c - the bytes of a journal: its header and its records, written and read again. The file may come from
 * anybody: nothing in it is believed before it is checked. */
#include "record/journal_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/error.h"
#include "base/text.h"
#include "os/file.h"
#include "os/path.h"
#include "store/held.h"

#define UNIT 512
#define MOST_HEADER (1 << 20) /* bytes */

/* The first line has a fixed length: magic, bytes of the JSON object, checksum of that. */
#define MAGIC "tilework journal 1 "
#define LINE_FORMAT MAGIC "%010zu %016" PRIx64 "\n"
#define LINE_LENGTH (sizeof MAGIC - 1 + 10 + 1 + 16 + 1)

uint32_t tw__record_check(uint64_t seed, uint64_t tile, uint64_t sum)
{
    const uint64_t fields[2] = {tile, sum};
    return (uint32_t)XXH64(fields, sizeof fields, seed) | 1; /* never the check of zeros */
}

/* json_dumps would leave out the names that it has no memory for, and say nothing. */
struct dump {
    char *text;
    size_t used, size;
    int failed;
};

static int take_text(const char *piece, size_t length, void *argument)
{
    struct dump *dump = argument;
    if (dump->failed || dump->size - dump->used <= length) {
        const size_t size = 2 * dump->size + length + 1024;
        char *larger = dump->failed ? NULL : realloc(dump->text, size);
        if (larger == NULL) {
            dump->failed = 1;
            return -1;
        }
        dump->text = larger;
        dump->size = size;
    }
    memcpy(dump->text + dump->used, piece, length);
    dump->used += length;
    dump->text[dump->used] = '\0';
    return 0;
}

char *tw__journal_file_text(const json_t *header)
{
    struct dump dump = {0};
    if (json_dump_callback(header, take_text, &dump, JSON_COMPACT) != 0 || dump.failed) {
        free(dump.text);
        return NULL;
    }
    return dump.text;
}

json_t *tw__journal_file_string(const char *text)
{
    json_t *made = json_string(text);
    char *plain = made == NULL ? strdup(text) : NULL;
    for (char *c = plain; c != NULL && *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x80 ? *c : '?';
    }
    made = plain != NULL ? json_string(plain) : made;
    free(plain);
    return made;
}

size_t tw__journal_file_header_size(size_t length)
{
    return (LINE_LENGTH + length + UNIT - 1) / UNIT * UNIT;
}

uint64_t tw__journal_file_header(char *header, size_t size, const char *json, size_t length)
{
    const uint64_t sum = XXH3_64bits(json, length);
    snprintf(header, size + 1, LINE_FORMAT "%s", length, sum, json);
    return sum;
}

tw_status tw__journal_file_damaged(const struct tw__journal_file *found, tw_error *error)
{
    return tw__fail(error, TW_ERROR_FORMAT, "%s: is no journal, or a damaged one", found->path);
}

int tw__journal_file_empty(int fd)
{
    struct tw__file_info info;
    int failed = tw__file_info(fd, &info);
    if (failed == 0 && info.size > 0) {
        failed = tw__file_truncate(fd, 0);
        if (failed == 0) {
            failed = tw__file_sync(fd);
        }
    }
    return failed;
}

static int is_zero(const unsigned char *data, size_t length)
{
    for (size_t k = 0; k < length; k++) {
        if (data[k] != 0) {
            return 0;
        }
    }
    return 1;
}

static int hex_number(const char *text, size_t length, uint64_t *value)
{
    static const char digits[] = "0123456789abcdef";
    *value = 0;
    for (size_t k = 0; k < length; k++) {
        const char *digit = text[k] != '\0' ? strchr(digits, text[k]) : NULL;
        if (digit == NULL) {
            return 0;
        }
        *value = *value << 4 | (uint64_t)(digit - digits);
    }
    return 1;
}

/* Whether there is anything behind the header. */
static int has_records(const struct tw__journal_file *found, int fd)
{
    unsigned char piece[4096];
    for (int64_t at = found->records_at; at < found->size; at += (int64_t)sizeof piece) {
        const size_t length = found->size - at < (int64_t)sizeof piece ? (size_t)(found->size - at) : sizeof piece;
        if (tw__file_read(fd, piece, length, at, NULL) != 0 || !is_zero(piece, length)) {
            return 1;
        }
    }
    return 0;
}

static tw_status parse_header(struct tw__journal_file *found, char *text, size_t length, tw_error *error)
{
    found->seed = XXH3_64bits(text, length);
    errno = 0;
    found->header = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    /* Where memory was out, jansson 2.14 may say that there is an invalid token, or lose a letter and say nothing. */
    if (errno == ENOMEM) {
        return tw__fail_memory(error, length, "a journal's header"); /* the caller frees what there is */
    }
    /* No json_unpack: that needs memory too. */
    const json_t *number = json_object_get(found->header, "tiles");
    const json_int_t tiles = json_integer_value(number);
    if (!json_is_string(json_object_get(found->header, "id")) || !json_is_integer(number) || tiles < 0 ||
        tiles > UINT32_MAX || !json_is_object(json_object_get(found->header, "job")) ||
        !json_is_object(json_object_get(found->header, "sources")) ||
        !json_is_array(json_object_get(found->header, "outputs"))) {
        return tw__journal_file_damaged(found, error);
    }
    found->tiles = (uint64_t)tiles;
    return TW_OK;
}

tw_status tw__journal_file_find(struct tw__journal_file *found, const char *path, int fd, tw_error *error)
{
    struct tw__file_info info;
    char line[LINE_LENGTH];
    int64_t length;
    uint64_t sum;
    *found = (struct tw__journal_file){.path = path};
    int failed = tw__file_info(fd, &info);
    found->size = info.size;
    if (failed == 0 && info.size >= (int64_t)LINE_LENGTH) {
        failed = tw__file_read(fd, line, LINE_LENGTH, 0, NULL);
    }
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", path);
    }
    if (info.size == 0 || (info.size >= (int64_t)LINE_LENGTH && is_zero((unsigned char *)line, LINE_LENGTH))) {
        return TW_OK; /* the machine went down before the header was written */
    }
    const char *const numbers = line + sizeof MAGIC - 1;
    if (info.size < (int64_t)LINE_LENGTH || memcmp(line, MAGIC, sizeof MAGIC - 1) != 0 ||
        tw__parse_digits(numbers, 10, &length) != 10 || !hex_number(numbers + 11, 16, &sum) || length > MOST_HEADER) {
        return tw__journal_file_damaged(found, error);
    }
    found->records_at = (int64_t)tw__journal_file_header_size((size_t)length);
    char *json = malloc((size_t)length + 1);
    if (json == NULL) {
        return tw__fail_memory(error, (size_t)length, "a journal's header");
    }
    const int64_t there = info.size - (int64_t)LINE_LENGTH;
    const int is_cut = there < length;
    const size_t have = (size_t)(is_cut ? there : length);
    failed = tw__file_read(fd, json, have, (int64_t)LINE_LENGTH, NULL);
    tw_status status = TW_OK;
    if (failed != 0) {
        status = tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", path);
    } else if (is_cut || XXH3_64bits(json, have) != sum) {
        /* It is synced before the first record is written: without one, it is not damaged but unfinished. Where the
         * text is right up to its first zero, its length is wrong, and with it the place of the records. */
        const int is_misread = XXH3_64bits(json, strnlen(json, have)) == sum;
        status = is_misread || (!is_cut && has_records(found, fd)) ? tw__journal_file_damaged(found, error) : TW_OK;
    } else {
        status = parse_header(found, json, (size_t)length, error);
    }
    free(json);
    return status;
}

void tw__journal_file_fini(struct tw__journal_file *found)
{
    json_decref(found->header);
    found->header = NULL;
}

tw_status tw__journal_file_open(int *fd, const char *path, tw_error *error)
{
    struct tw__file_info info;
    int found = -1;
    const int failed = tw__file_open_read(&found, path);
    if (failed == ENOENT) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: there is no journal", path);
    }
    if (failed != 0) {
        return tw__fail_path(error, failed, path, "cannot be opened");
    }
    if (tw__file_info(found, &info) != 0 || !info.is_regular) {
        tw__file_close(found);
        return tw__fail(error, TW_ERROR_FILE, "%s: is not a regular file", path);
    }
    *fd = found;
    return TW_OK;
}

tw_status tw__journal_file_records(const struct tw__journal_file *found, int fd,
                                   void (*take)(void *user, uint64_t tile, uint64_t sum), void *user, tw_error *error)
{
    struct tw__record records[256];
    const uint64_t there =
        found->size > found->records_at ? (uint64_t)(found->size - found->records_at) / sizeof records[0] : 0;
    const uint64_t count = found->tiles < there ? found->tiles : there;
    for (uint64_t first = 0; first < count; first += 256) {
        const uint64_t piece = count - first < 256 ? count - first : 256;
        const int failed = tw__file_read(fd, records, (size_t)piece * sizeof records[0],
                                         found->records_at + (int64_t)(first * sizeof records[0]), NULL);
        if (failed != 0) {
            return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", found->path);
        }
        for (uint64_t k = 0; k < piece; k++) {
            const struct tw__record *record = &records[k];
            if (record->tile == first + k && record->check == tw__record_check(found->seed, first + k, record->sum)) {
                take(user, first + k, record->sum);
            }
        }
    }
    return TW_OK;
}

static void count_record(void *user, uint64_t tile, uint64_t sum)
{
    (void)tile;
    (void)sum;
    ++*(uint64_t *)user;
}

tw_status tw__journal_look(uint64_t *done, uint64_t *tiles, const char *path, tw_error *error)
{
    struct tw__journal_file found = {0};
    uint64_t counted = 0;
    int fd = -1;
    tw_status status = tw__journal_file_open(&fd, path, error);
    if (status == TW_OK) {
        status = tw__journal_file_find(&found, path, fd, error);
    }
    if (status == TW_OK && found.header != NULL) {
        status = tw__journal_file_records(&found, fd, count_record, &counted, error);
    }
    if (status == TW_OK) {
        *done = counted;
        *tiles = found.tiles;
    }
    tw__journal_file_fini(&found);
    if (fd >= 0) {
        tw__file_close(fd);
    }
    return status;
}

/* Emptied before it is removed: a name may come back after a power cut, what was in the file does not. */
tw_status tw__journal_forget(const char *path, tw_error *error)
{
    struct tw__held held;
    const tw_status status = tw__held_open(&held, &(struct tw__held_wish){.path = path, .shown = path}, error);
    if (status != TW_OK || held.fd < 0) {
        if (status == TW_OK) {
            tw__held_close(&held);
        }
        return status;
    }
    const int failed = tw__journal_file_empty(held.fd);
    tw__held_remove(&held);
    return failed == 0 ? TW_OK : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be emptied", path);
}
