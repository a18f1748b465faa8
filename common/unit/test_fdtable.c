/* SPDX-License-Identifier: MIT */
/*
 * The table of watched descriptors, over real pipes: ids, errors that change nothing, batches from
 * which removed and modified registrations get nothing, hang-ups that are told once, descriptors
 * closed before they were unwatched.
 */
#include "common/parts/fdtable.h"
#include "common/parts/poller.h"
#include "common/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

enum { CALLS_MAX = 64 };

struct desk {
    struct fdtable table;
    struct fd_call calls[CALLS_MAX]; /* claimed by the last look */
    unsigned count;
};

static void on_ready(int fd, unsigned events, void *arg)
{
    (void)fd;
    (void)events;
    (void)arg;
}

static void desk_open(struct desk *desk)
{
    *desk = (struct desk){.count = 0};
    assert_int_equal(fdtable_init(&desk->table), 0);
}

static void desk_close(struct desk *desk)
{
    fdtable_clear(&desk->table);
    assert_int_equal(fdtable_count(&desk->table), 0);
    fdtable_fini(&desk->table);
}

static int harvest(struct desk *desk)
{
    int ready = poller_wait(desk->table.epfd, desk->table.batch, FD_BATCH, 0);
    assert_true(ready >= 0);
    return ready;
}

/* Harvest, and claim all events. */
static unsigned look(struct desk *desk)
{
    int ready = harvest(desk);
    desk->count = 0;
    for (int i = 0; i < ready; i++)
        desk->count += fdtable_claim(&desk->table, i, &desk->calls[desk->count]);
    return desk->count;
}

struct pipe_pair {
    int read_end, write_end;
};

static struct pipe_pair pipe_open(void)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    return (struct pipe_pair){ends[0], ends[1]};
}

static void pipe_close(struct pipe_pair pair)
{
    close(pair.read_end);
    close(pair.write_end);
}

static void put_byte(int fd)
{
    assert_int_equal(write(fd, "x", 1), 1);
}

static velo_id watch(struct desk *desk, int fd, unsigned events)
{
    velo_id id = 0;
    assert_int_equal(fdtable_watch(&desk->table, fd, events, on_ready, desk, &id), 0);
    assert_true(id != 0);
    return id;
}

/* ---- errors; F2, F7: after each the table is as it was ---- */

static int watch_result(struct desk *desk, int fd, unsigned events, velo_fd_fn fn)
{
    velo_id id = 4711;
    uint32_t before = fdtable_count(&desk->table);
    int rc = fdtable_watch(&desk->table, fd, events, fn, NULL, &id);
    assert_int_equal(id, 4711);
    assert_int_equal(fdtable_count(&desk->table), before);
    return rc;
}

static void what_cannot_be_watched_is_refused(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    char name[] = "/tmp/velo-unit-XXXXXX";
    int file = mkstemp(name);
    desk_open(&desk);
    assert_true(file >= 0);
    assert_int_equal(watch_result(&desk, pair.read_end, VELO_READ, NULL), -EINVAL);
    assert_int_equal(watch_result(&desk, pair.read_end, 1u << 6, on_ready), -EINVAL);
    assert_int_equal(watch_result(&desk, -1, VELO_READ, on_ready), -EBADF);
    assert_int_equal(watch_result(&desk, 100000, VELO_READ, on_ready), -EBADF);
    assert_int_equal(watch_result(&desk, file, VELO_READ, on_ready), -EPERM);
    assert_int_equal(watch_result(&desk, desk.table.epfd, VELO_READ, on_ready), -EPERM);
    assert_int_equal(watch_result(&desk, desk.table.eventfd, VELO_READ, on_ready), -EPERM);
    velo_id id = watch(&desk, pair.read_end, VELO_READ);
    assert_int_equal(watch_result(&desk, pair.read_end, VELO_READ, on_ready), -EEXIST);
    assert_int_equal(fdtable_modify(&desk.table, id, 1u << 6), -EINVAL);
    assert_int_equal(fdtable_modify(&desk.table, id + 1, VELO_READ), -ENOENT);
    assert_int_equal(fdtable_modify(&desk.table, 0, VELO_READ), -ENOENT);
    assert_int_equal(fdtable_unwatch(&desk.table, UINT64_MAX), -ENOENT);
    put_byte(pair.write_end); /* the one registration still works */
    assert_int_equal(look(&desk), 1);
    unlink(name);
    close(file);
    desk_close(&desk);
    pipe_close(pair);
}

