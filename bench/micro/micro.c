/* SPDX-License-Identifier: MIT */
/* micro.c - what the cases share. */
#include "micro.h"

#include "../race/window.h"

#include <inttypes.h>

const struct micro_point micro_only_point[] = {{"-", 0, false}, {NULL, 0, false}};
const struct micro_point micro_core_point[] = {{"-", 0, true}, {NULL, 0, false}};
const struct param_spec micro_no_params[] = {{.name = NULL}};
const struct metric_spec micro_ns_per_op[] = {{"ns_per_op", "ns", false}, {NULL, NULL, false}};

void micro_report(struct race *race, const struct lap *total)
{
    race_metric(race, "ns_per_op", (double)total->elapsed_ns / (double)total->units);
}

void tally_verify(const struct tally *tally, struct race *race)
{
    if (tally->received < tally->sent)
        race_fail(race,
                  "lost %" PRIu64 " of %" PRIu64 " callbacks",
                  tally->sent - tally->received,
                  tally->sent);
    else if (tally->received > tally->sent)
        race_fail(race,
                  "%" PRIu64 " callbacks ran for %" PRIu64 " that were asked for",
                  tally->received,
                  tally->sent);
    else if (tally->wrong > 0)
        race_fail(race,
                  "%" PRIu64 " of %" PRIu64 " callbacks came out of order",
                  tally->wrong,
                  tally->sent);
}
