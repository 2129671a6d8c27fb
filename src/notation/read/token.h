/* token.h - the words of a statement list: names, Python's numbers, operators. */
#ifndef TW_NOTATION_READ_TOKEN_H
#define TW_NOTATION_READ_TOKEN_H

#include "notation/read/complaint.h"
#include "notation/value/scalar.h"

enum tw__token_kind {
    TW__TOKEN_END,
    TW__TOKEN_NAME,
    TW__TOKEN_NUMBER,
    TW__TOKEN_SIGN, /* operators and brackets; a line end or ';' between statements is ";" */
};

struct tw__token {
    enum tw__token_kind kind;
    size_t at, length;       /* in the text */
    char sign[4];            /* SIGN: "**=" */
    struct tw__scalar value; /* NUMBER */
};

struct tw__lexer {
    struct tw__source source;
    size_t at;
    int brackets; /* that are open: inside, a line end is a blank */
    tw_error *error;
};

/* Reads the next token. Errors: TW_ERROR_SYNTAX. */
tw_status tw__next_token(struct tw__lexer *lexer, struct tw__token *token);

#endif
