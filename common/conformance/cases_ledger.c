/* SPDX-License-Identifier: MIT */
/*
 * Conservation (L7): an accepted call ends exactly once, a refused one never begins. Method: every
 * item counts what became of it; producers of all kinds of work race the end of the loop, at a
 * seeded random moment, in each way a loop can end. The counters of the loop must tell the same.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "kinds.h"
#include "probes.h"

enum { PRODUCERS = 4, ITEMS = 400 };

/* What became of one call. Zeroed before; written by the producer, the owner, and the finisher. */
struct item {
    atomic_uchar executed, cancelled, discarded;
    bool accepted; /* by its producer, read after the join */
};

struct ledger {
    struct velo_loop *loop;
    struct item items[PRODUCERS][ITEMS];
    struct conf_count begun;
    bool may_cancel;
};

static void execute(void *arg)
{
    struct item *item = arg;
    atomic_fetch_add(&item->executed, 1);
}

static void discard(void *ctx, velo_fn fn, void *arg)
{
    struct item *item = arg;
    (void)ctx;
    CONF_EXPECT(fn == execute);
    atomic_fetch_add(&item->discarded, 1);
}

/* Add work of random kinds until the items are used up or the loop has ended for a while. */
static void produce(void *arg, unsigned index)
{
    struct ledger *ledger = arg;
    struct conf_random random = conf_random(1000 + index);
    for (unsigned i = 0; i < ITEMS; i++) {
        struct item *item = &ledger->items[index][i];
        unsigned kind = (unsigned)conf_random_below(&random, KINDS);
        velo_id id = 0;
        if (!kind_is_offered(kind))
            kind = KIND_TASK;
        int rc = kind_add(kind, ledger->loop, execute, item, &id);
        item->accepted = rc == 0;
        CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
        if (i == 0)
            conf_count_add(&ledger->begun, 1);
        if (rc != 0 || !ledger->may_cancel || !kind_has_id(kind) || conf_random_next(&random) % 2)
            continue;
        rc = kind_cancel(kind, ledger->loop, id);
        CONF_EXPECT(rc == 0 || rc == -ENOENT || rc == -EALREADY || rc == -ESHUTDOWN);
        if (rc == 0)
            atomic_fetch_add(&item->cancelled, 1);
    }
}

/* Assert each item, and the sums against the loop's own counters. */
static void check_items(struct ledger *ledger)
{
    uint64_t accepted = 0, executed = 0, cancelled = 0, discarded = 0;
    for (unsigned p = 0; p < PRODUCERS; p++) {
        for (unsigned i = 0; i < ITEMS; i++) {
            struct item *item = &ledger->items[p][i];
            int fates = item->executed + item->cancelled + item->discarded;
            if (fates != item->accepted)
                fail_msg("item %u/%u: accepted %d, executed %d, cancelled %d, discarded %d",
                         p,
                         i,
                         item->accepted,
                         item->executed,
                         item->cancelled,
                         item->discarded);
            accepted += item->accepted;
            executed += item->executed;
            cancelled += item->cancelled;
            discarded += item->discarded;
        }
    }
    if (!conf_has(VELO_CAP_METRICS))
        return;
    struct velo_metrics seen = conf_metrics(ledger->loop);
    assert_int_equal(seen.accepted, accepted);
    assert_int_equal(seen.executed, executed);
    assert_int_equal(seen.cancelled, cancelled);
    assert_int_equal(seen.discarded, discarded);
}

enum ending { BY_SHUTDOWN, BY_SHUTDOWN_0, BY_CLOSE, BY_BOTH, ENDINGS };

static void end_loop(void *arg, unsigned index)
{
    struct velo_loop *loop = arg;
    int rc = index == 0 ? velo_loop_shutdown(loop, -1) : velo_loop_close(loop);
    CONF_EXPECT(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
}

static void end_by(struct velo_loop *loop, enum ending ending)
{
    struct conf_team team;
    if (ending == BY_SHUTDOWN) {
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    } else if (ending == BY_SHUTDOWN_0) {
        assert_int_equal(velo_loop_shutdown(loop, 0), 0);
    } else if (ending == BY_CLOSE) {
        assert_int_equal(velo_loop_close(loop), 0);
    } else {
        conf_team_start(&team, 2, end_loop, loop);
        conf_team_join(&team);
    }
}

/* One round: producers against the end; [runs] says whether a thread is inside run meanwhile. */
static void race_the_end(struct ledger *ledger, enum ending ending, bool runs, unsigned round)
{
    struct conf_random random = conf_random(round);
    struct velo_options options = conf_options();
    struct conf_runner runner;
    struct conf_team team;
    memset(ledger->items, 0, sizeof ledger->items);
    options.on_discard = discard;
    ledger->loop = conf_create(&options);
    ledger->may_cancel = round % 2 == 0;
    conf_count_init(&ledger->begun);
    if (runs)
        conf_runner_start(&runner, ledger->loop, VELO_RUN_FOREVER);
    conf_team_start(&team, PRODUCERS, produce, ledger);
    conf_count_wait(&ledger->begun, 1);
    conf_jitter(&random, 150000);
    end_by(ledger->loop, ending);
    conf_team_join(&team);
    if (runs) {
        int rc = conf_runner_join(&runner);
        assert_true(rc == 0 || rc == -ECANCELED || rc == -ESHUTDOWN);
    }
    assert_int_equal(velo_loop_close(ledger->loop), 0);
    check_items(ledger);
    conf_destroy(ledger->loop);
}

static void race_many_ends(enum ending ending, unsigned rounds)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    assert_non_null(ledger);
    for (unsigned round = 0; round < conf_rounds(rounds); round++)
        race_the_end(ledger, ending, round % 4 != 3, round);
    free(ledger);
}

