/* SPDX-License-Identifier: MIT */
/* verify_targets.c - targets.json, where a run has one, against answers made anew from the blocks.
 */
#include "verify.h"

#include "../../reports/targets/targets.h"
#include "json.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static void compare_row(struct verify *v, size_t index, const json_t *recorded, json_t *computed)
{
    const char *key;
    json_t *value;
    json_object_foreach(computed, key, value)
    {
        char *path = text_format("targets[%zu].%s", index, key);
        verify_same(v,
                    (struct verify_place){"targets.json", 0, path},
                    json_object_get(recorded, key),
                    json_incref(value),
                    "not what follows from the blocks; `velo targets --run` writes it anew");
        free(path);
    }
}

static void compare(struct verify *v, const json_t *recorded, const json_t *computed)
{
    const json_t *left = json_object_get(recorded, "targets");
    const json_t *right = json_object_get(computed, "targets");
    size_t index;
    json_t *row;
    verify_holds(v,
                 json_array_size(left) == json_array_size(right),
                 (struct verify_place){"targets.json", 0, "targets"},
                 "another number of answers",
                 "one for each question",
                 "answers were added or removed");
    json_array_foreach(right, index, row) compare_row(v, index, json_array_get(left, index), row);
}

void verify_targets(struct verify *v)
{
    char *path = text_format("%s/targets.json", v->folder);
    json_t *recorded = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    struct target_results results;
    v->part = VERIFY_VERDICT;
    free(path);
    if (recorded == NULL)
        return;
    if (!v->same_program) {
        verify_note(v, "targets.json was not compared: another build may ask other questions");
    } else if (strcmp(json_text(recorded, "journal_sha256", ""), v->state.last_sha256) != 0) {
        verify_note(v, "targets.json was written before the last line of the journal");
    } else if (targets_evaluate(&v->state, &results) == 0) {
        json_t *computed = targets_json(&v->state, &results);
        compare(v, recorded, computed);
        json_decref(computed);
        targets_free(&results);
    }
    json_decref(recorded);
}
