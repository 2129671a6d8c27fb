/* environment.h - which node of how many this process is, from the variables that schedulers and launchers set. */
#ifndef TW_NODE_ENVIRONMENT_H
#define TW_NODE_ENVIRONMENT_H

#include <tilework/tilework.h>

/* The most nodes of a job: far above what a cluster has, and small enough that shares of tiles need no care. */
#define TW__MAX_NODES 1000000000

/* The value of an environment variable; NULL: not set. */
typedef const char *tw__lookup(void *user, const char *name);

/* That of this process; `user` is not used. Any thread, as long as none changes the environment. */
const char *tw__lookup_own(void *user, const char *name);

/* tw_node_find in any environment. An empty value counts as not set. */
tw_status tw__node_find(tw_node *node, const char *text, tw__lookup *lookup, void *user, tw_error *error);

#endif
