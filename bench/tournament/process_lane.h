/* SPDX-License-Identifier: MIT */
/*
 * process_lane.h - whole programs timed from outside by hyperfine: what the other lanes cannot see.
 *
 * One call of hyperfine per run, in our order, because it runs commands one after another and
 * cannot interleave them: `hyperfine -N --warmup 0 --runs 1`. A program that fails is absent from
 * its JSON.
 */
#ifndef VELO_PROCESS_LANE_H
#define VELO_PROCESS_LANE_H

#include "child.h"

#include <jansson.h>
#include <stdbool.h>

/* The scenarios of this lane, in the form in which `micro --list --json` describes its own. */
json_t *process_lane_describe(void);

/* Why [program] cannot run the point with these parameters, in its own words; NULL: it can. The
 * caller frees. */
char *process_lane_refusal(const char *program, const json_t *params);

/* True when hyperfine can be found in PATH. */
bool process_lane_available(void);

/* What to type to repeat one run by hand: the program without hyperfine; the caller frees. */
char *process_lane_command(const char *program, const json_t *params);

/*
 * Runs [program] once under hyperfine.
 * Returns: 0 and the result of the hyperfine process; *line is then the run line, or NULL if there
 * is none because it failed, and *reason says why (the caller frees). -errno if it could not be
 * watched.
 */
int process_lane_run(const char *program,
                     const json_t *params,
                     struct child_request request,
                     struct child_result *result,
                     json_t **line,
                     char **reason);

#endif
