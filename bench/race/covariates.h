/* SPDX-License-Identifier: MIT */
/*
 * covariates.h - what the window cost besides time, and what disturbed it: processor time,
 * switches, faults, memory, time spent waiting for a processor.
 */
#ifndef RACE_COVARIATES_H
#define RACE_COVARIATES_H

#include <stdint.h>

struct covariates {
    uint64_t cpu_ns; /* all threads of the process */
    uint64_t user_ns;
    uint64_t system_ns;
    uint64_t voluntary_switches;
    uint64_t involuntary_switches;
    uint64_t minor_faults;
    uint64_t major_faults;
    uint64_t max_rss_bytes;   /* of the whole process life, not of the window */
    int64_t runqueue_wait_ns; /* of all threads alive now; -1 = the kernel does not tell */
};

/* Read them as of now, but for max_rss_bytes. */
void covariates_read(struct covariates *out);

/* What happened between two readings; max_rss_bytes is read here, outside of both. */
void covariates_delta(struct covariates *out,
                      const struct covariates *before,
                      const struct covariates *after);

/* Resident memory now, in bytes; 0 when the kernel does not tell. */
uint64_t covariates_rss_bytes(void);

/* The most that was resident since this program began, in bytes; 0 when the kernel does not tell.
 */
uint64_t covariates_peak_rss_bytes(void);

#endif
