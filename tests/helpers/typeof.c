/* typeof.c - what tests/command/test_notation_types.py runs: the dtypes of statements, the values of numbers.
 *
 * Each line of standard input is "NAME=DTYPE,NAME=DTYPE STATEMENT" ("- STATEMENT": no inputs); for each, a line of
 * standard output is the dtype of the last operand of the signature, or "! " and the first line of what was wrong. A
 * line
 * "= EXPRESSION" gives the value of an expression of numbers: "int64 -3", "float64 0x1.8p+1". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tilework/tilework.h>

static tw_status settle(tw_statement *statement, char *types, tw_error *error)
{
    const tw_signature *signature = tw_statement_signature(statement);
    tw_dtype dtypes[TW_MAX_OPERANDS] = {{0}};
    char storage[TW_DTYPE_TEXT], *rest = NULL;
    for (char *one = strtok_r(types, ",", &rest); one != NULL; one = strtok_r(NULL, ",", &rest)) {
        char *equals = strchr(one, '=');
        if (equals == NULL) {
            continue;
        }
        *equals = '\0';
        const int k = tw_signature_find_operand(signature, one);
        if (k >= 0) {
            const tw_status status = tw_dtype_parse(&dtypes[k], equals + 1, storage, error);
            if (status != TW_OK) {
                return status;
            }
        }
    }
    return tw_statement_types(statement, dtypes, error);
}

static void print_value(const char *text)
{
    tw_parameter value;
    tw_error error;
    if (tw_parameter_parse(&value, text, &error) != TW_OK) {
        printf("! %.*s\n", (int)strcspn(error.message, "\n"), error.message);
        return;
    }
    const tw_dtype dtype = tw_dtype_of(value.kind);
    printf("%s ", tw_dtype_name(&dtype));
    if (value.high != 0 && !(value.high == -1 && value.integer < 0)) {
        puts("more than 64 bits"); /* nobody asks for these here */
    } else if (value.kind == TW_UINT64) {
        printf("%llu\n", (unsigned long long)value.integer);
    } else if (value.kind < TW_FLOAT16) {
        printf("%lld\n", (long long)value.integer);
    } else {
        printf("%a %a\n", value.real, value.imag);
    }
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;
    while (getline(&line, &room, stdin) > 0) {
        tw_error error;
        tw_statement *statement = NULL;
        line[strcspn(line, "\n")] = '\0';
        char *text = strchr(line, ' ');
        if (text == NULL) {
            return 1;
        }
        *text++ = '\0';
        if (strcmp(line, "=") == 0) {
            print_value(text);
            continue;
        }
        tw_status status = tw_statement_parse(&statement, text, NULL, &error);
        if (status == TW_OK) {
            status = settle(statement, line, &error);
        }
        if (status == TW_OK) {
            const int last = tw_signature_noperands(tw_statement_signature(statement)) - 1;
            const tw_dtype dtype = tw_statement_dtype(statement, last);
            puts(tw_dtype_name(&dtype));
        } else {
            printf("! %.*s\n", (int)strcspn(error.message, "\n"), error.message);
        }
        tw_statement_destroy(statement);
    }
    free(line);
    return 0;
}
