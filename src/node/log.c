/* log.c - the journal of one member, written and read. Knows the bytes; not which tiles anybody does. */
#include "node/log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/text.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/flat_folder.h"

#define MAGIC "tilework node 1\n" /* 16 bytes */
#define MOST_MEMBERS 1000000
#define MOST_TIME (INT64_C(1) << 60) /* nanoseconds: 36 years */
#define READ_AT_ONCE 4096            /* records */

/* ---- bytes ---- */

/* A page: magic, length of what follows, its checksum, and that; numbers in the order of this family of machines, as
 * elements are. */
struct page {
    char magic[16];
    uint64_t length, sum;
    unsigned char bytes[TW__LOG_HEADER - 32];
};

_Static_assert(sizeof(struct page) == TW__LOG_HEADER, "a page is a page");
_Static_assert(sizeof(struct tw__log_who) <= sizeof(((struct page *)0)->bytes), "a header fits");
_Static_assert(sizeof(struct tw__log_state) <= sizeof(((struct page *)0)->bytes), "a state fits");

static void fill_page(struct page *page, const void *bytes, size_t length, uint64_t seed)
{
    memset(page, 0, sizeof *page);
    memcpy(page->magic, MAGIC, sizeof page->magic);
    memcpy(page->bytes, bytes, length);
    page->length = length;
    page->sum = XXH64(bytes, length, seed);
}

/* Whether the page holds. */
static int take_page(const struct page *page, void *bytes, size_t length, uint64_t seed)
{
    if (memcmp(page->magic, MAGIC, sizeof page->magic) != 0 || page->length != length ||
        page->sum != XXH64(page->bytes, length, seed)) {
        return 0;
    }
    memcpy(bytes, page->bytes, length);
    return 1;
}

void tw__log_name(char *name, int64_t node, int64_t member)
{
    snprintf(name, TW__LOG_NAME, "node-%" PRId64 ".%" PRId64 ".journal", node, member);
}

int tw__log_is_name(const char *name, int64_t *node, int64_t *member)
{
    static const char front[] = "node-";
    if (strncmp(name, front, sizeof front - 1) != 0 || strlen(name) >= TW__LOG_NAME) {
        return 0;
    }
    const char *at = name + sizeof front - 1;
    const size_t first = tw__parse_digits(at, strlen(at), node);
    if (first == 0 || at[first] != '.') {
        return 0;
    }
    at += first + 1;
    const size_t second = tw__parse_digits(at, strlen(at), member);
    return second > 0 && *member < MOST_MEMBERS && strcmp(at + second, ".journal") == 0;
}

int tw__log_order(int64_t node, int64_t member, const struct tw__log_who *other)
{
    if (node != other->node) {
        return node < other->node ? -1 : 1;
    }
    return member < other->member ? -1 : member > other->member;
}

/* ---- one's own ---- */

int tw__log_create(struct tw__log *log)
{
    struct page page;
    int failed = EEXIST;
    for (; failed == EEXIST && log->who.member < MOST_MEMBERS; log->who.member++) {
        tw__log_name(log->name, log->who.node, log->who.member);
        failed = TW__POINT("node.journal");
        failed = failed == 0 ? tw__file_create_in(&log->fd, log->folder, log->name, 0666) : failed;
        if (failed == 0) {
            break;
        }
    }
    if (failed != 0) {
        log->fd = -1;
        return failed;
    }
    fill_page(&page, &log->who, sizeof log->who, 0);
    log->seed = page.sum;
    failed = tw__file_write(log->fd, &page, sizeof page, 0);
    return failed == 0 ? tw__log_write_state(log) : failed;
}

int tw__log_write_state(struct tw__log *log)
{
    struct page page;
    fill_page(&page, &log->state, sizeof log->state, log->seed);
    int failed = TW__POINT("node.state");
    return failed == 0 ? tw__file_write(log->fd, &page, sizeof page, TW__LOG_HEADER) : failed;
}

static uint32_t check_of(uint64_t seed, enum tw__log_kind kind, const struct tw__record *record)
{
    return tw__record_check(seed + (uint64_t)kind, record->tile, record->sum);
}

int tw__log_append(struct tw__log *log, enum tw__log_kind kind, struct tw__record *records, uint64_t count)
{
    for (uint64_t n = 0; n < count; n++) {
        records[n].check = check_of(log->seed, kind, &records[n]);
    }
    int failed = TW__POINT("node.record");
    failed = failed == 0 ? tw__file_write(log->fd, records, (size_t)count * sizeof *records,
                                          TW__LOG_RECORDS + (int64_t)(log->records * sizeof *records))
                         : failed;
    log->records += failed == 0 ? count : 0;
    return failed;
}

