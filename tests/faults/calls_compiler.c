/* calls_compiler.c - a compiler for tests/faults/jobs.c that takes a millisecond: the object is calls_kernel.so, which
 * lies beside it and was compiled before. Writes the rule of what it has read as a compiler would. */
#include <stdio.h>
#include <string.h>

static int copy(const char *from, const char *to)
{
    char piece[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    int failed = in == NULL || out == NULL;
    while (!failed && (n = fread(piece, 1, sizeof piece, in)) > 0) {
        failed = fwrite(piece, 1, n, out) != n;
    }
    return (out != NULL && fclose(out) != 0) || failed;
}

int main(int argc, char **argv)
{
    const char *object = NULL, *rule = NULL, *source = NULL;
    char kernel[4096];
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        return puts("a compiler of tests, 1.0") < 0;
    }
    for (int k = 1; k + 1 < argc; k++) {
        object = strcmp(argv[k], "-o") == 0 ? argv[k + 1] : object;
        rule = strcmp(argv[k], "-MF") == 0 ? argv[k + 1] : rule;
        source = strcmp(argv[k], "c") == 0 ? argv[k + 1] : source;
    }
    const char *slash = strrchr(argv[0], '/');
    if (object == NULL || rule == NULL || source == NULL || slash == NULL) {
        return 2;
    }
    snprintf(kernel, sizeof kernel, "%.*s/calls_kernel.so", (int)(slash - argv[0]), argv[0]);
    FILE *file = fopen(rule, "w");
    if (file == NULL || fprintf(file, "kernel: %s\n", source) < 0 || fclose(file) != 0) {
        return 1;
    }
    return copy(kernel, object);
}