static void forced_and_watched_exclude_each_other(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    desk_open(&desk);
    velo_id id = watch(&desk, pair.read_end, VELO_READ);
    assert_int_equal(fdtable_set_mode(&desk.table, VELO_FAST_FORCED), -EBUSY);
    assert_int_equal(fdtable_unwatch(&desk.table, id), 0);
    assert_int_equal(fdtable_set_mode(&desk.table, VELO_FAST_FORCED), 0);
    assert_int_equal(watch_result(&desk, pair.read_end, VELO_READ, on_ready), -ENOTSUP);
    assert_int_equal(fdtable_pin(&desk.table), -ENOTSUP);
    assert_int_equal(fdtable_set_mode(&desk.table, VELO_FAST_AUTO), 0);
    assert_true(fdtable_pin(&desk.table) >= 0);
    assert_true(fdtable_is_pinned(&desk.table));
    assert_int_equal(fdtable_set_mode(&desk.table, VELO_FAST_FORCED), -EBUSY);
    desk_close(&desk);
    pipe_close(pair);
}

/* T5 for descriptors: slots are reused, ids are not. */
static void a_stale_id_names_nothing(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    velo_id stale[300];
    desk_open(&desk);
    for (unsigned i = 0; i < 300; i++) {
        stale[i] = watch(&desk, pair.read_end, VELO_READ);
        for (unsigned j = 0; j < i; j++)
            assert_int_equal(fdtable_unwatch(&desk.table, stale[j]), -ENOENT);
        assert_int_equal(fdtable_unwatch(&desk.table, stale[i]), 0);
    }
    desk_close(&desk);
    pipe_close(pair);
}

/* ---- delivery ---- */

static void a_level_is_told_at_each_look_and_an_edge_once(void **state)
{
    (void)state;
    static const struct {
        unsigned flags, second;
    } kinds[] = {{0, 1}, {VELO_EDGE, 0}, {VELO_ONESHOT, 0}, {VELO_EDGE | VELO_ONESHOT, 0}};
    for (unsigned i = 0; i < 4; i++) {
        struct desk desk;
        struct pipe_pair pair = pipe_open();
        desk_open(&desk);
        velo_id id = watch(&desk, pair.read_end, VELO_READ | kinds[i].flags);
        assert_int_equal(look(&desk), 0);
        put_byte(pair.write_end);
        assert_int_equal(look(&desk), 1);
        assert_int_equal(desk.calls[0].fd, pair.read_end);
        assert_int_equal(desk.calls[0].events, VELO_READ);
        assert_ptr_equal(desk.calls[0].arg, &desk);
        assert_int_equal(look(&desk), kinds[i].second);
        assert_int_equal(fdtable_modify(&desk.table, id, VELO_READ | kinds[i].flags), 0);
        assert_int_equal(look(&desk), 1); /* modify arms anew */
        desk_close(&desk);
        pipe_close(pair);
    }
}

static void an_empty_mask_is_silent(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    desk_open(&desk);
    velo_id id = watch(&desk, pair.read_end, 0);
    put_byte(pair.write_end);
    assert_int_equal(look(&desk), 0);
    assert_int_equal(fdtable_modify(&desk.table, id, VELO_READ), 0);
    assert_int_equal(look(&desk), 1);
    desk_close(&desk);
    pipe_close(pair);
}

/* F5: not asked for, told once per arming; and the kernel is quiet from then on. */
static void a_hang_up_is_told_once_and_does_not_spin(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    desk_open(&desk);
    velo_id id = watch(&desk, pair.read_end, 0);
    close(pair.write_end);
    for (unsigned arming = 0; arming < 3; arming++) {
        assert_int_equal(look(&desk), 1);
        assert_int_equal(desk.calls[0].events, VELO_HANGUP);
        assert_int_equal(look(&desk), 0);
        (void)harvest(&desk); /* the edge that the hushing itself makes */
        assert_int_equal(harvest(&desk), 0);
        assert_int_equal(fdtable_modify(&desk.table, id, 0), 0);
    }
    desk_close(&desk);
    close(pair.read_end);
}

