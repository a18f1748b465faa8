/* SPDX-License-Identifier: MIT */
/*
 * Errors and insight (X1-X5): error names, options, metrics, the slow callback report, hooks that
 * call back. Method: one thread, turns by hand.
 */
#include <stdlib.h>
#include <string.h>

#include "conf.h"
#include "kinds.h"
#include "probes.h"

/* ---- X1 ---- */

/* X1: velo_strerror names every error that some function documents, and knows what it does not. */
CONF_CASE(strerror_names_every_documented_error, "X1", 0)
{
    static const struct {
        int result;
        const char *name;
    } known[] = {{-EINVAL, "EINVAL"},
                 {-EAGAIN, "EAGAIN"},
                 {-EBUSY, "EBUSY"},
                 {-ENOMEM, "ENOMEM"},
                 {-ESHUTDOWN, "ESHUTDOWN"},
                 {-EDEADLK, "EDEADLK"},
                 {-ECANCELED, "ECANCELED"},
                 {-ETIMEDOUT, "ETIMEDOUT"},
                 {-ENOENT, "ENOENT"},
                 {-EALREADY, "EALREADY"},
                 {-EEXIST, "EEXIST"},
                 {-EBADF, "EBADF"},
                 {-EPERM, "EPERM"},
                 {-ENOTSUP, "ENOTSUP"},
                 {-EMFILE, "EMFILE"},
                 {-ENFILE, "ENFILE"},
                 {-ENOSPC, "ENOSPC"},
                 {-ECHILD, "ECHILD"},
                 {-ENOSYS, "ENOSYS"}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        const char *text = velo_strerror(known[i].result);
        assert_non_null(text);
        if (strncmp(text, known[i].name, strlen(known[i].name)) != 0 || strchr(text, ':') == NULL)
            fail_msg("velo_strerror(-%s) says \"%s\"", known[i].name, text);
        assert_ptr_equal(velo_strerror(known[i].result), text);
    }
    static const int unknown[] = {0, 1, 99999, -99999, INT32_MIN, INT32_MAX};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_non_null(velo_strerror(unknown[i]));
        assert_true(strlen(velo_strerror(unknown[i])) > 0);
    }
}

/* X1: who the contestant says it is. */
CONF_CASE(the_contestant_introduces_itself, "X1", 0)
{
    const struct velo_impl *impl = velo_impl();
    assert_non_null(impl);
    assert_ptr_equal(velo_impl(), impl);
    assert_true(impl->name != NULL && strlen(impl->name) > 0);
    assert_true(impl->summary != NULL && strlen(impl->summary) > 0);
    assert_null(strchr(impl->summary, '\n'));
    assert_true(impl->version != NULL && strlen(impl->version) > 0);
    assert_true(impl->kind != NULL);
    bool native = strcmp(impl->kind, "native") == 0;
    assert_true(native || strcmp(impl->kind, "guest") == 0);
    const struct velo_deviation *deviation = impl->deviations;
    if (deviation == NULL)
        return;
    assert_true(!native || deviation->clause == NULL); /* only guests may deviate */
    for (; deviation->clause != NULL; deviation++)
        assert_true(deviation->reason != NULL && strlen(deviation->reason) > 0);
}

/* X1: options that cannot be are refused, and [*out] is untouched. */
CONF_CASE(wrong_options_are_einval, "X1", 0)
{
    struct velo_loop *const untouched = (struct velo_loop *)(void *)&errno;
    struct velo_loop *loop = untouched;
    struct velo_options options = conf_options();
    assert_int_equal(velo_loop_create(NULL, NULL), -EINVAL);
    assert_int_equal(velo_loop_create(NULL, &options), -EINVAL);
    options.size = 0;
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    options = conf_options();
    options.fast_path = (enum velo_fast_path)9;
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    options = conf_options();
    options.spin_ns = -2;
    assert_int_equal(velo_loop_create(&loop, &options), -EINVAL);
    assert_ptr_equal(loop, untouched);
}

/* What a program of tomorrow passes to the library of today. */
struct newer_options {
    struct velo_options known;
    uint64_t unknown[2];
};

