/* shared_part.c - a part that several processes write: its elements, piece by piece, and its end. Knows neither nodes
 * nor tiles, and not how it was opened. */
#include "store/shared_part.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "array/dtype.h"
#include "array/shape.h"
#include "array/view.h"
#include "base/error.h"
#include "os/clock.h"
#include "os/fault.h"
#include "os/file.h"
#include "store/pieces.h"
#include "store/shared.h"
#include "store/shared_mark.h"
#include "store/target.h"

/* Bytes: a piece whose elements do not lie side by side in memory goes through one. */
#define BUFFER ((int64_t)1 << 20)

/* A tile is written after a look at whether its part still has its name. Whoever was stopped since then looks again:
 * nanoseconds for which a look is believed, how often it is tried to be quicker than that, and the bytes that are
 * written, and the least that are, before the clock is asked again. */
#define FRESH INT64_C(10000000)
#define MOST_LOOKS 3
#define AT_ONCE ((int64_t)1 << 20)
#define AT_LEAST 4096

_Static_assert(offsetof(struct tw__shared, store) == 0, "a store is at the front of what is behind it");

static struct tw__shared *shared_of(struct tw__store *store)
{
    return (struct tw__shared *)store;
}

/* ---- where the part is ---- */

/* 0: the part has its name. ENOENT: it was committed, or its folder was removed. Else that cannot be seen. */
static int look(const struct tw__shared *shared)
{
    struct tw__file_info info;
    if (!tw__shared_file_is_open(&shared->file)) {
        return EBADF;
    }
    if (!shared->is_coherent) {
        tw__folder_refresh(shared->folder); /* another machine may have given it its final name just now */
    }
    const int failed = tw__path_info_in(shared->folder, shared->name, &info);
    if (failed == 0) {
        return info.device == shared->file.device && info.inode == shared->file.inode ? 0 : ENOENT;
    }
    /* Whoever closed the folder's descriptor may have opened another folder. */
    const int folder = tw__file_info(shared->folder, &info);
    const int is_own = folder == 0 && info.device == shared->folder_device && info.inode == shared->folder_inode;
    return failed == ESTALE || folder == ESTALE || (failed == ENOENT && is_own) ? ENOENT
           : failed == ENOENT                                                   ? EBADF
                                                                                : failed;
}

int tw__shared_is_there(const tw_array *array)
{
    const int failed = look(shared_of(array->store));
    return failed == 0 ? 1 : failed == ENOENT ? 0 : -1;
}

tw_status tw__shared_set_mark(tw_array *array, const char *mark, tw_error *error)
{
    struct tw__shared *shared = shared_of(array->store);
    char *copy = strdup(mark);
    if (copy == NULL) {
        return tw__fail_memory(error, strlen(mark), "a mark");
    }
    free(shared->mark);
    shared->mark = copy;
    return TW_OK;
}

int tw__shared_is_coherent(const tw_array *array)
{
    return shared_of(array->store)->is_coherent;
}

tw_status tw__shared_begin_with(tw_array *array, const tw_array *source, tw_error *error)
{
    const tw_view *to = &array->view, *from = &source->view;
    if (!tw__view_same_shape(to, from) || !tw__dtype_same(&to->dtype, &from->dtype)) {
        char to_text[384], from_text[384];
        tw__view_text(to, to_text, sizeof to_text);
        tw__view_text(from, from_text, sizeof from_text);
        return tw__fail(error, TW_ERROR_ARGUMENT,
                        "%s: an output of %s cannot begin with an array of %s; both need the same shape and dtype",
                        shared_of(array->store)->path, to_text, from_text);
    }
    if (tw__arrays_overlap(array, source)) {
        return tw__fail(error, TW_ERROR_ARGUMENT, "%s: cannot begin with itself", shared_of(array->store)->path);
    }
    array->store->begin = source;
    return TW_OK;
}

/* ---- elements ---- */

/* Where the first element of the piece is in memory. */
static char *place_of(const struct tw__pieces *pieces, const tw_view *view)
{
    int64_t offset = 0;
    for (int d = 0; d < pieces->fixed; d++) {
        offset += pieces->index[d] * view->strides[d];
    }
    return (char *)view->data + offset;
}

