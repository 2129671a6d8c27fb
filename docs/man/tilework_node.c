#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_job_status status;
    tw_error error;
    if (tw_job_status_read(&status, "r.npy", &error) != TW_OK)
        return printf("%s\n", error.message), 0; /* no job on nodes writes this file */
    printf("%llu of %llu tiles\n", (unsigned long long)status.done, (unsigned long long)status.tiles);
    for (size_t n = 0; n < status.nnodes; n++)
        printf("node %lld on %s: %llu\n", (long long)status.nodes[n].node, status.nodes[n].host,
               (unsigned long long)status.nodes[n].done);
    tw_job_status_free(&status);
    return 0;
}
