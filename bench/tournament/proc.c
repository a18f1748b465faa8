/* SPDX-License-Identifier: MIT */
/* proc.c - see proc.h. */
#include "proc.h"

#include "text.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

const char *proc_root(void)
{
    const char *root = getenv("VELO_DOCTOR_ROOT");
    return root == NULL ? "" : root;
}

char *proc_file(const char *root, const char *path)
{
    char *whole = text_format("%s%s", root, path);
    char *text = text_read_file(whole, NULL);
    free(whole);
    return text;
}

/* "cpu user nice system idle iowait irq softirq steal ..." */
bool proc_cpu(const char *root, struct proc_cpu *cpu)
{
    unsigned long long t[8] = {0};
    *cpu = (struct proc_cpu){0};
    char *text = proc_file(root, "/proc/stat");
    bool good = text != NULL && sscanf(text,
                                       "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
                                       &t[0],
                                       &t[1],
                                       &t[2],
                                       &t[3],
                                       &t[4],
                                       &t[5],
                                       &t[6],
                                       &t[7]) == 8;
    free(text);
    if (!good)
        return false;
    for (size_t i = 0; i < 8; i++)
        cpu->total += t[i];
    cpu->steal = t[7];
    cpu->busy = cpu->total - t[3] - t[4] - t[7];
    return true;
}

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

double proc_own_seconds(void)
{
    static const int whose[] = {RUSAGE_SELF, RUSAGE_CHILDREN};
    double sum = 0;
    for (size_t i = 0; i < 2; i++) {
        struct rusage usage;
        if (getrusage(whose[i], &usage) == 0)
            sum += seconds(usage.ru_utime) + seconds(usage.ru_stime);
    }
    return sum;
}
