/* SPDX-License-Identifier: MIT */
/*
 * noise.h - how much CPU time went to somebody else: other processes and the hypervisor (steal).
 *
 * Busy and stolen time of all CPUs (/proc/stat, ticks of 10 ms) minus what this process and its
 * children used, as a share of the CPU time that passed. The costs are never looked at.
 * VELO_DOCTOR_ROOT puts another tree in place of /proc, as it does for the doctor, who warns of it.
 */
#ifndef VELO_NOISE_H
#define VELO_NOISE_H

#include <stdbool.h>

struct noise_mark {
    double busy_s;     /* all CPUs, stolen time included; negative when it cannot be read */
    double steal_s;    /* of it, what the hypervisor took */
    double own_s;      /* this process and its finished children */
    double pressure_s; /* somebody waited for a CPU (/proc/pressure/cpu); negative: unknown */
    double wall_s;
};

void noise_mark(struct noise_mark *mark);

/*
 * The foreign share between two marks, 0..1; 0 when /proc/stat cannot be read. Three ticks, which
 * is what rounding alone can give, count as none.
 */
double noise_share(const struct noise_mark *from, const struct noise_mark *to);

/*
 * What is only recorded, because a contestant can cause it or because it is part of the above:
 * stolen time as a share of the CPU time that passed, and the share of the time in which somebody
 * waited for a CPU. NAN when the kernel does not tell.
 */
double noise_steal_share(const struct noise_mark *from, const struct noise_mark *to);
double noise_pressure_share(const struct noise_mark *from, const struct noise_mark *to);

#endif
