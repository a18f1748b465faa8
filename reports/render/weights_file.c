/* SPDX-License-Identifier: MIT */
/*
 * weights_file.c - see weights_file.h.
 *
 * Strict on purpose: a misspelt family or scenario would silently weigh nothing, and the reader of
 * the verdict would never learn that his need was not what was judged.
 */
#include "weights_file.h"

#include "fields.h"
#include "files.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PROFILE_NAME_MAX = 32 };

struct reading {
    const char *path;
    const char *text; /* of the file, to find lines in */
    const struct judge_cell_input *cells;
    size_t cell_count;
    char *err;
    size_t err_size;
};

/* The line of "[key]" as a key behind that of "[section]" (NULL: anywhere); 1 if it is not found.
 */
static int line_of(const char *text, const char *section, const char *key)
{
    char quoted[256];
    const char *at = text;
    int line = 1;
    for (int step = section == NULL ? 1 : 0; step < 2 && at != NULL; step++) {
        snprintf(quoted, sizeof quoted, "\"%s\"", step == 0 ? section : key);
        at = strstr(at, quoted);
        while (at != NULL && at[strlen(quoted) + strspn(at + strlen(quoted), " \t\r\n")] != ':')
            at = strstr(at + 1, quoted);
    }
    for (const char *c = text; at != NULL && c < at; c++)
        line += *c == '\n';
    return line;
}

static int
refuse(const struct reading *r, const char *section, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int
refuse(const struct reading *r, const char *section, const char *key, const char *format, ...)
{
    char why[600];
    va_list args;
    va_start(args, format);
    vsnprintf(why, sizeof why, format, args);
    va_end(args);
    snprintf(r->err, r->err_size, "%s:%d: %s", r->path, line_of(r->text, section, key), why);
    return -1;
}

static bool is_weight(const json_t *value)
{
    return json_is_number(value) && json_number_value(value) >= 0;
}

/* A value as it stands in the file, for messages. */
static const char *shown(const json_t *value, char *text, size_t size)
{
    char *dumped = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
    snprintf(text, size, "%.60s", dumped != NULL ? dumped : "?");
    free(dumped);
    return text;
}

static int check_keys(const struct reading *r, const json_t *root)
{
    const char *key;
    const json_t *value;
    json_object_foreach((json_t *)(uintptr_t)root,
                        key,
                        value) if (strcmp(key, "profile") != 0 && strcmp(key, "families") != 0 &&
                                   strcmp(key, "shares") !=
                                       0) return refuse(r,
                                                        NULL,
                                                        key,
                                                        "key \"%s\" is unknown; a weights file has "
                                                        "\"profile\", \"families\" and "
                                                        "perhaps \"shares\"",
                                                        key);
    return 0;
}

static int check_name(const struct reading *r, const json_t *root)
{
    const char *name = field_text(root, "profile");
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_"), count;
    const struct judge_profile *house = judge_profiles(&count);
    if (length == 0 || name[length] != '\0' || length > PROFILE_NAME_MAX)
        return refuse(
            r,
            NULL,
            "profile",
            "\"profile\": \"%s\" is no name; give it up to %d lower-case letters, digits, "
            "- and _, such as \"profile\": \"gateway\"",
            name,
            PROFILE_NAME_MAX);
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, house[i].name) == 0)
            return refuse(r,
                          NULL,
                          "profile",
                          "\"profile\": \"%s\" is a profile of the house, whose weights are fixed; "
                          "choose another name",
                          name);
    return 0;
}

static int check_families(const struct reading *r, const json_t *families)
{
    const char *key;
    json_t *value;
    double sum = 0;
    char text[64];
    if (!json_is_object(families))
        return refuse(r,
                      NULL,
                      "families",
                      "\"families\" must be an object of weights, such as {\"p99\": 50, \"cpu\": "
                      "50}; families are p99, med, cap, cpu, idle, mem, start");
    json_object_foreach((json_t *)(uintptr_t)families, key, value)
    {
        if (judge_family_parse(key) < 0)
            return refuse(r,
                          "families",
                          key,
                          "families: \"%s\" is no family; they are p99, med, cap, cpu, idle, mem, "
                          "start (a single scenario gets its weight under \"shares\")",
                          key);
        if (!is_weight(value))
            return refuse(r,
                          "families",
                          key,
                          "families: the weight of \"%s\" is %s; it must be a number, 0 or more",
                          key,
                          shown(value, text, sizeof text));
        sum += json_number_value(value);
    }
    if (!(sum > 0))
        return refuse(
            r, NULL, "families", "families: all weights are 0; give at least one family a weight");
    return 0;
}

/* ---- shares ---- */

static bool is_lane(const char *word, size_t length)
{
    static const char *const lanes[] = {"race", "micro", "process"};
    for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++)
        if (strlen(lanes[i]) == length && strncmp(lanes[i], word, length) == 0)
            return true;
    return false;
}

/* Cuts [text], [LANE/]SCENARIO[/POINT], into its parts, in place. */
static void cut_key(char *text, struct judge_share *share)
{
    char *slash = strchr(text, '/');
    if (slash != NULL && is_lane(text, (size_t)(slash - text))) {
        *slash = '\0';
        share->lane = text;
        text = slash + 1;
        slash = strchr(text, '/');
    }
    share->scenario = text;
    if (slash != NULL) {
        *slash = '\0';
        share->point = slash + 1;
    }
}

