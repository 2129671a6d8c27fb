/* library.c - shared objects that are opened, and the functions in them. Knows nothing of kernels.
 * Symbols are looked up in the object's own table as well as by dlsym: dlsym alone also finds what the object's
 * libraries have, and "mult.so:printf" would run printf on a tile. */
#include "os/library.h"

#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/float_mode.h"
#include "os/descriptor.h"

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define NATIVE_ORDER ELFDATA2LSB
#else
#define NATIVE_ORDER ELFDATA2MSB
#endif
#define NATIVE_CLASS (sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32)

/* The machine that this library was compiled for, where it is a common one; EM_NONE: not checked. */
#if defined(__x86_64__)
#define NATIVE_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define NATIVE_MACHINE EM_AARCH64
#elif defined(__riscv)
#define NATIVE_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define NATIVE_MACHINE EM_PPC64
#else
#define NATIVE_MACHINE EM_NONE
#endif

/* Reads up to `length` bytes; *got is less only at the end of the file. 0, or an errno. */
static int read_at(int fd, void *data, size_t length, off_t at, size_t *got)
{
    *got = 0;
    while (*got < length) {
        const ssize_t n = pread(fd, (char *)data + *got, length - *got, at + (off_t)*got);
        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        *got += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

/* Checks what dlopen does not: it maps segments past the end of the file and dies when it reads them. */
static const char *elf_flaw(int fd, const ElfW(Ehdr) * header, off_t size, int *failed)
{
    if (header->e_ident[EI_CLASS] != NATIVE_CLASS || header->e_ident[EI_DATA] != NATIVE_ORDER ||
        (NATIVE_MACHINE != EM_NONE && header->e_machine != NATIVE_MACHINE)) {
        return "is made for another kind of processor";
    }
    if (header->e_type == ET_REL) {
        return "is an object file, not yet linked into a shared object (cc -shared)";
    }
    if (header->e_type != ET_DYN) {
        return header->e_type == ET_EXEC ? "is a program, not a shared object" : "is not a shared object";
    }
    if (header->e_phentsize != sizeof(ElfW(Phdr))) {
        return "has a damaged header";
    }
    int dynamic = 0;
    for (unsigned k = 0; k < header->e_phnum; k++) {
        ElfW(Phdr) segment;
        size_t got = 0;
        const off_t at = (off_t)(header->e_phoff + k * sizeof segment);
        if (at >= 0 && (*failed = read_at(fd, &segment, sizeof segment, at, &got)) != 0) {
            return NULL;
        }
        if (got != sizeof segment) {
            return "is cut short";
        }
        uint64_t end;
        if (segment.p_type == PT_INTERP) {
            return "is a program, not a shared object";
        }
        dynamic = dynamic || segment.p_type == PT_DYNAMIC;
        if (__builtin_add_overflow((uint64_t)segment.p_offset, (uint64_t)segment.p_filesz, &end) ||
            end > (uint64_t)size) {
            return "is cut short";
        }
    }
    return dynamic ? NULL : "is not a shared object";
}

static const char *file_flaw(int fd, const struct stat *info, int *failed)
{
    ElfW(Ehdr) header;
    size_t got;
    memset(&header, 0, sizeof header);
    *failed = read_at(fd, &header, sizeof header, 0, &got);
    if (*failed != 0) {
        return NULL;
    }
    if (got == 0) {
        return "is an empty file";
    }
    if (memcmp(header.e_ident, "!<arch>\n", 8) == 0) {
        return "is a static library, not a shared object";
    }
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) == 0) {
        return got == sizeof header ? elf_flaw(fd, &header, info->st_size, failed) : "is cut short";
    }
    for (size_t k = 0; k < got; k++) {
        const unsigned char c = ((const unsigned char *)&header)[k];
        if (c < ' ' && c != '\t' && c != '\n' && c != '\r') {
            return "is not a shared object";
        }
    }
    return "is a text file, not a shared object";
}

int tw__library_flaw(const char **flaw, const char *path)
{
    struct stat info;
    int fd, failed;
    if (stat(path, &info) != 0) {
        return errno;
    }
    if (!S_ISREG(info.st_mode)) {
        *flaw = S_ISDIR(info.st_mode) ? "is a folder, not a shared object" : "is not a regular file";
        return 0;
    }
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC);
    } while (fd < 0 && errno == EINTR);
    fd = tw__descriptor_lift(fd);
    if (fd < 0) {
        return errno;
    }
    const char *found = file_flaw(fd, &info, &failed);
    close(fd);
    *flaw = failed == 0 ? found : *flaw;
    return failed;
}

/* What dlopen lacked; ENOEXEC: nothing, the file is not right. Only malloc leaves its errno; where a call of the system
 * failed, dlopen's sentence ends in the words for it. */
static int cause_of(const char *reason)
{
    static const int causes[] = {EMFILE, ENFILE, ENOMEM};
    const size_t length = strlen(reason);
    for (size_t k = 0; k < sizeof causes / sizeof causes[0]; k++) {
        char buffer[128];
        const char *words = strerror_r(causes[k], buffer, sizeof buffer);
        const size_t n = strlen(words);
        if (length >= n && strcmp(reason + length - n, words) == 0) {
            return causes[k];
        }
    }
    return ENOEXEC;
}

