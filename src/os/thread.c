/* thread.c - threads of a pool. */
#include "os/thread.h"

#include <signal.h>
#include <stddef.h>

#include "os/stack.h"

/* A thread with a stack of `size` bytes; 0: as the C library makes them. */
static int start(struct tw__thread *thread, size_t size, void *(*function)(void *argument), void *argument)
{
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error != 0) {
        return error;
    }
    if (size > 0) {
        error = pthread_attr_setstacksize(&attributes, size);
    }
    if (error == 0) {
        error = pthread_create(&thread->id, &attributes, function, argument);
    }
    pthread_attr_destroy(&attributes);
    return error;
}

int tw__thread_start(struct tw__thread *thread, void *(*function)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the program's: a new thread inherits the mask, so that none is delivered here. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = start(thread, tw__stack_size(), function, argument);
    if (error != 0) { /* no room for so large a stack: kernels then get one of their own, or an error */
        error = start(thread, 0, function, argument);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void tw__thread_join(struct tw__thread *thread)
{
    pthread_join(thread->id, NULL);
}
