/* SPDX-License-Identifier: MIT */
/*
 * checkup.c - the doctor at the door of a tournament: what warns is said and written into env.json,
 * what would make the results false ends it before anything is measured, unless it is overridden.
 */
#include "tournament.h"

#include "text.h"

#include <errno.h>
#include <stdlib.h>

static void tell(struct tournament *t)
{
    for (size_t i = 0; i < t->doctor.count; i++) {
        const struct doctor_finding *finding = &t->doctor.findings[i];
        char *sentence = doctor_sentence(finding);
        if (sentence != NULL)
            progress_tell(&t->progress, "  warning: %s", sentence);
        free(sentence);
        if (finding->state == DOCTOR_REFUSE && !finding->forced)
            say_error("%s: %s. Do: %s. --force %s goes on all the same, and the report says so",
                      finding->name,
                      finding->seen,
                      finding->advice,
                      finding->name);
    }
}

int checkup(struct tournament *t, const struct names *force, bool anyway)
{
    struct doctor_source source;
    progress_status(&t->progress,
                    "doctor  a second's look at this machine (all of it: velo doctor)");
    doctor_source_open(&source, getenv("VELO_DOCTOR_ROOT"));
    struct doctor_input input = {.source = &source,
                                 .registry = &t->registry,
                                 .build = t->project->build,
                                 .runs = RUN_FOLDER_BASE,
                                 .holds_lock = true};
    doctor_examine(&t->doctor, &input);
    doctor_source_close(&source);
    int rc = doctor_force(&t->doctor, force, anyway);
    if (rc != 0)
        return rc;
    doctor_add_costs(&t->doctor, RUN_FOLDER_BASE);
    tell(t);
    return doctor_count(&t->doctor, DOCTOR_REFUSE) > 0 ? -EPERM : 0;
}

int checkup_record(struct tournament *t)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < t->doctor.count; i++) {
        char *sentence = doctor_sentence(&t->doctor.findings[i]);
        if (sentence != NULL)
            rc = ledger_record(t,
                               "note",
                               json_pack("{s:s, s:s}",
                                         "reason",
                                         sentence,
                                         "kind",
                                         t->doctor.findings[i].forced ? "override" : "warning"));
        free(sentence);
    }
    return rc;
}
