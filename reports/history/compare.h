/* SPDX-License-Identifier: MIT */
/*
 * compare.h - two runs side by side, cell by cell.
 *
 * Nothing is compared across runs in units of time: the second run may be of another machine, or of
 * the same one in another mood. What is compared are verdict words and ratios inside each run: to
 * the best of the cell, and to the baseline that both runs have in common.
 */
#ifndef VELO_COMPARE_H
#define VELO_COMPARE_H

#include "record.h"

/*
 * Returns a new object:
 *   runs            [{run, commit, compiler, machine, ...}, the same of the second]
 *   differs         ["commit: a, b", ...]: what may explain a difference
 *   baseline        the common baseline, or null; baseline_same: is it the same program in both
 *   cells           one row per cell and contestant that stand in both: word_a, word_b, best_a,
 *                   best_b (ratio to the best, with _low, _high), base_a, base_b (to the baseline),
 *                   change = base_b / base_a with change_low, change_high, finding
 *   pairs           duels whose words contradict each other
 *   missing         ["what stands in one run only", ...], and cells with other parameters
 *   contradictions  in how many cells words or pairs contradict
 *
 * finding: CONTRADICTION (WINNER in one run, LOSES to somebody who raced in both in the other, or a
 * pair FASTER in one and SLOWER in the other), "moved" (the intervals of the ratio to the common
 * baseline do not meet), "settled" or "lost" (a word with evidence in one run only), "other field"
 * (WINNER and LOSES, but to somebody who did not race in both), else "".
 * The interval of the change divides the two intervals: each holds with 95 %, both with 90 %.
 */
json_t *compare_runs(const struct record *a, const struct record *b);

#endif
