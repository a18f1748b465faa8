/* SPDX-License-Identifier: MIT */
/*
 * registry.h - which contestants were built: nothing is registered, what stands there is found.
 *
 * A contestant is a directory that holds a program called race: build/V/NAME, or a directory given
 * with --extra, whose name is then the contestant's name. Where only a file not-run stands, the
 * library of a guest was not found when it was built, and the file says so: it is absent.
 */
#ifndef VELO_REGISTRY_H
#define VELO_REGISTRY_H

#include "names.h"
#include "project.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct contestant {
    char *name;
    char *dir; /* relative to the root, or as given with --extra */
};

/* A contestant that was not built, and why. */
struct absent {
    char *name;
    char *reason;
};

struct registry {
    struct contestant *items; /* sorted by name */
    size_t count;
    struct absent *absent; /* sorted by name */
    size_t absent_count;
};

/*
 * Finds what was built, and the directories of [extra].
 * Returns: 0; -errno after a message (a directory without programs, two contestants of one name).
 */
int registry_load(struct registry *registry,
                  const struct project *project,
                  const struct names *extra);

void registry_free(struct registry *registry);

/* The contestant called [name], or NULL. */
const struct contestant *registry_find(const struct registry *registry, const char *name);

/* Is that a variant with programs of its own? */
bool registry_is_linked(const char *variant);

/* [contestant], but with the programs of a linked variant; its dir is the caller's to free. */
struct contestant registry_linked(const struct contestant *contestant, const char *variant);

/* All names, for messages. */
struct names registry_names(const struct registry *registry);

/* There is no contestant called [name]: says so on stderr, or why it is absent. */
void registry_complain(const struct registry *registry, const char *name);

/* [{"contestant":..., "reason":...}]: who is absent. The new reference is the caller's. */
json_t *registry_absent_json(const struct registry *registry);

/* The path of one of its programs (race, micro, process, conformance), or NULL if it has none such.
 */
char *contestant_program(const struct contestant *contestant, const char *program);

#endif
