/* SPDX-License-Identifier: MIT */
/*
 * project.h - where things are: the root of the checkout and the programs of this build.
 *
 * build/V/velo finds both from its own path, so that it works from any directory and
 * build/asan/velo races the asan builds. The program then works in the root: the commands that it
 * prints and records are relative to it.
 */
#ifndef VELO_PROJECT_H
#define VELO_PROJECT_H

#include <stddef.h>

struct project {
    char *root;  /* absolute */
    char *build; /* relative to root, e.g. "build/release" */
    char *start; /* absolute: where the user stood when the program was called */
};

/* Finds the project and makes its root the working directory. Returns: 0; -errno after a message.
 */
int project_open(struct project *project);

void project_close(struct project *project);

/* [path], as the user wrote it, seen from the root; the caller frees. */
char *project_user_path(const struct project *project, const char *path);

/* git's word on HEAD: short commit, with "-dirty" appended where the tree differs; "unknown"
 * without git. */
char *project_commit(void);

#endif
