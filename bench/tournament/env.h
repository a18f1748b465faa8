/* SPDX-License-Identifier: MIT */
/*
 * env.h - on what a tournament ran: machine, kernel, compiler, tools, and what should make a reader
 * wary.
 *
 * What cannot be found out is "unknown": in a guest that is normal for the governor and for turbo.
 */
#ifndef VELO_ENV_H
#define VELO_ENV_H

#include <jansson.h>

/* A new object for env.json; its "warnings" is an array of sentences. */
json_t *env_describe(void);

/* SHA-256 of this program, which stands in env.json too: who judges by the same code. For free().
 */
char *env_program_hash(void);

#endif
