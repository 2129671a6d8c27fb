#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_machine machine;
    tw_bandwidth bandwidth;
    tw_error error;
    tw_machine_describe(&machine);
    printf("%d workers (%s), %.1f GiB available (%s)\n", machine.workers, machine.workers_reason,
           (double)machine.memory_available / (1 << 30), machine.memory_reason);
    if (tw_machine_bandwidth(&bandwidth, NULL, &error) != TW_OK) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    for (int n = 0; n < bandwidth.count; n++) {
        printf("%d threads read %.1f GB/s\n", bandwidth.row[n].threads, bandwidth.row[n].read / 1e9);
    }
    return machine.workers < 1;
}
