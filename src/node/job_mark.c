/* job_mark.c - the text with which a job on nodes marks the files that it has finished. Knows no files. */
#include "node/job_mark.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* What the line "content" of a new mark says until it is known: nothing. */
#define NO_CONTENT "0000000000000000"
#define CONTENT_DIGITS (sizeof NO_CONTENT - 1)

static const char tiles_word[] = "tiles ", launch_word[] = "launch ", content_word[] = "content ";

/* Behind the word at the front of the line; NULL: it is another line. */
static char *behind(char *line, const char *word)
{
    return strncmp(line, word, strlen(word)) == 0 ? line + strlen(word) : NULL;
}

/* The line after this one; the end of the text: there is none. */
static char *line_after(char *line)
{
    line += strcspn(line, "\n");
    return line + (*line == '\n');
}

void tw__job_mark_make(char mark[TW__MARK_SIZE], const char *hash, uint64_t tiles, const char *launch,
                       const char *description)
{
    snprintf(mark, TW__MARK_SIZE, "tilework job 1 %s\n%s%" PRIu64 "\n%s%s\n%s" NO_CONTENT "\n%s\n", hash, tiles_word,
             tiles, launch_word, launch, content_word, description);
}

/* Its digits; NULL: there is no such line. */
static char *find_content(char *mark)
{
    for (char *line = line_after(mark); *line != '\0'; line = line_after(line)) {
        char *digits = behind(line, content_word);
        if (digits != NULL) {
            return strspn(digits, "0123456789abcdef") == CONTENT_DIGITS && digits[CONTENT_DIGITS] == '\n' ? digits
                                                                                                          : NULL;
        }
        if (behind(line, tiles_word) == NULL && behind(line, launch_word) == NULL) {
            return NULL;
        }
    }
    return NULL;
}

void tw__job_mark_set_content(char mark[TW__MARK_SIZE], uint64_t content)
{
    char text[CONTENT_DIGITS + 1], *digits = find_content(mark);
    if (digits != NULL) {
        snprintf(text, sizeof text, "%016" PRIx64, content);
        memcpy(digits, text, CONTENT_DIGITS);
    }
}

uint64_t tw__job_mark_content(char mark[TW__MARK_SIZE])
{
    const char *digits = find_content(mark);
    return digits != NULL ? (uint64_t)strtoull(digits, NULL, 16) : 0;
}

/* The text up to the end of the line, or nothing if there is no room for it. */
static void copy_launch(char launch[TW__LAUNCH_SIZE], const char *text)
{
    const size_t used = strcspn(text, "\n");
    if (used < TW__LAUNCH_SIZE) {
        memcpy(launch, text, used);
        launch[used] = '\0';
    }
}

char *tw__job_mark_read(char *mark, int64_t *tiles, char launch[TW__LAUNCH_SIZE])
{
    char *line = line_after(mark);
    if (launch != NULL) {
        launch[0] = '\0';
    }
    char *text = behind(line, tiles_word);
    if (text == NULL) {
        return NULL;
    }
    const size_t digits = tw__parse_digits(text, strlen(text), tiles);
    if (digits == 0 || text[digits] != '\n') {
        *tiles = 0;
        return NULL;
    }
    line = line_after(line);
    text = behind(line, launch_word);
    if (text != NULL && launch != NULL) {
        copy_launch(launch, text);
    }
    line = text != NULL ? line_after(line) : line;
    line = behind(line, content_word) != NULL ? line_after(line) : line;
    const size_t length = strlen(line);
    if (length > 0 && line[length - 1] == '\n') {
        line[length - 1] = '\0';
    }
    return line[0] != '\0' ? line : NULL;
}
