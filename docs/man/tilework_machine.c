#include <stdio.h>
#include <tilework/tilework.h>

int main(void)
{
    tw_machine machine;
    tw_machine_describe(&machine);
    printf("%d workers (%s), %.1f GiB available (%s)\n", machine.workers, machine.workers_reason,
           (double)machine.memory_available / (1 << 30), machine.memory_reason);
    return machine.workers < 1;
}
