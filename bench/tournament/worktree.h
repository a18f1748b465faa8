/* SPDX-License-Identifier: MIT */
/*
 * worktree.h - the contestants of another commit, built, so that they can race those of here.
 *
 * The commit is checked out as a worktree below build/gate/, built there, and taken away again;
 * what stays are its programs, build/gate/COMMIT/NAME@REF/. The harness (bench/, scenarios/,
 * Makefile) is the one of here: both sides must be measured by the same program, or a change of the
 * measure would count as a change of the contestant. The library (common/, impls/) and its
 * conformance suite are those of the commit.
 */
#ifndef VELO_WORKTREE_H
#define VELO_WORKTREE_H

#include "interrupt.h"
#include "names.h"
#include "project.h"

#include <stdbool.h>

struct worktree {
    char *name;   /* what stands behind the @: a branch, or the short commit */
    char *commit; /* ten digits */
    char *folder; /* build/gate/COMMIT */
};

/*
 * What [against] means: a run (then the commit that its env.json names), or anything that git can
 * resolve. Returns: 0; -EINVAL after a message that says which exist.
 */
int worktree_find(struct worktree *past, const struct project *project, const char *against);
void worktree_free(struct worktree *past);

/* Does the commit have a contestant of this name? */
bool worktree_has(const struct worktree *past, const char *contestant);

/*
 * Builds the programs of [contestants] here and of the commit. [own_harness]: with the harness of
 * the commit instead of ours. Nothing but the programs is left behind, also after a failure or an
 * interruption.
 * Returns: 0; -EINTR when interrupted; -EIO after a message with the end of what make said.
 */
int worktree_build(const struct worktree *past,
                   const struct project *project,
                   const struct names *contestants,
                   bool own_harness,
                   struct interrupt *interrupt);

/* The folder of a contestant of the commit, absolute, for --extra; the caller frees. */
char *
worktree_dir(const struct worktree *past, const struct project *project, const char *contestant);

/* Are the programs of here and of the commit the same code? Debug information does not count. */
bool worktree_same_code(const struct worktree *past,
                        const struct project *project,
                        const char *contestant);

#endif
