/* program.c - programs that are run: found on PATH, started without a shell, waited for. Knows nothing of compilers.
 * posix_spawn is used because fork is not safe in a program with threads: a lock held by another thread stays locked in
 * the child forever. */
#include "os/program.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/descriptor.h"
#include "os/waiter.h"

extern char **environ;

static const char place_of_this_code = 0; /* an address in the file that holds the library */

static size_t count_texts(char *const *texts)
{
    size_t count = 0;
    while (texts != NULL && texts[count] != NULL) {
        count++;
    }
    return count;
}

/* This process's environment with LC_ALL=C, so that what the program says does not depend on the user's language, and
 * with `more` (names that the environment lacks). The texts stay their owners'; the vector is malloc. */
static char **plain_environment(char *const more[])
{
    const size_t count = count_texts(environ), extra = count_texts(more);
    char **copy = malloc((count + extra + 2) * sizeof *copy);
    if (copy == NULL) {
        return NULL;
    }
    size_t kept = 0;
    for (size_t k = 0; k < count; k++) {
        if (strncmp(environ[k], "LC_ALL=", 7) != 0 && strncmp(environ[k], "LANGUAGE=", 9) != 0) {
            copy[kept++] = environ[k];
        }
    }
    for (size_t k = 0; k < extra; k++) {
        copy[kept++] = more[k];
    }
    copy[kept++] = "LC_ALL=C";
    copy[kept] = NULL;
    return copy;
}

/* Starts argv with both outputs on `fd`. 0, or an errno. */
static int spawn(pid_t *pid, char *const argv[], char *const more[], int fd)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    char **environment = plain_environment(more);
    if (environment == NULL) {
        return ENOMEM;
    }
    int status = posix_spawn_file_actions_init(&actions);
    if (status != 0) {
        free(environment);
        return status;
    }
    status = posix_spawnattr_init(&attributes);
    if (status != 0) {
        posix_spawn_file_actions_destroy(&actions);
        free(environment);
        return status;
    }

    status = posix_spawn_file_actions_adddup2(&actions, fd, STDOUT_FILENO);
    if (status == 0) {
        status = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    }
    if (status == 0) {
        status = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    }

    /* Pool threads block all signals and a host program may ignore SIGPIPE or SIGCHLD; a compiler expects neither. */
    sigset_t mask, defaults;
    sigemptyset(&mask);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGCHLD);
    posix_spawnattr_setsigmask(&attributes, &mask);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    if (status == 0) {
        status = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environment);
    }
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    return status;
}

/* The same by way of a waiter. 0, or an errno. */
static int spawn_between(struct tw__waiter *waiter, char *const argv[], char *const more[], int fd)
{
    char *path = tw__find_program(argv[0]);
    if (path == NULL) {
        return errno;
    }
    char **environment = plain_environment(more);
    const int status = environment != NULL ? tw__waiter_start(waiter, path, argv, environment, fd) : ENOMEM;
    free(environment);
    free(path);
    return status;
}

/* Reads until the end; keeps the first `limit` bytes, terminated, and drains the rest so that the writer is never
 * blocked. 0, or an errno. */
static int read_all(int fd, size_t limit, char **output)
{
    size_t room = limit < 4095 ? limit : 4095, used = 0;
    char *text = malloc(room + 1);
    if (text == NULL) {
        return ENOMEM;
    }
    for (;;) {
        if (used == room && room < limit) {
            const size_t wider = room > limit / 2 ? limit : 2 * room;
            char *moved = realloc(text, wider + 1);
            if (moved == NULL) {
                limit = room; /* what there is must do */
            } else {
                text = moved;
                room = wider;
            }
        }
        char dropped[4096];
        const int full = used == room;
        const ssize_t got = read(fd, full ? dropped : text + used, full ? sizeof dropped : room - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            const int status = got < 0 ? errno : 0;
            if (status != 0) {
                free(text);
                return status;
            }
            text[used] = '\0';
            *output = text;
            return 0;
        }
        used += full ? 0 : (size_t)got;
    }
}

/* How the program ended: 0 or an errno, and the status that waitpid gives. */
static int wait_for(pid_t pid, int *ended)
{
    while (waitpid(pid, ended, 0) < 0) {
        if (errno != EINTR) {
            return errno;
        }
    }
    return 0;
}