/* X1: the struct may grow: options that the library does not know are refused unless they are 0. */
CONF_CASE(options_from_the_future_are_refused_unless_zero, "X1", 0)
{
    struct newer_options newer = {.known = conf_options(), .unknown = {0, 1}};
    struct velo_loop *loop = NULL;
    newer.known.size = sizeof newer;
    assert_int_equal(velo_loop_create(&loop, &newer.known), -EINVAL);
    newer.unknown[1] = 0;
    assert_int_equal(velo_loop_create(&loop, &newer.known), 0);
    assert_int_equal(velo_loop_destroy(loop), 0);
}

/* X1, ruling: NULL and a zeroed struct with its size mean defaults. */
CONF_CASE(no_options_and_zeroed_options_are_defaults, "X1", 0)
{
    struct velo_options zeroed = {.size = sizeof zeroed};
    for (unsigned i = 0; i < 2; i++) {
        struct velo_loop *loop = NULL;
        struct conf_count ran;
        conf_count_init(&ran);
        assert_int_equal(velo_loop_create(&loop, i == 0 ? NULL : &zeroed), 0);
        assert_int_equal(velo_submit(loop, conf_count_fn, &ran), 0);
        assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
        assert_int_equal(conf_count_get(&ran), 1);
        assert_int_equal(velo_submit(loop, nothing, NULL), 0); /* discarded without a hook */
        assert_int_equal(velo_loop_destroy(loop), 0);
    }
}

/* X1: opts is copied: what happens to it later does not matter. */
CONF_CASE(options_are_copied, "X1", VELO_CAP_BOUNDED)
{
    struct velo_options *options = malloc(sizeof *options);
    assert_non_null(options);
    *options = conf_options();
    options->max_pending = 2;
    struct velo_loop *loop = conf_create(options);
    memset(options, 0xff, sizeof *options);
    free(options);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), -EAGAIN);
    conf_turns(loop, 1);
    conf_destroy(loop);
}

/* X1: many loops at once do not know of each other: there is no global state. */
CONF_CASE(loops_are_independent, "X1 L6", 0)
{
    enum { LOOPS = 8 };
    struct velo_loop *loops[LOOPS];
    struct conf_count ran[LOOPS];
    for (unsigned i = 0; i < LOOPS; i++) {
        conf_count_init(&ran[i]);
        loops[i] = conf_create(NULL);
    }
    for (unsigned i = 0; i < LOOPS; i++)
        for (unsigned n = 0; n <= i; n++)
            assert_int_equal(velo_submit(loops[i], conf_count_fn, &ran[i]), 0);
    for (unsigned i = 0; i < LOOPS; i += 2)
        assert_int_equal(velo_loop_close(loops[i]), 0);
    for (unsigned i = 1; i < LOOPS; i += 2)
        conf_turns(loops[i], 1);
    for (unsigned i = 0; i < LOOPS; i++) {
        assert_int_equal(conf_count_get(&ran[i]), i % 2 == 0 ? 0 : i + 1);
        assert_int_equal(conf_discarded(loops[i]), i % 2 == 0 ? i + 1 : 0);
        conf_destroy(loops[i]);
    }
}

