/* make_rule.h - the files that a compilation read, from the make rule that compilers write of them. */
#ifndef TW_KERNEL_MAKE_RULE_H
#define TW_KERNEL_MAKE_RULE_H

#include <stddef.h>

/* The files in a make rule "kernel: SOURCE HEADER ...", with full paths, but for those whose paths begin with
 * `without`: *names[*count] (malloc, each too). If one is not found, none are given: the rule was not understood. */
void tw__make_rule_read(const char *rule, const char *without, char ***names, size_t *count);

#endif
