/* info.c - tilework info: what this machine offers, and why. */
#include <stddef.h>
#include <stdio.h>

#include "commands.h"
#include "exit.h"
#include "options.h"
#include "strict.h"
#include "units.h"

static const char doc[] =
    "Describe what this machine offers: cores and what limits them, memory, pages, compiler, cache folder, "
    "memory bandwidth (measured once, in less than half a second)."
    "\v"
    "Examples:\n"
    "  tilework info\n"
    "  tilework info --measure\n"
    "  taskset -c 0 tilework info\n";

enum { KEY_MEASURE = CLI_KEY_FIRST };

static const struct argp_option options[] = {
    {"measure", KEY_MEASURE, NULL, 0, "Measure the memory bandwidth again, which is otherwise kept in the cache folder",
     0},
    {0}};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    int *measure = state->input;
    switch (key) {
    case ARGP_KEY_ARG:
        return cli_bad("'%s' is not expected: info takes only options", argument);
    case KEY_MEASURE:
        *measure = 1;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *known(const char *text)
{
    return text[0] != '\0' ? text : "unknown";
}

static void print_cores(const tw_machine *machine)
{
    printf("system          %s\n", known(machine->system));
    printf("cpu             %s\n", known(machine->cpu));
    printf("cores           %d online, %d by affinity, ", machine->cpus_online, machine->cpus_affinity);
    if (machine->cpus_quota > 0) {
        printf("quota of %g\n", machine->cpus_quota);
    } else {
        printf("no quota\n");
    }
    printf("workers         %s\n", known(machine->workers_reason));
}

static void print_memory(const tw_machine *machine)
{
    char text[CLI_UNITS_TEXT];
    printf("memory          %s in all; available %s\n", cli_text_bytes(text, sizeof text, machine->memory_total),
           known(machine->memory_reason));
    printf("page size       %s\n", cli_text_bytes(text, sizeof text, machine->page_size));
    if (machine->huge_page_size > 0) {
        printf("huge pages      %s; private memory: %s; shared memory: %s\n",
               cli_text_bytes(text, sizeof text, machine->huge_page_size), known(machine->huge_private),
               known(machine->huge_shared));
    } else {
        printf("huge pages      none\n");
    }
    printf("populate        %s\n", machine->populate ? "yes, pages of shared results are populated in one call"
                                                     : "no, shared pages are touched one by one (needs Linux 5.14)");
    printf("shared heap     %s\n", known(machine->heap_reason));
}

static void print_compiler(void)
{
    char path[4096], version[256], cache[4096];
    tw_error error;
    if (tw_compiler_describe(path, sizeof path, version, sizeof version, cache, sizeof cache, &error) == TW_OK) {
        printf("compiler        %s (%s)\n", path, version);
        printf("cache           %s\n", cache[0] != '\0' ? cache : "none that lasts: a folder of each process");
    } else {
        printf("compiler        none: %s\n", error.message);
    }
}

/* "27.8 GB/s with 1 thread, 36.1 with 2" */
static void print_speeds(const char *what, const tw_bandwidth *bandwidth, size_t offset)
{
    printf("%-15s ", what);
    for (int n = 0; n < bandwidth->count; n++) {
        const tw_bandwidth_row *row = &bandwidth->row[n];
        const double speed = *(const double *)(const void *)((const char *)row + offset) / 1e9;
        printf(n == 0 ? "%.1f GB/s with %d thread%s" : ", %.1f with %d%s", speed, row->threads, "");
    }
    printf("\n");
}

static void print_bandwidth(int measure)
{
    const tw_bandwidth_options wish = {.again = measure};
    tw_bandwidth bandwidth;
    tw_error error;
    if (tw_machine_bandwidth(&bandwidth, &wish, &error) != TW_OK) {
        printf("bandwidth       unknown: %s\n", error.message);
        return;
    }
    print_speeds("memory read", &bandwidth, offsetof(tw_bandwidth_row, read));
    print_speeds("memory write", &bandwidth, offsetof(tw_bandwidth_row, write));
    print_speeds("memory copy", &bandwidth, offsetof(tw_bandwidth_row, copy));
    print_speeds("new memory", &bandwidth, offsetof(tw_bandwidth_row, fresh));
    printf("new shared      %.1f GB/s\n", bandwidth.shared / 1e9);
}

int cli_info(int argc, char **argv)
{
    static const struct argp argp = {.options = options, .parser = parse, .doc = doc};
    tw_machine machine;
    int measure = 0;
    const int code = cli_parse(&argp, argc, argv, "tilework info", &measure);
    if (code != CLI_DONE) {
        return code;
    }
    tw_machine_describe(&machine);
    printf("tilework        %s\n", tw_version());
    print_cores(&machine);
    print_memory(&machine);
    print_compiler();
    print_bandwidth(measure);
    return CLI_DONE;
}
