/* held.h - what a process holds, as /proc lists it: shared by the programs that look for leaks. */
#ifndef HELD_H
#define HELD_H

#include <dirent.h>
#include <unistd.h>

#define HELD_PATIENCE 10000 /* ms that the kernel may list a thread that has ended */

/* The entries of a folder, without those whose names begin with a dot. */
static inline int entries(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    const struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        count += entry->d_name[0] != '.';
    }
    if (folder != NULL) {
        closedir(folder);
    }
    return count;
}

/* The threads of this process. A thread that was joined may still be listed for a moment: while there are more than
 * `wanted` (0: whatever there is), they are counted again. */
static inline int threads_now(int wanted)
{
    int count = entries("/proc/self/task");
    for (int k = 0; k < HELD_PATIENCE && wanted > 0 && count > wanted; k++) {
        usleep(1000);
        count = entries("/proc/self/task");
    }
    return count;
}

#endif
