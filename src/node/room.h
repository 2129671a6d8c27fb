/* room.h - how much of its machine a scheduler or launcher leaves to this process. */
#ifndef TW_NODE_ROOM_H
#define TW_NODE_ROOM_H

#include "node/environment.h"

/* tw_node_workers in any environment. `allowed`: as many as affinity and quotas allow; is_bound: affinity leaves out
 * some of the machine's processors. */
int tw__node_workers(tw__lookup *lookup, void *user, int allowed, int is_bound);

#endif
