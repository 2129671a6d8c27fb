#include <stdio.h>
#include <string.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_signature *signature;
    tw_error error;
    const tw_status status = tw_signature_parse(&signature, "y[i], x[j] = r[i,j]", &error);
    if (status == TW_OK || error.column == 0 || strlen(error.message) == 0)
        return 1;
    printf("%s (%s, column %d)\n", error.message, tw_status_name(status), error.column);
    return strcmp(tw_version(), TW_VERSION) != 0;
}
