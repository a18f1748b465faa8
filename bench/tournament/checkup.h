/* SPDX-License-Identifier: MIT */
/* checkup.h - the doctor at the door of whatever measures for a verdict. */
#ifndef VELO_CHECKUP_H
#define VELO_CHECKUP_H

#include "doctor.h"
#include "names.h"
#include "progress.h"
#include "registry.h"

#include <jansson.h>
#include <stdbool.h>

struct checkup_wish {
    const struct registry *registry; /* who will run */
    const char *build;               /* the folder of what was built */
    const struct names *force;       /* findings that are overridden, */
    bool anyway;                     /* or all of them */
};

/*
 * Asks the doctor, says what it warns of, and refuses what it refuses unless it is overridden. The
 * caller holds the lock of the machine and frees [doctor].
 * Returns: 0; -EPERM when refused; -EINVAL when a name of [force] is no check; both after a
 * message.
 */
int checkup(struct doctor *doctor, struct progress *progress, const struct checkup_wish *wish);

/* Warnings and overrides as "note" lines for the journal of a run that is gone on with; a new
 * array. */
json_t *checkup_events(const struct doctor *doctor);

#endif
