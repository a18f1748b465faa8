/* SPDX-License-Identifier: MIT */
/*
 * judge.h - from costs to verdicts: pure functions, no I/O, no global state, no clock, no dice.
 *
 * The promise: if the contestants are the same code, a cell names a winner with probability at most
 * alpha, whatever the machine does and however often we look. The means is an anytime-valid sign
 * test on blocks. One block runs every entry once, in an order drawn at random, so that for
 * identical code each sign of d = ln cost_a - ln cost_b is a fair coin given the past. E is the
 * fortune of a gambler who bets on that coin; P(E ever reaches 1/a) <= a (Ville's inequality), so
 * looking after every block is free. The bet is the mixture by Krichevsky and Trofimov.
 *
 * Words: an entry is one line of the start list (a contestant, or the twin of the baseline); a cell
 * is one scenario at one point in one lane; a duel is one pair of entries in one cell. Costs are
 * positive and smaller is better. Ratios travel as natural logarithms inside and are shown as
 * exp().
 *
 *   evidence.c  E, thresholds, interval ranks            cell.c       words and racing in one cell
 *   pair.c      one duel: test, interval, coin           standings.c  profiles over all cells
 *   contest.c   who is left: unbeaten, tied, cycles      trust.c      baseline against its twin
 *   gap.c       smallest visible gap                     words.c      results as English
 *   weights.c   how much each cell counts
 *   square.c    blocks of a balanced order: one sign per square
 *   budget.c    which cell gets the next block           map.c        the answer under all weights
 *   stars.c     wins that hold over all cells together
 *   compare.c   numbers without a verdict
 */
#ifndef JUDGE_H
#define JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- what goes in ---- */

/* One line of the start list. */
struct judge_entry {
    const char *name;
    int twin_of; /* index of the entry whose exact copy this is, or -1 */
};

/* May this entry's numbers count in this cell? */
enum judge_standing_state { JUDGE_RUNS, JUDGE_NOT_RUN, JUDGE_DISQUALIFIED };

struct judge_status {
    enum judge_standing_state state;
    const char *reason; /* words, for the two states that have one; may be NULL */
};

/* One valid block: every entry still racing, once. */
struct judge_block {
    size_t number;      /* its number in the journal; rises from block to block */
    const double *cost; /* one per entry, in their order; NAN where the entry did not run */
    size_t given_up;    /* attempts left half-way in this cell since the valid block before it */
    /* The whole attempts at it that were done again, one row of costs after the other: INFINITY
     * where the entry was late, which it may be at somebody's wish. In a block that is a folded
     * square: one row, made of the first whole attempt at each block of it. */
    const double *redone;
    size_t redone_count;
    bool folded;
    size_t row, rows; /* its place in a Williams square of so many rows; rows below 2: none */
};

/* What a cell measures, for the weights of the standings (the order is that of the weight table).
 */
enum judge_family {
    JUDGE_P99,
    JUDGE_MED,
    JUDGE_CAP,
    JUDGE_CPU,
    JUDGE_IDLE,
    JUDGE_MEM,
    JUDGE_START,
    JUDGE_FAMILIES
};

struct judge_cell_input {
    const char *lane, *scenario, *point; /* together they name the cell */
    enum judge_family family;
    double floor;                     /* lower costs are raised to it first; 0: no floor */
    const struct judge_block *blocks; /* valid attempts only, in block order */
    size_t block_count;
    const struct judge_status *status; /* one per entry */
};

struct judge_input {
    uint64_t seed;
    double alpha;  /* 0.05: the chance of a false winner that we accept, per cell */
    double margin; /* 0.03: ratios inside 1/(1+margin) .. 1+margin are practically equal */
    bool smoke;    /* a pipeline check: no winner is ever named */
    bool merged;   /* runs put together: decided by all blocks, not at the first crossing */
    const struct judge_entry *entries;
    size_t entry_count;
    const struct judge_cell_input *cells;
    size_t cell_count;
};

/* ---- evidence.c ---- */

