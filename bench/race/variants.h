/* SPDX-License-Identifier: MIT */
/*
 * variants.h - the single decisions whose price can be asked: one table, read by everybody.
 *
 * A variant is a contestant with one decision changed, nothing else: an option of its loop; the way
 * in which the load uses it (level or edge, tasks per batch); or one of the parts that it is linked
 * with (the timer store). NAME:VARIANT enters a tournament,
 * --variant VARIANT runs one measurement, `velo prices` races each against its own contestant. A
 * new one is a row in variants.c.
 */
#ifndef RACE_VARIANTS_H
#define RACE_VARIANTS_H

#include <stdbool.h>
#include <stddef.h>

struct params;
struct velo_options;

struct variant {
    const char *name;     /* as it is typed */
    const char *decision; /* what it changes, in words: "no idle spin" */
    const char *needs;    /* the capability without which it would change nothing; "" = none */
    bool refuses_fds;     /* cannot run what needs descriptors */
    void (*apply)(struct velo_options *options); /* NULL: the loop stays as it is */
    bool linked; /* other parts: programs of its own, in the folder NAME/VARIANT of the build */
    const char *setting; /* of the load, which is given [value] instead; NULL = none */
    const char *value;
};

extern const struct variant variant_table[];
extern const size_t variant_count;

/* The variant called [name], or NULL. */
const struct variant *variant_find(const char *name);

/*
 * What this program was linked as: the name of a linked variant, or "". Each is a file of linked/,
 * which defines this name and the part.
 */
extern const char variant_linked[];

/*
 * Give the setting of [variant], if it has one, its value. False: that changes nothing, because the
 * load has no such setting or has that value already.
 */
bool variant_set(const struct variant *variant, struct params *params);

/* "disabled, forced, ..." into [text], for messages and help. */
const char *variant_names(char *text, size_t size);

#endif
