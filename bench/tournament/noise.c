/* SPDX-License-Identifier: MIT */
/* noise.c - see noise.h. */
#include "noise.h"

#include "proc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* Of all CPUs. */
static void read_stat(struct noise_mark *mark)
{
    struct proc_cpu cpu;
    const double tick_s = 1 / (double)sysconf(_SC_CLK_TCK);
    mark->busy_s = mark->steal_s = -1;
    if (!proc_cpu(proc_root(), &cpu))
        return;
    mark->busy_s = (double)(cpu.busy + cpu.steal) * tick_s;
    mark->steal_s = (double)cpu.steal * tick_s;
}

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=MICROSECONDS" */
static double pressure_seconds(void)
{
    unsigned long long total_us;
    char *text = proc_file(proc_root(), "/proc/pressure/cpu");
    bool known = text != NULL &&
                 sscanf(text, "some avg10=%*f avg60=%*f avg300=%*f total=%llu", &total_us) == 1;
    free(text);
    return known ? (double)total_us / 1e6 : -1;
}

void noise_mark(struct noise_mark *mark)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    mark->wall_s = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    read_stat(mark);
    mark->pressure_s = pressure_seconds();
    mark->own_s = proc_own_seconds();
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
