/* places.h - where compiled objects may be kept: the folders, in their order. */
#ifndef TW_KERNEL_PLACES_H
#define TW_KERNEL_PLACES_H

#include <tilework/tilework.h>

#define TW__MAX_PLACES 4

/* 1 $XDG_CACHE_HOME/tilework, else ~/.cache/tilework of $HOME; 2 ~/.cache/tilework of the home that the system has on
 * record; 3 $TMPDIR/tilework-UID; then a folder of this process alone, os/private_folder.h, which is no place of this
 * list since it would be made by looking. A folder that was asked for is the only one. */
struct tw__places {
    int count;
    int is_wished; /* the only one: nothing stands in for it */
    int usual;     /* how many of them need no note: what the environment names, or the record where it names nothing */
    char *folder[TW__MAX_PLACES];
};

/* Errors: TW_ERROR_ARGUMENT (the name that was asked for is empty), TW_ERROR_MEMORY. */
tw_status tw__places_init(struct tw__places *places, const char *wished, tw_error *error);
/* The first that is there or could be made, and where objects can be made and run; -1: none. */
int tw__places_first(const struct tw__places *places);
void tw__places_fini(struct tw__places *places);

#endif
