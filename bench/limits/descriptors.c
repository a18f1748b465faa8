/* SPDX-License-Identifier: MIT */
/* descriptors.c - see descriptors.h. */
#include "descriptors.h"

#include <errno.h>
#include <stdio.h>
#include <sys/resource.h>

enum { SPARE = 64 }; /* for whatever else the process has open */

int descriptor_room(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return 0;
    return limit.rlim_cur > DESCRIPTORS_MANY + SPARE ? DESCRIPTORS_MANY
                                                     : (int)limit.rlim_cur - SPARE;
}

int descriptors_too_few(struct bench *bench)
{
    snprintf(bench->reason,
             sizeof bench->reason,
             "needs %d descriptors (ulimit -n)",
             DESCRIPTORS_READY + SPARE);
    return -EMFILE;
}

void descriptors_remark(struct bench *bench, int count)
{
    if (count < DESCRIPTORS_MANY)
        snprintf(bench->reason,
                 sizeof bench->reason,
                 "with %d descriptors, not %d",
                 count,
                 DESCRIPTORS_MANY);
}
