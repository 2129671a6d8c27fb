/* cgroup.h - how much of the machine this process's control groups allow. */
#ifndef TW_OS_CGROUP_H
#define TW_OS_CGROUP_H

#include <stdint.h>

#define TW__CGROUP_NAME 96

/* The tightest limits of this process's group and all groups above it that can be seen, versions 1 and 2. */
struct tw__cgroup_limits {
    double cpus;                      /* CPU quota in CPUs; 0: none */
    char cpus_group[TW__CGROUP_NAME]; /* the group that sets it; a long name keeps its end */
    int64_t room;                     /* bytes of memory that may still be taken; INT64_MAX: no limit */
    int64_t memory;                   /* the limit that leaves this room, bytes */
    char memory_group[TW__CGROUP_NAME];
};

/* What is asked for: reading takes longer than most of what the answer decides. */
#define TW__CGROUP_CPUS 1
#define TW__CGROUP_MEMORY 2
#define TW__CGROUP_ALL (TW__CGROUP_CPUS | TW__CGROUP_MEMORY)

/* Reads ROOT/proc/self/cgroup, ROOT/proc/self/mountinfo and the groups' files below ROOT; "" is the machine itself.
 * Never fails: what cannot be read limits nothing. */
void tw__cgroup_limits(struct tw__cgroup_limits *limits, const char *root, int asked);

#endif
