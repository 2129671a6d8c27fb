/* statement_context.c - what tests/differential loads: the whole library, and the context of a statement's kernel, so
 * that many kernels can be compiled as one source and each of them run with its own context. */
#include "notation/notation.h"

TW_API void test_statement_context(const tw_statement *statement, void **context, size_t *size);

void test_statement_context(const tw_statement *statement, void **context, size_t *size)
{
    *context = statement->context;
    *size = statement->context_size;
}
