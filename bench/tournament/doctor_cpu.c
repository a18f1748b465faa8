/* SPDX-License-Identifier: MIT */
/* doctor_cpu.c - which CPUs there are, how fast they run, and the clocks; see doctor.h. */
#include "doctor.h"

#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CPUS_MAX = 1024 };

static const char cpu_dir[] = "/sys/devices/system/cpu";

/* The CPUs that this process may use. Returns how many, 0 if that is not known. */
static size_t allowed_cpus(const struct doctor_source *source, int *cpus)
{
    char *list = doctor_value(source, "/proc/self/status", "Cpus_allowed_list");
    size_t count = list != NULL ? doctor_cpu_list(list, cpus, CPUS_MAX) : 0;
    free(list);
    return count < CPUS_MAX ? count : CPUS_MAX;
}

static void look_at_cpus(const struct doctor_input *input, struct doctor_finding *finding)
{
    int cpus[CPUS_MAX];
    size_t allowed = allowed_cpus(input->source, cpus);
    char *online = doctor_line(input->source, "/sys/devices/system/cpu/online");
    size_t all = online != NULL ? doctor_cpu_list(online, cpus, CPUS_MAX) : 0;
    char *seen = text_format("%zu of %zu CPUs may be used (/proc/self/status, %s/online: %s)",
                             allowed,
                             all,
                             cpu_dir,
                             online != NULL ? online : "unknown");
    free(online);
    if (allowed == 0)
        doctor_find(finding, DOCTOR_UNKNOWN, seen, "is /proc mounted?");
    else if (allowed == 1)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "contestant, load and harness share one CPU: nothing runs at the same time, so "
                    "wake-ups between CPUs cannot be measured; give it two or more");
    else if (allowed < all)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "taskset or a cpuset holds it: placements are chosen among these only");
    else
        doctor_find(finding, DOCTOR_OK, seen, "");
}

/* Two allowed CPUs that are threads of one core, as "0 and 1"; NULL if there are none. */
static char *sibling_pair(const struct doctor_source *source, bool *known)
{
    int cpus[CPUS_MAX], siblings[CPUS_MAX];
    size_t count = allowed_cpus(source, cpus);
    char *pair = NULL;
    *known = false;
    for (size_t i = 0; i < count && pair == NULL; i++) {
        char *path = text_format("%s/cpu%d/topology/thread_siblings_list", cpu_dir, cpus[i]);
        char *list = doctor_line(source, path);
        free(path);
        size_t found = list != NULL ? doctor_cpu_list(list, siblings, CPUS_MAX) : 0;
        free(list);
        *known |= found > 0;
        for (size_t s = 0; s < found && s < CPUS_MAX && pair == NULL; s++)
            for (size_t k = i + 1; k < count && pair == NULL; k++)
                if (siblings[s] == cpus[k])
                    pair = text_format("%d and %d", cpus[i], cpus[k]);
    }
    return pair;
}

static void look_at_smt(const struct doctor_input *input, struct doctor_finding *finding)
{
    bool known;
    char *pair = sibling_pair(input->source, &known);
    if (pair != NULL)
        doctor_find(
            finding,
            DOCTOR_WARN,
            text_format("CPUs %s are threads of one core (topology/thread_siblings_list)", pair),
            "two threads of a core slow each other down: as root, echo off > "
            "/sys/devices/system/cpu/smt/control, or taskset to one CPU of each core");
    else if (known)
        doctor_find(finding,
                    DOCTOR_OK,
                    text_copy("no two CPUs are threads of one core (topology/thread_siblings_list; "
                              "a hypervisor may hide it)"),
                    "");
    else
        doctor_find(finding,
                    DOCTOR_UNKNOWN,
                    text_format("%s/cpu0/topology/thread_siblings_list: not there", cpu_dir),
                    "");
    free(pair);
}

