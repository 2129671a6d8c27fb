/* bandwidth.c - measures how fast threads read and write memory together. Knows neither jobs nor files. */
#include "plan/bandwidth.h"

#include <string.h>

#include "base/error.h"
#include "os/clock.h"
#include "os/cpu.h"
#include "os/map.h"
#include "os/thread.h"
#include "os/usage.h"

/* Of all buffers together: several times what the caches of so many cores hold. */
#define LEAST_BYTES ((size_t)128 << 20)
#define THREAD_BYTES ((size_t)32 << 20)
#define SHARED_BYTES ((size_t)64 << 20)
#define PASSES 3        /* the best counts: what disturbs makes it slower, never faster */
#define MOST_THREADS 64 /* more move no more on any machine that we know of, and need too much memory */

enum pass { PASS_READ, PASS_WRITE, PASS_COPY, PASS_FRESH, PASSES_OF_ROW };

/* What one thread does in one pass. */
struct part {
    enum pass pass;
    char *data;
    size_t length; /* a multiple of 256 */
    int64_t began, ended;
    int64_t nanoseconds; /* without those in which others had the processor */
    struct tw__thread thread;
};

typedef uint64_t wide __attribute__((vector_size(32), may_alias));

static void read_all(const char *data, size_t length)
{
    wide a = {0}, b = {0}, c = {0}, d = {0};
    for (size_t at = 0; at < length; at += 128) {
        const wide *from = (const wide *)(const void *)(data + at);
        a ^= from[0];
        b ^= from[1];
        c ^= from[2];
        d ^= from[3];
        __asm__ volatile("" ::: "memory"); /* not all of it at once, and not nothing */
    }
    a ^= b ^ c ^ d;
    volatile uint64_t sink = a[0] ^ a[1] ^ a[2] ^ a[3];
    (void)sink;
}

static void write_all(char *data, size_t length)
{
    const wide value = {1, 2, 3, 4};
    for (size_t at = 0; at < length; at += 128) {
        wide *to = (wide *)(void *)(data + at);
        to[0] = to[1] = to[2] = to[3] = value;
        __asm__ volatile("" ::: "memory"); /* keeps it from becoming a call of memset, which stores past the caches */
    }
}

static void copy_half(char *data, size_t length)
{
    const size_t half = length / 2;
    for (size_t at = 0; at < half; at += 128) {
        const wide *from = (const wide *)(const void *)(data + at);
        wide *to = (wide *)(void *)(data + half + at);
        const wide a = from[0], b = from[1], c = from[2], d = from[3];
        to[0] = a;
        to[1] = b;
        to[2] = c;
        to[3] = d;
        __asm__ volatile("" ::: "memory");
    }
}

static void *run_part(void *argument)
{
    struct part *part = argument;
    struct tw__effort effort;
    tw__effort_begin(&effort);
    switch (part->pass) {
    case PASS_READ:
        read_all(part->data, part->length);
        break;
    case PASS_COPY:
        copy_half(part->data, part->length);
        break;
    default:
        write_all(part->data, part->length);
    }
    part->nanoseconds = tw__effort_end(&effort);
    part->began = effort.now;
    part->ended = tw__now();
    return NULL;
}

/* Bytes a second of one pass; 0: there are not so many threads. */
static double run_pass(enum pass pass, char *data, size_t length, int threads)
{
    struct part parts[MOST_THREADS];
    const size_t each = length / (size_t)threads & ~(size_t)255;
    int started = 0;
    for (int t = 0; t < threads; t++) {
        parts[t] = (struct part){.pass = pass, .data = data + (size_t)t * each, .length = each};
    }
    for (int t = 1; t < threads && tw__thread_start(&parts[t].thread, run_part, &parts[t]) == 0; t++) {
        started++;
    }
    if (started == threads - 1) {
        run_part(&parts[0]);
    }
    for (int t = 1; t <= started; t++) {
        tw__thread_join(&parts[t].thread);
    }
    if (started < threads - 1) {
        return 0;
    }
    /* Several have the memory together only while all of them run: what they wait for a processor counts. */
    int64_t began = INT64_MAX, ended = INT64_MIN;
    for (int t = 0; t < threads; t++) {
        began = parts[t].began < began ? parts[t].began : began;
        ended = parts[t].ended > ended ? parts[t].ended : ended;
    }
    const int64_t longest = threads == 1 ? parts[0].nanoseconds : ended - began;
    return longest > 0 ? (double)each * threads / ((double)longest * 1e-9) : 0;
}

/* New memory for each pass: its pages come while it is written. */
static double run_fresh(size_t length, int threads)
{
    void *data;
    if (tw__map_private(&data, length) != 0) {
        return 0;
    }
    const double speed = run_pass(PASS_FRESH, data, length, threads);
    tw__unmap(data, length);
    return speed;
}

