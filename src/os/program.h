/* program.h - programs that are run: found on PATH, started without a shell, waited for. */
#ifndef TW_OS_PROGRAM_H
#define TW_OS_PROGRAM_H

#include <stddef.h>

/* Runs a program without a shell, argv[0] looked up on PATH, in the C locale, standard input empty, with the variables
 * `more` ("NAME=VALUE", ended by NULL; may be NULL) added to the environment, which lacks them; standard output
 * and standard error go into *output (malloc, terminated, at most `limit` bytes, the rest dropped). *code: exit code,
 * 128 + signal if it was killed. Returns 0, or an errno and no output: ENOENT if the program does not exist. A host
 * that ignores SIGCHLD or waits for any child does no harm; if it took the program's end, the program runs once more.
 * Any thread. */
int tw__run_program(char *const argv[], char *const more[], size_t limit, char **output, int *code);

/* Full path of a program on PATH (malloc). NULL, with errno ENOENT if there is none, ENOMEM if there is no
 * memory. A name with a slash is taken as it is, where it is a program. */
char *tw__find_program(const char *name);

/* The first program that matches the pattern of glob(7), which begins in the folder of the file that holds the library
 * (a shared object, a program), else in the folder of the program that runs (malloc, full path). NULL: none. */
char *tw__find_program_beside(const char *pattern);

/* What changes when a program is replaced by another version: real path, device, inode, size and time of change, as a
 * text (malloc). NULL, with errno, if there is no such file; ENOMEM if there is no memory. */
char *tw__program_identity(const char *path);

/* The folder that relative names are taken from (malloc), NULL if it is gone. */
char *tw__current_folder(void);

#endif
