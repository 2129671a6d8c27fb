/* refuse.c - which of the C library's calls is refused: counts them, and stands in for those that give memory.
 * refuse_calls.c stands in for the others.
 *
 * In a program it is linked in and told what to do by refuse.h. Preloaded, it reads $TILEWORK_REFUSE:
 * KIND:NUMBER:once|forever:ERRNO, keeps its counts in the file $TILEWORK_REFUSE_COUNTS (at least of the size of struct
 * refuse_shared), and takes both out of the environment, so that programs that are run by the one under test are left
 * alone.
 *
 * Memory that the C library takes for itself (fopen, asprintf, dlopen, pthread_create) comes from here as well; its own
 * system calls do not. */
#include "refuse_inside.h"

#include <dlfcn.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#pragma GCC visibility push(default)

#define BAD_TEXT_CODE 99

const char *const refuse_names[REFUSE_KINDS] = {"malloc", "mmap", "fork",   "thread", "open",
                                                "write",  "sync", "rename", "read",   "remove"};

static struct refuse_shared nobody = {.kind = -1};
struct refuse_shared *refuse_shared = &nobody;

static _Atomic int64_t pieces;
_Atomic int64_t refuse_mapped_bytes;
_Thread_local int refuse_inside;

#if defined(__SANITIZE_ADDRESS__)
/* Memory is the sanitizer's: the linker puts these between it and the program (--wrap), the C library's own calls go
 * past them, and what is not freed is the sanitizer's to find. */
#define malloc __wrap_malloc
#define calloc __wrap_calloc
#define realloc __wrap_realloc
#define aligned_alloc __wrap_aligned_alloc
#define posix_memalign __wrap_posix_memalign
#define free __wrap_free
#define __libc_malloc __real_malloc
#define __libc_calloc __real_calloc
#define __libc_realloc __real_realloc
#define __libc_memalign __real_aligned_alloc
#define __libc_free __real_free
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **memory, size_t alignment, size_t size);
void free(void *memory);
#endif

/* The C library's own names for these, since dlsym may need memory. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

void *refuse_next(const char *name)
{
    refuse_inside++;
    void *function = dlsym(RTLD_NEXT, name);
    refuse_inside--;
    if (function == NULL) {
        _exit(BAD_TEXT_CODE);
    }
    return function;
}

int refuse_call(enum refuse_kind kind)
{
    if (refuse_shared->kind < 0 || refuse_inside) {
        return 0;
    }
    const uint64_t number = atomic_fetch_add(&refuse_shared->seen[kind], 1) + 1;
    if (refuse_shared->kind != (int)kind ||
        (refuse_shared->forever ? number < refuse_shared->number : number != refuse_shared->number)) {
        return 0;
    }
    if (atomic_fetch_add(&refuse_shared->met, 1) == 0) {
        refuse_inside++;
        refuse_shared->nframes = backtrace(refuse_shared->frames, MAX_FRAMES);
        refuse_inside--;
    }
    return refuse_shared->error;
}

int refuse_file(enum refuse_kind kind, int fd, int half)
{
    struct stat info;
    const int before = errno;
    if (refuse_shared->kind < 0 || refuse_inside || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) ||
        (refuse_shared->error == REFUSE_HALF && !half)) {
        errno = before;
        return 0;
    }
    errno = before;
    return refuse_call(kind);
}

/* ---- the tests' side ---- */

void refuse_begin(enum refuse_kind kind, uint64_t number, int forever, int error)
{
    refuse_shared->kind = -1;
    refuse_shared->met = 0;
    refuse_shared->resynced = 0;
    refuse_shared->written = 0;
    for (int k = 0; k < REFUSE_KINDS; k++) {
        refuse_shared->seen[k] = 0;
    }
    refuse_shared->number = number;
    refuse_shared->forever = forever;
    refuse_shared->error = error;
    refuse_shared->nfiles = 0;
    refuse_shared->nframes = 0;
    refuse_shared->kind = (int)kind;
}

void refuse_end(void)
{
    refuse_shared->kind = -1;
}

