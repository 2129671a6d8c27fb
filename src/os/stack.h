/* stack.h - the stack of a thread: how much of it is left, and calls on another one. */
#ifndef TW_OS_STACK_H
#define TW_OS_STACK_H

#include <stddef.h>

/* Bytes that a stack of ours has: 8 MiB, or what RLIMIT_STACK gives if that is more. Threads that the C library
 * starts by itself have 2 MiB under `ulimit -s unlimited`, and as little as the limit if that is small. */
size_t tw__stack_size(void);

/* Bytes of this thread's stack below the caller's frame; 0 if that is not known, as on a stack that the program has
 * made by itself. */
size_t tw__stack_left(void);

/* The same as it was when tw__stack_left was called last on this thread, without a call of the system; 0: never. */
size_t tw__stack_left_then(void);

/* Calls function(argument) on this thread's stack if it has `needed` bytes left, else on one made for this call. 0, or
 * an errno: it was not called. */
int tw__stack_run(size_t needed, void (*function)(void *argument), void *argument);

/* A stack for calls from threads whose own is too small. Pages appear at first touch; what runs past its end hits
 * a page that nobody may touch. */
struct tw__stack;

/* 0, or an errno. */
int tw__stack_open(struct tw__stack **stack);
void tw__stack_close(struct tw__stack *stack); /* NULL is allowed */

/* Calls function(argument) on that stack, in this thread; NULL: on the thread's own. One call at a time. The function
 * returns: it neither jumps out nor ends the thread. */
void tw__stack_call(struct tw__stack *stack, void (*function)(void *argument), void *argument);

#endif
