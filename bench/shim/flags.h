/* SPDX-License-Identifier: MIT */
/*
 * flags.h - which flags Google Benchmark 1.7.1 takes, and with which values.
 *
 * The library ignores what it does not know, keeps its default on a value that it cannot read, and
 * ends the program in the middle for some. So the shim asks here first.
 */
#ifndef BENCH_SHIM_FLAGS_H
#define BENCH_SHIM_FLAGS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Is this argument the library's? Everything else is the caller's. */
bool flag_is_ours(const char *arg);

/* False, with the reason and what would be right in [error]. */
bool flag_check(const char *arg, char *error, size_t size);

/* The library reads defaults of its flags from the environment, before main. False if there are. */
bool flag_check_environment(char *error, size_t size);

#ifdef __cplusplus
}
#endif

#endif