static void look_at_governor(const struct doctor_input *input, struct doctor_finding *finding)
{
    int cpus[CPUS_MAX];
    size_t count = allowed_cpus(input->source, cpus);
    size_t known = 0;
    for (size_t i = 0; i < count; i++) {
        char *path = text_format("%s/cpu%d/cpufreq/scaling_governor", cpu_dir, cpus[i]);
        char *governor = doctor_line(input->source, path);
        known += governor != NULL;
        bool slow = governor != NULL && strcmp(governor, "performance") != 0;
        if (slow)
            doctor_find(finding,
                        DOCTOR_WARN,
                        text_format("'%s', not 'performance' (%s)", governor, path),
                        "the clock of the CPU follows the load: as root, cpupower frequency-set -g "
                        "performance");
        free(governor);
        free(path);
        if (slow)
            return;
    }
    if (known == 0)
        doctor_find(finding,
                    DOCTOR_UNKNOWN,
                    text_format("%s/cpu*/cpufreq/scaling_governor: not there, as is normal in a "
                                "guest",
                                cpu_dir),
                    "on a guest, ask for it on the host");
    else
        doctor_find(finding, DOCTOR_OK, text_copy("'performance' (cpufreq/scaling_governor)"), "");
}

static void look_at_turbo(const struct doctor_input *input, struct doctor_finding *finding)
{
    static const struct {
        const char *path;
        char on;
    } places[] = {{"/sys/devices/system/cpu/intel_pstate/no_turbo", '0'},
                  {"/sys/devices/system/cpu/cpufreq/boost", '1'}};
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        char *value = doctor_line(input->source, places[i].path);
        if (value == NULL)
            continue;
        bool on = value[0] == places[i].on;
        doctor_find(finding,
                    on ? DOCTOR_WARN : DOCTOR_OK,
                    text_format("%s (%s: %s)", on ? "on" : "off", places[i].path, value),
                    on ? "the clock depends on heat and on how many CPUs are busy: switch it off "
                         "in that file, as root, for small gaps"
                       : "");
        free(value);
        return;
    }
    doctor_find(finding,
                DOCTOR_UNKNOWN,
                text_copy("neither intel_pstate/no_turbo nor cpufreq/boost is there, as is normal "
                          "in a guest"),
                "");
}

/* ---- quota: cgroup 2, then 1; the tightest on the way up ---- */

/* CPUs that "MAX PERIOD" or "max PERIOD" allows; INFINITY for no limit. */
static double quota_of(const char *text)
{
    double most, period;
    return sscanf(text, "%lf %lf", &most, &period) == 2 && most > 0 && period > 0 ? most / period
                                                                                  : INFINITY;
}

