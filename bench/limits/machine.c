/* SPDX-License-Identifier: MIT */
/* machine.c - see machine.h. */
#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The first line of a file; "unknown" without it. */
static void read_line(const char *path, char text[MACHINE_TEXT_BYTES])
{
    FILE *file = fopen(path, "re");
    if (!file || !fgets(text, MACHINE_TEXT_BYTES, file))
        snprintf(text, MACHINE_TEXT_BYTES, "unknown");
    text[strcspn(text, "\n")] = '\0';
    if (file)
        fclose(file);
}

/* The value of the first line of /proc/cpuinfo that begins with [key]. */
static void read_cpuinfo(const char *key, char *text, size_t size)
{
    static char line[4096]; /* the line of flags is long */
    FILE *file = fopen("/proc/cpuinfo", "re");
    text[0] = '\0';
    while (file && text[0] == '\0' && fgets(line, sizeof line, file)) {
        const char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, strlen(key)) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        snprintf(text, size, "%.*s", (int)strcspn(colon, "\n"), colon);
    }
    if (file)
        fclose(file);
}

static void processor(char text[MACHINE_TEXT_BYTES])
{
    read_cpuinfo("model name", text, MACHINE_TEXT_BYTES);
    if (text[0] == '\0')
        snprintf(text, MACHINE_TEXT_BYTES, "unknown");
}

static void allowed_cpus(char text[MACHINE_TEXT_BYTES])
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[256];
    snprintf(text, MACHINE_TEXT_BYTES, "unknown");
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, "Cpus_allowed_list:\t", 19) == 0)
            snprintf(text, MACHINE_TEXT_BYTES, "%.*s", (int)strcspn(line + 19, "\n"), line + 19);
    if (file)
        fclose(file);
}

/* The processor itself tells a guest that it is one. */
static void hypervisor(char text[MACHINE_TEXT_BYTES])
{
    static char flags[4096];
    read_cpuinfo("flags", flags, sizeof flags);
    if (flags[0] == '\0')
        snprintf(text, MACHINE_TEXT_BYTES, "unknown");
    else
        snprintf(text, MACHINE_TEXT_BYTES, "%s", strstr(flags, " hypervisor") ? "yes" : "no");
}

/* "always [madvise] never" -> "madvise" */
static void huge_pages(char text[MACHINE_TEXT_BYTES])
{
    char line[MACHINE_TEXT_BYTES];
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", line);
    const char *open = strchr(line, '[');
    if (open)
        snprintf(text, MACHINE_TEXT_BYTES, "%.*s", (int)strcspn(open + 1, "]"), open + 1);
    else
        snprintf(text, MACHINE_TEXT_BYTES, "%s", line);
}

/* Whether a ring can really be had, C18 shows. */
static void rings(char text[MACHINE_TEXT_BYTES])
{
    static const char *const words[] = {"allowed", "for a group only", "forbidden"};
    char line[MACHINE_TEXT_BYTES];
    read_line("/proc/sys/kernel/io_uring_disabled", line);
    long state = strtol(line, NULL, 10);
    snprintf(text,
             MACHINE_TEXT_BYTES,
             "%s",
             line[0] == 'u' || state < 0 || state > 2 ? "unknown" : words[state]);
}

void machine_describe(struct machine_fact facts[MACHINE_FACTS])
{
    static const char *const keys[MACHINE_FACTS] = {"processor",
                                                    "allowed CPUs",
                                                    "hypervisor",
                                                    "idle driver",
                                                    "clock source",
                                                    "huge pages",
                                                    "io_uring"};
    for (size_t i = 0; i < MACHINE_FACTS; i++)
        facts[i].key = keys[i];
    processor(facts[0].text);
    allowed_cpus(facts[1].text);
    hypervisor(facts[2].text);
    read_line("/sys/devices/system/cpu/cpuidle/current_driver", facts[3].text);
    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", facts[4].text);
    huge_pages(facts[5].text);
    rings(facts[6].text);
}
