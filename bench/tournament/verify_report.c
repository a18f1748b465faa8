/* SPDX-License-Identifier: MIT */
/* verify_report.c - how a recomputed value meets the recorded one, and what is said about it. */
#include "verify.h"

#include "exit_code.h"
#include "text.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Another libm, another last digit. */
#define TOLERANCE 1e-9

enum { VALUE_SHOWN_MAX = 160 };

struct verify_place verify_here(const struct verify *v, const char *key)
{
    return (struct verify_place){.file = "raw.ndjson", .line = v->line, .key = key};
}

static bool close_enough(double a, double b)
{
    return fabs(a - b) <= TOLERANCE * fmax(1, fmax(fabs(a), fabs(b)));
}

static bool equal_objects(const json_t *a, const json_t *b)
{
    const char *key;
    json_t *value;
    if (json_object_size(a) != json_object_size(b))
        return false;
    json_t *left = json_incref((json_t *)(uintptr_t)a); /* the loop wants it mutable */
    bool equal = true;
    json_object_foreach(left, key, value) equal =
        equal && verify_equal(value, json_object_get(b, key));
    json_decref(left);
    return equal;
}

bool verify_equal(const json_t *a, const json_t *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    if (json_is_number(a) && json_is_number(b))
        return close_enough(json_number_value(a), json_number_value(b));
    if (json_is_object(a) && json_is_object(b))
        return equal_objects(a, b);
    if (!json_is_array(a) || !json_is_array(b))
        return json_equal(a, b) == 1;
    bool equal = json_array_size(a) == json_array_size(b);
    for (size_t i = 0; equal && i < json_array_size(a); i++)
        equal = verify_equal(json_array_get(a, i), json_array_get(b, i));
    return equal;
}

static void say(struct verify *v,
                struct verify_place place,
                const char *recorded,
                const char *recomputed,
                const char *meaning)
{
    v->differences++;
    if (json_array_size(v->said) >= VERIFY_SHOWN_MAX)
        return;
    char *line = place.line > 0 ? text_format(":%zu", place.line) : text_copy("");
    char *text = text_format("DIFFERS %s/%s%s: %s\n        recorded:   %.*s\n        recomputed: "
                             "%.*s\n        %s",
                             v->folder,
                             place.file,
                             line,
                             place.key,
                             VALUE_SHOWN_MAX,
                             recorded,
                             VALUE_SHOWN_MAX,
                             recomputed,
                             meaning);
    json_array_append_new(v->said, json_string_nocheck(text));
    free(text);
    free(line);
}

bool verify_holds(struct verify *v,
                  bool holds,
                  struct verify_place place,
                  const char *recorded,
                  const char *recomputed,
                  const char *meaning)
{
    v->checked[v->part]++;
    if (!holds)
        say(v, place, recorded, recomputed, meaning);
    return holds;
}

static char *show(const json_t *value)
{
    char *text = value != NULL
                     ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(17))
                     : NULL;
    return text != NULL ? text : text_copy("(nothing)");
}

bool verify_same(struct verify *v,
                 struct verify_place place,
                 const json_t *recorded,
                 json_t *recomputed,
                 const char *meaning)
{
    const bool same = verify_equal(recorded, recomputed);
    v->checked[v->part]++;
    if (!same) {
        char *left = show(recorded);
        char *right = show(recomputed);
        say(v, place, left, right, meaning);
        free(left);
        free(right);
    }
    json_decref(recomputed);
    return same;
}

size_t
verify_first_difference(const char *a, const char *b, const char **line_a, const char **line_b)
{
    size_t line = 1;
    *line_a = a;
    *line_b = b;
    for (; *a == *b && *a != '\0'; a++, b++)
        if (*a == '\n') {
            line++;
            *line_a = a + 1;
            *line_b = b + 1;
        }
    return line;
}

void verify_note(struct verify *v, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    json_array_append_new(v->notes, json_string(text));
}

static void print_part(const struct verify *v, enum verify_part part)
{
    static const struct {
        const char *name, *what;
    } parts[VERIFY_PARTS] = {
        {"plan", "hash, seals and rules of the preset"},
        {"chain", "lines: whole, of this plan, linked, times in order, in their place"},
        {"gate", "results of the suite, and who was let in"},
        {"order", "orders, seeds, paddings and commands of runs, and who ran"},
        {"costs", "costs and outcomes, from what each run printed"},
        {"redo", "decisions to let a block count or do it again"},
        {"evidence", "drops, decisions, signs, E and intervals"},
        {"verdict", "values of verdict.json"},
        {"pages", "files of the report, byte by byte"},
    };
    if (v->skipped[part])
        printf("  %-9s not compared\n", parts[part].name);
    else
        printf("  %-9s %7zu  %s\n", parts[part].name, v->checked[part], parts[part].what);
}

int verify_answer(const struct verify *v)
{
    size_t index, checked = 0;
    const json_t *text;
    printf("%s: %zu lines, %zu runs, %zu blocks\n",
           v->folder,
           v->line,
           v->state.run_count,
           v->state.block_count);
    for (int part = 0; part < VERIFY_PARTS; part++) {
        print_part(v, (enum verify_part)part);
        checked += v->checked[part];
    }
    json_array_foreach(v->notes, index, text) printf("note: %s\n", json_string_value(text));
    json_array_foreach(v->said, index, text) printf("%s\n", json_string_value(text));
    if (v->differences == 0) {
        printf("PASS: %zu values recomputed, no difference; at alpha %g, margin %g%s\n",
               checked,
               v->plan.alpha,
               v->plan.margin,
               json_array_size(v->notes) > 0 ? ", with the remarks above" : "");
        return EXIT_DECIDED;
    }
    if (v->differences > json_array_size(v->said))
        printf("and %zu more, perhaps because of these\n",
               v->differences - json_array_size(v->said));
    printf("FAIL: %zu of %zu values differ\n", v->differences, checked);
    return EXIT_MISMATCH;
}