int tw__library_open(struct tw__library *library, const char *path, char *why, size_t size)
{
    /* What was linked with -ffast-math turns subnormal numbers off for the whole thread as it is opened. */
    const struct tw__float_mode mode = tw__float_mode_get();
    errno = 0;
    library->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    tw__float_mode_keep(&mode);
    if (library->handle != NULL) {
        return 0;
    }
    const int left = errno;
    const char *reason = dlerror();
    const size_t length = strlen(path);
    if (reason == NULL) {
        reason = "no reason given";
    } else if (strncmp(reason, path, length) == 0 && strncmp(reason + length, ": ", 2) == 0) {
        reason += length + 2; /* the caller names the file */
    }
    snprintf(why, size, "%s", reason);
    return left == ENOMEM ? ENOMEM : cause_of(reason);
}

/* The dynamic symbol table of an open object. */
struct table {
    const ElfW(Sym) * symbols;
    const char *names;
    size_t count;
};

/* Number of symbols by the GNU hash table, which does not say it: the end of the last chain. */
static size_t count_by_gnu_hash(const uint32_t *hash)
{
    const uint32_t nbuckets = hash[0], first = hash[1], bloom = hash[2];
    const uint32_t *buckets = hash + 4 + bloom * (sizeof(ElfW(Addr)) / sizeof(uint32_t));
    const uint32_t *chains = buckets + nbuckets;
    uint32_t last = 0;
    for (uint32_t k = 0; k < nbuckets; k++) {
        last = buckets[k] > last ? buckets[k] : last;
    }
    if (last < first) {
        return first;
    }
    while ((chains[last - first] & 1) == 0) {
        last++;
    }
    return (size_t)last + 1;
}

static int find_table(const struct tw__library *library, struct table *table)
{
    struct link_map *map = NULL;
    memset(table, 0, sizeof *table);
    if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) != 0 || map == NULL) {
        return 0;
    }
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        /* Some systems leave the addresses as they are in the file. */
        const ElfW(Addr) value = entry->d_un.d_ptr;
        const void *address = (const void *)(value < map->l_addr ? value + map->l_addr : value);
        if (entry->d_tag == DT_SYMTAB) {
            table->symbols = address;
        } else if (entry->d_tag == DT_STRTAB) {
            table->names = address;
        } else if (entry->d_tag == DT_GNU_HASH) {
            table->count = count_by_gnu_hash(address);
        } else if (entry->d_tag == DT_HASH && table->count == 0) {
            table->count = ((const uint32_t *)address)[1];
        }
    }
    return table->symbols != NULL && table->names != NULL;
}

/* Name of the k-th symbol where it is a function that the object exports, else NULL. */
static const char *exported(const struct table *table, size_t k)
{
    const ElfW(Sym) *symbol = &table->symbols[k];
    const int type = symbol->st_info & 15, binding = symbol->st_info >> 4, visibility = symbol->st_other & 3;
    const int function = type == STT_FUNC || type == STT_GNU_IFUNC;
    const int outside = (binding == STB_GLOBAL || binding == STB_WEAK) && visibility == STV_DEFAULT;
    return function && outside && symbol->st_shndx != SHN_UNDEF ? table->names + symbol->st_name : NULL;
}

void *tw__library_symbol(const struct tw__library *library, const char *symbol)
{
    struct table table;
    if (!find_table(library, &table)) {
        return NULL;
    }
    for (size_t k = 0; k < table.count; k++) {
        const char *name = exported(&table, k);
        if (name != NULL && strcmp(name, symbol) == 0) {
            return dlsym(library->handle, symbol);
        }
    }
    return NULL;
}

void tw__library_list(const struct tw__library *library, char *text, size_t size)
{
    struct table table;
    size_t used = 0, listed = 0;
    text[0] = '\0';
    if (!find_table(library, &table)) {
        return;
    }
    for (size_t k = 0; k < table.count; k++) {
        const char *name = exported(&table, k);
        /* "_init" and the like come from the linker, not from the user. */
        if (name == NULL || name[0] == '_') {
            continue;
        }
        const char *separator = listed == 0 ? "" : ", ";
        if (listed == 5 || used + strlen(separator) + strlen(name) + sizeof "'', ..." > size) {
            snprintf(text + used, size - used, "%s...", separator);
            return;
        }
        used += (size_t)snprintf(text + used, size - used, "%s'%s'", separator, name);
        listed++;
    }
}

void tw__library_close(struct tw__library *library)
{
    if (library->handle != NULL) {
        dlclose(library->handle);
        library->handle = NULL;
    }
}

void tw__library_of(void (*function)(void), char *path, size_t size, size_t *offset)
{
    Dl_info info;
    struct link_map *map = NULL;
    void *address;
    memcpy(&address, &function, sizeof address);
    path[0] = '\0';
    *offset = 0;
    if (dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP) == 0) {
        return;
    }
    /* The program itself has no name in the list of objects. */
    snprintf(path, size, "%s",
             map != NULL && map->l_name != NULL && map->l_name[0] != '\0' ? map->l_name : "/proc/self/exe");
    *offset = (size_t)((char *)address - (char *)info.dli_fbase);
}
