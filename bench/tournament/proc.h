/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what the kernel tells in files. All paths go through a root: "" is this machine, a test
 * puts a tree of its own there (VELO_DOCTOR_ROOT).
 */
#ifndef VELO_PROC_H
#define VELO_PROC_H

#include <stdbool.h>

/* Processor time of all CPUs since the start, in ticks. */
struct proc_cpu {
    unsigned long long busy; /* not what was stolen */
    unsigned long long steal;
    unsigned long long total; /* with idle ones */
};

/* The root that the environment names, or "". */
const char *proc_root(void);

/* The whole of a file, for free(); NULL if it cannot be read. */
char *proc_file(const char *root, const char *path);

/* False if it is not known; all of it is 0 then. */
bool proc_cpu(const char *root, struct proc_cpu *cpu);

/* Processor time that this process and its ended children have used, in seconds. */
double proc_own_seconds(void);

#endif
