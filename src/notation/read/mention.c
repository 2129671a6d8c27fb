/* mention.c - how the text of a statement speaks of a name, found before the statement is read. */
#include <string.h>

#include "notation/read/token.h"

tw_mention tw_statement_mention(const char *text, const char *name)
{
    struct tw__lexer lexer = {.source = {.text = text, .length = strlen(text)}};
    struct tw__token token = {.kind = TW__TOKEN_END};
    tw_mention found = TW_MENTION_NONE;
    int here = 0; /* the last token was the name */
    while (tw__next_token(&lexer, &token) == TW_OK && token.kind != TW__TOKEN_END) {
        if (here && token.kind == TW__TOKEN_SIGN && strcmp(token.sign, "[") == 0) {
            return TW_MENTION_OPERAND;
        }
        here = token.kind == TW__TOKEN_NAME && token.length == strlen(name) &&
               memcmp(text + token.at, name, token.length) == 0;
        found = here ? TW_MENTION_ALONE : found;
    }
    return found;
}
