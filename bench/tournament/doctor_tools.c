/* SPDX-License-Identifier: MIT */
/* doctor_tools.c - tools, and the room that a tournament needs; see doctor.h. */
#include "doctor.h"

#include "child.h"
#include "text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The versions that the lanes and pages were tried with. */
static const struct {
    const char *name;
    const char *version; /* how its answer to --version begins */
    const char *without;
} tools[] = {
    {"hyperfine", "hyperfine 1.15", "the process lane will be NOT RUN"},
    {"gnuplot", "gnuplot 5.", "the report will have no pictures and fail"},
    {"git", "git version ", "the commit will be unknown"},
};

/* The first line that a tool says about its version; NULL if it does not run. */
static char *version_of(const char *tool)
{
    const char *const argv[] = {tool, "--version", NULL};
    struct child_result result;
    if (child_run(&(struct child_request){.argv = argv, .timeout_ms = 10000}, &result) != 0)
        return NULL;
    char *version = result.end == CHILD_EXITED && result.code == 0
                        ? text_format("%.*s", (int)strcspn(result.out, "\n"), result.out)
                        : NULL;
    child_result_free(&result);
    return version;
}

static void look_at_tools(const struct doctor_input *input, struct doctor_finding *finding)
{
    (void)input;
    char *seen = text_copy(""), *advice = text_copy("");
    bool good = true;
    for (size_t i = 0; i < sizeof(tools) / sizeof(*tools); i++) {
        char *version = version_of(tools[i].name);
        bool as_tried =
            version != NULL && strncmp(version, tools[i].version, strlen(tools[i].version)) == 0;
        char *more = text_format("%s%s%s%s",
                                 seen,
                                 seen[0] != '\0' ? ", " : "",
                                 version != NULL ? version : tools[i].name,
                                 version == NULL ? " is missing" : "");
        free(seen);
        seen = more;
        if (!as_tried) {
            more = text_format("%s%s%s: %s%s",
                               advice,
                               good ? "" : "; ",
                               tools[i].name,
                               version == NULL ? tools[i].without : "tried with ",
                               version == NULL ? "" : tools[i].version);
            free(advice);
            advice = more;
            good = false;
        }
        free(version);
    }
    char *remedy =
        text_format("%s%s", advice, good ? "" : "; scripts/setup.sh installs what is missing");
    doctor_find(finding, good ? DOCTOR_OK : DOCTOR_WARN, seen, remedy);
    free(remedy);
    free(advice);
}

static void look_at_descriptors(const struct doctor_input *input, struct doctor_finding *finding)
{
    enum { ENOUGH = 4096 };
    static const char key[] = "Max open files";
    char *limits = doctor_file(input->source, "/proc/self/limits");
    const char *line = limits != NULL ? strstr(limits, key) : NULL;
    if (line == NULL) {
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("/proc/self/limits: not there"), "");
    } else {
        const char *value = line + sizeof(key) - 1;
        value += strspn(value, " ");
        bool few = value[0] != 'u' && strtoul(value, NULL, 10) < ENOUGH;
        doctor_find(finding,
                    few ? DOCTOR_WARN : DOCTOR_OK,
                    text_format("%.*s for each process (/proc/self/limits)",
                                (int)strcspn(value, " \n"),
                                value),
                    few ? "scenarios with many descriptors may not run: ulimit -n 4096" : "");
    }
    free(limits);
}

static void look_at_disk(const struct doctor_input *input, struct doctor_finding *finding)
{
    const double enough = 100e6;
    double bytes = input->source->disk_bytes;
    if (isnan(bytes))
        doctor_find(finding, DOCTOR_UNKNOWN, text_copy("statvfs(\".\") does not say"), "");
    else
        doctor_find(finding,
                    bytes < enough ? DOCTOR_WARN : DOCTOR_OK,
                    text_format("%.0f MB are free here (statvfs)", bytes / 1e6),
                    bytes < enough ? "a full disk stops a tournament (nothing measured is lost): "
                                     "make room, 100 MB are plenty"
                                   : "");
}

static void look_at_root(const struct doctor_input *input, struct doctor_finding *finding)
{
    if (input->source->root[0] == '\0')
        doctor_find(finding, DOCTOR_OK, text_copy("/proc and /sys of this machine"), "");
    else
        doctor_find(
            finding,
            DOCTOR_WARN,
            text_format("/proc and /sys are read below %s (VELO_DOCTOR_ROOT)", input->source->root),
            "what is said here is not about this machine: unset VELO_DOCTOR_ROOT");
}

const struct doctor_check doctor_tool_checks[] = {
    {"tools", false, look_at_tools},
    {"descriptors", false, look_at_descriptors},
    {"disk", false, look_at_disk},
    {"root", false, look_at_root},
    {NULL, false, NULL},
};