/* Expectations end here: nobody waits for more blocks than this. */
#define JUDGE_FORESIGHT 10000

/*
 * ln E(n,k): the evidence after [n] blocks of which [k] went to one side. Symmetric in k and n-k.
 * Returns 0 (that is E = 1, no evidence) for n = 0 and for k > n.
 * Source: E = 2^n B(k+1/2, n-k+1/2) / B(1/2, 1/2), Krichevsky and Trofimov 1981.
 */
double judge_log_e(size_t n, size_t k);

/*
 * One step of the same: the evidence after one more block.
 * [log_e] is the evidence before it, [n] the blocks before it, [wins] how many of those went to the
 * side that won this one. Returns the new ln E.
 */
double judge_log_e_step(double log_e, size_t n, size_t wins);

/*
 * ln T for a cell with [contestants] at plan time (twins not counted): the number of their pairs
 * over alpha. The chance that any word of the cell is wrong, WINNER or LOSES of whomever, is then
 * at most alpha. Racing and disqualification do not lower it.
 */
double judge_log_threshold(size_t contestants, double alpha);

/* ln T for baseline against twin, looked at in [cells] cells at once: cells/alpha. */
double judge_log_threshold_twin(size_t cells, double alpha);

/*
 * The rank L of the interval [d_(L), d_(n+1-L)]: the smallest k with E(n,k) < T.
 * Returns 0 where there is no interval yet: it needs judge_blocks_needed(log_t, 0) blocks.
 */
size_t judge_interval_rank(size_t n, double log_t);

/*
 * The blocks that decide a duel in which the winner loses [losses] of them; JUDGE_FORESIGHT if it
 * takes that many or more.
 */
size_t judge_blocks_needed(double log_t, size_t losses);

/*
 * How many more blocks until E reaches T if the leading side goes on winning at the rate it has
 * shown, (k + 1/2)/(n + 1), and [against] more blocks count as lost by it. An expectation, for
 * people and for the choice of the next cell, never part of a verdict.
 * Returns INFINITY when that is more than JUDGE_FORESIGHT blocks.
 */
double judge_blocks_expected(size_t n, size_t k, size_t against, double log_t);

/* ---- pair.c ---- */

/* The running test of one duel, a against b. */
struct judge_pair {
    double log_t;    /* the threshold it is decided at */
    size_t n;        /* blocks seen */
    size_t wins_a;   /* of them won by a, split ties included; b won the rest */
    size_t ties;     /* blocks with d = 0, given to one side by a coin */
    size_t ties_a;   /* of them given to a */
    size_t given_up; /* attempts left half-way: each counts against whoever leads */
    /* The same duel over all whole attempts, also those that were done again: see crosses(). */
    size_t all_n, all_a, all_b; /* seen, and won by a and by b; the rest are ties */
    bool apart;                 /* something was done again: the two are not the same */
    double log_e;               /* evidence now */
    int decided;          /* +1 a is faster, -1 b is faster, 0 open; set at the first crossing */
    size_t decided_block; /* number of the deciding block */
    size_t decided_n;     /* blocks of this duel up to and including it */
    double decided_log_e; /* evidence as it was then */
};

void judge_pair_init(struct judge_pair *pair, double log_t);

/*
 * Adds [attempts] that were left half-way (a kill, Ctrl-C). Somebody may have seen their first
 * costs and left them for that reason, so each counts as a block that whoever leads has lost;
 * intervals are wider by it, too.
 */
void judge_pair_give_up(struct judge_pair *pair, size_t attempts);

/* Adds a whole attempt that was done again, with its [d]; infinite if one of the two was late, who
 * has lost it. */
void judge_pair_redo(struct judge_pair *pair, double d);

/*
 * Adds one block. A duel is decided when E reaches T, and would reach it as well if every tie had
 * gone to the other side (coins keep the bet fair, but they decide nothing), and if the attempts
 * that were done again had counted, too.
 * [d] = ln cost_a - ln cost_b (negative: a was faster); a [d] that is not finite is
 * no block of this duel and changes nothing. [coin] decides a tie, true for a.
 * Returns true when this very block decided the duel.
 */
