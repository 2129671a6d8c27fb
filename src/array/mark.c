/* mark.c - what says to other processes that a shared array lives. */
#include "array/mark.h"

#include "os/file.h"
#include "os/map.h"

tw_status tw__mark_make(tw_array *array, tw_error *error)
{
    void *place;
    uint64_t number = 0;
    const tw_status status = tw__heap_take(array->heap, sizeof(struct tw__mark), &place, error);
    if (status != TW_OK) {
        return status;
    }
    while (number == 0) {
        tw__file_random(&number, sizeof number);
    }
    array->mark = place;
    array->mark_owner = tw__process_id();
    atomic_init(&array->mark->attached, 0);
    atomic_init(&array->mark->number, number);
    tw__heap_need_file(array->heap, 1);
    return TW_OK;
}

void tw__mark_release(tw_array *array)
{
    if (array->mark_owner != tw__process_id()) {
        return; /* a fork's copy of the array says nothing about the array */
    }
    atomic_store_explicit(&array->mark->number, 0, memory_order_seq_cst);
    tw__heap_give_both(array->heap, array->base, &array->mark->attached);
    tw__heap_need_file(array->heap, -1);
}

void tw__mark_detach(tw_array *array)
{
    if (array->mark != NULL && array->mark_owner == tw__process_id()) {
        atomic_fetch_sub_explicit(&array->mark->attached, 1, memory_order_release);
    }
    tw__unmap(array->mark_base, array->mark_size);
}