/* X1: no call sets errno. */
CONF_CASE(calls_do_not_set_errno, "X1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    errno = 4242;
    assert_int_equal(velo_submit(loop, NULL, NULL), -EINVAL);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
    assert_int_equal(velo_loop_wake(loop), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    (void)velo_loop_state(loop);
    assert_int_equal(errno, 4242);
    conf_destroy(loop);
}

/* ---- X3 ---- */

/* X3: size says how much is written; wrong calls are refused. */
CONF_CASE(metrics_read_respects_the_size, "X3 X1", VELO_CAP_METRICS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct velo_metrics seen;
    assert_int_equal(velo_metrics_read(loop, NULL), -EINVAL);
    memset(&seen, 0x5a, sizeof seen);
    seen.size = 0;
    assert_int_equal(velo_metrics_read(loop, &seen), -EINVAL);
    assert_true(seen.accepted == UINT64_C(0x5a5a5a5a5a5a5a5a));
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    seen.size = offsetof(struct velo_metrics, executed);
    assert_int_equal(velo_metrics_read(loop, &seen), 0);
    assert_int_equal(seen.accepted, 1);
    assert_true(seen.executed == UINT64_C(0x5a5a5a5a5a5a5a5a));
    conf_destroy(loop);
}

/* X3: each counter counts what its comment says, on a loop driven by hand. */
CONF_CASE(metrics_count_what_they_say,
          "X3",
          VELO_CAP_METRICS | VELO_CAP_TIMERS | VELO_CAP_IMMEDIATES)
{
    struct velo_loop *loop = conf_create(NULL);
    velo_id timer = 0, immediate = 0;
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    assert_int_equal(velo_timer_start(loop, CONF_NS_PER_S * 3600, 0, nothing, NULL, &timer), 0);
    assert_int_equal(velo_set_immediate(loop, nothing, NULL, &immediate), 0);
    struct velo_metrics seen = conf_metrics(loop);
    assert_int_equal(seen.accepted, 4);
    assert_int_equal(seen.pending, 2);
    assert_int_equal(seen.timers_armed, 1);
    assert_int_equal(seen.descriptors, 0);
    assert_int_equal(velo_clear_immediate(loop, immediate), 0);
    conf_turns(loop, 3);
    seen = conf_metrics(loop);
    assert_int_equal(seen.executed, 2);
    assert_int_equal(seen.cancelled, 1);
    assert_int_equal(seen.pending, 0);
    assert_int_equal(seen.turns, 3);
    assert_int_equal(velo_loop_close(loop), 0);
    seen = conf_metrics(loop);
    assert_int_equal(seen.discarded, 1);
    assert_int_equal(seen.timers_armed, 0);
    conf_destroy(loop);
}

struct read_beside {
    struct velo_loop *loop;
    atomic_bool stop;
};

static void read_metrics(void *arg, unsigned index)
{
    struct read_beside *test = arg;
    struct velo_metrics last = {.size = sizeof last};
    (void)index;
    while (!atomic_load(&test->stop)) {
        struct velo_metrics now = conf_metrics(test->loop);
        CONF_EXPECT(now.accepted >= last.accepted);
        CONF_EXPECT(now.executed >= last.executed);
        CONF_EXPECT(now.turns >= last.turns);
        CONF_EXPECT(now.wakeups >= last.wakeups);
        last = now;
    }
}

/* X3: reading beside a running loop: every counter is monotone (and TSan finds no race). */
CONF_CASE(metrics_are_monotone_beside_a_running_loop, "X3", VELO_CAP_METRICS)
{
    struct read_beside test = {.loop = conf_create(NULL)};
    struct conf_runner runner;
    struct conf_team team;
    conf_runner_start(&runner, test.loop, VELO_RUN_FOREVER);
    conf_team_start(&team, 1, read_metrics, &test);
    for (unsigned i = 0; i < conf_rounds(100000); i++)
        assert_int_equal(velo_submit(test.loop, nothing, NULL), 0);
    conf_sync(test.loop);
    atomic_store(&test.stop, true);
    conf_team_join(&team);
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(test.loop);
}

/* ---- X4 ---- */

struct slow_log {
    velo_fn fn;
    void *arg;
    uint64_t elapsed_ns;
    unsigned count;
};

static void note_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct slow_log *log = ctx;
    *log = (struct slow_log){fn, arg, elapsed_ns, log->count + 1};
}

static void burn(void *arg)
{
    uint64_t until = conf_now_ns() + *(uint64_t *)arg;
    while (conf_now_ns() < until)
        ;
}

