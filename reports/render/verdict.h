/* SPDX-License-Identifier: MIT */
/*
 * verdict.h - judges a run folder and writes verdict.json, schema 1: what other programs read.
 *
 * Costs stand in the unit of the cell's metric, ratios are plain numbers (1.18), shares are 0..1. A
 * number that does not exist is null, never NaN. Fields may be added, none changes its meaning.
 *
 *   sentence, first_screen: the answer; {sentence, trust, facts} ready to print
 *   profile: of the standing that the answer goes by
 *   notes: what a reader must know about the file: torn last line, no regular end
 *   run: id, preset, seed (a string: 64 bits), seed_given, plan_sha256, commit, host, minutes,
 *       blocks (that count), runs, redone, given_up (attempts left half-way), resumes (starts that
 *       went on with it), pauses, late ({name: runs that failed by time alone}), started, ended,
 *       end_reason, journal_lines and journal_sha256 (of its last line): of which journal this is
 *       the verdict
 *   run.earlier_starts: as env.json had it before the first block; missing where that does not
 * know: starts of the same preset, entries and cells at the same commit, into the same folder of
 *       runs; gone (no folder any more), unfinished (no verdict)
 *   trust.aa: baseline against its twin, pooled over all cells: verdict EQUAL, OPEN, DIFFERS
 *       or NOT RUN, ratio, low, high, blocks, won_by_original, differs_in
 *   trust.smallest_visible_gap: 0.08: a gap of 8 % is found in 90 of 100 cases with gap_blocks
 *       blocks; limits_drift: from limits.json
 *   summary: cells, cells_decided, a count for each word, decided (winner or tie for the default
 *       profile, and trust.aa is not DIFFERS), disqualified
 *   contestants[]: name, variant_of, kind, version, capabilities, conformance (sums over all
 *       modes), eligible, reason, reproduce
 *   cells[]: lane, scenario, point, params, metric, unit, better, primary, contestant, runs,
 *       median, p5, p95, ratio, low, high (to the leader of the cell, also in rows that are
 *       not primary; those have no word). If primary also family, verdict, reason, loses_to,
 *       star, x_limit, limit (id in limits.json, perhaps a multiple), reproduce
 *   duels[]: lane, scenario, point, params, metric, a, b, blocks, won_by_a, ties, e_value (at
 *       the first crossing), threshold, decided_block, ratio (a/b), ratio_second_half, low,
 *       high, small, clock_too_coarse, further_blocks, verdict (of a)
 *   ceilings[]: lane, scenario, point, metric, unit, runs and failed (of the null contestant),
 *       reason, median, best, best_median, times (best / null), near (below 3: the harness is
 *       a good part of what is measured)
 *   standings[]: profile, weights, shares, after_measurement (the weights came with velo
 *       report --weights), cells, rounds, order, winner, tie, further_rounds, further_minutes,
 *       sentence
 *   standings[].order[]: contestant, eligible, out_in, score (1 = leader), low, high, regret,
 *       regret_in, regret_low, regret_high, regret_proven, wins, ties, losses, open,
 *       dominates, dominated
 *   map: of the default profile; null below two families: sentence, families[], pairs[]:
 *       {family, against or weight, sentence, stretches[]: {from, to, leader (estimate),
 *       winner (evidence), tie}}, triples[]: {families, mixes, contestants: {leads, wins},
 *       points[] of the first}
 *   prices[]: a variant against its own contestant, at 1/alpha: contestant, decision, lane,
 *       scenario, point, metric, ratio (with / without), low, high, blocks, dearer_in, ties,
 *       e_value, threshold, star (e-BH over all rows), word COSTS, SAVES, FREE, OPEN
 */
#ifndef VERDICT_H
#define VERDICT_H

#include "run_dir.h"

/*
 * The verdict of what [dir] holds, as a new JSON object.
 * Returns: 0, the caller owns *out; -ENOMEM; -EINVAL with [err] filled.
 */
int verdict_build(const struct run_dir *dir, json_t **out, char *err, size_t err_size);

/*
 * Reads [run_dir], judges it and writes verdict.json there, whole or not at all. A torn last line
 * of the journal is left out and said so ("notes"). Returns: 0; otherwise a negative errno value,
 * [err] says what was wrong and what to do.
 */
int verdict_write(const char *run_dir, char *err, size_t err_size);

#endif
