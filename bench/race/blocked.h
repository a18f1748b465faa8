/* SPDX-License-Identifier: MIT */
/* blocked.h - does a thread of this process sleep in the kernel? As /proc tells it. */
#ifndef BENCH_RACE_BLOCKED_H
#define BENCH_RACE_BLOCKED_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* Where the kernel tells of thread [tid]: a descriptor that the caller closes, -1 without /proc. */
static inline int blocked_open(pid_t tid)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)tid);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Is it blocked now? "TID (name) S ...": the letter after the last parenthesis. False where nothing
 * can be read. */
static inline bool blocked_look(int stat_fd)
{
    char text[512];
    ssize_t size = stat_fd < 0 ? -1 : pread(stat_fd, text, sizeof text - 1, 0);
    if (size <= 0)
        return false;
    text[size] = '\0';
    const char *end = strrchr(text, ')');
    return end != NULL && end[1] == ' ' && end[2] == 'S';
}

#endif
