/* run_folder.c - FILE.run: made, found, removed. run_folder.h says what is in it. */
#include "node/run_folder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "base/error.h"
#include "base/text.h"
#include "os/fault.h"
#include "os/file.h"
#include "os/flat_folder.h"
#include "os/path.h"
#include "pool/claims.h"
#include "record/journal_file.h"

#define JOB "job.json"
#define MOST_JOB ((int64_t)1 << 20) /* bytes of job.json */
#define NAME_SIZE 300

/* ---- where it is ---- */

static tw_status place(struct tw__run_folder *folder, const char *path, const char *suffix, tw_error *error)
{
    const char *name;
    const int failed = tw__folder_open(&folder->parent, path, &name);
    if (failed != 0) {
        folder->parent = -1;
        return tw__fail_path(error, failed, path, "cannot be written");
    }
    char *where = tw__folder_place(folder->parent);
    if (asprintf(&folder->path, "%s%s%s%s", where != NULL ? where : "",
                 where != NULL && strcmp(where, "/") != 0 ? "/" : "", name, suffix) < 0) {
        folder->path = NULL;
    }
    free(where);
    if (folder->path == NULL) {
        return tw__fail_memory(error, strlen(path), "the name of a run folder");
    }
    const char *slash = strrchr(folder->path, '/');
    folder->name = slash != NULL ? slash + 1 : folder->path;
    return TW_OK;
}

tw_status tw__run_folder_place(struct tw__run_folder *folder, const char *file, tw_error *error)
{
    return place(folder, file, TW__RUN_FOLDER_SUFFIX, error);
}

tw_status tw__run_folder_place_at(struct tw__run_folder *folder, const char *path, tw_error *error)
{
    return place(folder, path, "", error);
}

void tw__run_folder_close(struct tw__run_folder *folder)
{
    if (folder->fd >= 0) {
        tw__file_close(folder->fd);
    }
    if (folder->parent >= 0) {
        tw__file_close(folder->parent);
    }
    free(folder->path);
    *folder = TW__RUN_FOLDER_NONE;
}

/* ---- its job ---- */

void tw__job_text_fini(struct tw__job_text *job)
{
    json_decref(job->fingerprint);
    free(job->description);
    *job = (struct tw__job_text){0};
}

static void tag_text(char text[2 * TW__JOB_TAG + 1], const unsigned char *tag)
{
    for (size_t k = 0; k < TW__JOB_TAG; k++) {
        snprintf(text + 2 * k, 3, "%02x", tag[k]);
    }
}

static int read_tag(unsigned char *tag, const char *text)
{
    static const char digits[] = "0123456789abcdef";
    if (text == NULL || strlen(text) != 2 * TW__JOB_TAG) {
        return 0;
    }
    for (size_t k = 0; k < TW__JOB_TAG; k++) {
        const char *high = strchr(digits, text[2 * k]), *low = strchr(digits, text[2 * k + 1]);
        if (high == NULL || low == NULL) {
            return 0;
        }
        tag[k] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    return 1;
}

static char *job_json(const struct tw__job_text *job, const unsigned char *tag)
{
    char text[2 * TW__JOB_TAG + 1], tiles[24], skipped[24];
    tag_text(text, tag);
    snprintf(tiles, sizeof tiles, "%" PRIu64, job->tiles);
    snprintf(skipped, sizeof skipped, "%" PRIu64, job->skipped);
    json_t *description = job->description != NULL ? tw__journal_file_string(job->description) : NULL;
    json_t *object = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o*, s:O}", "version", TW_VERSION, "tag", text, "tiles",
                               tiles, "skipped", skipped, "launch", job->launch, "replaces", job->replaces,
                               "description", description, "job", job->fingerprint);
    char *dumped = object != NULL ? tw__journal_file_text(object) : NULL;
    json_decref(object);
    return dumped;
}

/* A number of tiles; they are given as texts, since JSON's numbers end at 2^63. */
static int read_count(const json_t *object, const char *name, uint64_t *count)
{
    const char *text = json_string_value(json_object_get(object, name));
    int64_t value;
    if (text == NULL || text[0] == '\0' || tw__parse_digits(text, strlen(text), &value) != strlen(text)) {
        return 0;
    }
    *count = (uint64_t)value;
    return value >= 0 && *count <= TW__MAX_TILES;
}

static int take_job(struct tw__job_text *job, const char *text, size_t length)
{
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, NULL);
    const char *description = json_string_value(json_object_get(object, "description"));
    const char *launch = json_string_value(json_object_get(object, "launch"));
    json_t *fingerprint = json_object_get(object, "job");
    const int holds = json_is_object(fingerprint) && read_count(object, "tiles", &job->tiles) &&
                      read_count(object, "skipped", &job->skipped) &&
                      read_tag(job->tag, json_string_value(json_object_get(object, "tag")));
    if (holds) {
        job->fingerprint = json_incref(fingerprint);
        job->replaces = json_is_true(json_object_get(object, "replaces"));
        job->description = description != NULL ? strdup(description) : NULL;
        snprintf(job->launch, sizeof job->launch, "%s", launch != NULL ? launch : "");
    }
    json_decref(object);
    return holds;
}

