/* SPDX-License-Identifier: MIT */
/* doctor_load.c - who else uses this machine, and its memory; see doctor.h. */
#include "doctor.h"

#include "lock.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than this and blocks are done again (the redo rule of the plan). */
static const double foreign_limit = 0.02;

static void look_at_lock(const struct doctor_input *input, struct doctor_finding *finding)
{
    char *holder = input->holds_lock ? NULL : lock_holder();
    if (holder != NULL)
        doctor_find(finding,
                    DOCTOR_REFUSE,
                    text_format("another tournament runs: %s (%s)", holder, lock_path()),
                    "two at once measure each other: wait for it, or stop it with kill -INT; it "
                    "can be resumed");
    else
        doctor_find(
            finding, DOCTOR_OK, text_format("no other tournament runs (%s)", lock_path()), "");
    free(holder);
}

static void look_at_steal(const struct doctor_input *input, struct doctor_finding *finding)
{
    const double limit = 0.01;
    double share = doctor_steal_share(input->source);
    if (isnan(share)) {
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("/proc/stat: no two looks"), "");
        return;
    }
    char *seen =
        text_format("%.1f %% of the CPU time over about a second (/proc/stat)", 100 * share);
    if (share > limit)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "other guests of the host take CPU time: blocks will be done again; try at "
                    "another hour, or on a machine of your own");
    else
        doctor_find(finding, DOCTOR_OK, seen, "");
}

/* "python3 (4711) 98 %, cc1 (17) 12 %": shares of one CPU; what is small is left out. */
static char *name_busiest(const struct doctor_source *source)
{
    enum { NAMED = 3 };
    const double worth_a_name = 0.03;
    struct doctor_process busiest[NAMED];
    size_t count = doctor_busiest(source, busiest, NAMED);
    double one_cpu = (double)(source->second.cpu.total - source->first.cpu.total);
    int cpus[1];
    char *online = doctor_line(source, "/sys/devices/system/cpu/online");
    size_t all = online != NULL ? doctor_cpu_list(online, cpus, 1) : 1;
    free(online);
    one_cpu /= all > 0 ? (double)all : 1;
    char *names = text_copy("");
    for (size_t i = 0; i < count; i++) {
        double share = (double)busiest[i].ticks / one_cpu;
        if (share < worth_a_name)
            break;
        char *more = text_format("%s%s%s (%d) %.0f %%",
                                 names,
                                 i > 0 ? ", " : "",
                                 busiest[i].name,
                                 (int)busiest[i].pid,
                                 100 * share);
        free(names);
        names = more;
    }
    return names;
}

static void look_at_neighbours(const struct doctor_input *input, struct doctor_finding *finding)
{
    double share = doctor_foreign_share(input->source);
    if (isnan(share)) {
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("/proc/stat: no two looks"), "");
        return;
    }
    char *names = name_busiest(input->source);
    char *seen = text_format("others use %.1f %% of the CPU time%s%s (/proc/stat, /proc/PID/stat)",
                             100 * share,
                             names[0] != '\0' ? "; of one CPU: " : "",
                             names);
    if (share > foreign_limit)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "stop them, or wait until they are done: more than 2 % of a block and it is "
                    "done again");
    else
        doctor_find(finding, DOCTOR_OK, seen, "");
    free(names);
}

/* "some avg10=1.23": the share of time in which somebody waited for a CPU; NAN if unknown. */
static double pressure(const struct doctor_source *source, const char *window)
{
    char *line = doctor_line(source, "/proc/pressure/cpu");
    char *found = line != NULL ? strstr(line, window) : NULL;
    double value = found != NULL ? strtod(found + strlen(window), NULL) / 100 : NAN;
    free(line);
    return value;
}

/*
 * The averages look back, over what may have been our own build: they warn only while somebody is
 * at work now.
 */
static void look_at_load(const struct doctor_input *input, struct doctor_finding *finding)
{
    const double busy_load = 0.5, busy_pressure = 0.05;
    char *line = doctor_line(input->source, "/proc/loadavg");
    double waiting = pressure(input->source, "avg60=");
    if (line == NULL) {
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("/proc/loadavg: not there"), "");
        return;
    }
    double load = strtod(line, NULL);
    bool high = load > busy_load || waiting > busy_pressure;
    bool now = doctor_foreign_share(input->source) > foreign_limit;
    char *psi = isnan(waiting) ? text_copy("/proc/pressure/cpu not there")
                               : text_format("somebody waited %.0f %% of the last minute, "
                                             "/proc/pressure/cpu",
                                             100 * waiting);
    char *seen = text_format("load average %.2f (/proc/loadavg); %s%s",
                             load,
                             psi,
                             high && !now ? "; that was before, nobody is busy now" : "");
    if (high && now)
        doctor_find(finding, DOCTOR_WARN, seen, "the machine has been busy for a while: wait");
    else
        doctor_find(finding, DOCTOR_OK, seen, "");
    free(psi);
    free(line);
}

static double kilobytes(const struct doctor_source *source, const char *key)
{
    char *value = doctor_value(source, "/proc/meminfo", key);
    double kb = value != NULL ? strtod(value, NULL) : NAN;
    free(value);
    return kb;
}

static void look_at_swap(const struct doctor_input *input, struct doctor_finding *finding)
{
    double total = kilobytes(input->source, "SwapTotal");
    double used = total - kilobytes(input->source, "SwapFree");
    double memory = kilobytes(input->source, "MemTotal");
    double moved = (double)input->source->second.swapped - (double)input->source->first.swapped;
    if (isnan(used)) {
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("/proc/meminfo: SwapTotal not there"), "");
        return;
    }
    char *seen = text_format("%.0f of %.0f MB in use, %.0f pages moved in about a second "
                             "(/proc/meminfo, /proc/vmstat)",
                             used / 1024,
                             total / 1024,
                             moved > 0 ? moved : 0);
    if (moved > 0 || used > 0.01 * memory)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "a page fault to the disk takes longer than any loop: free memory, then as "
                    "root swapoff -a");
    else
        doctor_find(finding, DOCTOR_OK, seen, "");
}

static void look_at_huge_pages(const struct doctor_input *input, struct doctor_finding *finding)
{
    static const char path[] = "/sys/kernel/mm/transparent_hugepage/enabled";
    char *value = doctor_line(input->source, path);
    if (value == NULL)
        doctor_find(finding, DOCTOR_UNKNOWN, text_format("%s: not there", path), "");
    else if (strstr(value, "[always]") != NULL)
        doctor_find(
            finding,
            DOCTOR_WARN,
            text_format("%s (%s)", value, path),
            "whether a heap gets huge pages is chance: memory and latency get two modes; as "
            "root echo madvise into that file");
    else
        doctor_find(finding, DOCTOR_OK, text_format("%s (%s)", value, path), "");
    free(value);
}

const struct doctor_check doctor_load_checks[] = {
    {"lock", false, look_at_lock},
    {"neighbours", true, look_at_neighbours},
    {"steal", true, look_at_steal},
    {"load", true, look_at_load},
    {"swap", true, look_at_swap},
    {"huge-pages", true, look_at_huge_pages},
    {NULL, false, NULL},
};
