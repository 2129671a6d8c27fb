/* info.c - tilework info: what this machine offers, and why. */
#include <stdio.h>

#include "commands.h"
#include "exit.h"
#include "options.h"
#include "strict.h"
#include "units.h"

static const char doc[] =
    "Describe what this machine offers: cores and what limits them, memory, pages, compiler, cache folder."
    "\v"
    "Examples:\n"
    "  tilework info\n"
    "  taskset -c 0 tilework info\n";

static error_t parse(int key, char *argument, struct argp_state *state)
{
    (void)state;
    return key == ARGP_KEY_ARG ? cli_bad("'%s' is not expected: info takes no arguments", argument) : ARGP_ERR_UNKNOWN;
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

int cli_info(int argc, char **argv)
{
    static const struct argp argp = {.parser = parse, .doc = doc};
    tw_machine machine;
    const int code = cli_parse(&argp, argc, argv, "tilework info", NULL);
    if (code != CLI_DONE) {
        return code;
    }
    tw_machine_describe(&machine);
    printf("tilework        %s\n", tw_version());
    print_cores(&machine);
    print_memory(&machine);
    print_compiler();
    return CLI_DONE;
}
