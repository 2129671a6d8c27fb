/* private_folder.h - a folder of this process alone, for want of one that lasts. */
#ifndef TW_OS_PRIVATE_FOLDER_H
#define TW_OS_PRIVATE_FOLDER_H

/* The folder (malloc, full path; 0700), made by the first call below $TMPDIR, /tmp, /var/tmp or /dev/shm. It goes when
 * the process ends; what a killed process leaves is removed by the next one that makes such a folder. A forked child
 * gets one of its own. 0, or an errno. */
int tw__private_folder(char **path);

#endif
