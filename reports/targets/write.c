/* SPDX-License-Identifier: MIT */
/* write.c - the answers as JSON, and the table made of that JSON; see targets.h. */
#include "targets.h"

#include "../render/fields.h"
#include "../render/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *result_json(const struct target_result *result)
{
    const struct target *t = result->target;
    json_t *row = json_object();
    json_object_set_new(row, "target", json_integer(t->number));
    json_object_set_new(row, "what", json_string(t->what));
    json_object_set_new(row, "lane", t->lane != NULL ? json_string(t->lane) : json_null());
    json_object_set_new(
        row, "scenario", t->scenario != NULL ? json_string(t->scenario) : json_null());
    json_object_set_new(row, "point", t->point != NULL ? json_string(t->point) : json_null());
    json_object_set_new(row, "metric", t->metric != NULL ? json_string(t->metric) : json_null());
    json_object_set_new(row, "who", json_string(result->who));
    json_object_set_new(row, "against", json_string(result->against));
    json_object_set_new(row, "bound", json_real(t->bound));
    json_object_set_new(row, "at_least", json_boolean(t->at_least));
    json_object_set_new(row, "unit", t->unit != NULL ? json_string(t->unit) : json_null());
    json_object_set_new(row, "blocks", json_integer((json_int_t)result->blocks));
    json_object_set_new(row, "measured", number(result->ratio));
    json_object_set_new(row, "low", number(result->low));
    json_object_set_new(row, "high", number(result->high));
    json_object_set_new(row, "cost", number(result->cost));
    json_object_set_new(row, "other", number(result->other));
    json_object_set_new(row, "ceiling", number(result->ceiling));
    json_object_set_new(row,
                        "ceiling_by",
                        result->ceiling_by != NULL ? json_string(result->ceiling_by) : json_null());
    json_object_set_new(row, "harness", number(result->harness));
    json_object_set_new(row, "word", json_string(target_word_name(result->word)));
    json_object_set_new(row, "reason", json_string(result->reason));
    return row;
}

/* The name of the folder itself. */
static json_t *run_name(const char *path)
{
    char *real = realpath(path, NULL);
    const char *whole = real != NULL ? real : path;
    const char *slash = strrchr(whole, '/');
    json_t *name = json_string(slash != NULL ? slash + 1 : whole);
    free(real);
    return name;
}

json_t *targets_json(const struct run_dir *dir, const struct target_results *results)
{
    json_t *rows = json_array();
    json_t *root = json_object();
    for (size_t i = 0; i < results->count; i++)
        json_array_append_new(rows, result_json(&results->items[i]));
    json_object_set_new(root, "schema", json_integer(1));
    json_object_set_new(root, "run", run_name(dir->path));
    json_object_set_new(root, "plan_sha256", json_string(dir->plan_sha256));
    json_object_set_new(root, "journal_sha256", json_string(dir->last_sha256));
    json_object_set_new(root, "targets", rows);
    return root;
}

/* ---- the table ---- */

/* A ratio as "1.18x", a number of something as "17.2 bytes". */
static void value_text(char *text, size_t size, double value, const char *unit)
{
    if (isnan(value))
        snprintf(text, size, "-");
    else if (unit[0] != '\0')
        snprintf(text, size, "%.6g", value);
    else
        snprintf(text, size, "%.4gx", value);
}

