/* lock.h - a lock between threads of this process. Worker processes never take one: whoever holds it may be dead. */
#ifndef TW_OS_LOCK_H
#define TW_OS_LOCK_H

#include <pthread.h>

struct tw__lock {
    pthread_mutex_t mutex;
};

static inline void tw__lock_init(struct tw__lock *lock)
{
    pthread_mutex_init(&lock->mutex, NULL);
}

static inline void tw__lock_fini(struct tw__lock *lock)
{
    pthread_mutex_destroy(&lock->mutex);
}

static inline void tw__lock(struct tw__lock *lock)
{
    pthread_mutex_lock(&lock->mutex);
}

static inline void tw__unlock(struct tw__lock *lock)
{
    pthread_mutex_unlock(&lock->mutex);
}

#endif
