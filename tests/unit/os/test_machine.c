/* What the machine allows: made-up trees of control groups, and the real affinity of a child. */
#include "harness.h"
#include "scratch.h"

#include <errno.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "os/cgroup.h"
#include "os/cpu.h"
#include "os/folder.h"

#define MOUNT_2 "31 23 0:28 / /sys/fs/cgroup rw,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate\n"
#define CPU_1 "32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
#define MEMORY_1 "35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"

static void no_groups_limit_nothing(void **state)
{
    struct tw__cgroup_limits limits;
    tw__cgroup_limits(&limits, ((struct scratch *)*state)->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 0);
    assert_true(limits.room == INT64_MAX);
}

static void version_2_reads_every_ancestor(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/a/b/c\n");
    scratch_write(root, "proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda rw\n" MOUNT_2);
    scratch_write(root, "sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
    scratch_write(root, "sys/fs/cgroup/a/b/cpu.max", "350000 100000\n");
    scratch_write(root, "sys/fs/cgroup/a/cpu.max", "800000 100000\n");
    scratch_write(root, "sys/fs/cgroup/a/b/c/memory.max", "max\n");
    scratch_write(root, "sys/fs/cgroup/a/b/c/memory.current", "1000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.max", "9000000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.high", "max\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.current", "5000000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 3.5);
    assert_string_equal(limits.cpus_group, "/a/b");
    assert_int_equal(limits.room, 4000000);
    assert_int_equal(limits.memory, 9000000);
    assert_string_equal(limits.memory_group, "/a");
}

static void the_lower_of_max_and_high_counts(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/a\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    scratch_write(root, "sys/fs/cgroup/a/memory.max", "9000000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.high", "8000000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.current", "5000000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.stat", "anon 4000000\nfile 900000\ninactive_file 600000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_int_equal(limits.memory, 8000000);
    assert_int_equal(limits.room, 8000000 - (5000000 - 600000)); /* file pages are dropped before memory is refused */
}

static void a_group_past_its_limit_has_no_room(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    scratch_write(root, "sys/fs/cgroup/memory.high", "4096\n");
    scratch_write(root, "sys/fs/cgroup/memory.current", "5000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_int_equal(limits.room, 0);
    assert_string_equal(limits.memory_group, "/");
}

static void version_1_reads_quota_and_memory(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "9:name=systemd:/x\n4:memory:/p/q\n1:cpu,cpuacct:/p/r\n0::/\n");
    scratch_write(root, "proc/self/mountinfo", CPU_1 MEMORY_1);
    scratch_write(root, "sys/fs/cgroup/cpu,cpuacct/p/r/cpu.cfs_quota_us", "-1\n");
    scratch_write(root, "sys/fs/cgroup/cpu,cpuacct/p/r/cpu.cfs_period_us", "100000\n");
    scratch_write(root, "sys/fs/cgroup/cpu,cpuacct/p/cpu.cfs_quota_us", "150000\n");
    scratch_write(root, "sys/fs/cgroup/cpu,cpuacct/p/cpu.cfs_period_us", "100000\n");
    scratch_write(root, "sys/fs/cgroup/memory/p/q/memory.limit_in_bytes", "9223372036854771712\n");
    scratch_write(root, "sys/fs/cgroup/memory/p/q/memory.usage_in_bytes", "700\n");
    scratch_write(root, "sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000\n");
    scratch_write(root, "sys/fs/cgroup/memory/memory.usage_in_bytes", "900000\n");
    scratch_write(root, "sys/fs/cgroup/memory/memory.stat", "inactive_file 1\ntotal_inactive_file 50000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 1.5);
    assert_string_equal(limits.cpus_group, "/p");
    assert_int_equal(limits.room, 150000);
    assert_string_equal(limits.memory_group, "/");
}

static void a_mount_of_a_part_is_found(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    /* A container sees its own group at the mount point; the group's name still begins at the machine's root. */
    scratch_write(root, "proc/self/cgroup", "1:cpu:/docker/7/x:y\n");
    scratch_write(root, "proc/self/mountinfo", "32 31 0:29 /docker/7 /sys/fs/cg\\040cpu ro - cgroup cgroup rw,cpu\n");
    scratch_write(root, "sys/fs/cg cpu/x:y/cpu.cfs_quota_us", "900000\n");
    scratch_write(root, "sys/fs/cg cpu/x:y/cpu.cfs_period_us", "100000\n");
    scratch_write(root, "sys/fs/cg cpu/cpu.cfs_quota_us", "250000\n");
    scratch_write(root, "sys/fs/cg cpu/cpu.cfs_period_us", "100000\n");
    /* Above the mount point there is nothing to be read. */
    scratch_write(root, "sys/fs/cpu.cfs_quota_us", "1000\n");
    scratch_write(root, "sys/fs/cpu.cfs_period_us", "100000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 2.5);
    assert_string_equal(limits.cpus_group, "/docker/7");
}

static void a_mount_above_the_namespace_counts(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/\n");
    scratch_write(root, "proc/self/mountinfo", "31 23 0:28 /../.. /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    scratch_write(root, "sys/fs/cgroup/cpu.max", "100000 50000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 2);
}

static void another_groups_mount_is_left_alone(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/ab\n");
    scratch_write(root, "proc/self/mountinfo", "31 23 0:28 /a /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
    scratch_write(root, "sys/fs/cgroup/cpu.max", "100000 100000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 0);
    /* Neither is one that this process was moved out of. */
    scratch_write(root, "proc/self/cgroup", "0::/../b\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 0);
}

static void damaged_files_limit_nothing(void **state)
{
    const struct scratch *root = *state;
    static const char *const quotas[] = {"",           "\n",      "x 100000\n",  "100000\n",
                                         "100000 0\n", "0 100\n", "-5 100000\n", "99999999999999999999 100000\n"};
    static const char *const mounts[] = {"", " - \n", "1 2 3\n", "31 23 0:28 / /sys/fs/cgroup rw - cgroup2\n",
                                         "- cgroup2 cgroup2 rw\n"};
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "no colon\n0:\n0::/a\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    for (size_t k = 0; k < sizeof quotas / sizeof quotas[0]; k++) {
        scratch_write(root, "sys/fs/cgroup/a/cpu.max", quotas[k]);
        tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
        assert_true(limits.cpus == 0);
    }
    scratch_write(root, "sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 1);
    for (size_t k = 0; k < sizeof mounts / sizeof mounts[0]; k++) {
        scratch_write(root, "proc/self/mountinfo", mounts[k]);
        tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
        assert_true(limits.cpus == 0);
    }
}

static void a_long_group_name_keeps_its_end(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    char group[160], line[256], file[256];
    memset(group, 'g', sizeof group);
    strcpy(group + sizeof group - 6, "/tail");
    snprintf(line, sizeof line, "0::/%s\n", group);
    snprintf(file, sizeof file, "sys/fs/cgroup/%s/cpu.max", group);
    scratch_write(root, "proc/self/cgroup", line);
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    scratch_write(root, file, "100000 100000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 1);
    assert_int_equal(strlen(limits.cpus_group), TW__CGROUP_NAME - 1);
    assert_memory_equal(limits.cpus_group, "...g", 4);
    assert_string_equal(limits.cpus_group + TW__CGROUP_NAME - 6, "/tail");
}

static void the_machine_is_described_from_its_files(void **state)
{
    const struct scratch *root = *state;
    tw_machine machine;
    scratch_write(root, "proc/self/cgroup", "0::/a/b\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    scratch_write(root, "sys/fs/cgroup/a/b/cpu.max", "99999 100000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.max", "536870912\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.current", "268435456\n");
    scratch_write(root, "proc/meminfo", "MemTotal:   8388608 kB\nMemFree: 1 kB\nMemAvailable:    4194304 kB\n");
    scratch_write(root, "proc/cpuinfo", "processor\t: 0\nmodel name\t: Made Up 9000\n\nprocessor\t: 1\n");
    scratch_write(root, "sys/kernel/mm/transparent_hugepage/enabled", "always [madvise] never\n");
    scratch_write(root, "sys/kernel/mm/transparent_hugepage/shmem_enabled", "always within_size advise [never] deny\n");
    scratch_write(root, "sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "2097152\n");
    tw__machine_describe(&machine, root->path);
    assert_int_equal(machine.workers, 1);
    assert_string_equal(machine.workers_reason, "1 CPU: cgroup /a/b allows 0.99");
    assert_int_equal(machine.memory_total, INT64_C(8388608) * 1024);
    assert_int_equal(machine.memory_available, 268435456);
    assert_string_equal(machine.memory_reason, "0.25 GiB: cgroup /a allows 0.5 GiB");
    assert_int_equal(machine.heap_bytes, INT64_C(8388608) * 2048);
    assert_string_equal(machine.heap_reason, "16 GiB: twice the machine's memory");
    assert_string_equal(machine.huge_private, "madvise");
    assert_string_equal(machine.huge_shared, "never");
    assert_int_equal(machine.huge_page_size, 2097152);
    assert_string_equal(machine.cpu, "Made Up 9000");
    assert_memory_equal(machine.system, "Linux ", 6);
}

static void what_cannot_be_found_is_zero(void **state)
{
    const struct scratch *root = *state;
    tw_machine machine;
    tw__machine_describe(&machine, root->path);
    assert_int_equal(machine.memory_total, 0);
    assert_int_equal(machine.memory_available, 0);
    assert_int_equal(machine.huge_page_size, 0);
    assert_string_equal(machine.huge_private, "");
    assert_string_equal(machine.cpu, "");
    assert_true(machine.workers >= 1);
    assert_true(machine.page_size >= 4096);
}

static void this_machine_has_workers_and_memory(void **state)
{
    (void)state;
    tw_machine machine;
    tw_machine_describe(&machine);
    assert_int_equal(machine.workers, tw__default_workers());
    assert_in_range(machine.workers, 1, machine.cpus_online);
    assert_true(machine.memory_available > 0 && machine.memory_available <= machine.memory_total);
    assert_true(tw__available_memory() > 0);
    char features[8192], again[8192];
    tw__cpu_features(features, sizeof features);
    tw__cpu_features(again, sizeof again);
    assert_true(strlen(features) > 0);
    assert_string_equal(features, again);
}

/* Runs a check in a child, so that what it does to itself ends with it. */
static void in_child(int (*check)(void))
{
    const pid_t pid = fork();
    if (pid == 0) {
        _exit(check());
    }
    int ended;
    assert_int_equal(waitpid(pid, &ended, 0), pid);
    assert_int_equal(ended, 0);
}

static int one_cpu(void)
{
    tw_machine machine;
    cpu_set_t all, one;
    CPU_ZERO(&all);
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof all, &all);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && CPU_COUNT(&one) == 0; cpu++) {
        if (CPU_ISSET(cpu, &all)) {
            CPU_SET(cpu, &one);
        }
    }
    if (sched_setaffinity(0, sizeof one, &one) != 0) {
        return 1;
    }
    tw_machine_describe(&machine);
    char several[64];
    snprintf(several, sizeof several, "1 CPU: affinity allows 1 of %d", machine.cpus_online);
    const char *expected = machine.cpus_online == 1 ? "1 CPU: all that affinity allows" : several;
    const int said = strcmp(machine.workers_reason, expected) == 0 || machine.cpus_quota > 0;
    return machine.workers == 1 && machine.cpus_affinity == 1 && tw__default_workers() == 1 && said ? 0 : 2;
}

static void affinity_limits_workers(void **state)
{
    (void)state;
    in_child(one_cpu);
}

#ifndef SANITIZED
static int little_address_space(void)
{
    tw_machine machine;
    const struct rlimit limit = {.rlim_cur = (rlim_t)1 << 30, .rlim_max = RLIM_INFINITY};
    if (setrlimit(RLIMIT_AS, &limit) != 0) {
        return 1;
    }
    tw_machine_describe(&machine);
    const char *expected = "1 GiB: the limit on address space (ulimit -v) allows no more";
    return machine.heap_bytes == 1 << 30 && strcmp(machine.heap_reason, expected) == 0 ? 0 : 2;
}

static void address_space_limits_the_heap(void **state)
{
    (void)state;
    in_child(little_address_space);
}
#endif

static void folders_of_others_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    char why[128];
    char *path = scratch_path(scratch, "a/b/c"), *link = scratch_path(scratch, "link");
    assert_int_equal(tw__folder_check(path, why, sizeof why), ENOENT);
    assert_int_equal(tw__folder_make(path), 0);
    assert_int_equal(tw__folder_make(path), 0);
    assert_int_equal(tw__folder_check(path, why, sizeof why), 0);
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0700);
    assert_int_equal(chmod(path, 0770), 0);
    assert_int_equal(tw__folder_check(path, why, sizeof why), -1);
    assert_string_equal(why, "can be written to by others (mode 770)");
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(tw__folder_check(path, why, sizeof why), 0); /* others may read */
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(tw__folder_check(link, why, sizeof why), -1);
    assert_string_equal(why, "is a symbolic link");
    scratch_write(scratch, "file", "");
    char *file = scratch_path(scratch, "file/x");
    assert_int_equal(tw__folder_make(file), ENOTDIR);
    file[strlen(file) - strlen("/x")] = '\0';
    assert_int_equal(tw__folder_make(file), ENOTDIR);
    assert_int_equal(tw__folder_check(file, why, sizeof why), -1);
    assert_string_equal(why, "is not a folder");
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 12345, 0), 0);
        assert_int_equal(tw__folder_check(path, why, sizeof why), -2);
        assert_string_equal(why, "belongs to user 12345, not to user 0 who runs this");
    }
    free(file);
    free(path);
    free(link);
}

#define IN_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_open, scratch_close)

static void only_what_is_asked_for_is_read(void **state)
{
    const struct scratch *root = *state;
    struct tw__cgroup_limits limits;
    scratch_write(root, "proc/self/cgroup", "0::/a\n");
    scratch_write(root, "proc/self/mountinfo", MOUNT_2);
    scratch_write(root, "sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.max", "9000000\n");
    scratch_write(root, "sys/fs/cgroup/a/memory.current", "5000000\n");
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_CPUS);
    assert_true(limits.cpus == 1 && limits.room == INT64_MAX);
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_MEMORY);
    assert_true(limits.cpus == 0 && limits.room == 4000000);
    tw__cgroup_limits(&limits, root->path, TW__CGROUP_ALL);
    assert_true(limits.cpus == 1 && limits.room == 4000000);
}

static void small_ends_at_64_MiB_at_the_latest(void **state)
{
    (void)state;
    assert_true(tw__is_small(0) && tw__is_small((2 << 20) - 1));
    assert_false(tw__is_small(((int64_t)64 << 20) + 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCRATCH(no_groups_limit_nothing),
        IN_SCRATCH(version_2_reads_every_ancestor),
        IN_SCRATCH(the_lower_of_max_and_high_counts),
        IN_SCRATCH(a_group_past_its_limit_has_no_room),
        IN_SCRATCH(version_1_reads_quota_and_memory),
        IN_SCRATCH(a_mount_of_a_part_is_found),
        IN_SCRATCH(a_mount_above_the_namespace_counts),
        IN_SCRATCH(another_groups_mount_is_left_alone),
        IN_SCRATCH(damaged_files_limit_nothing),
        IN_SCRATCH(a_long_group_name_keeps_its_end),
        IN_SCRATCH(only_what_is_asked_for_is_read),
        IN_SCRATCH(small_ends_at_64_MiB_at_the_latest),
        IN_SCRATCH(the_machine_is_described_from_its_files),
        IN_SCRATCH(what_cannot_be_found_is_zero),
        cmocka_unit_test(this_machine_has_workers_and_memory),
        cmocka_unit_test(affinity_limits_workers),
#ifndef SANITIZED
        cmocka_unit_test(address_space_limits_the_heap),
#endif
        IN_SCRATCH(folders_of_others_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
