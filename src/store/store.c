/* store.c - what arrays do with their stores, whatever these are: sync, commit, keep. Knows no format. */
#include "store/store.h"

#include <errno.h>

#include "base/error.h"
#include "os/clock.h"

tw_status tw__store_array(tw_array **array, struct tw__store *store, tw_error *error)
{
    tw_array *made = NULL;
    int64_t bytes;
    const tw_status status = tw__array_new(&made, &store->dtype, store->ndim, store->shape, &bytes, error);
    if (status != TW_OK) {
        store->ops->abandon(store);
        return status;
    }
    made->memory = TW_MAPPED; /* workers that are forked from here on reach it */
    made->mapped_at = tw__now();
    made->writable = store->state == TW__STORE_WRITTEN && store->ops->give != NULL;
    made->store = store;
    made->release = store->ops->abandon;
    *array = made;
    return TW_OK;
}

int tw__store_sync(const tw_array *array)
{
    struct tw__store *store = array->store;
    return store != NULL && store->state == TW__STORE_WRITTEN ? store->ops->sync(store) : 0;
}

int tw__store_sync_name(const tw_array *array, int folder)
{
    struct tw__store *store = array->store;
    return store != NULL && store->state == TW__STORE_WRITTEN ? store->ops->sync_name(store, folder) : 0;
}

int tw__store_identity(const tw_array *array, struct tw__file_identity *identity)
{
    const struct tw__store *store = array->store;
    if (store == NULL || store->state == TW__STORE_FINISHED || store->state == TW__STORE_READ) {
        return EINVAL;
    }
    store->ops->identity(store, identity);
    return 0;
}

static tw_status check_written(const tw_array *array, tw_error *error)
{
    const struct tw__store *store = array->store;
    return store != NULL && (store->state == TW__STORE_WRITTEN || store->state == TW__STORE_FOUND)
               ? TW_OK
               : tw__fail(error, TW_ERROR_ARGUMENT, "this array is not a file that is being written");
}

tw_status tw__store_check(const tw_array *array, tw_error *error)
{
    const tw_status status = check_written(array, error);
    if (status != TW_OK || array->store->state == TW__STORE_FOUND) {
        return status;
    }
    return array->store->ops->check(array->store, error);
}

tw_status tw_array_commit(tw_array *array, tw_error *error)
{
    if (array == NULL) {
        return tw__fail_null(error, "tw_array_commit", "array");
    }
    struct tw__store *store = array->store;
    tw_status status = check_written(array, error);
    if (status != TW_OK || store->state == TW__STORE_FOUND) {
        return status;
    }
    status = store->ops->finish(store, error);
    if (status == TW_OK) {
        store->state = TW__STORE_FINISHED;
        array->writable = 0;
    }
    return status;
}

void tw__store_keep(tw_array *array)
{
    if (array != NULL && array->store != NULL) {
        array->store->ops->keep(array->store);
        array->store = NULL;
    }
    tw_array_destroy(array);
}

const char *tw_array_note(const tw_array *array)
{
    return array->store != NULL ? array->store->note : NULL;
}
