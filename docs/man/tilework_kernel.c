#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    static const char source[] = "#include <tilework/tilework.h>\n"
                                 "int ones(const tw_tile *tile)\n"
                                 "{\n"
                                 "    TW_VIEW(double, r, tile->operand[0]);\n"
                                 "    for (int64_t i = 0; i < r.shape[0]; i++)\n"
                                 "        TW_AT(r, i) = 1;\n"
                                 "    return 0;\n"
                                 "}\n";
    tw_kernel *kernel;
    tw_error error;
    FILE *file = fopen("ones.c", "w");
    if (file == NULL || fputs(source, file) < 0 || fclose(file) != 0)
        return 1;
    if (tw_kernel_open(&kernel, "ones.c:ones", NULL, &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    if (tw_kernel_note(kernel) != NULL)
        fprintf(stderr, "note: %s\n", tw_kernel_note(kernel));
    printf("%s\n", tw_kernel_name(kernel)); /* ones.c:ones */
    tw_kernel_destroy(kernel);
    return 0;
}
