/* launch.h - which start of a command a process belongs to: all tasks of one array job, or all processes of one step,
 * and their restarts by the scheduler, are one launch. */
#ifndef TW_NODE_LAUNCH_H
#define TW_NODE_LAUNCH_H

#include "node/environment.h"

#define TW__LAUNCH_SIZE 64

/* Finds the launch's name, "Slurm 4711" and the like; "": the environment does not say. `lookup` NULL: that of the
 * process. */
void tw__launch_find(char text[TW__LAUNCH_SIZE], tw__lookup *lookup, void *user);

#endif
