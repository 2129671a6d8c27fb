/* inside.h - whether the calling thread is inside a run. */
#ifndef TW_POOL_INSIDE_H
#define TW_POOL_INSIDE_H

/* The calling thread enters a run, in which it is until it leaves it; a worker never does. */
void tw__inside_enter(void);
void tw__inside_leave(void);

#endif