int tw__log_sync(struct tw__log *log)
{
    int failed = TW__POINT("node.record-sync");
    failed = failed == 0 ? tw__file_sync(log->fd) : failed;
    if (failed == 0 && !log->is_safe) {
        failed = tw__folder_sync(log->folder);
        log->is_safe = failed == 0;
    }
    (void)TW__POINT("node.recorded");
    return failed;
}

void tw__log_close(struct tw__log *log)
{
    if (log->fd >= 0) {
        tw__file_close(log->fd);
        log->fd = -1;
    }
}

/* ---- another's ---- */

static int same_intents(const struct tw__log_state *one, const struct tw__log_state *other)
{
    return one->nintents == other->nintents &&
           memcmp(one->intents, other->intents, one->nintents * sizeof one->intents[0]) == 0;
}

/* Whether the numbers are such that a node may have written them: what is computed from them does not overflow. */
static int is_sane(const struct tw__log_state *state)
{
    return state->nintents <= TW__MOST_INTENTS && state->worked >= 0 && state->worked <= MOST_TIME &&
           state->pause >= 0 && state->pause <= MOST_TIME && state->recorded_at >= 0;
}

static void read_state(struct tw__peer *peer, int fd)
{
    struct page page;
    struct tw__log_state state;
    size_t got;
    if (tw__file_read(fd, &page, sizeof page, TW__LOG_HEADER, &got) != 0 ||
        !take_page(&page, &state, sizeof state, peer->seed) || !is_sane(&state)) {
        return; /* half written: the next time */
    }
    state.failure[sizeof state.failure - 1] = '\0';
    if (!same_intents(&state, &peer->state)) {
        peer->seen_at = tw__now();
    }
    peer->state = state;
}

static int read_who(struct tw__peer *peer, int fd, const unsigned char *tag)
{
    struct page page;
    struct tw__log_who who;
    size_t got;
    if (tw__file_read(fd, &page, sizeof page, 0, &got) != 0 || !take_page(&page, &who, sizeof who, 0)) {
        return EAGAIN; /* it is being made */
    }
    if (memcmp(who.tag, tag, sizeof who.tag) != 0 || who.node != peer->who.node || who.member != peer->who.member) {
        return EINVAL;
    }
    who.host[sizeof who.host - 1] = '\0';
    peer->who = who;
    peer->seed = page.sum;
    peer->seen_at = peer->moved_at = tw__now();
    peer->is_known = 1;
    return 0;
}

/* TW__LOG_KINDS: it does not hold. */
static enum tw__log_kind kind_of(uint64_t seed, const struct tw__record *record)
{
    enum tw__log_kind kind = TW__LOG_DONE;
    while (kind < TW__LOG_KINDS && record->check != check_of(seed, kind, record)) {
        kind++;
    }
    return kind;
}

static int read_records(struct tw__peer *peer, int fd, tw__log_take *take, void *user)
{
    struct tw__record *records = malloc(READ_AT_ONCE * sizeof *records);
    uint64_t before = peer->records, count = records != NULL ? READ_AT_ONCE : 0;
    while (count == READ_AT_ONCE) {
        size_t got = 0;
        (void)tw__file_read(fd, records, READ_AT_ONCE * sizeof *records,
                            TW__LOG_RECORDS + (int64_t)(peer->records * sizeof *records), &got);
        for (count = 0; count < got / sizeof *records; count++) {
            const struct tw__record *record = &records[count];
            const enum tw__log_kind kind = kind_of(peer->seed, record);
            if (kind == TW__LOG_KINDS) {
                break;
            }
            take(user, kind, record->tile, record->sum);
        }
        peer->records += count;
    }
    if (peer->records != before) {
        peer->moved_at = tw__now();
    }
    const int failed = records == NULL ? ENOMEM : 0;
    free(records);
    return failed;
}

int tw__peer_read(struct tw__peer *peer, int folder, const unsigned char *tag, tw__log_take *take, void *user)
{
    int fd = -1;
    int failed = tw__flat_folder_open_file(&fd, folder, peer->name);
    peer->read_at = tw__now();
    if (failed != 0) {
        return failed;
    }
    failed = peer->is_known ? 0 : read_who(peer, fd, tag);
    if (failed == 0) {
        read_state(peer, fd);
        failed = read_records(peer, fd, take, user);
    }
    tw__file_close(fd);
    return failed;
}
