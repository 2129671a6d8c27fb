/* trim.h - the cache's folder is kept from growing without end. */
#ifndef TW_KERNEL_TRIM_H
#define TW_KERNEL_TRIM_H

#include <stddef.h>
#include <stdint.h>

#define TW__TRIM_FILES 12288                /* three a kernel: source, entry, object; together some 100 MB */
#define TW__TRIM_BYTES ((int64_t)512 << 20) /* for kernels that are larger than most */
#define TW__TRIM_SPARED 3600                /* seconds: what was used since is not removed, whatever the limits say */

/* Removes the files that were used longest ago until three quarters of the limits are left, if one is exceeded. Other
 * processes may use the folder and trim it at the same time: a file that is missing is compiled again. */
void tw__trim(const char *folder, size_t files, int64_t bytes);

#endif