static void print_row(FILE *file, const json_t *row)
{
    char bound[32], measured[32], interval[80], low[32], high[32];
    const char *unit = field_text(row, "unit");
    const char *against = field_text(row, "against");
    const char *reason = field_text(row, "reason");
    const double other = field_number(row, "other"), ceiling = field_number(row, "ceiling");
    const double harness = field_number(row, "harness");
    value_text(bound, sizeof(bound), field_number(row, "bound"), unit);
    value_text(measured, sizeof(measured), field_number(row, "measured"), unit);
    value_text(low, sizeof(low), field_number(row, "low"), unit);
    value_text(high, sizeof(high), field_number(row, "high"), unit);
    snprintf(interval, sizeof(interval), "%s to %s", low, high);
    fprintf(file,
            "%-3ld %-40.40s %-17.17s %s %-10s %-10s %-24s %4ld  %-18s ",
            field_count(row, "target", 0),
            field_text(row, "what"),
            field_text(row, "who"),
            json_is_true(json_object_get(row, "at_least")) ? ">=" : "<=",
            bound,
            measured,
            strcmp(low, "-") == 0 ? "no interval" : interval,
            field_count(row, "blocks", 0),
            field_text(row, "word"));
    fprintf(file, "%s", against);
    if (against[0] != '\0' && isfinite(other))
        fprintf(file, " (%.4g)", other);
    if (isfinite(ceiling))
        fprintf(file, "; a cost of %s would give %.4gx", field_text(row, "ceiling_by"), ceiling);
    if (isfinite(harness))
        fprintf(file, "; a loop that costs nothing %.4gx", harness);
    fprintf(file, "%s%s", against[0] != '\0' && reason[0] != '\0' ? "; " : "", reason);
    if (unit[0] != '\0')
        fprintf(file, "%s%s", against[0] != '\0' || reason[0] != '\0' ? "; in " : "in ", unit);
    fprintf(file, "\n");
}

/* How many answers have each word. */
static void print_sums(FILE *file, const json_t *rows)
{
    const char *between = "";
    for (int word = 0; word < TARGET_WORDS; word++) {
        const char *name = target_word_name((enum target_word)word);
        size_t count = 0;
        for (size_t i = 0; i < json_array_size(rows); i++)
            count += strcmp(field_text(json_array_get(rows, i), "word"), name) == 0;
        if (count > 0) {
            fprintf(file, "%s%zu %s", between, count, name);
            between = ", ";
        }
    }
    fprintf(file, "\n");
}

void targets_print(FILE *file, const json_t *json)
{
    const json_t *rows = json_object_get(json, "targets");
    fprintf(file, "targets, by run %s\n\n", field_text(json, "run"));
    fprintf(file,
            "%-3s %-40s %-17s    %-10s %-10s %-24s %4s  %-18s %s\n",
            "#",
            "what",
            "who",
            "target",
            "measured",
            "interval",
            "n",
            "so it is",
            "against, why");
    for (size_t i = 0; i < json_array_size(rows); i++)
        print_row(file, json_array_get(rows, i));
    fprintf(file,
            "\nEach: the median over n blocks of the ratio within one block, and all ratios that "
            "the blocks do not refute.\n\"met\" and \"missed\" need the whole interval. A factor "
            "to reach is other / cost, one to stay below cost / other.\n");
    print_sums(file, rows);
}

/* ---- files ---- */

static int fail(char *err, size_t err_size, const char *dir, const char *name)
{
    const int failure = errno != 0 ? errno : EIO;
    snprintf(err, err_size, "%s/%s: %s", dir, name, strerror(failure));
    return -failure;
}

static int write_files(const char *run_dir, const json_t *json, char *err, size_t err_size)
{
    struct file_out out;
    if (file_begin(&out, run_dir, "targets.json") != 0)
        return fail(err, err_size, run_dir, "targets.json");
    if (json_dumpf(json, out.file, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) != 0 ||
        fputc('\n', out.file) == EOF) {
        file_abandon(&out);
        return fail(err, err_size, run_dir, "targets.json");
    }
    if (file_commit(&out) != 0)
        return fail(err, err_size, run_dir, "targets.json");
    if (file_begin(&out, run_dir, "targets.txt") != 0)
        return fail(err, err_size, run_dir, "targets.txt");
    targets_print(out.file, json);
    return file_commit(&out) == 0 ? 0 : fail(err, err_size, run_dir, "targets.txt");
}

int targets_write(const char *run_dir, struct target_results *out, char *err, size_t err_size)
{
    struct run_dir dir;
    struct target_results results;
    int rc = run_dir_read(run_dir, RUN_DIR_TORN_OK, &dir, err, err_size);
    if (rc != 0)
        return rc;
    rc = targets_evaluate(&dir, &results);
    if (rc == 0) {
        json_t *json = targets_json(&dir, &results);
        rc = write_files(run_dir, json, err, err_size);
        json_decref(json);
        if (out != NULL)
            *out = results;
        else
            targets_free(&results);
    } else {
        snprintf(err, err_size, "%s: %s", run_dir, strerror(-rc));
    }
    run_dir_fini(&dir);
    return rc;
}
