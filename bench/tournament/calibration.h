/* SPDX-License-Identifier: MIT */
/*
 * calibration.h - the prices of this machine beside a block: measured right before its first run
 * and right after its last, because they drift, and a cost is worth comparing with a limit only if
 * both are of the same minutes.
 *
 * Only what the limit of the cell is made of is measured, so that it takes a tenth of a second and
 * not six. Costs are not looked at, and no verdict hangs on it: where a price drifted, the block is
 * left out of "x times the limit", and of nothing else.
 */
#ifndef VELO_CALIBRATION_H
#define VELO_CALIBRATION_H

#include "interrupt.h"
#include "plan.h"
#include "project.h"

#include <jansson.h>
#include <stdbool.h>

/* Is there anything to be measured beside a block of [cell]? */
bool calibration_wanted(const struct plan *plan, const struct plan_cell *cell);

/*
 * Measures. Returns a new array of {"id","unit","median","min","max","reps","reason"}; NULL if
 * nothing is wanted, if it was interrupted, or after a message.
 */
json_t *calibration_measure(const struct project *project,
                            const struct plan *plan,
                            const struct plan_cell *cell,
                            struct interrupt *interrupt);

/*
 * What a block line says of both (references are taken; NULL = was not measured): adds
 * "calibration", "drift" and "limit_holds" to [event]; "calibration" is null without [before].
 */
void calibration_record(const struct plan *plan, json_t *event, json_t *before, json_t *after);

#endif