/* The piece as a view. */
static tw_view view_of(const struct tw__pieces *pieces, const tw_view *view, char *data)
{
    tw_view piece = *view;
    piece.data = data;
    for (int d = 0; d < pieces->fixed; d++) {
        piece.shape[d] = 1;
    }
    return piece;
}

/* Whether the elements of a piece lie side by side in memory too. */
static int is_run(const struct tw__pieces *pieces, const tw_view *view)
{
    int64_t step = view->dtype.itemsize;
    for (int d = view->ndim - 1; d >= pieces->fixed; d--) {
        if (view->shape[d] > 1 && view->strides[d] != step) {
            return 0;
        }
        step *= view->shape[d];
    }
    return 1;
}

/* The last look of who gives a tile. */
struct glance {
    int64_t at;    /* tw__now() when it began */
    int64_t bytes; /* written since the clock was asked */
};

static int look_now(const struct tw__shared *shared, struct glance *glance)
{
    int failed = 0;
    for (int looks = 0; failed == 0 && looks < MOST_LOOKS && (looks == 0 || tw__now() - glance->at > FRESH); looks++) {
        glance->at = tw__now();
        failed = look(shared);
    }
    glance->bytes = 0;
    return failed;
}

/* 0: the part had its name a moment ago. */
static int look_again(const struct tw__shared *shared, struct glance *glance)
{
    const int asks = glance->bytes >= AT_LEAST || glance->bytes == 0;
    glance->bytes = asks ? 0 : glance->bytes;
    return asks && tw__now() - glance->at > FRESH ? look_now(shared, glance) : 0;
}

static int write_piece(const struct tw__shared *shared, const struct tw__pieces *pieces, const char *data,
                       struct glance *glance)
{
    int failed = TW__POINT("shared.piece");
    int64_t at = shared->offset + pieces->offset;
    const int64_t end = at + pieces->bytes;
    while (failed == 0 && at < end) {
        const int64_t border = (at / AT_ONCE + 1) * AT_ONCE, stop = border < end ? border : end;
        failed = look_again(shared, glance);
        failed = failed == 0 ? tw__shared_file_write(&shared->file, data, (size_t)(stop - at), at) : failed;
        glance->bytes += stop - at;
        data += stop - at;
        at = stop;
    }
    return failed;
}

static int move_piece(const struct tw__shared *shared, const struct tw__pieces *pieces, void *data,
                      struct glance *glance)
{
    return glance != NULL
               ? write_piece(shared, pieces, data, glance)
               : tw__shared_file_read(&shared->file, data, (size_t)pieces->bytes, shared->offset + pieces->offset);
}

/* Both ways, piece by piece; glance: of who gives, else NULL. */
static int move(const struct tw__shared *shared, const int64_t *start, const tw_view *view, struct glance *glance)
{
    const int gives = glance != NULL;
    struct tw__pieces pieces;
    const int64_t itemsize = shared->store.dtype.itemsize;
    if (tw_view_size(view) == 0 || itemsize == 0) {
        return 0;
    }
    tw__pieces_first(&pieces, view->ndim, shared->store.shape, start, view->shape, itemsize, 0);
    char *buffer = NULL;
    if (!is_run(&pieces, view)) {
        tw__pieces_first(&pieces, view->ndim, shared->store.shape, start, view->shape, itemsize, BUFFER);
        buffer = is_run(&pieces, view) ? NULL : malloc((size_t)pieces.bytes);
        if (buffer == NULL && !is_run(&pieces, view)) {
            return ENOMEM;
        }
    }
    int failed = 0;
    do {
        char *const place = place_of(&pieces, view);
        const tw_view there = view_of(&pieces, view, place);
        tw_view here = there;
        here.data = buffer;
        tw__strides_c(here.ndim, here.shape, itemsize, here.strides);
        if (buffer != NULL && gives) {
            tw__view_copy(&here, &there);
        }
        failed = move_piece(shared, &pieces, buffer != NULL ? buffer : place, glance);
        if (buffer != NULL && !gives && failed == 0) {
            tw__view_copy(&there, &here);
        }
    } while (failed == 0 && tw__pieces_next(&pieces));
    free(buffer);
    return failed;
}

static int take(struct tw__store *store, const int64_t *start, const tw_view *into)
{
    return move(shared_of(store), start, into, NULL);
}