/* X4: a callback beyond the threshold is reported after it returned, with what it took. */
CONF_CASE(slow_callbacks_are_reported, "X4", 0)
{
    struct slow_log log = {0};
    struct velo_options options = conf_options();
    uint64_t slow_ns = 3 * CONF_NS_PER_MS;
    options.ctx = &log;
    options.on_slow = note_slow;
    options.slow_ns = 2 * CONF_NS_PER_MS;
    struct velo_loop *loop = conf_create(&options);
    unsigned expected = 0;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        if (!kind_is_offered(kind))
            continue;
        assert_int_equal(kind_add(kind, loop, burn, &slow_ns, NULL), 0);
        conf_turns(loop, 2);
        expected++;
        assert_int_equal(log.count, expected);
        assert_true(log.fn == burn && log.arg == &slow_ns);
        assert_true(log.elapsed_ns >= slow_ns && log.elapsed_ns < CONF_NS_PER_S);
    }
    conf_destroy(loop);
}

/* X4: below the threshold, and without one, nothing is reported. */
CONF_CASE(quick_callbacks_are_not_reported, "X4", 0)
{
    for (unsigned i = 0; i < 2; i++) {
        struct slow_log log = {0};
        struct velo_options options = conf_options();
        options.ctx = &log;
        options.on_slow = note_slow;
        options.slow_ns = i == 0 ? 3600 * CONF_NS_PER_S : 0;
        struct velo_loop *loop = conf_create(&options);
        for (unsigned n = 0; n < 1000; n++)
            assert_int_equal(velo_submit(loop, nothing, NULL), 0);
        conf_turns(loop, 1);
        assert_int_equal(log.count, 0);
        conf_destroy(loop);
    }
}

/* ---- hooks that call back ---- */

struct talkative {
    struct velo_loop *loop;
    struct conf_count ran;
    atomic_bool inside;
};

static void
log_and_call_back(void *ctx, enum velo_log_level level, const char *event, const char *fields)
{
    struct talkative *test = ctx;
    (void)level;
    (void)event;
    (void)fields;
    if (test->loop == NULL || atomic_exchange(&test->inside, true))
        return;
    int rc = velo_submit(test->loop, conf_count_fn, &test->ran);
    CONF_EXPECT(rc == 0 || rc == -ESHUTDOWN);
    CONF_EXPECT_INT(conf_metrics(test->loop).size, sizeof(struct velo_metrics));
    (void)velo_loop_state(test->loop);
    (void)velo_loop_is_alive(test->loop);
    atomic_store(&test->inside, false);
}

static void submit_on_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    struct talkative *test = ctx;
    (void)fn;
    (void)arg;
    (void)elapsed_ns;
    CONF_EXPECT_INT(velo_submit(test->loop, nothing, NULL), 0);
}

/* Trap L15: the log sink and the slow report call the API: no deadlock, nothing lost. */
CONF_CASE(hooks_may_call_the_api, "X4 L7", 0)
{
    struct talkative test = {.loop = NULL};
    struct velo_options options = conf_options();
    uint64_t slow_ns = 200000;
    conf_count_init(&test.ran);
    options.ctx = &test;
    options.on_log = log_and_call_back;
    options.on_slow = submit_on_slow;
    options.slow_ns = 100000;
    options.microtask_warn = 1;
    test.loop = conf_create(&options);
    assert_int_equal(velo_submit(test.loop, burn, &slow_ns), 0);
    if (conf_has(VELO_CAP_MICROTASKS))
        for (unsigned i = 0; i < 5; i++)
            assert_int_equal(velo_queue_microtask(test.loop, nothing, NULL), 0);
    conf_turns(test.loop, 2);
    if (conf_has(VELO_CAP_FAST_PATH) && conf_mode() != VELO_FAST_FORCED) {
        assert_int_equal(velo_fast_path_set(test.loop, VELO_FAST_DISABLED), 0);
        conf_turns(test.loop, 2);
        assert_int_equal(velo_fast_path_set(test.loop, VELO_FAST_AUTO), 0);
        conf_turns(test.loop, 2);
    }
    assert_int_equal(velo_loop_shutdown(test.loop, -1), 0);
    conf_destroy(test.loop);
}

/* ---- the clock of the loop ---- */

struct clock_check {
    struct velo_loop *loop;
    uint64_t first;
};

