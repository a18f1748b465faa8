/* SPDX-License-Identifier: MIT */
/* random_suites.h - `velo conformance --random`: random programs against the model of the contract.
 */
#ifndef VELO_RANDOM_SUITES_H
#define VELO_RANDOM_SUITES_H

#include "names.h"
#include "registry.h"

#include <stdint.h>

/*
 * Runs [count] programs, from [seed] on, with each contestant of [wanted] in every fast path mode;
 * what the suite says goes to stdout and stderr as it comes.
 * Returns: the exit status of velo; EXIT_DISQUALIFIED if some contestant fails.
 */
int random_suites_run(const struct registry *registry,
                      const struct names *wanted,
                      uint64_t count,
                      uint64_t seed);

#endif
