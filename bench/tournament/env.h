/* SPDX-License-Identifier: MIT */
/*
 * env.h - on what a tournament ran: machine, kernel, compiler, tools, and what should make a reader
 * wary.
 *
 * What cannot be found out is "unknown": in a guest that is normal for the governor and for turbo.
 */
#ifndef VELO_ENV_H
#define VELO_ENV_H

#include "doctor.h"

#include <jansson.h>
#include <stdbool.h>

/*
 * A new object for env.json: with all that the [doctor] found, and sentences in "warnings" and
 * "overrides".
 */
json_t *env_describe(const struct doctor *doctor);

/* A new object that only says which machine this is. */
json_t *env_machine(void);

/* Do two such objects name one machine: host, CPU model and number of CPUs? */
bool env_is_same_machine(const json_t *a, const json_t *b);

/* SHA-256 of this program, which stands in env.json too: who judges by the same code. For free().
 */
char *env_program_hash(void);

#endif