uint64_t refuse_met(void)
{
    return refuse_shared->met;
}

uint64_t refuse_seen(enum refuse_kind kind)
{
    return refuse_shared->seen[kind];
}

void refuse_forget_syncs(void)
{
    refuse_shared->nfiles = 0;
}

uint64_t refuse_resynced(void)
{
    return refuse_shared->resynced;
}

uint64_t refuse_written(void)
{
    return refuse_shared->written;
}

int64_t refuse_pieces(void)
{
#if defined(__SANITIZE_ADDRESS__)
    return 0;
#else
    return pieces;
#endif
}

int64_t refuse_mapped(void)
{
    return refuse_mapped_bytes;
}

static void write_frame(int fd, const void *address)
{
    Dl_info info;
    char line[300];
    refuse_inside++;
    const int known = dladdr(address, &info) != 0;
    const int length = snprintf(line, sizeof line, "    %s+0x%lx %s\n", known ? info.dli_fname : "?",
                                (unsigned long)((uintptr_t)address - (known ? (uintptr_t)info.dli_fbase : 0) - 1),
                                known && info.dli_sname != NULL ? info.dli_sname : "");
    refuse_inside--;
    const ssize_t written = write(fd, line, length > 0 ? (size_t)length : 0);
    (void)written;
}

void refuse_where(int fd)
{
    for (int k = 2; k < refuse_shared->nframes; k++) {
        write_frame(fd, refuse_shared->frames[k]);
    }
}

/* ---- where each piece of memory comes from; only on request ---- */

#define MAX_PIECES (1 << 14)
static struct piece {
    void *memory;
    size_t size;
    void *frames[10];
} * table;
static atomic_flag table_lock = ATOMIC_FLAG_INIT;

void refuse_trace(void)
{
    refuse_inside++;
    table = __libc_calloc(MAX_PIECES, sizeof *table);
    refuse_inside--;
}

static struct piece *find_piece(const void *memory)
{
    for (size_t k = 0; k < MAX_PIECES; k++) {
        if (table[k].memory == memory) {
            return &table[k];
        }
    }
    return NULL;
}

static void note_piece(void *memory, size_t size)
{
    if (table == NULL || refuse_inside) {
        return;
    }
    refuse_inside++;
    while (atomic_flag_test_and_set(&table_lock)) {
    }
    struct piece *piece = find_piece(NULL);
    if (piece != NULL) {
        memset(piece, 0, sizeof *piece);
        piece->memory = memory;
        piece->size = size;
        (void)backtrace(piece->frames, 10);
    }
    atomic_flag_clear(&table_lock);
    refuse_inside--;
}

static void drop_piece(const void *memory)
{
    if (table == NULL || refuse_inside) {
        return;
    }
    while (atomic_flag_test_and_set(&table_lock)) {
    }
    struct piece *piece = find_piece(memory);
    if (piece != NULL) {
        piece->memory = NULL;
    }
    atomic_flag_clear(&table_lock);
}

void refuse_leaks(int fd)
{
    char line[100];
    for (size_t k = 0; table != NULL && k < MAX_PIECES; k++) {
        if (table[k].memory != NULL) {
            const int length = snprintf(line, sizeof line, "  not freed: %zu bytes\n", table[k].size);
            const ssize_t written = write(fd, line, length > 0 ? (size_t)length : 0);
            (void)written;
            for (int f = 2; f < 10 && table[k].frames[f] != NULL; f++) {
                write_frame(fd, table[k].frames[f]);
            }
        }
    }
    __libc_free(table);
    table = NULL;
}

/* ---- memory ---- */

static void *got(void *memory, size_t size)
{
    if (memory != NULL) {
        atomic_fetch_add(&pieces, 1);
        note_piece(memory, size);
    }
    return memory;
}

static void *no_memory(int error)
{
    errno = error;
    return NULL;
}

void *malloc(size_t size)
{
    const int error = refuse_call(REFUSE_MALLOC);
    return error != 0 ? no_memory(error) : got(__libc_malloc(size), size);
}

/* ---- whose calloc always gives memory ---- */

static uintptr_t spared_from, spared_to;

