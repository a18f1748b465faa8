/* SPDX-License-Identifier: MIT */
/*
 * doctor_source.h - where the doctor looks: the files of the kernel, twice, about a second apart.
 *
 * All paths go through a root. It is empty for the machine itself; a test puts a tree of its own
 * there (VELO_DOCTOR_ROOT), with the second look below ROOT/later, and then nobody waits.
 */
#ifndef VELO_DOCTOR_SOURCE_H
#define VELO_DOCTOR_SOURCE_H

#include "proc.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A process, and what it used of the CPUs between the two looks. */
struct doctor_process {
    pid_t pid;
    pid_t parent;
    char name[32];
    unsigned long long ticks; /* since its start */
};

struct doctor_look {
    struct proc_cpu cpu;
    unsigned long long swapped; /* pages, in and out */
    struct doctor_process *processes;
    size_t process_count;
    bool good; /* cpu is known */
};

struct doctor_source {
    char *root; /* "" = this machine */
    struct doctor_look first, second;
    double ticks_s;      /* ticks per second */
    double own_ticks;    /* used by this process and its children between the looks */
    double clock_ns;     /* what one look at the clock takes; NAN if not measured */
    double disk_bytes;   /* free below the working directory; NAN if unknown */
    const char *preload; /* LD_PRELOAD of this process, "" if none */
};

/* Takes both looks; waits between them only on the machine itself. */
void doctor_source_open(struct doctor_source *source, const char *root);
void doctor_source_close(struct doctor_source *source);

/* The whole of a file, or its first line without the newline; the caller frees; NULL if unreadable.
 */
char *doctor_file(const struct doctor_source *source, const char *path);
char *doctor_line(const struct doctor_source *source, const char *path);

/* What stands behind "[key]:" in a file of such lines; the caller frees; NULL if there is none. */
char *doctor_value(const struct doctor_source *source, const char *path, const char *key);

/* The numbers of "0-3,8" into [cpus], at most [room]; returns how many there are. */
size_t doctor_cpu_list(const char *text, int *cpus, size_t room);

/* Share of all CPU time between the looks that others used: foreign processes, or the hypervisor.
 * NAN when it is not known. */
double doctor_foreign_share(const struct doctor_source *source);
double doctor_steal_share(const struct doctor_source *source);

/*
 * The foreign processes that used most between the looks, at most [room], with what they used as
 * ticks; neither this process nor what it started. Returns how many.
 */
size_t
doctor_busiest(const struct doctor_source *source, struct doctor_process *busiest, size_t room);

#endif
