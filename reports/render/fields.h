/* SPDX-License-Identifier: MIT */
/* fields.h - reading JSON objects with fields that may be absent: "" and NAN stand for those. */
#ifndef VELO_REPORT_FIELDS_H
#define VELO_REPORT_FIELDS_H

#include <jansson.h>
#include <math.h>

static inline const char *field_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static inline double field_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? json_number_value(value) : NAN;
}

static inline long field_count(const json_t *object, const char *key, long fallback)
{
    const json_t *value = json_object_get(object, key);
    return json_is_number(value) ? (long)json_number_value(value) : fallback;
}

#endif