bool judge_pair_update(struct judge_pair *pair, double d, size_t block, bool coin);

/* The same for a sum over several blocks; [first] is the sum over the first whole attempts at each
 * of them, infinite if one of the two was late in any. Sums of more attempts would favour whoever
 * may ask for another one. */
bool judge_pair_update_sum(
    struct judge_pair *pair, double d, double first, size_t block, bool coin);

/* Costs of the first whole attempt at [block], be it the one that counts or one done again. */
const double *judge_first(const struct judge_block *block);

/*
 * After the last block of a merged run: decided is what is so by all blocks together. A run is
 * raced, and acts on its first crossing; in a merge nothing hangs on it, and runs that contradict
 * each other shall decide nothing. (It can only take decisions back, so nothing is claimed too
 * often.)
 */
void judge_pair_take_back(struct judge_pair *pair);

/*
 * The fair coin for a tie, fixed by names so that anybody can repeat it: depends on (seed, cell,
 * block, the two names) and not on the order in which a and b are given or listed.
 * Returns true when the tie goes to [a].
 */
bool judge_coin(
    uint64_t seed, const struct judge_cell_input *cell, size_t block, const char *a, const char *b);

/*
 * ln(cost) after the floor; NAN for a cost that is absent, infinite or negative, and for 0 where
 * there is no floor.
 */
double judge_log_cost(double cost, double floor);

/* The same for an attempt that was done again, or the first one: INFINITY for an infinite cost,
 * which stands for a run that was late. */
double judge_log_cost_or_late(double cost, double floor);

/* ln of the [cost] of entry a over that of b in [cell]. The second: in an attempt that was done
 * again, or the first one, where whoever was late has lost; NAN if both were. */
double
judge_difference(const struct judge_cell_input *cell, const double *cost, size_t a, size_t b);
double judge_difference_or_late(const struct judge_cell_input *cell,
                                const double *cost,
                                size_t a,
                                size_t b);

enum judge_relation { JUDGE_OPEN, JUDGE_FASTER, JUDGE_SLOWER, JUDGE_EQUAL };

/* What one duel came to, seen from a. Logarithms of cost_a / cost_b. */
struct judge_duel {
    size_t a, b; /* entries, a < b (in standings too) */
    struct judge_pair pair;
    size_t rows;        /* blocks in each piece of evidence: 1, or the rows of a square */
    size_t floored;     /* ties because both costs lie below the floor: too small to matter */
    double median;      /* the point estimate; NAN without a block */
    double low, high;   /* all that one of the two tests of the pair leaves; if has_interval */
    double median_late; /* the estimate from the second half of the blocks; NAN below 4 */
    bool has_interval;
    bool coarse; /* more than 5 % other ties: the clock is too coarse; never EQUAL */
    bool small;  /* decided, yet the interval lies inside the margin */
    enum judge_relation relation;
    double further_blocks; /* expected until decided or equal; 0 if it is; maybe INFINITY */
};

/*
 * Finishes a duel from the differences that [duel->pair] was fed with, [d][0..n), in block order.
 * [all] has those of all whole attempts, [0..all_n), and is sorted here; it is not looked at where
 * nothing was done again. [scratch] is room for n numbers. Fills all but a, b, pair and floored.
 */
void judge_duel_finish(
    struct judge_duel *duel, const double *d, double *all, double *scratch, double margin);

/* The same without the expectation, which takes most of the time; [scratch] is left sorted. */
void judge_duel_settle(
    struct judge_duel *duel, const double *d, double *all, double *scratch, double margin);

/* Sorts in place; then the median and the p-quantile (0..1, linear between ranks) of sorted data.
 */
void judge_sort(double *values, size_t n);
double judge_median(const double *sorted, size_t n);
double judge_quantile(const double *sorted, size_t n, double p);

/* ---- square.c ---- */

/* The rows of the whole square that begins at block [first]; 1: it stands alone; 0: not whole. */
size_t judge_square_rows(const struct judge_cell_input *cell, size_t first);

