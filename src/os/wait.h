/* wait.h - sleeping on a word of memory (futex), between threads and between processes. */
#ifndef TW_OS_WAIT_H
#define TW_OS_WAIT_H

#include <stdatomic.h>
#include <stdint.h>

/* Sleeps while *word == value, until tw__wake, a signal, or `seconds` have passed (negative: no limit). May return for
 * no reason: the caller looks again. Works between processes where the word lies in shared memory. */
void tw__wait(_Atomic uint32_t *word, uint32_t value, double seconds);

/* Wakes up to `count` sleepers. */
void tw__wake(_Atomic uint32_t *word, int count);

/* Tells the processor that this is a spin loop. */
static inline void tw__pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
