/* SPDX-License-Identifier: MIT */
/* uring_absent.c - the probes of uring.c where this program was built without liburing. */
#include "limits.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

static int absent(struct bench *bench)
{
    snprintf(bench->reason, sizeof bench->reason, "built without liburing (scripts/setup.sh)");
    return -ENOTSUP;
}

static double nothing(struct bench *bench)
{
    (void)bench;
    return NAN;
}

const struct limit limits_uring[] = {
    {.id = "C18", .name = "io_uring, nop", .method = "", .setup = absent, .once = nothing},
    {.id = "C18b", .name = "io_uring, nop of 32", .method = "", .setup = absent, .once = nothing},
    {.id = "C19",
     .name = "ring message round trip",
     .method = "",
     .setup = absent,
     .once = nothing},
    {.id = "C22",
     .name = "io_uring, event of many",
     .method = "",
     .setup = absent,
     .once = nothing},
    {.id = "C22p",
     .name = "io_uring, true event of many",
     .method = "",
     .setup = absent,
     .once = nothing},
    {.id = NULL},
};
