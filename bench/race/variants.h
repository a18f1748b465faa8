/* SPDX-License-Identifier: MIT */
/*
 * variants.h - the single decisions whose price can be asked: one table, read by everybody.
 *
 * A variant is a contestant with one option of its loop changed, nothing else. NAME:VARIANT enters
 * a tournament, --variant VARIANT runs one measurement, `velo prices` races each against its own
 * contestant. A new one is a row in variants.c.
 */
#ifndef RACE_VARIANTS_H
#define RACE_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

struct velo_options;

struct variant {
    const char *name;     /* as it is typed */
    const char *decision; /* what it changes, in words: "no idle spin" */
    const char *needs;    /* the capability without which it would change nothing; "" = none */
    bool refuses_fds;     /* cannot run what needs descriptors */
    void (*apply)(struct velo_options *options);
};

extern const struct variant variant_table[];
extern const size_t variant_count;

/* The variant called [name], or NULL. */
const struct variant *variant_find(const char *name);

/* "disabled, forced, ..." into [text], for messages and help. */
const char *variant_names(char *text, size_t size);

#endif
