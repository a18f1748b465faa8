/* SPDX-License-Identifier: MIT */
/* capability.h - the names of the capability bits, as scenarios write them: "TIMERS", "FDS". */
#ifndef RACE_CAPABILITY_H
#define RACE_CAPABILITY_H

#include <stddef.h>
#include <stdint.h>

/* The bit of that name, or 0. */
uint64_t capability_bit(const char *name);

/* The name of one bit, or NULL. */
const char *capability_name(uint64_t bit);

/* Write the names in [bits], separated by ", ". */
void capability_list(uint64_t bits, char *out, size_t size);

#endif