static int measure_row(tw_bandwidth_row *row, int threads, char *data, size_t most)
{
    const size_t wish = THREAD_BYTES * (size_t)threads, least = wish > LEAST_BYTES ? wish : LEAST_BYTES;
    const size_t length = least < most ? least : most;
    double best[PASSES_OF_ROW] = {0};
    for (int k = 0; k < PASSES * PASSES_OF_ROW; k++) {
        const enum pass pass = (enum pass)(k % PASSES_OF_ROW);
        if (pass == PASS_FRESH && k > PASSES_OF_ROW && k < (PASSES - 1) * PASSES_OF_ROW) {
            continue; /* twice is enough of the slowest */
        }
        const double speed = pass == PASS_FRESH ? run_fresh(length, threads) : run_pass(pass, data, length, threads);
        best[pass] = speed > best[pass] ? speed : best[pass];
    }
    *row = (tw_bandwidth_row){threads, best[PASS_READ], best[PASS_WRITE], best[PASS_COPY], best[PASS_FRESH]};
    for (int pass = 0; pass < PASSES_OF_ROW; pass++) {
        if (!(best[pass] > 0)) {
            return 0;
        }
    }
    return 1;
}

/* As jobs get it: huge pages if the system gives them, else all pages with one call, else one by one. */
static double measure_shared(void)
{
    const size_t unit = TW__HUGE_PAGE;
    void *data;
    int fd, refused = 0;
    if (tw__map_shared(&data, SHARED_BYTES + unit, &fd) != 0) {
        return 0;
    }
    char *at = (char *)(((uintptr_t)data + unit - 1) & ~(uintptr_t)(unit - 1));
    struct tw__effort effort;
    tw__effort_begin(&effort);
    for (size_t k = 0; k < SHARED_BYTES; k += unit) {
        if (tw__populate_huge(at + k, unit, &refused) != 0) {
            tw__populate(at + k, unit);
        }
    }
    write_all(at, SHARED_BYTES);
    const int64_t nanoseconds = tw__effort_end(&effort);
    tw__unmap(data, SHARED_BYTES + unit);
    tw__map_close(fd);
    return nanoseconds > 0 ? (double)SHARED_BYTES / ((double)nanoseconds * 1e-9) : 0;
}

tw_status tw__bandwidth_measure(tw_bandwidth *bandwidth, int threads, tw_error *error)
{
    threads = threads < 1 ? 1 : threads < MOST_THREADS ? threads : MOST_THREADS;
    size_t length = THREAD_BYTES * (size_t)threads;
    length = length > LEAST_BYTES ? length : LEAST_BYTES;
    const int64_t available = tw__available_memory() / 4;
    length = (int64_t)length < available ? length : (size_t)available & ~(TW__HUGE_PAGE - 1);
    void *data;
    if (length < TW__HUGE_PAGE || tw__map_private(&data, length) != 0) {
        return tw__fail_memory(error, length, "measuring the bandwidth");
    }
    memset(bandwidth, 0, sizeof *bandwidth);
    write_all(data, length);
    for (int n = 1, more = 1; more && bandwidth->count < TW_BANDWIDTH_ROWS; n = 2 * n < threads ? 2 * n : threads) {
        more = measure_row(&bandwidth->row[bandwidth->count], n, data, length);
        bandwidth->count += more;
        more = more && n < threads;
    }
    tw__unmap(data, length);
    if (bandwidth->count == 0) {
        return tw__fail_memory(error, length, "measuring the bandwidth");
    }
    bandwidth->shared = measure_shared();
    bandwidth->shared = bandwidth->shared > 0 ? bandwidth->shared : bandwidth->row[0].fresh;
    bandwidth->measured_at = tw__wall_time();
    return TW_OK;
}

static double between(double low, double high, double part)
{
    return low + (high - low) * part;
}

tw_bandwidth_row tw__bandwidth_at(const tw_bandwidth *bandwidth, int threads)
{
    int k = 0;
    while (k < bandwidth->count - 1 && bandwidth->row[k].threads < threads) {
        k++;
    }
    const tw_bandwidth_row *high = &bandwidth->row[k], *low = k > 0 ? high - 1 : high;
    if (high->threads <= threads || low == high) {
        return *high; /* more threads than were measured move no more */
    }
    const double part = (double)(threads - low->threads) / (high->threads - low->threads);
    return (tw_bandwidth_row){threads, between(low->read, high->read, part), between(low->write, high->write, part),
                              between(low->copy, high->copy, part), between(low->fresh, high->fresh, part)};
}