static void a_hang_up_that_was_asked_for_is_a_level(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    desk_open(&desk);
    watch(&desk, pair.read_end, VELO_HANGUP);
    close(pair.write_end);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(look(&desk), 1);
        assert_int_equal(desk.calls[0].events, VELO_HANGUP);
    }
    desk_close(&desk);
    close(pair.read_end);
}

/* ---- changes inside a batch (F3, F4): each change between harvest and claim ---- */

static void a_batch_holds_nothing_for_what_was_changed(void **state)
{
    (void)state;
    for (unsigned change = 0; change < 3; change++) {
        struct desk desk;
        struct pipe_pair pair = pipe_open(), other = pipe_open();
        desk_open(&desk);
        velo_id id = watch(&desk, pair.read_end, VELO_READ);
        watch(&desk, other.read_end, VELO_READ);
        put_byte(pair.write_end);
        put_byte(other.write_end);
        int ready = harvest(&desk);
        assert_int_equal(ready, 2);
        if (change == 0) {
            assert_int_equal(fdtable_modify(&desk.table, id, VELO_READ), 0);
        } else {
            assert_int_equal(fdtable_unwatch(&desk.table, id), 0);
            if (change == 2) /* the same number again, as another registration */
                watch(&desk, pair.read_end, VELO_READ);
        }
        struct fd_call call = {.fd = -1};
        unsigned calls = 0;
        for (int i = 0; i < ready; i++)
            calls += fdtable_claim(&desk.table, i, &call);
        assert_int_equal(calls, 1);
        assert_int_equal(call.fd, other.read_end);
        assert_int_equal(look(&desk), change == 1 ? 1 : 2); /* the next poll tells it */
        desk_close(&desk);
        pipe_close(pair);
        pipe_close(other);
    }
}

/* ---- closed before it was unwatched ---- */

static void a_descriptor_closed_first_is_let_go(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open();
    desk_open(&desk);
    velo_id id = watch(&desk, pair.read_end, VELO_READ);
    close(pair.read_end);
    assert_int_equal(fdtable_modify(&desk.table, id, VELO_WRITE), -EBADF);
    assert_int_equal(fdtable_unwatch(&desk.table, id), 0);
    assert_int_equal(fdtable_count(&desk.table), 0);
    assert_int_equal(look(&desk), 0);
    close(pair.write_end);
    desk_close(&desk);
}

/* With a duplicate alive epoll goes on reporting: nothing is called, nothing spins, and a new
 * registration of the same number works. */
static void a_duplicate_of_a_closed_descriptor_is_silenced(void **state)
{
    (void)state;
    struct desk desk;
    struct pipe_pair pair = pipe_open(), other = pipe_open();
    desk_open(&desk);
    watch(&desk, other.read_end, VELO_READ);
    velo_id id = watch(&desk, pair.read_end, VELO_READ);
    int duplicate = dup(pair.read_end);
    assert_true(duplicate >= 0);
    put_byte(pair.write_end);
    close(pair.read_end);
    assert_int_equal(fdtable_unwatch(&desk.table, id), 0);
    assert_int_equal(look(&desk), 0);
    assert_int_equal(harvest(&desk), 0); /* rebuilt without the stray */
    assert_int_equal(dup2(duplicate, pair.read_end), pair.read_end);
    watch(&desk, pair.read_end, VELO_READ);
    put_byte(other.write_end); /* and the others were moved */
    assert_int_equal(look(&desk), 2);
    desk_close(&desk);
    close(duplicate);
    pipe_close(pair);
    pipe_close(other);
}

/* ---- at random, against a plain model ---- */

enum { PIPES = 24 };

struct model_pipe {
    struct pipe_pair pair;
    velo_id id; /* 0 = not watched */
    unsigned events;
    unsigned bytes; /* in the pipe */
};

static void random_change(struct desk *desk, struct model_pipe *pipe, uint64_t *random)
{
    static const unsigned masks[] = {0, VELO_READ};
    unsigned events = masks[unit_below(random, 2)];
    switch (unit_below(random, 5)) {
    case 0:
        if (pipe->id == 0) {
            pipe->id = watch(desk, pipe->pair.read_end, events);
            pipe->events = events;
        }
        break;
    case 1:
        assert_int_equal(fdtable_unwatch(&desk->table, pipe->id), pipe->id == 0 ? -ENOENT : 0);
        pipe->id = 0;
        break;
    case 2:
        assert_int_equal(fdtable_modify(&desk->table, pipe->id, events),
                         pipe->id == 0 ? -ENOENT : 0);
        pipe->events = events;
        break;
    case 3:
        put_byte(pipe->pair.write_end);
        pipe->bytes++;
        break;
    default:
        for (char byte; pipe->bytes > 0; pipe->bytes--)
            assert_int_equal(read(pipe->pair.read_end, &byte, 1), 1);
    }
}

