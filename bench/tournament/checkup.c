/* SPDX-License-Identifier: MIT */
/*
 * checkup.c - the doctor at the door of a tournament or of a search: what warns is said and written
 * into env.json, what would make the results false ends it before anything is measured, unless it
 * is overridden.
 */
#include "checkup.h"

#include "run_folder.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>

static void tell(struct doctor *doctor, struct progress *progress)
{
    for (size_t i = 0; i < doctor->count; i++) {
        const struct doctor_finding *finding = &doctor->findings[i];
        char *sentence = doctor_sentence(finding);
        if (sentence != NULL)
            progress_tell(progress, "  warning: %s", sentence);
        free(sentence);
        if (finding->state == DOCTOR_REFUSE && !finding->forced)
            say_error("%s: %s. Do: %s. --force %s goes on all the same, and the report says so",
                      finding->name,
                      finding->seen,
                      finding->advice,
                      finding->name);
    }
}

int checkup(struct doctor *doctor, struct progress *progress, const struct checkup_wish *wish)
{
    struct doctor_source source;
    progress_status(progress, "doctor  a second's look at this machine (all of it: velo doctor)");
    doctor_source_open(&source, proc_root());
    struct doctor_input input = {.source = &source,
                                 .registry = wish->registry,
                                 .build = wish->build,
                                 .runs = RUN_FOLDER_BASE,
                                 .holds_lock = true};
    doctor_examine(doctor, &input);
    doctor_source_close(&source);
    int rc = doctor_force(doctor, wish->force, wish->anyway);
    if (rc != 0)
        return rc;
    doctor_add_costs(doctor, RUN_FOLDER_BASE);
    tell(doctor, progress);
    return doctor_count(doctor, DOCTOR_REFUSE) > 0 ? -EPERM : 0;
}

json_t *checkup_events(const struct doctor *doctor)
{
    json_t *events = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        char *sentence = doctor_sentence(&doctor->findings[i]);
        if (sentence != NULL)
            json_array_append_new(events,
                                  json_pack("{s:s, s:s, s:s}",
                                            "type",
                                            "note",
                                            "reason",
                                            sentence,
                                            "kind",
                                            doctor->findings[i].forced ? "override" : "warning"));
        free(sentence);
    }
    return events;
}