/* Below [mount], in [path] and all that is above it, the smallest quota. */
static double walk_quota(const struct doctor_source *source,
                         const char *mount,
                         const char *path,
                         bool second,
                         char **where)
{
    double least = INFINITY;
    char *at = text_format("%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
    size_t stop = strlen(mount);
    for (;;) {
        char *file = text_format("%s/%s", at, second ? "cpu.max" : "cpu.cfs_quota_us");
        char *value = doctor_line(source, file);
        if (value != NULL && !second) {
            char *other = text_format("%s/cpu.cfs_period_us", at);
            char *period = doctor_line(source, other);
            char *both = text_format("%s %s", value, period != NULL ? period : "");
            free(other);
            free(period);
            free(value);
            value = both;
        }
        if (value != NULL && (*where == NULL || quota_of(value) < least)) {
            least = quota_of(value);
            free(*where);
            *where = text_format("%s: %s", file, value);
        }
        free(value);
        free(file);
        char *slash = strrchr(at, '/');
        if (strlen(at) <= stop || slash == NULL)
            break;
        *slash = '\0';
    }
    free(at);
    return least;
}

/* The smallest quota of the groups of this process; *where says in which file, NULL if in none. */
static double least_quota(const struct doctor_source *source, char **where)
{
    double least = INFINITY;
    char *groups = doctor_file(source, "/proc/self/cgroup");
    char *rest = NULL;
    *where = NULL;
    for (char *line = groups != NULL ? strtok_r(groups, "\n", &rest) : NULL; line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        char *names = strchr(line, ':');
        char *path = names != NULL ? strchr(names + 1, ':') : NULL;
        if (path == NULL)
            continue;
        *path++ = '\0';
        char *here = NULL;
        double quota = INFINITY;
        if (names[1] == '\0') {
            quota = walk_quota(source, "/sys/fs/cgroup", path, true, &here);
        } else if (strncmp(names + 1, "cpu", 3) == 0 && strncmp(names + 1, "cpuset", 6) != 0) {
            char *mount = text_format("/sys/fs/cgroup/%s", names + 1);
            quota = walk_quota(source, mount, path, false, &here);
            free(mount);
        }
        if (here != NULL && (*where == NULL || quota < least)) {
            least = quota;
            free(*where);
            *where = here;
        } else {
            free(here);
        }
    }
    free(groups);
    return least;
}

static void look_at_quota(const struct doctor_input *input, struct doctor_finding *finding)
{
    int cpus[CPUS_MAX];
    char *where;
    double quota = least_quota(input->source, &where);
    size_t count = allowed_cpus(input->source, cpus);
    if (where == NULL)
        doctor_find(finding,
                    DOCTOR_UNKNOWN,
                    text_copy("no quota file of this process's cgroup can be read "
                              "(/proc/self/cgroup, /sys/fs/cgroup)"),
                    "a container may be limited from outside: ask how it was started");
    else if (isinf(quota))
        doctor_find(finding, DOCTOR_OK, text_format("none (%s)", where), "");
    else
        doctor_find(finding,
                    quota < 1               ? DOCTOR_REFUSE
                    : quota < (double)count ? DOCTOR_WARN
                                            : DOCTOR_OK,
                    text_format("%.2f CPUs of %zu (%s)", quota, count, where),
                    quota < 1 ? "the kernel stops every run in the middle: what is measured is the "
                                "quota; start the container with at least one whole CPU"
                    : quota < (double)count
                        ? "loads that use all CPUs are stopped for the rest of each period; raise "
                          "it to the number of CPUs"
                        : "");
    free(where);
}

/* ---- clocks ---- */

static void look_at_clock(const struct doctor_input *input, struct doctor_finding *finding)
{
    static const char path[] = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
    static const char *const slow[] = {"hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit"};
    const double dear_ns = 250;
    double read_ns = input->source->clock_ns;
    char *clock = doctor_line(input->source, path);
    char *cost = isnan(read_ns) ? text_copy("") : text_format(", %.0f ns for one look", read_ns);
    bool bad = read_ns > dear_ns;
    for (size_t i = 0; clock != NULL && i < sizeof(slow) / sizeof(slow[0]); i++)
        bad |= strcmp(clock, slow[i]) == 0;
    char *seen = text_format(
        "'%s'%s (%s)", clock != NULL ? clock : "unknown", cost, clock != NULL ? path : "not there");
    if (bad)
        doctor_find(finding,
                    DOCTOR_WARN,
                    seen,
                    "each look at this clock is a system call or a device: latencies contain it. "
                    "Boot with clocksource=tsc, or ask why the kernel gave the TSC up (dmesg)");
    else
        doctor_find(finding, clock != NULL ? DOCTOR_OK : DOCTOR_UNKNOWN, seen, "");
    free(cost);
    free(clock);
}

static void look_at_slack(const struct doctor_input *input, struct doctor_finding *finding)
{
    static const char path[] = "/proc/self/timerslack_ns";
    enum { USUAL_NS = 50000 };
    char *value = doctor_line(input->source, path);
    if (value == NULL)
        doctor_find(finding, DOCTOR_UNKNOWN, text_format("%s: not there", path), "");
    else if (strtoull(value, NULL, 10) > USUAL_NS)
        doctor_find(
            finding,
            DOCTOR_WARN,
            text_format("%s ns, the usual is %d (%s)", value, USUAL_NS, path),
            "sleeping loops wake up that much later, and timers are measured with it; start "
            "from a shell that has the usual slack");
    else
        doctor_find(finding, DOCTOR_OK, text_format("%s ns (%s)", value, path), "");
    free(value);
}

const struct doctor_check doctor_cpu_checks[] = {
    {"cpus", true, look_at_cpus},
    {"smt", true, look_at_smt},
    {"governor", true, look_at_governor},
    {"turbo", true, look_at_turbo},
    {"quota", true, look_at_quota},
    {"clock", true, look_at_clock},
    {"slack", true, look_at_slack},
    {NULL, false, NULL},
};
