/* thread.h - threads of a pool. */
#ifndef TW_OS_THREAD_H
#define TW_OS_THREAD_H

#include <pthread.h>

struct tw__thread {
    pthread_t id;
};

/* Starts function(argument) on a new thread with all signals blocked, on a stack of tw__stack_size bytes, or as the C
 * library makes them if there is no room for that. 0, or an errno. */
int tw__thread_start(struct tw__thread *thread, void *(*function)(void *argument), void *argument);
void tw__thread_join(struct tw__thread *thread);

#endif