static bool names_a_cell(const struct reading *r, const char *key)
{
    char text[256];
    struct judge_share share = {0};
    bool found = false;
    snprintf(text, sizeof text, "%s", key);
    cut_key(text, &share);
    for (size_t c = 0; c < r->cell_count; c++)
        found = found || judge_share_names(&share, &r->cells[c]);
    return found;
}

/* The scenarios of the cells, each once, as far as they fit. */
static const char *known_scenarios(const struct reading *r, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t c = 0; c < r->cell_count; c++) {
        bool seen = false;
        for (size_t before = 0; before < c; before++)
            seen = seen || strcmp(r->cells[before].scenario, r->cells[c].scenario) == 0;
        if (!seen && used + strlen(r->cells[c].scenario) + 3 < size)
            used += (size_t)snprintf(
                text + used, size - used, "%s%s", used > 0 ? ", " : "", r->cells[c].scenario);
    }
    return text;
}

static int check_shares(const struct reading *r, const json_t *shares)
{
    const char *key;
    json_t *value;
    char text[400];
    if (shares == NULL)
        return 0;
    if (!json_is_object(shares))
        return refuse(r,
                      NULL,
                      "shares",
                      "\"shares\" must be an object such as {\"poisson\": 2, "
                      "\"poisson/percent=90\": 0}");
    json_object_foreach((json_t *)(uintptr_t)shares, key, value)
    {
        if (!is_weight(value))
            return refuse(r,
                          "shares",
                          key,
                          "shares: the share of \"%s\" is %s; it must be a number: 1 is as much as "
                          "the others have, 0 leaves it out",
                          key,
                          shown(value, text, sizeof text));
        if (!names_a_cell(r, key))
            return refuse(
                r,
                "shares",
                key,
                "shares: \"%s\" names no cell of this run. Take it out, or race it. A key "
                "is [LANE/]SCENARIO[/POINT]; scenarios here: %s",
                key,
                known_scenarios(r, text, sizeof text));
    }
    return 0;
}

/* ---- the file ---- */

static json_t *as_profile(const json_t *root)
{
    const json_t *given = json_object_get(root, "families");
    json_t *shares = json_object_get(root, "shares");
    json_t *families = json_object();
    json_t *profiles = json_object();
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        const char *name = judge_family_name((enum judge_family)f);
        const double weight = field_number(given, name);
        json_object_set_new(families, name, json_real(isnan(weight) ? 0 : weight));
    }
    if (json_object_size(shares) > 0)
        json_object_set(families, "shares", shares);
    json_object_set_new(profiles, field_text(root, "profile"), families);
    return profiles;
}

static int check(const struct reading *r, const json_t *root)
{
    if (!json_is_object(root))
        return refuse(
            r, NULL, "", "a weights file is an object: {\"profile\": ..., \"families\": ...}");
    int rc = check_keys(r, root);
    if (rc == 0)
        rc = check_name(r, root);
    if (rc == 0)
        rc = check_families(r, json_object_get(root, "families"));
    return rc == 0 ? check_shares(r, json_object_get(root, "shares")) : rc;
}

int weights_file_read(const char *path,
                      const struct judge_cell_input *cells,
                      size_t cell_count,
                      json_t **out,
                      char *err,
                      size_t err_size)
{
    json_error_t error;
    json_t *root = NULL;
    char *text = file_read(path);
    struct reading r = {path, text, cells, cell_count, err, err_size};
    int rc = -1;
    *out = NULL;
    if (text == NULL)
        snprintf(err, err_size, "%s: cannot be read: %s", path, strerror(errno));
    else if ((root = json_loads(text, JSON_REJECT_DUPLICATES, &error)) == NULL)
        snprintf(err, err_size, "%s:%d: %s", path, error.line, error.text);
    else
        rc = check(&r, root);
    if (rc == 0)
        *out = as_profile(root);
    json_decref(root);
    free(text);
    return rc;
}

/* ---- as the judge wants it ---- */

int weights_profile(const char *name, const json_t *families, struct judge_profile *out)
{
    json_t *shares = json_object_get(families, "shares");
    const size_t count = json_object_size(shares);
    const char *key;
    json_t *value;
    size_t bytes = count * sizeof(struct judge_share), i = 0;
    *out = (struct judge_profile){.name = name};
    for (int f = 0; f < JUDGE_FAMILIES; f++) {
        const double weight = field_number(families, judge_family_name((enum judge_family)f));
        out->weight[f] = weight > 0 ? weight : 0;
    }
    json_object_foreach(shares, key, value) bytes += strlen(key) + 1;
    if (count == 0)
        return 0;
    struct judge_share *list = calloc(1, bytes); /* the list, and behind it the words */
    if (list == NULL)
        return -ENOMEM;
    char *words = (char *)(list + count);
    json_object_foreach(shares, key, value)
    {
        const size_t length = strlen(key) + 1;
        memcpy(words, key, length);
        list[i].share = json_number_value(value) > 0 ? json_number_value(value) : 0;
        cut_key(words, &list[i++]);
        words += length;
    }
    out->shares = list;
    out->share_count = count;
    return 0;
}

void weights_profile_fini(struct judge_profile *profile)
{
    free((void *)(uintptr_t)profile->shares); /* ours; const for the judge only */
    profile->shares = NULL;
    profile->share_count = 0;
}
