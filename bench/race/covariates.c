/* SPDX-License-Identifier: MIT */
/* covariates.c - getrusage, the process clock, /proc/self/status for the peak of memory, and
 * /proc/self/task/TID/schedstat of every thread. */
#include "covariates.h"

#include "clock.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t timeval_ns(struct timeval tv)
{
    return (uint64_t)tv.tv_sec * NS_PER_S + (uint64_t)tv.tv_usec * NS_PER_US;
}

static int64_t thread_wait_ns(const char *tid)
{
    char path[300];
    uint64_t run_ns, wait_ns;
    snprintf(path, sizeof path, "/proc/self/task/%s/schedstat", tid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return -1;
    int fields = fscanf(file, "%" SCNu64 " %" SCNu64, &run_ns, &wait_ns);
    fclose(file);
    return fields == 2 ? (int64_t)wait_ns : -1;
}

static int64_t all_threads_wait_ns(void)
{
    int64_t total_ns = -1;
    DIR *dir = opendir("/proc/self/task");
    if (dir == NULL)
        return -1;
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        int64_t wait_ns = thread_wait_ns(entry->d_name);
        if (wait_ns >= 0)
            total_ns = (total_ns < 0 ? 0 : total_ns) + wait_ns;
    }
    closedir(dir);
    return total_ns;
}

/* Not ru_maxrss, which remembers the process before exec, too: a fork of whoever has started this
 * program, as large as that one was. */
uint64_t covariates_peak_rss_bytes(void)
{
    char line[128];
    uint64_t peak_kib = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL &&
           sscanf(line, "VmHWM: %" SCNu64, &peak_kib) != 1)
        ;
    fclose(file);
    return peak_kib * 1024;
}

void covariates_read(struct covariates *out)
{
    struct rusage usage;
    memset(out, 0, sizeof *out);
    out->runqueue_wait_ns = all_threads_wait_ns();
    out->cpu_ns = clock_read_ns(CLOCK_PROCESS_CPUTIME_ID);
    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return;
    out->user_ns = timeval_ns(usage.ru_utime);
    out->system_ns = timeval_ns(usage.ru_stime);
    out->voluntary_switches = (uint64_t)usage.ru_nvcsw;
    out->involuntary_switches = (uint64_t)usage.ru_nivcsw;
    out->minor_faults = (uint64_t)usage.ru_minflt;
    out->major_faults = (uint64_t)usage.ru_majflt;
}

void covariates_delta(struct covariates *out,
                      const struct covariates *before,
                      const struct covariates *after)
{
    out->cpu_ns = after->cpu_ns - before->cpu_ns;
    out->user_ns = after->user_ns - before->user_ns;
    out->system_ns = after->system_ns - before->system_ns;
    out->voluntary_switches = after->voluntary_switches - before->voluntary_switches;
    out->involuntary_switches = after->involuntary_switches - before->involuntary_switches;
    out->minor_faults = after->minor_faults - before->minor_faults;
    out->major_faults = after->major_faults - before->major_faults;
    out->max_rss_bytes = covariates_peak_rss_bytes();
    bool known = before->runqueue_wait_ns >= 0 && after->runqueue_wait_ns >= 0;
    int64_t wait_ns = after->runqueue_wait_ns - before->runqueue_wait_ns;
    out->runqueue_wait_ns = !known ? -1 : wait_ns > 0 ? wait_ns : 0; /* a thread may have ended */
}

uint64_t covariates_rss_bytes(void)
{
    uint64_t size_pages, resident_pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &size_pages, &resident_pages) != 2)
        resident_pages = 0;
    fclose(file);
    return resident_pages * (uint64_t)sysconf(_SC_PAGESIZE);
}