/* As tw__run_program; `between`: by way of a process that waits for it. */
static int run(char *const argv[], char *const more[], int between, size_t limit, char **output, int *ended)
{
    int ends[2];
    int status = tw__pipe(ends);
    if (status != 0) {
        return status;
    }
    pid_t pid = 0;
    struct tw__waiter waiter;
    status = between ? spawn_between(&waiter, argv, more, ends[1]) : spawn(&pid, argv, more, ends[1]);
    close(ends[1]);
    if (status != 0) {
        close(ends[0]);
        return status;
    }

    char *text = NULL;
    status = read_all(ends[0], limit, &text);
    close(ends[0]); /* after a failed read the program ends by SIGPIPE at the latest */
    const int lost = between ? tw__waiter_end(&waiter, ended) : wait_for(pid, ended);
    status = status != 0 ? status : lost;
    if (status != 0) {
        free(text);
        return status;
    }
    *output = text;
    return 0;
}

int tw__run_program(char *const argv[], char *const more[], size_t limit, char **output, int *code)
{
    int ended = 0;
    int status = tw__ends_are_forgotten() ? ECHILD : run(argv, more, 0, limit, output, &ended);
    if (status == ECHILD) { /* somebody else has learned how it ended */
        status = run(argv, more, 1, limit, output, &ended);
    }
    if (status == 0) {
        *code = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
    }
    return status;
}

static int is_program(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISREG(info.st_mode) && access(path, X_OK) == 0;
}

char *tw__find_program(const char *name)
{
    if (strchr(name, '/') != NULL && is_program(name)) {
        return strdup(name);
    }
    if (name[0] == '\0' || strchr(name, '/') != NULL) {
        errno = ENOENT;
        return NULL;
    }
    const char *path = getenv("PATH");
    if (path == NULL) {
        path = "/bin:/usr/bin"; /* where execvp looks then */
    }
    for (const char *folder = path;; folder++) {
        const size_t length = strcspn(folder, ":");
        char *candidate = NULL;
        /* An empty entry is the current folder. */
        if (asprintf(&candidate, "%.*s/%s", length == 0 ? 1 : (int)length, length == 0 ? "." : folder, name) < 0) {
            errno = ENOMEM;
            return NULL;
        }
        if (is_program(candidate)) {
            return candidate;
        }
        free(candidate);
        folder += length;
        if (*folder == '\0') {
            errno = ENOENT;
            return NULL;
        }
    }
}

/* The first program among folder/pattern, `folder` that of this file (malloc). NULL: none. */
static char *find_in_pattern(const char *file, const char *pattern)
{
    char *real = realpath(file, NULL), *whole = NULL, *found = NULL;
    glob_t matches;
    if (real == NULL || strrchr(real, '/') == NULL) {
        free(real);
        return NULL;
    }
    if (asprintf(&whole, "%.*s/%s", (int)(strrchr(real, '/') - real), real, pattern) < 0) {
        whole = NULL;
    }
    if (whole != NULL && glob(whole, 0, NULL, &matches) == 0) {
        for (size_t k = 0; k < matches.gl_pathc && found == NULL; k++) {
            found = is_program(matches.gl_pathv[k]) ? realpath(matches.gl_pathv[k], NULL) : NULL;
        }
        globfree(&matches);
    }
    free(whole);
    free(real);
    return found;
}

char *tw__find_program_beside(const char *pattern)
{
    Dl_info here;
    char *found = NULL;
    if (dladdr((const void *)&place_of_this_code, &here) != 0 && here.dli_fname != NULL) {
        found = find_in_pattern(here.dli_fname, pattern);
    }
    return found != NULL ? found : find_in_pattern("/proc/self/exe", pattern);
}

char *tw__program_identity(const char *path)
{
    struct stat info;
    char *real = realpath(path, NULL), *text = NULL;
    if (real == NULL) {
        return NULL;
    }
    int failed = stat(real, &info) != 0 ? errno : 0;
    if (failed == 0 && asprintf(&text, "%s %llu %llu %lld %lld.%09ld", real, (unsigned long long)info.st_dev,
                                (unsigned long long)info.st_ino, (long long)info.st_size,
                                (long long)info.st_mtim.tv_sec, info.st_mtim.tv_nsec) < 0) {
        failed = ENOMEM;
        text = NULL;
    }
    free(real);
    errno = failed;
    return text;
}

char *tw__current_folder(void)
{
    return getcwd(NULL, 0);
}
