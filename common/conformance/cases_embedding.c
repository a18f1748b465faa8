/* SPDX-License-Identifier: MIT */
/*
 * Embedding (A4): the descriptor that tells when a turn is worth it. Method: poll it by hand, from
 * another loop, and beside other threads.
 */
#include <poll.h>
#include <unistd.h>

#include "conf.h"
#include "kinds.h"
#include "probes.h"

static void on_event(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1)
        conf_count_add(arg, 1);
}

static bool is_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, 0) == 1 && (entry.revents & POLLIN) != 0;
}

static bool becomes_readable(int fd)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    return poll(&entry, 1, (int)(CONF_PATIENCE_NS / CONF_NS_PER_MS)) == 1;
}

/* A4: readable exactly while a turn has something to do, whoever added it, of whatever kind. */
CONF_CASE(backend_fd_tells_when_a_turn_is_worth_it, "A4", VELO_CAP_BACKEND_FD)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    uint64_t added = 0;
    conf_count_init(&ran);
    int fd = velo_loop_backend_fd(loop);
    assert_true(fd >= 0);
    assert_int_equal(velo_loop_backend_fd(loop), fd);
    conf_turns(loop, 2);
    assert_false(is_readable(fd));
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned kind = 0; kind < KINDS; kind++) {
            if (!kind_is_offered(kind) || kind == KIND_TIMER)
                continue;
            assert_int_equal(kind_add(kind, loop, conf_count_fn, &ran, NULL), 0);
            if (!becomes_readable(fd))
                fail_msg("a %s is pending and backend_fd does not tell", kind_name(kind));
            conf_turns(loop, 2);
            assert_int_equal(conf_count_get(&ran), ++added);
            assert_false(is_readable(fd));
        }
    }
    conf_destroy(loop);
}

struct adding {
    struct velo_loop *loop;
    unsigned kind;
    struct conf_count ran;
};

static void add_one(void *arg)
{
    struct adding *adding = arg;
    CONF_EXPECT_INT(kind_add(adding->kind, adding->loop, conf_count_fn, &adding->ran, NULL), 0);
}

/* A4: what a callback adds for the next turn makes the descriptor readable after this one. */
CONF_CASE(backend_fd_tells_of_work_that_a_callback_added, "A4", VELO_CAP_BACKEND_FD)
{
    for (unsigned kind = 0; kind < KINDS; kind++) {
        struct adding adding = {.loop = conf_create(NULL), .kind = kind};
        conf_count_init(&adding.ran);
        int fd = velo_loop_backend_fd(adding.loop);
        conf_turns(adding.loop, 2);
        if (kind_is_offered(kind) && kind != KIND_TIMER) { /* timers are told by the metrics */
            assert_int_equal(velo_defer_close(adding.loop, add_one, &adding), 0);
            conf_turns(adding.loop, 1);
            if (conf_count_get(&adding.ran) == 0 && !is_readable(fd))
                fail_msg("a %s is pending and backend_fd does not tell", kind_name(kind));
            conf_turns(adding.loop, 1);
            assert_int_equal(conf_count_get(&adding.ran), 1);
            assert_false(is_readable(fd));
        }
        conf_destroy(adding.loop);
    }
}

static void submit_from_outside(void *arg, unsigned index)
{
    void **pair = arg;
    (void)index;
    CONF_EXPECT_INT(velo_submit(pair[0], conf_count_fn, pair[1]), 0);
}

