/* stack.c - the stack of a thread: how much of it is left, and calls on another one. Knows nothing of what is called.
 */
#include "os/stack.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <ucontext.h>

#include "os/map.h"

#define LEAST ((size_t)8 << 20)      /* bytes: what nearly every Linux gives a program's first thread */
#define UNLIMITED ((size_t)64 << 20) /* bytes, for `ulimit -s unlimited`: address space alone, until it is used */

struct tw__stack {
    void *memory;
    size_t size, margin;
    void (*function)(void *argument);
    void *argument;
    ucontext_t inside, outside;
};

static struct rlimit limit_now(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_STACK, &limit) != 0) {
        limit.rlim_cur = LEAST;
    }
    return limit;
}

size_t tw__stack_size(void)
{
    const rlim_t limit = limit_now().rlim_cur;
    const size_t page = (size_t)tw__page_size();
    const size_t size = limit == RLIM_INFINITY ? UNLIMITED : limit > LEAST ? (size_t)limit : LEAST;
    return size / page * page;
}

/* Where this thread's stack is. Asking costs a reading of /proc/self/maps in a program's first thread, so the answer is
 * kept, until the limit changes that the first thread's stack grows up to. */
static _Thread_local struct {
    uintptr_t low, high;
    rlim_t limit;
    int known;
} place;

static void find_place(rlim_t limit)
{
    pthread_attr_t attributes;
    void *low;
    size_t size;
    place.known = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
        return;
    }
    if (pthread_attr_getstack(&attributes, &low, &size) == 0) {
        place.low = (uintptr_t)low;
        place.high = (uintptr_t)low + size;
        place.limit = limit;
        place.known = 1;
    }
    pthread_attr_destroy(&attributes);
}

size_t tw__stack_left_then(void)
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return place.known && here > place.low && here <= place.high ? here - place.low : 0;
}

size_t tw__stack_left(void)
{
    const rlim_t limit = limit_now().rlim_cur;
    if (!place.known || place.limit != limit) {
        find_place(limit);
    }
    return tw__stack_left_then();
}

int tw__stack_open(struct tw__stack **stack)
{
    struct tw__stack *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return ENOMEM;
    }
    made->margin = (size_t)tw__page_size();
    made->size = tw__stack_size();
    int error = tw__map_guarded(&made->memory, made->size, made->margin);
    if (error != 0 && made->size > LEAST) {
        made->size = LEAST;
        error = tw__map_guarded(&made->memory, made->size, made->margin);
    }
    if (error != 0) {
        free(made);
        return error;
    }
    *stack = made;
    return 0;
}

void tw__stack_close(struct tw__stack *stack)
{
    if (stack != NULL) {
        tw__unmap_guarded(stack->memory, stack->size, stack->margin);
        free(stack);
    }
}

/* makecontext passes ints: an address is two of them. */
static void enter(unsigned high, unsigned low)
{
    const struct tw__stack *stack = (const struct tw__stack *)(uintptr_t)((uint64_t)high << 32 | low);
    stack->function(stack->argument);
}

void tw__stack_call(struct tw__stack *stack, void (*function)(void *argument), void *argument)
{
    /* The context is made for each call: a stack serves whichever thread has the worker's seat in this run. */
    if (stack == NULL || getcontext(&stack->inside) != 0) {
        function(argument);
        return;
    }
    const uint64_t address = (uint64_t)(uintptr_t)stack;
    stack->function = function;
    stack->argument = argument;
    stack->inside.uc_stack.ss_sp = stack->memory;
    stack->inside.uc_stack.ss_size = stack->size;
    stack->inside.uc_link = &stack->outside;
    makecontext(&stack->inside, (void (*)(void))enter, 2, (unsigned)(address >> 32), (unsigned)address);
    swapcontext(&stack->outside, &stack->inside);
}

int tw__stack_run(size_t needed, void (*function)(void *argument), void *argument)
{
    struct tw__stack *stack = NULL;
    const int error = tw__stack_left() < needed ? tw__stack_open(&stack) : 0;
    if (error == 0) {
        tw__stack_call(stack, function, argument);
        tw__stack_close(stack);
    }
    return error;
}
