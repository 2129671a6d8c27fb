#include <stdio.h>
#include <string.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_signature *signature;
    tw_error error;
    char text[256];
    int noperands;
    if (tw_signature_parse(&signature, "a[i,k], b[k,j] -> r[i,j]:float32", &error))
        return fprintf(stderr, "%s\n", error.message), 1;
    const tw_operand *operands = tw_signature_operands(signature, &noperands);
    for (int k = 0; k < noperands; k++)
        printf("%s has %d axes, the first is %s\n", operands[k].name, operands[k].ndim,
               tw_signature_axis(signature, operands[k].axes[0]));
    tw_signature_text(signature, NULL, text, sizeof text);
    printf("%s\n", text);
    const int wrong = noperands != 3 || tw_signature_naxes(signature) != 3 || strcmp(operands[2].dtype, "float32") != 0;
    tw_signature_destroy(signature);
    return wrong;
}
