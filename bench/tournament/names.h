/* SPDX-License-Identifier: MIT */
/*
 * names.h - a list of names, and the complaint when somebody asks for one that is not in it.
 */
#ifndef VELO_NAMES_H
#define VELO_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
    char **items; /* owned strings; NULL while count is 0 */
    size_t count;
};

void names_add(struct names *names, const char *name);
bool names_has(const struct names *names, const char *name);
void names_sort(struct names *names);
void names_free(struct names *names);

/* The parts of "a,b,c", without blanks around them and without empty parts. */
void names_split(struct names *names, const char *list);

/* "a, b, c", which the caller frees; "(none)" for the empty list. */
char *names_join(const struct names *names);

/* The known name closest to [wanted], or NULL when none is close enough to be what was meant. */
const char *names_nearest(const struct names *names, const char *wanted);

/* Says that there is no [kind] called [wanted], which name was perhaps meant, and which exist. */
void names_complain(const struct names *names, const char *kind, const char *wanted);

#endif