static void random_changes_are_reported_as_by_the_model(void **state)
{
    (void)state;
    uint64_t random = unit_seed();
    struct desk desk;
    struct model_pipe pipes[PIPES];
    desk_open(&desk);
    for (unsigned i = 0; i < PIPES; i++)
        pipes[i] = (struct model_pipe){.pair = pipe_open()};
    for (unsigned step = 0; step < 20000; step++) {
        random_change(&desk, &pipes[unit_below(&random, PIPES)], &random);
        if (step % 7 != 0)
            continue;
        look(&desk);
        unsigned watched = 0, expected = 0;
        for (unsigned i = 0; i < PIPES; i++) {
            bool due = pipes[i].id != 0 && pipes[i].events == VELO_READ && pipes[i].bytes > 0;
            unsigned told = 0;
            for (unsigned call = 0; call < desk.count; call++)
                told += desk.calls[call].fd == pipes[i].pair.read_end;
            assert_int_equal(told, due);
            watched += pipes[i].id != 0;
            expected += due;
        }
        assert_int_equal(desk.count, expected);
        assert_int_equal(fdtable_count(&desk.table), watched);
    }
    desk_close(&desk);
    for (unsigned i = 0; i < PIPES; i++)
        pipe_close(pipes[i].pair);
}

/* ---- from other threads ---- */

struct tug {
    struct desk *desk;
    struct pipe_pair pair;
    atomic_uint registered; /* serials of registrations that are certainly over */
    atomic_bool done;
};

/* Watch and unwatch a ready pipe; [arg] is the number of the registration. */
static void watch_and_unwatch(void *arg, unsigned index)
{
    struct tug *tug = arg;
    (void)index;
    for (uintptr_t i = 1; i <= unit_rounds(20000); i++) {
        velo_id id;
        if (fdtable_watch(
                &tug->desk->table, tug->pair.read_end, VELO_READ, on_ready, (void *)i, &id) != 0 ||
            fdtable_unwatch(&tug->desk->table, id) != 0)
            abort();
        atomic_store(&tug->registered, (unsigned)i);
    }
    atomic_store(&tug->done, true);
}

/* F3: once unwatch has returned, no claim of that registration succeeds any more. */
static void unwatch_from_another_thread_ends_it(void **state)
{
    (void)state;
    struct desk desk;
    struct unit_team team;
    desk_open(&desk);
    struct tug tug = {.desk = &desk, .pair = pipe_open()};
    put_byte(tug.pair.write_end);
    unit_team_start(&team, 1, watch_and_unwatch, &tug);
    while (!atomic_load(&tug.done)) {
        int ready = harvest(&desk);
        for (int i = 0; i < ready; i++) {
            struct fd_call call;
            unsigned over = atomic_load(&tug.registered);
            if (fdtable_claim(&desk.table, i, &call))
                assert_true((uintptr_t)call.arg > over);
        }
    }
    unit_team_join(&team);
    assert_int_equal(look(&desk), 0);
    desk_close(&desk);
    pipe_close(tug.pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_watched_is_refused),
        cmocka_unit_test(forced_and_watched_exclude_each_other),
        cmocka_unit_test(a_stale_id_names_nothing),
        cmocka_unit_test(a_level_is_told_at_each_look_and_an_edge_once),
        cmocka_unit_test(an_empty_mask_is_silent),
        cmocka_unit_test(a_hang_up_is_told_once_and_does_not_spin),
        cmocka_unit_test(a_hang_up_that_was_asked_for_is_a_level),
        cmocka_unit_test(a_batch_holds_nothing_for_what_was_changed),
        cmocka_unit_test(a_descriptor_closed_first_is_let_go),
        cmocka_unit_test(a_duplicate_of_a_closed_descriptor_is_silenced),
        cmocka_unit_test(random_changes_are_reported_as_by_the_model),
        cmocka_unit_test(unwatch_from_another_thread_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