/* ENOENT: it goes just now, or was never made whole. */
static int read_job(struct tw__job_text *job, int folder)
{
    int fd = -1;
    struct tw__file_info info;
    int failed = tw__flat_folder_open_file(&fd, folder, JOB);
    if (failed != 0) {
        return failed == ESTALE ? ENOENT : failed == ELOOP ? EINVAL : failed; /* ELOOP: a link is no job */
    }
    failed = tw__file_info(fd, &info);
    if (failed == 0 && (!info.is_regular || info.size < 0 || info.size > MOST_JOB)) {
        failed = EINVAL;
    }
    char *text = failed == 0 ? malloc((size_t)info.size + 1) : NULL;
    if (failed == 0) {
        failed = text == NULL ? ENOMEM : tw__file_read(fd, text, (size_t)info.size, 0, NULL);
    }
    if (failed == 0 && !take_job(job, text, (size_t)info.size)) {
        failed = EINVAL;
    }
    free(text);
    tw__file_close(fd);
    return failed;
}

tw_status tw__run_folder_open(struct tw__run_folder *folder, struct tw__job_text *job, tw_error *error)
{
    *job = (struct tw__job_text){0};
    int failed = tw__flat_folder_open(&folder->fd, folder->parent, folder->name);
    if (failed != 0) {
        folder->fd = -1;
        return failed == ENOENT || failed == ESTALE
                   ? TW_OK
                   : tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be opened", folder->path);
    }
    failed = read_job(job, folder->fd);
    if (failed == 0) {
        memcpy(folder->tag, job->tag, sizeof folder->tag);
        return TW_OK;
    }
    tw__file_close(folder->fd);
    folder->fd = -1;
    return failed == ENOENT ? TW_OK
           : failed == EINVAL
               ? tw__fail(error, TW_ERROR_FORMAT, "%s/" JOB ": is damaged; restart the job", folder->path)
               : tw__fail_os(error, tw__file_status(failed), failed, "%s/" JOB ": cannot be read", folder->path);
}

/* ---- making ---- */

static int write_job(int folder, const char *text)
{
    int fd = -1;
    int failed = TW__POINT("node.job");
    failed = failed == 0 ? tw__file_create_in(&fd, folder, JOB, 0666) : failed;
    if (failed != 0) {
        return failed;
    }
    failed = tw__file_write(fd, text, strlen(text), 0);
    failed = failed == 0 ? tw__file_sync(fd) : failed;
    tw__file_close(fd);
    return failed == 0 ? tw__folder_sync(folder) : failed;
}

/* Whether the folder of the final name is the one with this descriptor: a rename that failed may have happened. */
static int is_it(const struct tw__run_folder *folder, int made)
{
    struct tw__file_info there, own;
    tw__folder_refresh(folder->parent);
    return tw__path_info_in(folder->parent, folder->name, &there) == 0 && tw__file_info(made, &own) == 0 &&
           there.device == own.device && there.inode == own.inode;
}

static tw_status fail_make(const struct tw__run_folder *folder, int failed, tw_error *error)
{
    return tw__fail_os(error, tw__file_status(failed), failed, "%s: cannot be made", folder->path);
}

tw_status tw__run_folder_make(struct tw__run_folder *folder, const struct tw__job_text *job, tw__run_folder_fill *fill,
                              void *user, int *won, tw_error *error)
{
    char name[NAME_SIZE];
    unsigned char tag[TW__JOB_TAG];
    int made = -1;
    tw__file_random(tag, sizeof tag);
    char *text = job_json(job, tag);
    *won = 0;
    if (text == NULL) {
        return tw__fail_memory(error, 4096, "a run folder");
    }
    int failed = tw__flat_folder_make(folder->parent, folder->name, name, sizeof name);
    if (failed != 0) {
        free(text);
        return fail_make(folder, failed, error);
    }
    failed = tw__flat_folder_open(&made, folder->parent, name);
    tw_status status = failed == 0 ? fill(user, made, tag, error) : fail_make(folder, failed, error);
    if (status == TW_OK) {
        failed = write_job(made, text);
        failed = failed == 0 ? TW__POINT("node.folder") : failed;
        failed = failed == 0 ? tw__file_rename_in(folder->parent, name, folder->name) : failed;
        *won = failed == 0 || is_it(folder, made);
        failed = *won ? tw__folder_sync(folder->parent) : failed;
        (void)TW__POINT("node.folder-made");
    }
    free(text);
    if (*won && failed == 0) {
        folder->fd = made;
        memcpy(folder->tag, tag, sizeof folder->tag);
        return TW_OK;
    }
    struct tw__file_info info;
    const int taken = tw__path_info_in(folder->parent, name, &info) == ENOENT;
    if (made >= 0) {
        tw__file_close(made);
    }
    if (*won) { /* it is there, for others; but this process may never ask again whether its name is on the disk */
        return fail_make(folder, failed, error);
    }
    (void)tw__flat_folder_remove(folder->parent, name);
    /* Whoever finished the job may have taken this one away too. */
    const int lost = failed == EEXIST || failed == ENOTEMPTY || failed == ENOENT;
    return lost || taken ? TW_OK : status != TW_OK ? status : fail_make(folder, failed, error);
}

