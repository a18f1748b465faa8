/* SPDX-License-Identifier: MIT */
/* asked.c - who has to race in which cell, so that every target that is asked there has an answer.
 */
#include "targets.h"

#include <string.h>

bool target_names(const struct target *target, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = target->names; *at != '\0'; at += *at == ',') {
        const size_t one = strcspn(at, ",");
        if (one == length && strncmp(at, name, one) == 0)
            return true;
        at += one;
    }
    return false;
}

static bool asks_in(const struct target *t, const struct target_cell *cell)
{
    return t->scenario != NULL && strcmp(t->lane, cell->lane) == 0 &&
           strcmp(t->scenario, cell->scenario) == 0 &&
           (strcmp(t->point, cell->point) == 0 ||
            (t->against == AGAINST_POINT && strcmp(t->other, cell->point) == 0));
}

bool targets_ask_for(const struct target_cell *cell, const char *name, const char *kind)
{
    const bool guest = strcmp(kind, "guest") == 0;
    const bool plain = strchr(name, ':') == NULL;
    for (size_t i = 0; i < target_count; i++) {
        const struct target *t = &target_table[i];
        if (!asks_in(t, cell))
            continue;
        if (t->who == WHO_NAMED ? target_names(t, name) : plain && !guest)
            return true;
        if (t->against == AGAINST_GUESTS && plain && guest)
            return true;
        if (t->against == AGAINST_ENTRY && strcmp(t->other, name) == 0)
            return true;
    }
    return false;
}
