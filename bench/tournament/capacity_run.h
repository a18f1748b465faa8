/* SPDX-License-Identifier: MIT */
/*
 * capacity_run.h - the search for capacities: which runs, in which order, what is written down.
 *
 * reports/capacity/ID/ holds plan.json (what was asked, hashes of the programs, the redo rule),
 * env.json (the machine, what the doctor found), raw.ndjson (a line for every run and every attempt
 * at a block, each with the hash of the line before) and capacity.json (the result). The statistics
 * are reports/judge/capacity.h.
 */
#ifndef VELO_CAPACITY_RUN_H
#define VELO_CAPACITY_RUN_H

#include "../../reports/judge/capacity.h"
#include "names.h"
#include "project.h"

#include <jansson.h>
#include <stdint.h>

#define CAPACITY_BASE "reports/capacity"

struct capacity_request {
    struct names only, extra;
    const char *scenario; /* of the race lane, with latency_p99_ns and a percentage of a rate */
    double limit_ns;
    double precision;
    uint64_t seed;
    unsigned budget_s;
    unsigned window_ms;
    const char *resume; /* a folder below reports/capacity, or NULL */
    bool json;
    struct names force; /* findings of the doctor that are overridden, */
    bool anyway;        /* or all of them */
};

/* Searches, writes, prints. Returns the exit status. */
int capacity_search(struct project *project, const struct capacity_request *request);

/* The result as a table. */
void capacity_print(const json_t *result);

#endif
