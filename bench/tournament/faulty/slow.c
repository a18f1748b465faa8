/* SPDX-License-Identifier: MIT */
/*
 * slow.c - no fault: correct, and each submit takes some nanoseconds longer; see faulty.h.
 *
 * How many stands in the file spin_ns beside the program as it was called (a link to it is enough),
 * so that one binary gives contestants of every slowness, identical but for that number; without
 * the file it is none. The spin counts steps, because reading a clock takes longer than what is
 * to be spun; how long one step takes is measured when the program starts.
 */
#include "faulty.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { CALIBRATIONS = 7, CALIBRATION_STEPS = 100000 };

/* Steps per submit; written before main, then only read. */
static uint64_t spin_steps;

/* A chain of single additions, each waiting for the one before. */
#define ONE(x)                                                                                     \
    do {                                                                                           \
        (x)++;                                                                                     \
        __asm__ volatile("" : "+r"(x));                                                            \
    } while (0)
#define TWO(x)                                                                                     \
    ONE(x);                                                                                        \
    ONE(x)
#define FOUR(x)                                                                                    \
    TWO(x);                                                                                        \
    TWO(x)
#define EIGHT(x)                                                                                   \
    FOUR(x);                                                                                       \
    FOUR(x)
#define SIXTEEN(x)                                                                                 \
    EIGHT(x);                                                                                      \
    EIGHT(x)

/*
 * By binary digits, so that each branch goes the same way every time: a loop over single steps ends
 * by a branch that is predicted wrongly from some length on, and that costs more than the steps.
 */
static void spin(uint64_t steps)
{
    uint64_t x = 0;
    if (steps & 1)
        ONE(x);
    if (steps & 2) {
        TWO(x);
    }
    if (steps & 4) {
        FOUR(x);
    }
    if (steps & 8) {
        EIGHT(x);
    }
    if (steps & 16) {
        SIXTEEN(x);
    }
    for (steps /= 32; steps > 0; steps--) {
        SIXTEEN(x);
        SIXTEEN(x);
    }
}

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* The shortest of several: whatever disturbs makes it longer. */
static double step_ns(void)
{
    double least_ns = 0;
    for (int i = 0; i < CALIBRATIONS; i++) {
        double start_ns = now_ns();
        spin(CALIBRATION_STEPS);
        double taken_ns = now_ns() - start_ns;
        if (i == 0 || taken_ns < least_ns)
            least_ns = taken_ns;
    }
    return least_ns / CALIBRATION_STEPS;
}

static double wanted_ns(void)
{
    char path[4096];
    double ns = 0;
    const char *slash = strrchr(program_invocation_name, '/');
    int length = slash != NULL ? (int)(slash - program_invocation_name) : 0;
    snprintf(
        path, sizeof(path), "%.*s/spin_ns", length, slash != NULL ? program_invocation_name : "");
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lf", &ns) != 1)
        ns = 0;
    fclose(file);
    return ns;
}

__attribute__((constructor)) static void calibrate(void)
{
    double one_ns = step_ns();
    spin_steps = one_ns > 0 ? (uint64_t)(wanted_ns() / one_ns + 0.5) : 0;
}

int __wrap_velo_submit(struct velo_loop *loop, velo_fn fn, void *arg)
{
    spin(spin_steps);
    return __real_velo_submit(loop, fn, arg);
}
