/* SPDX-License-Identifier: MIT */
/* capability.c - one table of names; everything else follows from it. */
#include "capability.h"

#include "velo.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    uint64_t bit;
} names[] = {
    {"GLOBAL_FIFO", VELO_CAP_GLOBAL_FIFO},
    {"PRIORITY", VELO_CAP_PRIORITY},
    {"MICROTASKS", VELO_CAP_MICROTASKS},
    {"IMMEDIATES", VELO_CAP_IMMEDIATES},
    {"TIMERS", VELO_CAP_TIMERS},
    {"TIMER_ANY_THREAD", VELO_CAP_TIMER_ANY_THREAD},
    {"FDS", VELO_CAP_FDS},
    {"FD_EDGE", VELO_CAP_FD_EDGE},
    {"FAST_PATH", VELO_CAP_FAST_PATH},
    {"UNTIL_IDLE", VELO_CAP_UNTIL_IDLE},
    {"BATCH", VELO_CAP_BATCH},
    {"BOUNDED", VELO_CAP_BOUNDED},
    {"METRICS", VELO_CAP_METRICS},
    {"BACKEND_FD", VELO_CAP_BACKEND_FD},
    {"OFFLOAD", VELO_CAP_OFFLOAD},
    {"SIGNAL_SAFE", VELO_CAP_SIGNAL_SAFE},
};

#define NAME_COUNT (sizeof names / sizeof names[0])

uint64_t capability_bit(const char *name)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (strcmp(names[i].name, name) == 0)
            return names[i].bit;
    return 0;
}

const char *capability_name(uint64_t bit)
{
    for (size_t i = 0; i < NAME_COUNT; i++)
        if (names[i].bit == bit)
            return names[i].name;
    return NULL;
}

void capability_list(uint64_t bits, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (size_t i = 0; i < NAME_COUNT && used < size; i++)
        if (bits & names[i].bit) {
            const char *comma = used > 0 ? ", " : "";
            used += (size_t)snprintf(out + used, size - used, "%s%s", comma, names[i].name);
        }
}
