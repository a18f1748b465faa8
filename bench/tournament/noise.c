/* SPDX-License-Identifier: MIT */
/* noise.c - see noise.h. */
#include "noise.h"

#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double own_seconds(int who)
{
    struct rusage usage;
    if (getrusage(who, &usage) != 0)
        return 0;
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/* user nice system (idle iowait) irq softirq steal, summed over the CPUs, in ticks. */
static double busy_seconds(void)
{
    FILE *stat = fopen("/proc/stat", "re");
    if (stat == NULL)
        return -1;
    unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
    int got = fscanf(stat,
                     "cpu %llu %llu %llu %llu %llu %llu %llu %llu",
                     &user,
                     &nice,
                     &system,
                     &idle,
                     &iowait,
                     &irq,
                     &softirq,
                     &steal);
    fclose(stat);
    if (got != 8)
        return -1;
    return (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

void noise_mark(struct noise_mark *mark)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mark->wall_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    mark->busy_s = busy_seconds();
    mark->own_s = own_seconds(RUSAGE_SELF) + own_seconds(RUSAGE_CHILDREN);
}

double noise_share(const struct noise_mark *from, const struct noise_mark *to)
{
    double passed_s = (to->wall_s - from->wall_s) * (double)sysconf(_SC_NPROCESSORS_ONLN);
    if (from->busy_s < 0 || to->busy_s < 0 || passed_s <= 0)
        return 0;
    double foreign_s = (to->busy_s - from->busy_s) - (to->own_s - from->own_s);
    double resolution_s = 3.0 / (double)sysconf(_SC_CLK_TCK);
    double share = (foreign_s - resolution_s) / passed_s;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}
