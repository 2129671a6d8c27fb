/* npy_shared.c - .npy files that several processes write: made, and opened. Knows neither nodes nor tiles. */
#include "store/shared.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "array/view.h"
#include "base/checked.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/filesystem.h"
#include "store/npy/npy.h"
#include "store/shared_part.h"

_Static_assert(TW__SHARED_FRONT == TW__NPY_MAGIC, "the magic is at the front");

/* What the file must be: its header, and how long it is. */
struct plan {
    tw_array *array;
    unsigned char *header; /* NULL: elements alone */
    unsigned char magic[TW__NPY_MAGIC];
    int64_t offset; /* of the elements */
    int64_t whole;  /* bytes of the file, as far as this array goes */
};

static void end_plan(struct plan *plan)
{
    free(plan->header);
    tw_array_destroy(plan->array);
}

static tw_status make_plan(struct plan *plan, const struct tw__shared_wish *wish, tw_error *error)
{
    int64_t bytes;
    size_t length = 0;
    *plan = (struct plan){.offset = wish->offset};
    tw_status status = tw__array_new(&plan->array, wish->dtype, wish->ndim, wish->shape, &bytes, error);
    if (status == TW_OK && wish->offset == 0) {
        status = tw__npy_format(&plan->header, &length, &plan->array->view.dtype, wish->ndim, wish->shape,
                                TW__SHARED_HEADER, error);
        plan->offset = (int64_t)length;
    }
    if (status == TW_OK && plan->header != NULL) { /* version and all: unfinished */
        memcpy(plan->magic, plan->header, TW__NPY_MAGIC);
        memset(plan->header, 0, TW__NPY_MAGIC);
        memcpy(plan->header, wish->tag, TW__TAG_SIZE);
    }
    if (status == TW_OK && !tw__add(bytes, plan->offset, &plan->whole)) {
        status = tw__fail(error, TW_ERROR_ARGUMENT, "%s: would have more than 2^63 bytes", wish->shown);
    }
    return status;
}

static tw_status fail_make(const struct tw__shared_wish *wish, int fd, int64_t bytes, int failed, tw_error *error)
{
    if (failed == ENOSPC || failed == EDQUOT) {
        const int64_t room = fd >= 0 ? tw__file_room(fd) : 0;
        return tw__fail_os(error, TW_ERROR_DISK, failed, "%s: needs %" PRId64 " bytes, its disk has %" PRId64 " free",
                           wish->shown, bytes, room < 0 ? 0 : room);
    }
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be made", wish->shown);
}

static int fill(int fd, const struct plan *plan)
{
    int failed = TW__POINT("part.created");
    failed = failed == 0 ? tw__file_extend(fd, plan->whole) : failed;
    failed = failed == 0 ? TW__POINT("part.allocated") : failed;
    failed = failed == 0 ? tw__file_write(fd, plan->header, (size_t)plan->offset, 0) : failed;
    return failed == 0 ? tw__file_sync(fd) : failed;
}

tw_status tw__shared_create(const struct tw__shared_wish *wish, tw_error *error)
{
    struct plan plan;
    struct tw__file_info info;
    int fd = -1;
    tw_status status = make_plan(&plan, wish, error);
    if (status == TW_OK) {
        /* What it replaces may be private: it takes after that when it is finished. */
        const int replaces = wish->path != NULL && tw__path_info(wish->path, &info) == 0;
        int failed = tw__file_create_in(&fd, wish->folder, wish->name, replaces ? 0600 : 0666);
        failed = failed == 0 ? fill(fd, &plan) : failed;
        status = failed == 0 ? TW_OK : fail_make(wish, fd, plan.whole, failed, error);
    }
    if (fd >= 0) {
        tw__file_close(fd);
    }
    end_plan(&plan);
    return status;
}

/* Whether the file is as long as it must be and has the header, with the tag or already with the magic. */
static tw_status check_contents(const struct tw__shared *shared, const struct plan *plan, tw_error *error)
{
    struct tw__file_info info;
    int failed = tw__file_info(shared->file.fd, &info);
    if (failed == 0 && info.size < plan->whole) {
        return tw__fail(error, TW_ERROR_JOURNAL, "%s: has %" PRId64 " bytes and should have %" PRId64, shared->shown,
                        info.size, plan->whole);
    }
    unsigned char *there = failed == 0 && plan->header != NULL ? malloc((size_t)plan->offset) : NULL;
    failed = failed == 0 && plan->header != NULL && there == NULL ? ENOMEM : failed;
    failed = there != NULL ? tw__shared_file_read(&shared->file, there, (size_t)plan->offset, 0) : failed;
    const int is_other =
        failed == 0 && there != NULL &&
        ((memcmp(there, plan->header, TW__NPY_MAGIC) != 0 && memcmp(there, shared->magic, TW__NPY_MAGIC) != 0) ||
         memcmp(there + TW__NPY_MAGIC, plan->header + TW__NPY_MAGIC, (size_t)plan->offset - TW__NPY_MAGIC) != 0 ||
         info.size != plan->whole);
    free(there);
    if (failed != 0) {
        return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be read", shared->shown);
    }
    char view[320];
    tw__view_text(&plan->array->view, view, sizeof view);
    return is_other ? tw__fail(error, TW_ERROR_JOURNAL, "%s: is not the unfinished output of %s that it should be",
                               shared->shown, view)
                    : TW_OK;
}

