/* SPDX-License-Identifier: MIT */
/*
 * verify_anchor.c - was the journal set back? See anchor.h for what that shows, and what not.
 *
 * Where it was gone on with and no anchor is at hand, this is a remark: a copy has none beside it.
 */
#include "verify.h"

#include "anchor.h"
#include "text.h"

#include <stdlib.h>

static void hold_against(struct verify *v, size_t lines, bool holds)
{
    char *recorded = text_format("%zu lines", v->state.lines);
    char *anchored = text_format("%zu lines, the last of them with another hash", lines);
    v->part = VERIFY_CHAIN;
    verify_holds(v,
                 holds,
                 (struct verify_place){"raw.ndjson", v->state.lines, "line"},
                 recorded,
                 anchored,
                 "it was set back: by the " ANCHOR_FILE
                 " beside its folder it had these lines, and "
                 "they were cut off");
    free(recorded);
    free(anchored);
}

void verify_anchor(struct verify *v)
{
    size_t lines;
    const enum anchor_state found = anchor_check(v->base, v->folder, v->state.plan_sha256, &lines);
    if (found != ANCHOR_NONE)
        hold_against(v, lines, found == ANCHOR_HOLDS);
    if (v->state.resumes + v->state.pauses == 0)
        return;
    verify_note(v,
                "starts that went on with it: %zu, pauses: %zu; %s",
                v->state.resumes,
                v->state.pauses,
                found == ANCHOR_NONE
                    ? "no " ANCHOR_FILE " beside its folder knows it, so it cannot be told whether "
                      "blocks were cut off before it went on"
                    : "its journal was held against the " ANCHOR_FILE " beside its folder");
}
