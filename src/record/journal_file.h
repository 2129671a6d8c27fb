/* journal_file.h - the bytes of a journal. journal.h says what they mean. */
#ifndef TW_RECORD_JOURNAL_FILE_H
#define TW_RECORD_JOURNAL_FILE_H

#include <stddef.h>
#include <stdint.h>

#include <tilework/tilework.h>

struct json_t;

struct tw__record {
    uint32_t tile;
    uint32_t check;
    uint64_t sum;
};

uint32_t tw__record_check(uint64_t seed, uint64_t tile, uint64_t sum);

/* The JSON text of a header (malloc), NULL: out of memory. */
char *tw__journal_file_text(const struct json_t *header);

/* A text of a user's as a JSON string. JSON has no place for bytes that are not UTF-8, such as a file's name may have:
 * if there are any, all beyond ASCII become '?'. NULL: out of memory. */
struct json_t *tw__journal_file_string(const char *text);

/* Bytes of the header for a JSON text of `length` characters. */
size_t tw__journal_file_header_size(size_t length);

/* Writes it into header[size + 1], which is zeroed. Returns the checksum that seeds the records' checks. */
uint64_t tw__journal_file_header(char *header, size_t size, const char *json, size_t length);

/* A journal file as it was found. */
struct tw__journal_file {
    const char *path;
    int64_t size; /* of the file */
    uint64_t tiles;
    int64_t records_at;
    uint64_t seed;
    struct json_t *header; /* NULL: nothing was ever recorded */
};

/* Makes the file empty, and waits until it is so on the disk. 0, or an errno. */
int tw__journal_file_empty(int fd);

/* Opens a journal to read it. Errors: TW_ERROR_JOURNAL (there is none), TW_ERROR_FILE. */
tw_status tw__journal_file_open(int *fd, const char *path, tw_error *error);

/* Looks at an open file. Errors: TW_ERROR_FILE, TW_ERROR_FORMAT, TW_ERROR_MEMORY. */
tw_status tw__journal_file_find(struct tw__journal_file *found, const char *path, int fd, tw_error *error);
void tw__journal_file_fini(struct tw__journal_file *found);

/* Calls take(user, tile, sum) for every record that holds. Errors: TW_ERROR_FILE. */
tw_status tw__journal_file_records(const struct tw__journal_file *found, int fd,
                                   void (*take)(void *user, uint64_t tile, uint64_t sum), void *user, tw_error *error);

/* What a journal file has, whatever its job: the number of tiles recorded, and of all. Errors: TW_ERROR_JOURNAL (there
 * is no such file), TW_ERROR_FILE, TW_ERROR_FORMAT (damaged), TW_ERROR_MEMORY. */
tw_status tw__journal_look(uint64_t *done, uint64_t *tiles, const char *path, tw_error *error);

/* Throws an earlier run's journal away, whatever is in it; there may be none. Errors: TW_ERROR_FILE, also if a run has
 * it open. */
tw_status tw__journal_forget(const char *path, tw_error *error);

/* TW_ERROR_FORMAT. */
tw_status tw__journal_file_damaged(const struct tw__journal_file *found, tw_error *error);

#endif