/* A cell as evidence sees it: each whole square is one block, an unfinished one is none. */
struct judge_fold {
    struct judge_cell_input cell; /* borrows all but the blocks */
    size_t rows;                  /* blocks that make one piece of evidence; 1 without squares */
    struct judge_block *blocks;
    double *costs;
};

/*
 * Folds the squares of [cell] (see square.c); without any the cell stays as it is.
 * Owns:    judge_fold_fini() frees [out]; [cell] must outlive it.
 * Returns: 0; -ENOMEM.
 */
int judge_fold(const struct judge_cell_input *cell, size_t entries, struct judge_fold *out);
void judge_fold_fini(struct judge_fold *out);

/* All cells of a tournament folded: [in] is as the original, with the folded cells. */
struct judge_folds {
    struct judge_input in;
    size_t rows; /* the most of any cell */
    struct judge_fold *folds;
    struct judge_cell_input *cells;
};

/* As judge_fold(). */
int judge_fold_all(const struct judge_input *in, struct judge_folds *out);
void judge_fold_all_fini(struct judge_folds *out);

/* ---- cell.c ---- */

enum judge_word {
    JUDGE_WORD_DISQUALIFIED,
    JUDGE_WORD_NOT_RUN,
    JUDGE_WORD_WINNER,
    JUDGE_WORD_LOSES,
    JUDGE_WORD_TIE,
    JUDGE_WORD_NOT_ENOUGH_EVIDENCE,
    JUDGE_WORD_TWIN /* the copy of the baseline gets no verdict of its own */
};

struct judge_entry_result {
    enum judge_word word;
    int loses_to;       /* the entry that beats it (the strongest unbeaten one), else -1 */
    double loses_log_e; /* evidence at that decision */
    bool racing;        /* should it run in the next block, were there one? A beaten one should not;
                           the first common rounds of a plan run it all the same */
    bool small;         /* it wins or loses, but by little: contest_is_small() */
    size_t runs;        /* blocks with a cost */
    double median, p5, p95; /* of its costs; NAN without any */
    double ratio, low,
        high; /* log ratio to the leader: 0 for the leader; low, high NAN if unknown */
};

struct judge_cell_result {
    size_t contestants; /* twins not counted */
    double log_t;
    struct judge_entry_result *entries; /* one per entry of the input */
    struct judge_duel *duels;           /* each pair of contestants that shared a block */
    size_t duel_count;
    struct judge_duel *twin_duels; /* baseline against twin, at the twin's threshold */
    size_t twin_duel_count;
    size_t blocks;
    int leader;   /* the fastest by point estimates, decided or not; -1 without numbers */
    int winner;   /* the entry with the word WINNER, or -1 */
    bool decided; /* no further block can change a word: one left, all equal, nobody to race */
    bool cycle;   /* A beats B beats C beats A: all of them are beaten, and said to be */
    bool star;    /* the win survives the count over all cells (judge_stars) */
    double further_blocks;     /* expected until decided; 0 if it is; maybe INFINITY */
    double verdicts_per_block; /* expected; divide by the block's seconds to choose the next cell */
};

/*
 * Judges one cell from its blocks so far.
 * Owns:    [out] is filled with heap memory; judge_cell_fini() frees it.
 * Returns: 0; -EINVAL for a cell that is not there or alpha, margin out of range; -ENOMEM.
 */
int judge_cell(const struct judge_input *in, size_t cell, struct judge_cell_result *out);
void judge_cell_fini(struct judge_cell_result *out);

/*
 * Feeds one block of [cell] to [duel], whose pair was begun: the difference, the floor, the coin,
 * and what was given up or done again before it. [cell] is one without squares (judge_fold).
 * Returns the difference d, NAN if one of the two has no cost in this block.
 */
double judge_meet(const struct judge_input *in,
                  const struct judge_cell_input *cell,
                  const struct judge_block *block,
                  struct judge_duel *duel);

