/* SPDX-License-Identifier: MIT */
/*
 * verify_verdict.c - what the folder says it all came to: verdict.json against a verdict made anew
 * from the journal, and the pages against pages made anew from the verdict.
 *
 * Pages and sentences are words of a version of the program: by another version they are not
 * compared.
 */
#include "verify.h"

#include "../../reports/render/report.h"
#include "json.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- verdict.json ---- */

static bool is_prose(const char *key)
{
    static const char *const prose[] = {
        "sentence", "reason", "trust", "facts", "notes", "first_screen"};
    for (size_t i = 0; i < sizeof(prose) / sizeof(prose[0]); i++)
        if (strcmp(key, prose[i]) == 0)
            return true;
    return false;
}

static void
compare(struct verify *v, const char *path, const json_t *recorded, const json_t *computed);

static void compare_objects(struct verify *v, const char *path, json_t *recorded, json_t *computed)
{
    const char *key;
    json_t *value;
    json_t *keys = json_deep_copy(computed);
    json_object_update_missing(keys, recorded);
    json_object_foreach(keys, key, value)
    {
        const json_t *left = json_object_get(recorded, key);
        const json_t *right = json_object_get(computed, key);
        if (!v->same_program && (left == NULL || right == NULL || json_is_string(left)) &&
            (left == NULL || right == NULL || is_prose(key)))
            continue;
        char *deeper = text_format("%s%s%s", path, path[0] != '\0' ? "." : "", key);
        compare(v, deeper, left, right);
        free(deeper);
    }
    json_decref(keys);
}

static void
compare_arrays(struct verify *v, const char *path, const json_t *recorded, const json_t *computed)
{
    const size_t count = json_array_size(recorded) > json_array_size(computed)
                             ? json_array_size(recorded)
                             : json_array_size(computed);
    for (size_t i = 0; i < count; i++) {
        char *deeper = text_format("%s[%zu]", path, i);
        compare(v, deeper, json_array_get(recorded, i), json_array_get(computed, i));
        free(deeper);
    }
}

static void
compare(struct verify *v, const char *path, const json_t *recorded, const json_t *computed)
{
    const struct verify_place place = {"verdict.json", 0, path};
    if (json_is_object(recorded) && json_is_object(computed))
        compare_objects(
            v, path, (json_t *)(uintptr_t)recorded, (json_t *)(uintptr_t)computed); /* read only */
    else if (json_is_array(recorded) && json_is_array(computed))
        compare_arrays(v, path, recorded, computed);
    else if (strcmp(path, "run.id") == 0 && !verify_equal(recorded, computed))
        verify_note(v, "the folder was renamed: it was %s", json_string_value(recorded));
    else
        verify_same(v,
                    place,
                    recorded,
                    json_incref((json_t *)(uintptr_t)computed),
                    v->same_program
                        ? "not what follows from the journal: the verdict, the journal or a side "
                          "file was changed; `velo report` writes verdict and pages anew"
                        : "not what follows from the journal: something was changed, or the build "
                          "that wrote it judges otherwise; `velo report` writes it anew");
}

bool verify_is_cut(struct verify *v)
{
    v->part = VERIFY_VERDICT;
    return !verify_holds(v,
                         v->verdict_line <= v->line,
                         (struct verify_place){"verdict.json", 0, "run.journal_lines"},
                         "more lines than the journal has",
                         "at most its lines",
                         "the end of the journal was cut off: nothing else was compared");
}

/* Was the verdict written before the last lines of the journal? Then it must say so itself, and the
 * tournament must not have come to its end since. */
static void check_age(struct verify *v)
{
    if (v->verdict_line == 0 || v->verdict_line >= v->line)
        return;
    verify_holds(v,
                 v->state.end_reason[0] == '\0',
                 (struct verify_place){"verdict.json", 0, "run.journal_lines"},
                 "fewer lines than the journal has",
                 "all lines",
                 "the verdict is older than the end of the tournament: `velo report` writes it "
                 "anew");
    verify_note(v,
                "verdict and pages were written after line %zu and hold for the lines up to it; "
                "the journal goes on to line %zu without an end: `velo tournament --resume`, or "
                "`velo report` for a verdict of what is there",
                v->verdict_line,
                v->line);
}