/* L7, trap L9: a graceful end loses nothing and runs nothing twice. */
CONF_CASE(the_ledger_balances_when_producers_race_shutdown, "L7 L4", 0)
{
    race_many_ends(BY_SHUTDOWN, 120);
}

/* L7: the same when nobody waits for the end. */
CONF_CASE(the_ledger_balances_when_producers_race_a_request, "L7 L5", 0)
{
    race_many_ends(BY_SHUTDOWN_0, 120);
}

/* L7, trap L14: an immediate end reports what it gave up. */
CONF_CASE(the_ledger_balances_when_producers_race_close, "L7 L6", 0)
{
    race_many_ends(BY_CLOSE, 120);
}

/* L7: shutdown and close race each other too. */
CONF_CASE(the_ledger_balances_when_both_ends_race, "L7 L5 L6", 0)
{
    race_many_ends(BY_BOTH, 120);
}

/* L7: owner and foreign threads add while the loop runs for a while; then a graceful end. */
CONF_CASE(the_ledger_balances_after_a_long_run, "L7", 0)
{
    struct ledger *ledger = calloc(1, sizeof *ledger);
    struct velo_options options = conf_options();
    assert_non_null(ledger);
    options.on_discard = discard;
    for (unsigned round = 0; round < conf_rounds(60); round++) {
        struct conf_runner runner;
        struct conf_team team;
        memset(ledger->items, 0, sizeof ledger->items);
        ledger->loop = conf_create(&options);
        ledger->may_cancel = true;
        conf_count_init(&ledger->begun);
        conf_runner_start(&runner, ledger->loop, VELO_RUN_FOREVER);
        conf_team_start(&team, PRODUCERS, produce, ledger);
        conf_team_join(&team);
        conf_sync(ledger->loop);
        assert_int_equal(velo_loop_shutdown(ledger->loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        uint64_t tasks_of_sync = 1;
        if (conf_has(VELO_CAP_METRICS))
            assert_int_equal(conf_metrics(ledger->loop).executed +
                                 conf_metrics(ledger->loop).cancelled +
                                 conf_metrics(ledger->loop).discarded,
                             PRODUCERS * ITEMS + tasks_of_sync);
        conf_destroy(ledger->loop);
    }
    free(ledger);
}

/* L7, S1: a call that failed leaves no trace, neither in the counters nor in on_discard. */
CONF_CASE(refused_calls_leave_no_trace, "L7 S1", VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    velo_id id = 4711;
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            assert_int_equal(kind_add(kind, loop, NULL, NULL, &id), -EINVAL);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    for (unsigned kind = 0; kind < KINDS; kind++)
        if (kind_is_offered(kind))
            assert_int_equal(kind_add(kind, loop, nothing, NULL, &id), -ESHUTDOWN);
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.accepted, 1);
    assert_int_equal(seen.executed, 1);
    assert_int_equal(seen.cancelled, 0);
    assert_int_equal(seen.discarded, 0);
    assert_int_equal(conf_discarded(loop), 0);
    conf_destroy(loop);
}

/* L7: the counters say the same while the loop lives: what is not yet ended is pending. */
CONF_CASE(counters_add_up_at_every_turn, "L7 X3", VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_random random = conf_random(3);
    uint64_t added = 0, last_executed = 0;
    for (unsigned round = 0; round < conf_rounds(2000); round++) {
        for (uint64_t i = conf_random_below(&random, 5); i > 0; i--, added++)
            assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        struct velo_metrics seen = conf_metrics(loop);
        assert_int_equal(seen.accepted, added);
        assert_int_equal(seen.accepted - seen.executed, seen.pending);
        assert_true(seen.executed >= last_executed);
        last_executed = seen.executed;
        if (conf_random_below(&random, 2) == 0)
            conf_turns(loop, 1);
    }
    conf_destroy(loop);
}