/* The duel of entries [a] and [b] in any order, or NULL. *sign = +1 if it is stored as (a, b). */
const struct judge_duel *
judge_find_duel(const struct judge_cell_result *cell, size_t a, size_t b, int *sign);

/*
 * The duel of two entries in one cell alone, at the threshold [log_t]: for a question that was
 * asked about this pair and no other. Returns: 0; -ENOMEM.
 */
int judge_duel_in(const struct judge_input *in,
                  size_t cell,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_duel *out);

/* ---- stars.c ---- */

/* ln of the e-value of question [i]; -INFINITY: not answered in the way that would get a star. */
typedef double (*judge_log_e_fn)(const void *ctx, size_t i);

/*
 * e-BH (Wang and Ramdas 2022) over [count] questions: the ln E from which on an answer gets a star,
 * so that at most [alpha] of the stars are expected to be false; INFINITY when none does.
 */
double judge_e_bh(size_t count, double alpha, judge_log_e_fn log_e_of, const void *ctx);

/* ln E of [pair] after its last block, the smaller one of its two tests; -INFINITY unless a (else
 * b) is ahead in both. */
double judge_pair_log_e_ahead(const struct judge_pair *pair, bool for_a);

/* Marks the wins that hold over all cells together. [cells] are all the cells of [in]. */
void judge_stars(const struct judge_input *in, struct judge_cell_result *cells);

/* How many entries are contestants, that is no twins. */
size_t judge_contestants(const struct judge_input *in);

/* ---- compare.c ---- */

/* Two entries by a number that is not judged; logarithms of a / b, -INFINITY and INFINITY too. */
struct judge_comparison {
    size_t blocks;
    double ratio;     /* the median; NAN without a block */
    double low, high; /* the interval at T, NAN if there is none */
};

/*
 * [cell] holds the numbers of the blocks in the place of costs; its floor does not count. Zero is a
 * number here, what is negative or not finite is absent.
 * Returns: 0; -ENOMEM.
 */
int judge_compare(const struct judge_cell_input *cell,
                  size_t a,
                  size_t b,
                  double log_t,
                  struct judge_comparison *out);

/* The same for two rows of [n] numbers that belong together two by two. Returns: 0; -ENOMEM. */
int judge_compare_rows(
    const double *a, const double *b, size_t n, double log_t, struct judge_comparison *out);

/* ---- budget.c ---- */

/* What one more block of a cell costs and promises. */
struct judge_offer {
    size_t lane;
    bool open;                 /* undecided, with somebody to race */
    double block_s, spent_s;   /* what its next block takes; what its blocks took so far */
    double verdicts_per_block; /* as in judge_cell_result */
    size_t blocks;             /* that it has */
};

/*
 * The cell that gets the next block: of the lane that is furthest below its [share] of the time,
 * the one with the most expected verdicts per second, and among equals the one with the fewest
 * blocks. Only blocks that fit into [left_s] are considered; -1 if there is none.
 */
int judge_next(const struct judge_offer *offers,
               size_t count,
               const double *share,
               size_t lanes,
               double left_s);

/* ---- gap.c ---- */

/*
 * The chance that E reaches T within [n] blocks when one side wins each block with probability [p];
 * exact, by recursion over (n, k).
 */
double judge_power(size_t n, double log_t, double p);

/* The smallest p for which judge_power() is at least [power]; NAN if even p = 1 does not do. */
double judge_win_probability(size_t n, double log_t, double power);

/*
 * The smallest gap that [n] blocks see in 90 of 100 cases, as a log ratio, given the differences
 * [d] of identical code: their p-quantile, made symmetric around 0 (below 100 of them: the normal
 * law with sd = 1.4826 MAD). Ties are left out: they would promise a sight that the clock has not.
 * Sorts nothing in place; [scratch] is room for count numbers.
 * Returns NAN when nothing can be seen: too few blocks, or no differences.
 */
double judge_smallest_gap(size_t n, double log_t, const double *d, size_t count, double *scratch);

/* ---- weights.c ---- */