/* A4: the same for other threads and for watched descriptors. */
CONF_CASE(backend_fd_tells_of_foreign_work_and_descriptors,
          "A4",
          VELO_CAP_BACKEND_FD | VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_count ran;
    int ends[2];
    conf_count_init(&ran);
    void *pair[] = {loop, &ran};
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(velo_fd_watch(loop, ends[0], VELO_READ, on_event, &ran, NULL), 0);
    int fd = velo_loop_backend_fd(loop);
    conf_turns(loop, 1);
    for (unsigned i = 1; i <= 10; i++) {
        struct conf_team team;
        assert_false(is_readable(fd));
        conf_team_start(&team, 1, submit_from_outside, pair);
        assert_true(becomes_readable(fd));
        conf_team_join(&team);
        conf_turns(loop, 2);
        assert_int_equal(conf_count_get(&ran), 2 * i - 1);
        assert_false(is_readable(fd));
        assert_int_equal(write(ends[1], "x", 1), 1);
        assert_true(becomes_readable(fd));
        conf_turns(loop, 1);
        assert_int_equal(conf_count_get(&ran), 2 * i);
    }
    conf_destroy(loop);
    close(ends[0]);
    close(ends[1]);
}

struct embedding {
    struct velo_loop *inner, *outer;
};

static void turn_inner(int fd, unsigned events, void *arg)
{
    struct embedding *embedding = arg;
    (void)fd;
    (void)events;
    CONF_EXPECT_INT(velo_loop_run(embedding->inner, VELO_RUN_NOWAIT), 0);
}

/* A4: one loop inside another, fed by a third thread. */
CONF_CASE(a_loop_embeds_in_another_loop, "A4", VELO_CAP_BACKEND_FD | VELO_CAP_FDS)
{
    struct embedding embedding = {.inner = conf_create(NULL), .outer = conf_create(NULL)};
    struct conf_runner runner;
    struct conf_count ran;
    conf_count_init(&ran);
    int fd = velo_loop_backend_fd(embedding.inner);
    assert_true(fd >= 0);
    assert_int_equal(velo_fd_watch(embedding.outer, fd, VELO_READ, turn_inner, &embedding, NULL),
                     0);
    conf_runner_start(&runner, embedding.outer, VELO_RUN_FOREVER);
    for (unsigned i = 1; i <= conf_rounds(500); i++) {
        assert_int_equal(velo_submit(embedding.inner, conf_count_fn, &ran), 0);
        assert_true(conf_count_wait(&ran, i));
    }
    assert_int_equal(velo_loop_shutdown(embedding.outer, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(embedding.outer);
    conf_destroy(embedding.inner);
}

/* A4: timers are told by the metrics; without any there is no deadline. */
CONF_CASE(the_next_deadline_is_in_the_metrics, "A4 X3", VELO_CAP_METRICS | VELO_CAP_TIMERS)
{
    struct velo_loop *loop = conf_create(NULL);
    velo_id near = 0;
    assert_true(conf_metrics(loop).next_deadline_ns == UINT64_MAX);
    uint64_t before = conf_now_ns();
    assert_int_equal(velo_timer_start(loop, 60 * CONF_NS_PER_S, 0, nothing, NULL, NULL), 0);
    assert_int_equal(velo_timer_start(loop, 30 * CONF_NS_PER_S, 0, nothing, NULL, &near), 0);
    uint64_t after = conf_now_ns(), told = conf_metrics(loop).next_deadline_ns;
    assert_true(told >= before + 30 * CONF_NS_PER_S && told <= after + 30 * CONF_NS_PER_S);
    assert_int_equal(velo_timer_cancel(loop, near), 0);
    assert_int_equal(velo_loop_run(loop, VELO_RUN_NOWAIT), 0);
    told = conf_metrics(loop).next_deadline_ns;
    assert_true(told >= before + 60 * CONF_NS_PER_S && told <= after + 60 * CONF_NS_PER_S);
    conf_destroy(loop);
}

/* A4: errors of backend_fd. */
CONF_CASE(backend_fd_after_the_end_is_eshutdown, "A4 X1", 0)
{
    struct velo_loop *loop = conf_create(NULL);
    assert_int_equal(velo_loop_close(loop), 0);
    int rc = velo_loop_backend_fd(loop);
    if (conf_has(VELO_CAP_BACKEND_FD))
        assert_true(rc == -ESHUTDOWN || (conf_mode() == VELO_FAST_FORCED && rc == -ENOTSUP));
    else
        assert_int_equal(rc, -ENOTSUP);
    conf_destroy(loop);
}
