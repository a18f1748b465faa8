/* SPDX-License-Identifier: MIT */
/* doctor.c - see doctor.h. */
#include "doctor.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void doctor_find(struct doctor_finding *finding,
                 enum doctor_state state,
                 char *seen,
                 const char *advice)
{
    free(finding->seen);
    free(finding->advice);
    finding->state = state;
    finding->seen = seen;
    finding->advice = text_copy(advice);
}

static void
examine(struct doctor *doctor, const struct doctor_input *input, const struct doctor_check *checks)
{
    for (; checks->name != NULL && doctor->count < DOCTOR_CHECKS_MAX; checks++) {
        struct doctor_finding *finding = &doctor->findings[doctor->count++];
        *finding = (struct doctor_finding){
            .name = checks->name, .noise = checks->noise, .cost = text_copy("")};
        checks->look(input, finding);
    }
}

void doctor_examine(struct doctor *doctor, const struct doctor_input *input)
{
    *doctor = (struct doctor){.count = 0};
    examine(doctor, input, doctor_load_checks);
    examine(doctor, input, doctor_cpu_checks);
    examine(doctor, input, doctor_build_checks);
    examine(doctor, input, doctor_tool_checks);
    examine(doctor, input, doctor_past_checks);
}

void doctor_free(struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->count; i++) {
        free(doctor->findings[i].seen);
        free(doctor->findings[i].advice);
        free(doctor->findings[i].cost);
    }
    *doctor = (struct doctor){.count = 0};
}

int doctor_force(struct doctor *doctor, const struct names *force, bool anyway)
{
    struct names known = {0};
    int rc = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        struct doctor_finding *finding = &doctor->findings[i];
        names_add(&known, finding->name);
        finding->forced =
            finding->state == DOCTOR_REFUSE && (anyway || names_has(force, finding->name));
    }
    for (size_t i = 0; rc == 0 && i < force->count; i++)
        if (!names_has(&known, force->items[i])) {
            names_complain(&known, "check", force->items[i]);
            rc = -EINVAL;
        }
    names_free(&known);
    return rc;
}

size_t doctor_count(const struct doctor *doctor, enum doctor_state state)
{
    size_t count = 0;
    for (size_t i = 0; i < doctor->count; i++)
        count += doctor->findings[i].state == state && !doctor->findings[i].forced;
    return count;
}

const char *doctor_state_name(enum doctor_state state)
{
    static const char *const names[] = {"ok", "unknown", "warn", "refuse"};
    return names[state];
}

char *doctor_sentence(const struct doctor_finding *finding)
{
    if (finding->forced)
        return text_format(
            "%s was refused and is overridden by --force: %s", finding->name, finding->seen);
    return finding->state == DOCTOR_WARN ? text_format("%s: %s", finding->name, finding->seen)
                                         : NULL;
}

json_t *doctor_json(const struct doctor *doctor)
{
    json_t *list = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}",
                                        "name",
                                        finding->name,
                                        "state",
                                        doctor_state_name(finding->state),
                                        "seen",
                                        finding->seen,
                                        "cost",
                                        finding->cost,
                                        "advice",
                                        finding->advice,
                                        "forced",
                                        finding->forced));
    }
    return list;
}