/* How much a scenario counts among those of its family, or a point among those of its scenario. */
struct judge_share {
    const char *lane;     /* NULL: whatever the lane */
    const char *scenario; /* by its name */
    const char *point;    /* NULL: the scenario as a whole */
    double share;         /* the unnamed have 1; 0 leaves it out */
};

struct judge_profile {
    const char *name;
    double
        weight[JUDGE_FAMILIES]; /* of each family, any unit; spread over scenarios, then points */
    const struct judge_share *shares; /* in equal parts, but for these; of two the later one */
    size_t share_count;
};

/* The four profiles, the default one ("balanced") last. */
const struct judge_profile *judge_profiles(size_t *count);

/* The short name of a family as it stands in plan.json ("p99"), and back; -1 if unknown. */
const char *judge_family_name(enum judge_family family);
int judge_family_parse(const char *name);

/* The same in English: "tail latency". */
const char *judge_family_title(enum judge_family family);

/* Is this cell, or its scenario, what [share] names? */
bool judge_share_names(const struct judge_share *share, const struct judge_cell_input *cell);

/*
 * The weight of each cell, summing to 1: a family's weight is spread over its scenarios and there
 * over their points, in equal parts but for the shares. Cells that no contestant ran weigh nothing.
 * [weights] has cell_count. Returns how many cells have weight.
 */
size_t
judge_weights(const struct judge_input *in, const struct judge_profile *profile, double *weights);

/* The spread of such differences: 1.4826 MAD around 0, ties left out; NAN without any. [scratch] as
 * above. */
double judge_spread(const double *d, size_t count, double *scratch);

/* The same gap where only the spread is known: by the normal law. NAN when nothing can be seen. */
double judge_gap_of_spread(size_t n, double log_t, double spread);

/* ---- standings.c ---- */

/* Attempts left half-way before the [round]-th block of a cell, over all [count] cells. */
size_t judge_round_given_up(const struct judge_cell_input *cells, size_t count, size_t round);

struct judge_place {
    size_t entry;
    bool eligible;    /* false: disqualified or not run in a cell with weight */
    size_t bad_cell;  /* which; valid if not eligible */
    double score;     /* weighted log cost relative to the leader, 0 for it; NAN if not eligible */
    double low, high; /* its interval, NAN if unknown */
    double regret;    /* log of the worst ratio to a cell's leader; INFINITY if not eligible */
    size_t regret_cell;
    size_t wins, ties, losses, open; /* words in the cells with weight */
    bool *dominates; /* one per entry: FASTER somewhere, SLOWER nowhere, in cells with weight */
    bool dominated;
};

struct judge_standing {
    const char *profile;
    struct judge_place *places; /* best first: eligible by score, then the others */
    size_t place_count;         /* contestants; twins are not listed */
    double *weights;            /* of each cell */
    size_t weighted_cells;
    struct judge_duel *duels; /* weighted log cost per complete round, eligible entries */
    size_t duel_count;
    size_t rounds;         /* the fewest complete rounds of a pair */
    size_t scarce_cell;    /* the cell with weight that has the fewest blocks */
    int leader;            /* first by point estimate, or -1 */
    int winner;            /* beats or outlasts all others by evidence, or -1 */
    bool tie;              /* all unbeaten ones are EQUAL */
    double further_rounds; /* expected until decided; of single blocks: those of whole squares */
};

/*
 * One profile's three views: dominance, weighted log cost, minimax regret.
 * [cells] are the judged cells of [in]. judge_standing_fini() frees what [out] holds.
 * Returns: 0; -ENOMEM.
 */
int judge_standing(const struct judge_input *in,
                   const struct judge_cell_result *cells,
                   const struct judge_profile *profile,
                   struct judge_standing *out);
void judge_standing_fini(struct judge_standing *out);

/* ---- map.c ---- */

enum { JUDGE_MAP_CONTESTANTS = 16, JUDGE_MAP_STEPS = 10 };

/* Who is ahead under one set of weights: by point estimates, and by evidence. */
struct judge_view {
    int leader; /* -1: no complete round */
    int winner; /* -1: open, or a tie */
    bool tie;   /* all unbeaten ones are EQUAL */
};