static int give(struct tw__store *store, const int64_t *start, const tw_view *from)
{
    struct tw__shared *shared = shared_of(store);
    int failed = TW__POINT("shared.give");
    struct glance glance;
    failed = failed == 0 ? look_now(shared, &glance) : failed;
    failed = failed == 0 ? move(shared, start, from, &glance) : failed;
    (void)TW__POINT("shared.given");
    return failed == ENOENT || failed == ESTALE ? 0 : failed; /* nobody waits for it any more */
}

/* ---- the end ---- */

static int sync_shared(struct tw__store *store)
{
    struct tw__shared *shared = shared_of(store);
    if (shared->failed == 0) {
        shared->failed = TW__POINT("output.sync");
    }
    if (shared->failed == 0) {
        shared->failed = tw__shared_file_is_open(&shared->file) ? tw__shared_file_sync(&shared->file) : EBADF;
        shared->failed = shared->failed == ESTALE ? 0 : shared->failed; /* it was removed */
    }
    return shared->failed;
}

static int sync_name(struct tw__store *store, int folder)
{
    (void)store;
    (void)folder; /* it was synced when it was made */
    return 0;
}

/* Whether the file that has the final name is this one. *is_there: there is one. */
static int has_final_name(const struct tw__shared *shared, int *is_there)
{
    struct tw__file_info info;
    *is_there = 0;
    if (shared->target < 0) {
        return 0;
    }
    tw__folder_refresh(shared->target);
    *is_there = tw__path_info_in(shared->target, shared->final, &info) == 0;
    return *is_there && info.device == shared->file.device && info.inode == shared->file.inode;
}

int tw__shared_has_final_name(const tw_array *array)
{
    int is_there;
    return has_final_name(shared_of(array->store), &is_there);
}

/* Whether the file that has the final name is this one, or at least this job's. */
static int is_finished(const struct tw__shared *shared)
{
    char mark[TW__MARK_SIZE];
    int is_there;
    if (has_final_name(shared, &is_there)) {
        return 1;
    }
    return is_there && (shared->mark != NULL && tw__shared_mark_read(shared->target, shared->final, mark) == 0 &&
                        tw__shared_mark_is(mark, shared->mark));
}

int tw__shared_is_finished(const tw_array *array)
{
    return is_finished(shared_of(array->store));
}

/* Whether the file still is as long as it was made, and has its front: whoever shortens it takes tiles that are
 * recorded. */
static int is_whole(const struct tw__shared *shared)
{
    struct tw__file_info info;
    unsigned char front[TW__SHARED_FRONT];
    int64_t bytes = shared->store.dtype.itemsize;
    for (int d = 0; d < shared->store.ndim; d++) {
        bytes *= shared->store.shape[d]; /* fits: the file was made with so many */
    }
    return tw__file_info(shared->file.fd, &info) == 0 && info.size >= shared->offset + bytes &&
           tw__shared_file_read(&shared->file, front, sizeof front, 0) == 0 &&
           (memcmp(front, shared->identity.tag, sizeof front) == 0 || memcmp(front, shared->magic, sizeof front) == 0);
}

static tw_status check(struct tw__store *store, tw_error *error)
{
    const struct tw__shared *shared = shared_of(store);
    struct tw__file_info info;
    if (shared->target < 0) {
        return TW_OK;
    }
    if (shared->failed != 0) {
        return tw__fail_os(error, tw__file_status(shared->failed), shared->failed,
                           "%s: cannot be finished: an earlier write to the disk failed", shared->path);
    }
    const int failed = look(shared);
    if (failed == ENOENT && is_finished(shared)) {
        return TW_OK;
    }
    if (failed == ENOENT) {
        return tw__fail(error, TW_ERROR_FILE, "%s: was removed while it was being written", shared->shown);
    }
    if (failed != 0) {
        return tw__fail(error, TW_ERROR_FILE, "%s: its descriptor was closed by the kernel or the program",
                        shared->shown);
    }
    if (!is_whole(shared)) {
        return tw__fail(error, TW_ERROR_FILE, "%s: was shortened while it was being written; restart the job",
                        shared->shown);
    }
    if (tw__path_info_in(shared->target, shared->final, &info) == 0 && !info.is_regular) {
        return tw__fail(error, TW_ERROR_FILE, "%s: has become %s, so the output cannot be given its name", shared->path,
                        info.is_directory ? "a folder" : "something that is no regular file");
    }
    const int denied = tw__folder_may_make(shared->target);
    return denied == 0
               ? TW_OK
               : tw__fail_os(error, TW_ERROR_FILE, denied, "%s: its folder can no longer be written", shared->path);
}