static void burn_and_look(void *arg)
{
    struct clock_check *check = arg;
    uint64_t now = velo_loop_now_ns(check->loop), burnt = CONF_NS_PER_MS;
    burn(&burnt);
    CONF_EXPECT_INT(velo_loop_now_ns(check->loop), now);
    if (check->first == 0)
        check->first = now;
    CONF_EXPECT_INT(now, check->first);
}

/* R: the clock is fixed at the begin of the turn; outside run it is the clock itself. */
CONF_CASE(the_clock_stands_still_within_a_turn, "X1 T2", 0)
{
    struct clock_check check = {.loop = conf_create(NULL)};
    uint64_t before = conf_now_ns(), outside = velo_loop_now_ns(check.loop);
    assert_in_range(outside, before, conf_now_ns());
    assert_int_equal(velo_submit(check.loop, burn_and_look, &check), 0);
    assert_int_equal(velo_submit(check.loop, burn_and_look, &check), 0);
    conf_turns(check.loop, 1);
    assert_true(check.first >= outside);
    assert_true(velo_loop_now_ns(check.loop) >= check.first + 2 * CONF_NS_PER_MS);
    conf_destroy(check.loop);
}

static void on_fd(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

/* X1: no loop at all is seen by every call that returns a result. */
CONF_CASE(no_call_takes_a_loop_that_is_none, "X1", 0)
{
    struct velo_task task = {tally_fn, NULL};
    struct velo_metrics metrics = {.size = sizeof(metrics)};
    velo_id id = 1;
    assert_int_equal(velo_submit(NULL, tally_fn, NULL), -EINVAL);
    assert_int_equal(velo_submit_priority(NULL, tally_fn, NULL), -EINVAL);
    assert_int_equal(velo_submit_many(NULL, &task, 1), -EINVAL);
    assert_int_equal(velo_next_tick(NULL, tally_fn, NULL), -EINVAL);
    assert_int_equal(velo_queue_microtask(NULL, tally_fn, NULL), -EINVAL);
    assert_int_equal(velo_set_immediate(NULL, tally_fn, NULL, NULL), -EINVAL);
    assert_int_equal(velo_clear_immediate(NULL, id), -EINVAL);
    assert_int_equal(velo_defer_close(NULL, tally_fn, NULL), -EINVAL);
    assert_int_equal(velo_timer_start(NULL, 0, 0, tally_fn, NULL, NULL), -EINVAL);
    assert_int_equal(velo_timer_cancel(NULL, id), -EINVAL);
    assert_int_equal(velo_timer_cancel_many(NULL, &id, 1, NULL), -EINVAL);
    assert_int_equal(velo_timer_restart(NULL, id, 0), -EINVAL);
    assert_int_equal(velo_timer_ref(NULL, id), -EINVAL);
    assert_int_equal(velo_timer_unref(NULL, id), -EINVAL);
    assert_int_equal(velo_fd_watch(NULL, 0, VELO_READ, on_fd, NULL, NULL), -EINVAL);
    assert_int_equal(velo_fd_modify(NULL, id, VELO_READ), -EINVAL);
    assert_int_equal(velo_fd_unwatch(NULL, id), -EINVAL);
    assert_int_equal(velo_offload(NULL, tally_fn, NULL, NULL, NULL), -EINVAL);
    assert_int_equal(velo_offload_cancel(NULL, id), -EINVAL);
    assert_int_equal(velo_fast_path_set(NULL, VELO_FAST_AUTO), -EINVAL);
    assert_int_equal(velo_loop_wake(NULL), -EINVAL);
    assert_int_equal(velo_loop_backend_fd(NULL), -EINVAL);
    assert_int_equal(velo_metrics_read(NULL, &metrics), -EINVAL);
    assert_int_equal(velo_loop_run(NULL, VELO_RUN_NOWAIT), -EINVAL);
    assert_int_equal(velo_loop_shutdown(NULL, 0), -EINVAL);
    assert_int_equal(velo_loop_close(NULL), -EINVAL);
    assert_int_equal(velo_loop_create(NULL, NULL), -EINVAL);
    assert_int_equal(velo_loop_destroy(NULL), 0);
}
