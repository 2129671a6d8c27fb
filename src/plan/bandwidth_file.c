/* bandwidth_file.c - the bandwidth of this machine, kept in the cache folder as lines of text. A file that is torn, or
 * of another machine or version, is as good as none. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "kernel/cache.h"
#include "kernel/places.h"
#include "os/cpu.h"
#include "plan/bandwidth.h"

/* Speeds are whole numbers of MB a second: no locale has a say.
 *
 *     tilework bandwidth 1
 *     key 5d1f...
 *     measured 1764464400000000000
 *     threads 1 read 12345 write 6789 copy 9876 fresh 5432
 *     threads 2 read ...
 *     shared 4321
 *     end
 */
#define FIRST_LINE "tilework bandwidth 1"
#define FILE_SIZE 4096
#define MEGABYTE 1e6
#define MOST_SPEED INT64_C(1000000000) /* 10^15 bytes a second: no machine */

static void make_key(char key[TW__HASH_TEXT], int *workers)
{
    char all[16384], features[12288];
    struct tw__text text;
    tw_machine machine;
    tw_machine_describe(&machine);
    tw__cpu_features(features, sizeof features);
    tw__text_init(&text, all, sizeof all);
    tw__text_add(&text, "%s\n%s\n%d %d %d\n%s", TW_VERSION, machine.system, machine.cpus_online, machine.cpus_affinity,
                 machine.workers, features);
    tw__hash(key, all, strlen(all));
    *workers = machine.workers;
}

static void file_name(char name[TW__HASH_TEXT + 16], const char *key)
{
    snprintf(name, TW__HASH_TEXT + 16, "bandwidth-%s.txt", key);
}

/* ---- read ---- */

/* Moves *at past `word`, a blank before it. */
static int skip(const char **at, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0) {
        return 0;
    }
    *at += length;
    return 1;
}

static int read_number(const char **at, const char *word, int64_t most, int64_t *number)
{
    if (!skip(at, word)) {
        return 0;
    }
    const size_t digits = tw__parse_digits(*at, strlen(*at), number);
    *at += digits;
    return digits > 0 && *number > 0 && *number <= most;
}

static int read_speed(const char **at, const char *word, double *speed)
{
    int64_t number;
    const int good = read_number(at, word, MOST_SPEED, &number);
    *speed = good ? (double)number * MEGABYTE : 0;
    return good;
}

static int read_row(const char **at, tw_bandwidth_row *row)
{
    int64_t threads;
    if (!read_number(at, "threads ", TW_MAX_WORKERS, &threads) || !read_speed(at, " read ", &row->read) ||
        !read_speed(at, " write ", &row->write) || !read_speed(at, " copy ", &row->copy) ||
        !read_speed(at, " fresh ", &row->fresh)) {
        return 0;
    }
    row->threads = (int)threads;
    return skip(at, "\n");
}

static int read_text(tw_bandwidth *bandwidth, const char *text, const char *key)
{
    const char *at = text;
    memset(bandwidth, 0, sizeof *bandwidth);
    if (!skip(&at, FIRST_LINE "\nkey ") || !skip(&at, key) ||
        !read_number(&at, "\nmeasured ", INT64_MAX, &bandwidth->measured_at) || !skip(&at, "\n")) {
        return 0;
    }
    while (strncmp(at, "threads ", 8) == 0) {
        const int n = bandwidth->count;
        if (n == TW_BANDWIDTH_ROWS || !read_row(&at, &bandwidth->row[n]) ||
            (n > 0 && bandwidth->row[n].threads <= bandwidth->row[n - 1].threads)) {
            return 0;
        }
        bandwidth->count++;
    }
    bandwidth->is_kept = 1;
    return bandwidth->count > 0 && bandwidth->row[0].threads == 1 && read_speed(&at, "shared ", &bandwidth->shared) &&
           skip(&at, "\nend\n") && *at == '\0';
}

/* ---- the folders ---- */

/* In the first folder that can be used: it is kept there too. */
static int find(tw_bandwidth *bandwidth, const struct tw__places *places, const char *key)
{
    char name[TW__HASH_TEXT + 16];
    int found = 0, opened = 0, passable;
    file_name(name, key);
    for (int k = 0; k < places->count && !opened; k++) {
        struct tw__cache cache;
        char *text;
        size_t length;
        if (tw__cache_open(&cache, places->folder[k], &passable, NULL) != TW_OK) {
            continue;
        }
        opened = 1;
        if (tw__cache_read(&cache, name, &text, &length)) {
            found = length < FILE_SIZE && strlen(text) == length && read_text(bandwidth, text, key);
            free(text);
        }
        tw__cache_close(&cache);
    }
    return found;
}

static int64_t megabytes(double speed)
{
    const double number = speed / MEGABYTE + 0.5;
    return number < 1 ? 1 : number > (double)MOST_SPEED ? MOST_SPEED : (int64_t)number;
}

/* Where it cannot be kept it is measured again, which is no reason to fail. */
static void keep(const tw_bandwidth *bandwidth, const struct tw__places *places, const char *key)
{
    char data[FILE_SIZE], name[TW__HASH_TEXT + 16];
    struct tw__text text;
    int passable, kept = 0;
    file_name(name, key);
    tw__text_init(&text, data, sizeof data);
    tw__text_add(&text, "%s\nkey %s\nmeasured %" PRId64 "\n", FIRST_LINE, key, bandwidth->measured_at);
    for (int n = 0; n < bandwidth->count; n++) {
        const tw_bandwidth_row *row = &bandwidth->row[n];
        tw__text_add(&text, "threads %d read %" PRId64 " write %" PRId64 " copy %" PRId64 " fresh %" PRId64 "\n",
                     row->threads, megabytes(row->read), megabytes(row->write), megabytes(row->copy),
                     megabytes(row->fresh));
    }
    tw__text_add(&text, "shared %" PRId64 "\nend\n", megabytes(bandwidth->shared));
    for (int k = 0; k < places->count && !kept; k++) {
        struct tw__cache cache;
        if (tw__cache_open(&cache, places->folder[k], &passable, NULL) == TW_OK) {
            kept = tw__cache_write(&cache, name, data, strlen(data), NULL) == TW_OK;
            tw__cache_close(&cache);
        }
    }
}

int tw__bandwidth_known(tw_bandwidth *bandwidth, const char *cache)
{
    struct tw__places places;
    char key[TW__HASH_TEXT];
    int workers;
    if (tw__places_init(&places, cache, NULL) != TW_OK) {
        return 0;
    }
    make_key(key, &workers);
    const int found = find(bandwidth, &places, key);
    tw__places_fini(&places);
    return found;
}

tw_status tw_machine_bandwidth(tw_bandwidth *bandwidth, const tw_bandwidth_options *options, tw_error *error)
{
    const tw_bandwidth_options none = {0};
    struct tw__places places;
    tw_bandwidth found;
    char key[TW__HASH_TEXT];
    int workers;
    options = options != NULL ? options : &none;
    tw_status status = tw__places_init(&places, options->cache, error);
    if (status != TW_OK) {
        return status;
    }
    make_key(key, &workers);
    if (options->again || !find(&found, &places, key)) {
        status = tw__bandwidth_measure(&found, workers, error);
        if (status == TW_OK) {
            keep(&found, &places, key);
        }
    }
    if (status == TW_OK) {
        *bandwidth = found;
    }
    tw__places_fini(&places);
    return status;
}
