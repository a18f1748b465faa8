/* SPDX-License-Identifier: MIT */
/*
 * json.h - reading what other programs wrote: a missing or wrong key is a default, not a crash.
 */
#ifndef VELO_JSON_H
#define VELO_JSON_H

#include <jansson.h>
#include <stdbool.h>

/* The value of [key], or [otherwise] when it is missing or of another type. */
const char *json_text(const json_t *object, const char *key, const char *otherwise);
double json_double(const json_t *object, const char *key, double otherwise);
json_int_t json_int(const json_t *object, const char *key, json_int_t otherwise);
bool json_bool(const json_t *object, const char *key, bool otherwise);

/*
 * Writes [value] to [path], indented: a temporary file first, so that it is there whole or not at
 * all. Returns: 0; -errno after a message.
 */
int json_write_file(const json_t *value, const char *path);

/*
 * Adds [value] as a line to the end of [path], whole or not at all; a line that a crash tore there
 * stays one of its own. Returns: 0; -errno after a message.
 */
int json_append_line(const json_t *value, const char *path);

#endif
