/* job_mark.c - the text with which a job on nodes marks the files that it has finished. Knows no files. */
#include "node/job_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

void tw__job_mark_make(char mark[TW__MARK_SIZE], const char *hash, uint64_t tiles, const char *launch,
                       const char *description)
{
    snprintf(mark, TW__MARK_SIZE, "tilework job 1 %s\ntiles %" PRIu64 "\nlaunch %s\n%s\n", hash, tiles, launch,
             description);
}

char *tw__job_mark_read(char *mark, int64_t *tiles, char launch[TW__LAUNCH_SIZE])
{
    static const char word[] = "tiles ", of[] = "launch ";
    char *line = strchr(mark, '\n');
    if (launch != NULL) {
        launch[0] = '\0';
    }
    if (line == NULL || strncmp(++line, word, sizeof word - 1) != 0) {
        return NULL;
    }
    line += sizeof word - 1;
    const size_t digits = tw__parse_digits(line, strlen(line), tiles);
    if (digits == 0 || line[digits] != '\n') {
        *tiles = 0;
        return NULL;
    }
    line += digits + 1;
    if (strncmp(line, of, sizeof of - 1) == 0) {
        line += sizeof of - 1;
        const size_t used = strcspn(line, "\n");
        if (launch != NULL && used < TW__LAUNCH_SIZE) {
            memcpy(launch, line, used);
            launch[used] = '\0';
        }
        line += used + (line[used] == '\n');
    }
    const size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    }
    return line[0] != '\0' ? line : NULL;
}
