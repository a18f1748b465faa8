/* SPDX-License-Identifier: MIT */
/* noise.c - see noise.h. */
#include "noise.h"

#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
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

static FILE *open_proc(const char *path)
{
    const char *root = getenv("VELO_DOCTOR_ROOT");
    char *whole = text_format("%s%s", root == NULL ? "" : root, path);
    FILE *file = fopen(whole, "re");
    free(whole);
    return file;
}

/* user nice system (idle iowait) irq softirq steal, summed over the CPUs, in ticks. */
static void read_stat(struct noise_mark *mark)
{
    FILE *stat = open_proc("/proc/stat");
    mark->busy_s = mark->steal_s = -1;
    if (stat == NULL)
        return;
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
        return;
    const double tick_s = 1 / (double)sysconf(_SC_CLK_TCK);
    mark->busy_s = (double)(user + nice + system + irq + softirq + steal) * tick_s;
    mark->steal_s = (double)steal * tick_s;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=MICROSECONDS" */
static double pressure_seconds(void)
{
    unsigned long long total_us;
    FILE *pressure = open_proc("/proc/pressure/cpu");
    if (pressure == NULL)
        return -1;
    int got = fscanf(pressure, "some avg10=%*f avg60=%*f avg300=%*f total=%llu", &total_us);
    fclose(pressure);
    return got == 1 ? (double)total_us / 1e6 : -1;
}

void noise_mark(struct noise_mark *mark)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mark->wall_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    read_stat(mark);
    mark->pressure_s = pressure_seconds();
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

double noise_steal_share(const struct noise_mark *from, const struct noise_mark *to)
{
    const double passed_s = (to->wall_s - from->wall_s) * (double)sysconf(_SC_NPROCESSORS_ONLN);
    if (from->steal_s < 0 || to->steal_s < 0 || passed_s <= 0)
        return NAN;
    return fmin(fmax((to->steal_s - from->steal_s) / passed_s, 0), 1);
}

double noise_pressure_share(const struct noise_mark *from, const struct noise_mark *to)
{
    const double passed_s = to->wall_s - from->wall_s;
    if (from->pressure_s < 0 || to->pressure_s < 0 || passed_s <= 0)
        return NAN;
    return fmin(fmax((to->pressure_s - from->pressure_s) / passed_s, 0), 1);
}