/* Puts the magic in the tag's place, unless it is there: whoever finishes at the same time must not date the file anew.
 */
static int write_magic(const struct tw__shared *shared)
{
    unsigned char there[TW__SHARED_FRONT];
    int failed = TW__POINT("output.magic");
    failed = failed == 0 ? tw__shared_file_read(&shared->file, there, sizeof there, 0) : failed;
    if (failed != 0 || memcmp(there, shared->magic, sizeof there) == 0) {
        return failed;
    }
    return tw__shared_file_write(&shared->file, shared->magic, sizeof shared->magic, 0);
}

static int set_mark(const struct tw__shared *shared)
{
    return shared->mark == NULL
               ? 0
               : tw__shared_mark_write(shared->file.fd, shared->target, shared->final, shared->folder, shared->mark);
}

/* Whoever finishes at the same time may have written to the file after its mark was made. */
static int keep_mark(const struct tw__shared *shared)
{
    char mark[TW__MARK_SIZE];
    const int is_marked = shared->mark == NULL || (tw__shared_mark_read(shared->target, shared->final, mark) == 0 &&
                                                   tw__shared_mark_is(mark, shared->mark));
    return is_marked ? 0 : set_mark(shared);
}

/* Data first, then the magic and the mark, then the name: after a power cut each is there only if what stands before it
 * is. A rename that failed may have happened: network file systems repeat requests. */
static int finish_steps(struct tw__shared *shared)
{
    int failed = sync_shared(&shared->store);
    failed = failed == 0 ? write_magic(shared) : failed;
    failed = failed == 0 ? set_mark(shared) : failed;
    failed = failed == 0 ? TW__POINT("output.magic-sync") : failed;
    if (failed == 0) {
        failed = tw__shared_file_sync(&shared->file);
        shared->failed = failed;
    }
    failed = failed == 0 ? TW__POINT("output.rename") : failed;
    if (failed == 0) {
        failed = tw__file_move(shared->folder, shared->name, shared->target, shared->final);
        failed = failed != 0 && is_finished(shared) ? 0 : failed;
    }
    failed = failed == 0 ? tw__folder_sync(shared->target) : failed;
    (void)TW__POINT("output.renamed");
    return failed == 0 ? keep_mark(shared) : failed;
}

static tw_status finish(struct tw__store *store, tw_error *error)
{
    struct tw__shared *shared = shared_of(store);
    tw_status status = check(store, error);
    if (status != TW_OK || shared->target < 0) {
        return status;
    }
    int failed = 0;
    if (look(shared) == 0) {
        char *note;
        status = tw__target_take(shared->file.fd, shared->target, shared->final, shared->path, &note, error);
        if (status == TW_OK) {
            free(store->note);
            store->note = note;
        } else if (status != TW_ERROR_PROCESS) { /* without a descriptor to look at it, it is as it was made */
            return status;
        }
        failed = finish_steps(shared);
    } else { /* somebody else has done it */
        failed = keep_mark(shared);
    }
    store->unfinished = failed == 0 ? NULL : store->unfinished;
    return failed == 0 ? TW_OK
                       : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be finished", shared->path);
}

static void close_folder(int folder)
{
    struct tw__file_info info;
    if (folder >= 0 && tw__file_info(folder, &info) == 0 && info.is_directory) {
        tw__file_close(folder);
    }
}

void tw__shared_release(struct tw__store *store)
{
    struct tw__shared *shared = shared_of(store);
    tw__shared_file_close(&shared->file);
    close_folder(shared->folder);
    close_folder(shared->target);
    free(shared->name);
    free(shared->shown);
    free(shared->path);
    free(shared->mark);
    free(store->note);
    free(shared);
}

static void identity(const struct tw__store *store, struct tw__file_identity *found)
{
    *found = ((const struct tw__shared *)store)->identity;
}

const struct tw__store_ops tw__shared_ops = {.take = take,
                                             .give = give,
                                             .sync = sync_shared,
                                             .sync_name = sync_name,
                                             .check = check,
                                             .finish = finish,
                                             .abandon = tw__shared_release,
                                             .keep = tw__shared_release,
                                             .identity = identity};
