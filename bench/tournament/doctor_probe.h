/* SPDX-License-Identifier: MIT */
/*
 * doctor_probe.h - how noisy is it right now? The baseline against itself, a few seconds long.
 *
 * Pairs of adjacent short runs of one program in one scenario: the spread of the logarithms of
 * their ratios is what pairing inside blocks leaves of the noise of this machine at this hour. It
 * is a look, no evidence: another scenario may be calmer or wilder.
 */
#ifndef VELO_DOCTOR_PROBE_H
#define VELO_DOCTOR_PROBE_H

#include "registry.h"

#include <stddef.h>

struct doctor_probe {
    char *what;    /* "mutex in burst n=64"; NULL when there was no probe */
    char *why_not; /* then this says why; NULL otherwise */
    size_t pairs;
    double spread; /* of ln(cost / cost of the next run); NAN without pairs */
};

void doctor_probe_run(struct doctor_probe *probe, const struct registry *registry);
void doctor_probe_free(struct doctor_probe *probe);

#endif