void verify_verdict(struct verify *v)
{
    v->part = VERIFY_VERDICT;
    if (v->verdict == NULL) {
        v->skipped[VERIFY_VERDICT] = v->state.end_reason[0] == '\0';
        verify_holds(v,
                     v->state.end_reason[0] == '\0',
                     (struct verify_place){"verdict.json", 0, "file"},
                     "missing or not JSON",
                     "a verdict",
                     "the tournament ended, so there must be one; `velo report` writes it");
        if (v->skipped[VERIFY_VERDICT])
            verify_note(v, "there is no verdict yet: the tournament was killed and not resumed");
        return;
    }
    check_age(v);
    if (v->computed != NULL)
        compare(v, "", v->verdict, v->computed);
}

/* ---- pages ---- */

/* A folder of the same name elsewhere, with the same files behind links: its pages are made anew.
 */
static bool make_mirror(const struct verify *v, const char *mirror)
{
    static const char *const files[] = {"plan.json",
                                        "raw.ndjson",
                                        "verdict.json",
                                        "conformance.json",
                                        "env.json",
                                        "limits.json",
                                        "selfcheck.json",
                                        "doctor.json"};
    bool made = mkdir(mirror, 0700) == 0;
    char *real = realpath(v->folder, NULL);
    for (size_t i = 0; made && real != NULL && i < sizeof(files) / sizeof(files[0]); i++) {
        char *target = text_format("%s/%s", real, files[i]);
        char *link = text_format("%s/%s", mirror, files[i]);
        if (access(target, F_OK) == 0)
            made = symlink(target, link) == 0;
        free(link);
        free(target);
    }
    free(real);
    return made;
}

static void remove_below(const char *path)
{
    DIR *directory = opendir(path);
    const struct dirent *entry;
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        char *deeper = text_format("%s/%s", path, entry->d_name);
        if (unlink(deeper) != 0)
            remove_below(deeper);
        free(deeper);
    }
    if (directory != NULL)
        closedir(directory);
    rmdir(path);
}

static void compare_file(struct verify *v, const char *mirror, const char *name)
{
    char *ours = text_format("%s/%s", mirror, name);
    char *theirs = text_format("%s/%s", v->folder, name);
    char *computed = text_read_file(ours, NULL);
    char *recorded = text_read_file(theirs, NULL);
    const char *left, *right;
    const char *there = recorded != NULL ? recorded : "";
    const char *wanted = computed != NULL ? computed : "";
    const size_t line = verify_first_difference(there, wanted, &left, &right);
    char *left_line = text_format("%.*s", (int)strcspn(left, "\n"), left);
    char *right_line = text_format("%.*s", (int)strcspn(right, "\n"), right);
    const struct verify_place place = {name, line, "text"};
    verify_holds(v,
                 strcmp(there, wanted) == 0,
                 place,
                 recorded != NULL ? left_line : "(no such file)",
                 right_line,
                 "not what this program renders from verdict and journal: the page was edited; "
                 "`velo report` renders it anew");
    free(left_line);
    free(right_line);
    free(computed);
    free(recorded);
    free(ours);
    free(theirs);
}

static void compare_folder(struct verify *v, const char *mirror)
{
    char *plots = text_format("%s/plots", mirror);
    struct dirent **names;
    const int count = scandir(plots, &names, NULL, alphasort);
    compare_file(v, mirror, "report.md");
    compare_file(v, mirror, "report.html");
    for (int i = 0; i < count; i++) {
        char *name = text_format("plots/%s", names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            compare_file(v, mirror, name);
        free(name);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    free(plots);
}

static const char *reason_not_to(const struct verify *v)
{
    if (v->verdict == NULL)
        return "there is no verdict to render";
    if (v->verdict_line > 0 && v->verdict_line < v->line)
        return "they are older than the journal";
    return v->same_program ? NULL : "they were rendered by another build of velo";
}

void verify_pages(struct verify *v)
{
    char folder[] = "/tmp/velo-verify-XXXXXX";
    char why[1024] = "";
    const char *obstacle = reason_not_to(v);
    v->part = VERIFY_PAGES;
    v->skipped[VERIFY_PAGES] = true;
    if (obstacle == NULL && mkdtemp(folder) == NULL)
        obstacle = "no folder could be made in /tmp";
    else if (obstacle == NULL) {
        const json_t *run = json_object_get(v->verdict, "run");
        char *mirror = text_format("%s/%s", folder, json_text(run, "id", "run"));
        if (!make_mirror(v, mirror) || report_write(mirror, why, sizeof(why)) != 0) {
            obstacle = why[0] != '\0' ? why : "no copy could be made in /tmp";
        } else {
            v->skipped[VERIFY_PAGES] = false;
            compare_folder(v, mirror);
        }
        remove_below(folder);
        free(mirror);
    }
    if (obstacle != NULL)
        verify_note(v, "the pages were not compared: %s", obstacle);
}
