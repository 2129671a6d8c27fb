/* thread.c - threads of a pool. */
#include "os/thread.h"

#include <signal.h>
#include <stddef.h>

int tw__thread_start(struct tw__thread *thread, void *(*function)(void *argument), void *argument)
{
    sigset_t all, before;
    sigfillset(&all);
    /* Signals are the program's: a new thread inherits the mask, so that none is delivered here. */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&thread->id, NULL, function, argument);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

void tw__thread_join(struct tw__thread *thread)
{
    pthread_join(thread->id, NULL);
}
