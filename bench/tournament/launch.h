/* SPDX-License-Identifier: MIT */
/* launch.h - what the commands that start a tournament have in common. */
#ifndef VELO_LAUNCH_H
#define VELO_LAUNCH_H

#include "tournament.h"

/* Two rows of a table of options. */
#define LAUNCH_FORCE_OPTIONS(names, all)                                                           \
    {"force",                                                                                      \
     "NAME,..",                                                                                    \
     "start although the doctor refuses these; the report says so",                                \
     names,                                                                                        \
     NULL},                                                                                        \
    {                                                                                              \
        "anyway", NULL, "start whatever the doctor refuses; the report says so", NULL, all         \
    }

/* The seed: as given, or from the kernel; 53 bits: exact in every JSON reader. False after a
 * message. */
bool launch_seed(const char *given, struct tournament_request *request);

/* Below this no tournament can do anything. */
enum { LAUNCH_BUDGET_LEAST_S = 5 };

/* The budget in seconds, 0 if none is given. False after a message. */
bool launch_budget(const char *given, unsigned *budget_s);

/* Opens the project and starts, or goes on with [resume]; frees the lists of [request].
 * Returns the exit status. */
int launch_tournament(struct tournament_request *request, const char *resume, const char *out);

#endif