/* ---- removing ---- */

struct leftovers {
    const struct tw__run_folder *folder;
    int only_gone; /* not those that others may be making */
    char names[16][NAME_SIZE];
    int count;
};

static int note_leftover(const char *name, void *user)
{
    struct leftovers *leftovers = user;
    const size_t length = strlen(leftovers->folder->name);
    const int is_ours = strncmp(name, leftovers->folder->name, length) == 0 && strlen(name) == length + 12 &&
                        (strncmp(name + length, ".gone-", 6) == 0 ||
                         (!leftovers->only_gone && strncmp(name + length, ".make-", 6) == 0));
    if (is_ours && strlen(name) < NAME_SIZE) {
        snprintf(leftovers->names[leftovers->count++], NAME_SIZE, "%s", name);
    }
    return leftovers->count == 16;
}

/* Whether the folder of this name is of another job than that with the tag: it has come in the other's place. */
static int is_another(const struct tw__run_folder *folder, const char *name, const unsigned char *tag)
{
    struct tw__job_text job = {0};
    int fd = -1;
    if (tag == NULL || tw__flat_folder_open(&fd, folder->parent, name) != 0) {
        return 0;
    }
    const int is = read_job(&job, fd) == 0 && memcmp(job.tag, tag, TW__JOB_TAG) != 0;
    tw__job_text_fini(&job);
    tw__file_close(fd);
    return is;
}

/* Its new name says that it is nobody's: whoever has it open writes to files that go, and whoever is making it finds
 * that it cannot get its name any more. With a tag: if another job's folder had the name by then, it gets it back;
 * those who have it open do not notice. */
static int take_away(const struct tw__run_folder *folder, const char *which, const unsigned char *tag)
{
    char name[NAME_SIZE], random[7];
    tw__flat_folder_random_name(random, 6);
    if ((size_t)snprintf(name, sizeof name, "%s.gone-%s", folder->name, random) >= sizeof name) {
        return ENAMETOOLONG;
    }
    int failed = TW__POINT("node.gone");
    failed = failed == 0 ? tw__file_rename_in(folder->parent, which, name) : failed;
    if (failed == 0 && is_another(folder, name, tag)) {
        (void)tw__file_rename_in(folder->parent, name, which);
        return 0;
    }
    (void)TW__POINT("node.remove");
    return failed == 0 ? tw__flat_folder_remove(folder->parent, name) : failed == ENOENT ? 0 : failed;
}

static void remove_leftovers(const struct tw__run_folder *folder, int only_gone)
{
    struct leftovers *leftovers = calloc(1, sizeof *leftovers);
    if (leftovers != NULL) {
        leftovers->folder = folder;
        leftovers->only_gone = only_gone;
        (void)tw__flat_folder_each(folder->parent, note_leftover, leftovers);
        for (int k = 0; k < leftovers->count; k++) {
            const char *name = leftovers->names[k];
            const int is_gone = strncmp(name + strlen(folder->name), ".gone-", 6) == 0;
            (void)(is_gone ? tw__flat_folder_remove(folder->parent, name) : take_away(folder, name, NULL));
        }
        free(leftovers);
    }
}

void tw__run_folder_sweep(const struct tw__run_folder *folder)
{
    if (folder->parent >= 0 && folder->name != NULL) {
        remove_leftovers(folder, 1);
    }
}

int tw__run_folder_remove(struct tw__run_folder *folder, const unsigned char *tag)
{
    struct tw__run_folder there = {.parent = folder->parent, .fd = -1, .path = folder->path, .name = folder->name};
    struct tw__job_text job;
    int failed = 0;
    const int is_known = tw__run_folder_open(&there, &job, NULL) == TW_OK && job.fingerprint != NULL;
    if (tag == NULL || (is_known && memcmp(tag, there.tag, TW__JOB_TAG) == 0)) {
        failed = take_away(folder, folder->name, tag);
    }
    if (there.fd >= 0) {
        tw__file_close(there.fd);
    }
    tw__job_text_fini(&job);
    remove_leftovers(folder, 0);
    return failed;
}
