/* SPDX-License-Identifier: MIT */
/* verify_gate.c - conformance.json: who failed by the cases themselves, and so who may not race. */
#include "verify.h"

#include "json.h"

#include <string.h>

static struct verify_place here(const char *key)
{
    return (struct verify_place){.file = "conformance.json", .key = key};
}

/* What the suite wrote about a contestant in a mode, or NULL. */
static const json_t *find_sheet(const struct verify *v, const char *contestant, const char *mode)
{
    size_t index;
    const json_t *sheet;
    json_array_foreach(json_object_get(v->state.conformance, "contestants"), index, sheet)
    {
        if (strcmp(json_text(sheet, "contestant", ""), contestant) == 0 &&
            strcmp(json_text(sheet, "mode", ""), mode) == 0)
            return sheet;
    }
    return NULL;
}

static bool has_failure(const json_t *sheet)
{
    size_t index;
    const json_t *one;
    json_array_foreach(json_object_get(sheet, "cases"), index, one)
    {
        if (strcmp(json_text(one, "result", ""), "fail") == 0)
            return true;
    }
    return false;
}

/* A suite that wrote no failure may still have crashed; one that wrote a failure has not passed. */
static void check_said(struct verify *v, const json_t *said)
{
    const char *contestant = json_text(said, "contestant", "");
    const json_t *sheet = find_sheet(v, contestant, json_text(said, "mode", ""));
    const char *reason = json_text(said, "reason", "");
    verify_holds(v,
                 reason[0] != '\0' || (sheet != NULL && !has_failure(sheet)),
                 here(contestant),
                 "passed",
                 sheet == NULL ? "no result of the suite" : "a case failed",
                 "the cases of the suite do not let this contestant in");
}

/* The first reason against a contestant, or NULL. */
static const json_t *failure_of(const struct verify *v, const char *contestant)
{
    size_t index;
    const json_t *said;
    json_array_foreach(json_object_get(v->state.conformance, "gate"), index, said)
    {
        if (strcmp(json_text(said, "contestant", ""), contestant) == 0 &&
            json_text(said, "reason", "")[0] != '\0')
            return said;
    }
    return NULL;
}

static bool was_tested(const struct verify *v, const char *contestant)
{
    size_t index;
    const json_t *said;
    json_array_foreach(json_object_get(v->state.conformance, "gate"), index, said)
    {
        if (strcmp(json_text(said, "contestant", ""), contestant) == 0)
            return true;
    }
    return false;
}

json_t *verify_gate(struct verify *v)
{
    json_t *due = json_array();
    const json_t *gate = json_object_get(v->state.conformance, "gate");
    size_t index;
    const json_t *said;
    v->part = VERIFY_GATE;
    if (!verify_holds(v,
                      gate != NULL,
                      here("gate"),
                      "missing",
                      "who was let in and who was not",
                      "it was cut out: who may race cannot be recomputed"))
        return due;
    json_array_foreach(gate, index, said) check_said(v, said);
    for (size_t e = 0; e < v->plan.entry_count; e++) {
        const struct plan_entry *entry = &v->plan.entries[e];
        const json_t *failure = failure_of(v, entry->contestant);
        verify_holds(v,
                     was_tested(v, entry->contestant),
                     here(entry->contestant),
                     "in the plan",
                     "not tested",
                     "nobody races whom the suite has not tested");
        if (failure == NULL || entry->twin_of >= 0)
            continue;
        json_t *events = rules_disqualify(
            &v->plan, -1, e, json_text(failure, "reason", ""), json_text(failure, "reproduce", ""));
        json_array_extend(due, events);
        json_decref(events);
    }
    return due;
}