static int find_spared(struct dl_phdr_info *library, size_t size, void *address)
{
    uintptr_t from = UINTPTR_MAX, to = 0;
    (void)size;
    for (int k = 0; k < library->dlpi_phnum; k++) {
        const uintptr_t start = library->dlpi_addr + library->dlpi_phdr[k].p_vaddr;
        if (library->dlpi_phdr[k].p_type == PT_LOAD) {
            from = start < from ? start : from;
            to = start + library->dlpi_phdr[k].p_memsz > to ? start + library->dlpi_phdr[k].p_memsz : to;
        }
    }
    if ((uintptr_t)address < from || (uintptr_t)address >= to) {
        return 0;
    }
    spared_from = from;
    spared_to = to;
    return 1;
}

int refuse_spare_calloc(void *address)
{
    return dl_iterate_phdr(find_spared, address);
}

void *calloc(size_t count, size_t size)
{
    const uintptr_t caller = (uintptr_t)__builtin_return_address(0);
    const int error = caller >= spared_from && caller < spared_to ? 0 : refuse_call(REFUSE_MALLOC);
    return error != 0 ? no_memory(error) : got(__libc_calloc(count, size), count * size);
}

void *realloc(void *memory, size_t size)
{
    const int error = refuse_call(REFUSE_MALLOC);
    if (error != 0) {
        return no_memory(error);
    }
    drop_piece(memory);
    void *moved = __libc_realloc(memory, size);
    atomic_fetch_add(&pieces, (memory == NULL && moved != NULL) - (memory != NULL && moved == NULL && size == 0));
    if (moved != NULL) {
        note_piece(moved, size);
    }
    return moved;
}

void *aligned_alloc(size_t alignment, size_t size)
{
    const int error = refuse_call(REFUSE_MALLOC);
    return error != 0 ? no_memory(error) : got(__libc_memalign(alignment, size), size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
    const int error = refuse_call(REFUSE_MALLOC);
    if (error != 0) {
        return error;
    }
    /* A sanitizer insists on whole multiples. */
    void *made = got(__libc_memalign(alignment, (size + alignment - 1) / alignment * alignment), size);
    if (made == NULL) {
        return ENOMEM;
    }
    *memory = made;
    return 0;
}

void free(void *memory)
{
    if (memory != NULL) {
        atomic_fetch_sub(&pieces, 1);
        drop_piece(memory);
    }
    __libc_free(memory);
}

/* ---- the beginning ---- */

static void begin_from_environment(const char *text)
{
    char name[16], often[8];
    unsigned long long number;
    int error;
    if (sscanf(text, "%15[a-z]:%llu:%7[a-z]:%d", name, &number, often, &error) != 4) {
        _exit(BAD_TEXT_CODE);
    }
    for (int k = 0; k < REFUSE_KINDS; k++) {
        if (strcmp(name, refuse_names[k]) == 0) {
            refuse_begin((enum refuse_kind)k, number, strcmp(often, "forever") == 0, error);
            return;
        }
    }
    _exit(BAD_TEXT_CODE);
}

__attribute__((constructor)) static void begin(void)
{
    void *frame;
    const char *text = getenv("TILEWORK_REFUSE"), *path = getenv("TILEWORK_REFUSE_COUNTS");
    (void)backtrace(&frame, 1); /* loads what it needs for good */
    const int fd = text != NULL && path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *memory = mmap(NULL, sizeof *refuse_shared, PROT_READ | PROT_WRITE,
                        fd >= 0 ? MAP_SHARED : MAP_SHARED | MAP_ANONYMOUS, fd, 0);
    if (memory == MAP_FAILED || (text != NULL && fd < 0)) {
        _exit(BAD_TEXT_CODE);
    }
    if (fd >= 0) {
        close(fd);
    }
    refuse_shared = memory;
    refuse_shared->kind = -1;
    if (text != NULL) {
        begin_from_environment(text);
        unsetenv("TILEWORK_REFUSE");
        unsetenv("TILEWORK_REFUSE_COUNTS");
        unsetenv("LD_PRELOAD");
    }
}