/* The folders and names, and the file. *missing: there is none. 0, or an errno. */
static int open_all(struct tw__shared *shared, const struct tw__shared_wish *wish, int *missing)
{
    struct tw__filesystem filesystem = {.is_coherent = 0};
    struct tw__file_info info;
    const char *final = NULL;
    shared->name = strdup(wish->name);
    shared->shown = strdup(wish->shown);
    shared->path = wish->path != NULL ? strdup(wish->path) : NULL;
    shared->mark = wish->mark != NULL ? strdup(wish->mark) : NULL;
    if (shared->name == NULL || shared->shown == NULL || (wish->path != NULL && shared->path == NULL) ||
        (wish->mark != NULL && shared->mark == NULL)) {
        return ENOMEM;
    }
    int failed = TW__POINT("shared.open");
    failed = failed == 0 ? tw__folder_again(&shared->folder, wish->folder) : failed;
    failed = failed == 0 ? tw__file_info(shared->folder, &info) : failed;
    if (failed == 0) {
        shared->folder_device = info.device;
        shared->folder_inode = info.inode;
        failed = wish->distrusts ? 0 : tw__filesystem_of(&filesystem, shared->folder);
        shared->is_coherent = filesystem.is_coherent;
    }
    if (failed == 0 && shared->path != NULL) {
        failed = tw__folder_open(&shared->target, shared->path, &final);
        shared->final = final;
    }
    if (failed == 0) {
        failed = tw__shared_file_open(&shared->file, shared->folder, shared->name, shared->is_coherent);
        *missing = failed == ENOENT || failed == ESTALE;
    }
    return failed;
}

static tw_status open_part(struct tw__shared **opened, const struct plan *plan, const struct tw__shared_wish *wish,
                           tw_error *error)
{
    int missing = 0;
    struct tw__shared *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return tw__fail_memory(error, sizeof *made, "an output file");
    }
    made->store.ops = &tw__shared_ops;
    made->file = TW__SHARED_FILE_NONE;
    made->folder = made->target = -1;
    made->offset = plan->offset;
    memcpy(made->magic, plan->magic, TW__NPY_MAGIC);
    const int failed = open_all(made, wish, &missing);
    tw_status status = TW_OK;
    if (failed != 0 && !missing) {
        status = tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be opened", wish->shown);
    } else if (failed == 0) {
        status = check_contents(made, plan, error);
    }
    if (failed != 0 || status != TW_OK) {
        tw__shared_release(&made->store);
        return status;
    }
    *opened = made;
    return TW_OK;
}

/* The array owns it from here on. */
static void give_to_array(tw_array *array, struct tw__shared *shared, const struct tw__shared_wish *wish)
{
    struct tw__store *store = &shared->store;
    store->dtype = array->view.dtype;
    store->ndim = array->view.ndim;
    memcpy(store->shape, array->view.shape, (size_t)store->ndim * sizeof store->shape[0]);
    store->unfinished = shared->shown;
    store->piece = shared->is_coherent ? 0 : shared->file.page;
    memcpy(shared->identity.tag, wish->tag, TW__TAG_SIZE);
    shared->identity.device = shared->file.device;
    shared->identity.inode = shared->file.inode;
    array->memory = TW_MAPPED; /* workers that are forked from here on reach it */
    array->mapped_at = tw__now();
    array->writable = 1;
    array->store = store;
    array->release = tw__shared_release;
}

tw_status tw__shared_open(tw_array **array, const struct tw__shared_wish *wish, tw_error *error)
{
    struct plan plan;
    struct tw__shared *shared = NULL;
    tw_status status = make_plan(&plan, wish, error);
    if (status == TW_OK) {
        status = open_part(&shared, &plan, wish, error);
    }
    if (status == TW_OK) {
        *array = NULL;
        if (shared != NULL) {
            give_to_array(plan.array, shared, wish);
            *array = plan.array;
            plan.array = NULL;
        }
    }
    end_plan(&plan);
    return status;
}