/* Weights over which nothing changes. */
struct judge_stretch {
    double from, to;
    struct judge_view view;
};

/*
 * The weight of one family grows from 0 to 1. The ends are limits: there, too, every family of the
 * strip counts, if ever so little.
 */
struct judge_strip {
    enum judge_family family;
    int against; /* the one other family with weight; -1: all others, in the profile's proportions
                  */
    double base; /* the weight of [family] in the profile, NAN if [against] a single one */
    struct judge_stretch *stretches; /* in rising order, without gaps */
    size_t count;
};

/* One set of weights of three families, summing to 1, and who is ahead there. */
struct judge_mix {
    double weight[3];
    struct judge_view view;
};

/* All mixes of three families in steps of 1/JUDGE_MAP_STEPS. */
struct judge_triple {
    enum judge_family family[3];
    struct judge_mix *mixes;
    size_t count;
};

struct judge_map {
    struct judge_strip *strips; /* one per family that was measured, if there are two at least */
    size_t strip_count;
    struct judge_strip *pairs; /* each two of them */
    size_t pair_count;
    struct judge_triple *triples; /* each three of them, the heaviest in the profile first */
    size_t triple_count;
};

/*
 * How the answer changes with the weights: view 2 of judge_standing() again and again, from
 * differences that are summed only once. Every single point has the error of one standing; that
 * none of all the points errs is not promised.
 * A map of more than JUDGE_MAP_CONTESTANTS is left empty.
 * Returns: 0, and judge_map_fini() frees [out]; -ENOMEM.
 */
int judge_map(const struct judge_input *in,
              const struct judge_profile *profile,
              struct judge_map *out);
void judge_map_fini(struct judge_map *map);

/* ---- trust.c ---- */

/* Baseline against its twin: the harness tested on itself. */
struct judge_trust {
    bool has_twin;
    bool differs;            /* in some cell the twin was told from its original: trust nothing */
    size_t differs_cell;     /* the first such cell */
    bool equal;              /* the pooled interval lies inside the margin */
    size_t blocks, won;      /* pooled over all cells, in order of (block, cell) */
    double ratio, low, high; /* pooled log ratio and interval; NAN if unknown */
    double gap; /* smallest visible gap with [gap_blocks] blocks, log ratio; NAN if none */
    size_t gap_blocks;
    double spread; /* of the pooled differences (judge_spread); NAN without any */
};

/*
 * The differences ln(original / twin) of the first twin in [cell], in block order, into [d], which
 * has room for one per block. Returns how many: blocks in which both have a cost.
 */
size_t judge_twin_differences(const struct judge_input *in, size_t cell, double *d);

/* [gap_blocks] = 0 asks for the median number of blocks per cell. Returns: 0; -ENOMEM. */
int judge_trust(const struct judge_input *in,
                const struct judge_cell_result *cells,
                size_t gap_blocks,
                struct judge_trust *out);

/* ---- words.c: each writes at most [size] bytes, always terminated ---- */

/* "WINNER", "LOSES", "TIE", "DISQUALIFIED", "NOT RUN", "NOT ENOUGH EVIDENCE", "TWIN". */
const char *judge_word_name(enum judge_word word);

/* "FASTER", "SLOWER", "EQUAL", "OPEN". */
const char *judge_relation_name(enum judge_relation relation);

/*
 * Why an entry got its word, e.g. "slower than chunked: 1.18x (1.12 to 1.25), lost 27 of 30
 * blocks". [seconds_per_block] turns further blocks into minutes; 0 leaves the minutes out.
 */
void judge_reason(const struct judge_input *in,
                  size_t cell,
                  const struct judge_cell_result *result,
                  size_t entry,
                  double seconds_per_block,
                  char *text,
                  size_t size);

/* One sentence for a profile. [seconds_per_round]: as above, for one block of each weighted cell.
 */
void judge_sentence(const struct judge_input *in,
                    const struct judge_standing *standing,
                    double seconds_per_round,
                    char *text,
                    size_t size);

#endif
