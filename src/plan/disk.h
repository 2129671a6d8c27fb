/* disk.h - how long it takes to write files. */
#ifndef TW_PLAN_DISK_H
#define TW_PLAN_DISK_H

/* Seconds that so many bytes take until they are safe on the disk of `folder` (NULL: the current one): measured with a
 * small file that is removed; 0: nothing can be written there, or so little that it does not matter. */
double tw__disk_seconds(const char *folder, double bytes);

#endif
