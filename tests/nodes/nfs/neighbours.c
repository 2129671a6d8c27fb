/* Two or more writers of one file, each on a machine of its own, write neighbouring pieces that do not begin at pages.
 *
 *     neighbours WAY FILE WRITER OF PIECE PIECES BARRIER     piece i belongs to writer i modulo OF
 *     neighbours check FILE 0 OF PIECE PIECES .              prints how many bytes of each writer are lost
 *
 * WAY: `map` writes through a shared mapping, `write` by pwrite to a file that it has read. `rules` does as Tilework on
 * file systems that are not known to be coherent: open for writing alone, whole pages by pwrite, and what covers a page
 * in part by a descriptor opened with O_DSYNC; `direct`: with O_DIRECT as well. Each writer says that it is ready by a
 * file in BARRIER and begins when it finds the file `go` there, so that all have the file open, and mapped pages in
 * their memory, before the first byte is written. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE 4096
#define LIMIT 60 /* seconds */

static void fail(const char *what)
{
    fprintf(stderr, "neighbours: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* The byte that belongs at an offset: never 0, as a lost one reads. */
static unsigned char right(uint64_t offset)
{
    return (unsigned char)(1 + offset * 2654435761u % 251);
}

static void wait_for_go(const char *barrier, long writer)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/ready.%ld", barrier, writer);
    int fd = open(name, O_CREAT | O_WRONLY, 0600);
    if (fd < 0)
        fail(name);
    close(fd);
    snprintf(name, sizeof name, "%s/go", barrier);
    for (int turn = 0; access(name, F_OK) != 0; turn++) {
        if (turn > LIMIT * 100)
            fail("no go");
        nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
    }
}

static void put(int fd, const unsigned char *bytes, uint64_t first, uint64_t stop)
{
    while (first < stop) {
        ssize_t n = pwrite(fd, bytes + first, (size_t)(stop - first), (off_t)first);
        if (n <= 0)
            fail("pwrite");
        first += (uint64_t)n;
    }
}

/* One piece by the rules: the pages that it fills through `fd`, its odd ends through `synced`. */
static void put_by_rules(int fd, int synced, const unsigned char *bytes, uint64_t first, uint64_t stop)
{
    uint64_t from = (first + PAGE - 1) / PAGE * PAGE, to = stop / PAGE * PAGE;
    if (from >= to) {
        put(synced, bytes, first, stop);
        return;
    }
    put(synced, bytes, first, from);
    put(fd, bytes, from, to);
    put(synced, bytes, to, stop);
}

static int check(const char *file, uint64_t of, uint64_t piece, uint64_t pieces)
{
    int fd = open(file, O_RDONLY);
    uint64_t size = piece * pieces, *lost = calloc(of, sizeof *lost);
    unsigned char *bytes = malloc(size);
    if (fd < 0 || lost == NULL || bytes == NULL || pread(fd, bytes, size, 0) != (ssize_t)size)
        fail(file);
    for (uint64_t offset = 0; offset < size; offset++)
        lost[offset / piece % of] += bytes[offset] != right(offset);
    for (uint64_t writer = 0; writer < of; writer++)
        printf("%llu ", (unsigned long long)lost[writer]);
    printf("\n");
    free(bytes);
    free(lost);
    close(fd);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 8)
        return 2;
    const char *way = argv[1], *file = argv[2], *barrier = argv[7];
    long writer = atol(argv[3]);
    uint64_t of = strtoull(argv[4], NULL, 10), piece = strtoull(argv[5], NULL, 10),
             pieces = strtoull(argv[6], NULL, 10);
    if (strcmp(way, "check") == 0)
        return check(file, of, piece, pieces);
    uint64_t size = piece * pieces;
    int map = strcmp(way, "map") == 0, direct = strcmp(way, "direct") == 0, rules = direct || strcmp(way, "rules") == 0;
    int fd = open(file, rules ? O_WRONLY : O_RDWR);
    int synced = rules ? open(file, O_WRONLY | O_DSYNC | (direct ? O_DIRECT : 0)) : -1;
    unsigned char *bytes = malloc(size), *mapped = NULL;
    if (fd < 0 || (rules && synced < 0) || bytes == NULL)
        fail(file);
    if (!rules && pread(fd, bytes, size, 0) != (ssize_t)size)
        fail("pread");
    for (uint64_t offset = 0; offset < size; offset++)
        bytes[offset] = right(offset);
    if (map) {
        mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (mapped == MAP_FAILED)
            fail("mmap");
        for (uint64_t offset = 0; offset < size; offset += PAGE)
            (void)*(volatile unsigned char *)(mapped + offset);
    }
    wait_for_go(barrier, writer);
    for (uint64_t i = (uint64_t)writer; i < pieces; i += of) {
        uint64_t first = i * piece;
        if (map)
            memcpy(mapped + first, bytes + first, piece);
        else if (rules)
            put_by_rules(fd, synced, bytes, first, first + piece);
        else
            put(fd, bytes, first, first + piece);
    }
    if ((map && msync(mapped, size, MS_SYNC) != 0) || fsync(fd) != 0)
        fail("sync");
    free(bytes);
    close(fd);
    if (synced >= 0)
        close(synced);
    return 0;
}
