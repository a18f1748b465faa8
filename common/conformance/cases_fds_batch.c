/* SPDX-License-Identifier: MIT */
/*
 * F3 and F4 on the owner: what happens to the rest of a batch when a callback removes, modifies or
 * replaces registrations of it.
 *
 * Idea: two descriptors are ready in one poll, and whichever comes first acts on the other. The
 * cases are symmetric, as the order inside a batch is free.
 */
#include "conf.h"
#include "probes.h"

/* Two ready descriptors that know each other. */
struct rivals {
    struct velo_loop *loop;
    struct fd_pair pairs[2];
    struct fd_probe probes[2];
    struct fd_pair spare; /* silent; takes over a number */
    struct fd_probe spare_probe;
    void (*act)(struct rivals *rivals, struct fd_probe *other);
    unsigned modify_to;
    int result;
};

static void act_once(struct fd_probe *probe)
{
    struct rivals *r = probe->more;
    void (*act)(struct rivals * rivals, struct fd_probe * other) = r->act;
    r->act = NULL;
    if (act)
        act(r, probe == &r->probes[0] ? &r->probes[1] : &r->probes[0]);
}

static void rivals_init(struct rivals *r, void (*act)(struct rivals *, struct fd_probe *))
{
    *r = (struct rivals){.loop = conf_create(NULL), .act = act, .result = 1};
    r->spare = fd_pair_open();
    for (int i = 0; i < 2; i++) {
        r->pairs[i] = fd_pair_readable();
        r->probes[i].then = act_once;
        r->probes[i].more = r;
        fd_probe_watch(&r->probes[i], r->loop, r->pairs[i].near, VELO_READ);
    }
}

static void rivals_end(struct rivals *r)
{
    conf_destroy(r->loop);
    fd_pair_close(&r->pairs[0]);
    fd_pair_close(&r->pairs[1]);
    fd_pair_close(&r->spare);
}

static unsigned rivals_calls(const struct rivals *r)
{
    return r->probes[0].calls + r->probes[1].calls;
}

/* ---- removed ---- */

static void unwatch_other(struct rivals *r, struct fd_probe *other)
{
    r->result = velo_fd_unwatch(r->loop, other->id);
    CONF_EXPECT_INT(velo_fd_unwatch(r->loop, other->id), -ENOENT);
}

/* F3 F4, trap F1. The first callback unwatches the other descriptor: that one stays silent. */
CONF_CASE(descriptor_unwatched_inside_a_batch_gets_nothing_more, "F3 F4", VELO_CAP_FDS)
{
    struct rivals r;
    rivals_init(&r, unwatch_other);
    conf_turns(r.loop, 1);
    assert_int_equal(r.result, 0);
    assert_int_equal(rivals_calls(&r), 1);
    conf_turns(r.loop, 2);
    assert_int_equal(r.probes[0].calls == 0 || r.probes[1].calls == 0, true);
    assert_int_equal(rivals_calls(&r), 3);
    rivals_end(&r);
}

static void unwatch_self(struct fd_probe *probe)
{
    CONF_EXPECT_INT(velo_fd_unwatch(probe->loop, probe->id), 0);
    CONF_EXPECT_INT(velo_fd_unwatch(probe->loop, probe->id), -ENOENT);
    CONF_EXPECT_INT(velo_fd_modify(probe->loop, probe->id, VELO_READ), -ENOENT);
}

/* F3. A callback unwatches itself: once, and the loop is no longer alive. */
CONF_CASE(descriptor_may_unwatch_itself, "F3", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {.then = unwatch_self};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    conf_turns(loop, 3);
    assert_int_equal(probe.calls, 1);
    assert_false(velo_loop_is_alive(loop));
    conf_destroy(loop);
    fd_pair_close(&pair);
}

static void watch_self_again(struct fd_probe *probe)
{
    velo_id old = probe->id;
    CONF_EXPECT_INT(velo_fd_unwatch(probe->loop, old), 0);
    CONF_EXPECT_INT(
        velo_fd_watch(probe->loop, probe->fd, VELO_READ, fd_probe_fn, probe, &probe->id), 0);
    CONF_EXPECT(probe->id != old);
    CONF_EXPECT_INT(velo_fd_unwatch(probe->loop, old), -ENOENT);
}

/* F4. Unwatched and watched again in its own callback: a new registration, served from the next
 * poll on, once each. */
CONF_CASE(descriptor_watched_again_in_its_callback_is_served_next_turn, "F4 F1", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {.then = watch_self_again};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    for (unsigned turn = 1; turn <= 5; turn++) {
        conf_turns(loop, 1);
        assert_int_equal(probe.calls, turn);
    }
    conf_destroy(loop);
    fd_pair_close(&pair);
}

static void unwatch_probe_fn(void *arg)
{
    struct fd_probe *probe = arg;
    CONF_EXPECT_INT(velo_fd_unwatch(probe->loop, probe->id), 0);
}

/* F3. Unwatched by a task of the same turn, before the poll: the ready descriptor is never served.
 */
CONF_CASE(descriptor_unwatched_by_a_task_is_not_served_in_that_turn, "F3", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    assert_int_equal(velo_submit(loop, unwatch_probe_fn, &probe), 0);
    conf_turns(loop, 3);
    assert_int_equal(probe.calls, 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* ---- modified ---- */

static void modify_other(struct rivals *r, struct fd_probe *other)
{
    r->result = velo_fd_modify(r->loop, other->id, r->modify_to);
}

/* F4. The first callback modifies the other descriptor, even to the same mask: nothing more comes
 * from this batch; the next poll serves it by its new mask. */
CONF_CASE(descriptor_modified_inside_a_batch_waits_for_the_next_poll, "F4", VELO_CAP_FDS)
{
    static const unsigned masks[] = {VELO_READ, VELO_WRITE, 0};
    for (int i = 0; i < 3; i++) {
        struct rivals r;
        rivals_init(&r, modify_other);
        r.modify_to = masks[i];
        conf_turns(r.loop, 1);
        assert_int_equal(r.result, 0);
        assert_int_equal(rivals_calls(&r), 1);
        const struct fd_probe *other = r.probes[0].calls == 0 ? &r.probes[0] : &r.probes[1];
        conf_turns(r.loop, 1);
        assert_int_equal(rivals_calls(&r), masks[i] == 0 ? 2 : 3);
        assert_int_equal(other->last, masks[i]);
        rivals_end(&r);
    }
}

/* ---- replaced: the number is used again inside the batch ---- */

static void reuse_number(struct rivals *r, int number)
{
    CONF_EXPECT_INT(dup2(r->spare.near, number), number); /* closes what had the number */
}

static void watch_spare(struct rivals *r, int number)
{
    r->spare_probe.loop = r->loop;
    r->spare_probe.fd = number;
    CONF_EXPECT_INT(
        velo_fd_watch(r->loop, number, VELO_READ, fd_probe_fn, &r->spare_probe, &r->spare_probe.id),
        0);
}

static void unwatch_close_reuse(struct rivals *r, struct fd_probe *other)
{
    r->result = velo_fd_unwatch(r->loop, other->id);
    reuse_number(r, other->fd);
    watch_spare(r, other->fd);
}

static void close_unwatch_reuse(struct rivals *r, struct fd_probe *other)
{
    close(other->fd);
    r->result = velo_fd_unwatch(r->loop, other->id);
    reuse_number(r, other->fd);
    watch_spare(r, other->fd);
}

static void reuse_then_unwatch(struct rivals *r, struct fd_probe *other)
{
    reuse_number(r, other->fd);
    r->result = velo_fd_unwatch(r->loop, other->id);
    watch_spare(r, other->fd);
}

/* The event that the batch still holds belongs to a registration that is gone. */
static void number_is_reused(void (*act)(struct rivals *, struct fd_probe *))
{
    struct rivals r;
    rivals_init(&r, act);
    conf_turns(r.loop, 1);
    assert_int_equal(r.result, 0);
    assert_int_equal(rivals_calls(&r), 1);
    conf_turns(r.loop, 2);
    assert_int_equal(r.spare_probe.calls, 0);
    assert_true(r.probes[0].calls == 0 || r.probes[1].calls == 0);
    fd_pair_feed(&r.spare);
    conf_turns(r.loop, 1);
    assert_int_equal(r.spare_probe.calls, 1);
    assert_int_equal(r.spare_probe.last, VELO_READ);
    rivals_end(&r);
}

/* F4. Unwatched, closed, and the number given to a silent descriptor that is watched: no old event.
 */
CONF_CASE(reused_number_does_not_get_the_event_of_its_predecessor, "F4 F3", VELO_CAP_FDS)
{
    number_is_reused(unwatch_close_reuse);
}

/* F4 F3. The same, closed before it was unwatched. */
CONF_CASE(reused_number_of_a_descriptor_closed_first_gets_no_old_event, "F4 F3", VELO_CAP_FDS)
{
    number_is_reused(close_unwatch_reuse);
}

/* F4 F3. The same, unwatched when the number belonged to another description already. */
CONF_CASE(unwatch_after_the_number_was_reused_releases_the_old_one, "F4 F3", VELO_CAP_FDS)
{
    number_is_reused(reuse_then_unwatch);
}

/* ---- ids ---- */

/* F3. Unknown ids, and ids of registrations that are gone: -ENOENT in unwatch and modify. */
CONF_CASE(unknown_registrations_are_not_found, "F3", VELO_CAP_FDS)
{
    static const velo_id unknown[] = {0, 1, 12345, UINT64_MAX, UINT64_C(1) << 40};
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_open();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
        if (unknown[i] == probe.id)
            continue;
        assert_int_equal(velo_fd_unwatch(loop, unknown[i]), -ENOENT);
        assert_int_equal(velo_fd_modify(loop, unknown[i], VELO_READ), -ENOENT);
    }
    assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
    assert_int_equal(velo_fd_modify(loop, probe.id, VELO_READ), -ENOENT);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F3 T5. One number, registered again and again: the first id never comes back and hits nobody. */
CONF_CASE(stale_registration_id_never_hits_another, "F3 T5", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    unsigned rounds = conf_rounds((1u << 16) + 1000);
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    velo_id first = probe.id;
    for (unsigned i = 0; i < rounds; i++) {
        assert_int_equal(velo_fd_unwatch(loop, probe.id), 0);
        fd_probe_watch(&probe, loop, pair.near, VELO_READ);
        if (probe.id == first || velo_fd_unwatch(loop, first) != -ENOENT ||
            velo_fd_modify(loop, first, 0) != -ENOENT)
            fail_msg("the first id came back in round %u", i);
    }
    conf_turns(loop, 1);
    assert_int_equal(probe.calls, 1);
    conf_destroy(loop);
    fd_pair_close(&pair);
}

/* F4 L6. After termination a watch is refused, negative numbers first; ids are unknown. */
CONF_CASE(watch_is_refused_after_termination, "F2 L4", VELO_CAP_FDS)
{
    struct velo_loop *loop = conf_create(NULL);
    struct fd_pair pair = fd_pair_readable();
    struct fd_probe probe = {0};
    fd_probe_watch(&probe, loop, pair.near, VELO_READ);
    assert_int_equal(velo_loop_close(loop), 0);
    assert_int_equal(velo_fd_watch(loop, -1, VELO_READ, fd_probe_fn, &probe, NULL), -EBADF);
    assert_int_equal(velo_fd_watch(loop, pair.near, VELO_READ, fd_probe_fn, &probe, NULL),
                     -ESHUTDOWN);
    assert_int_equal(probe.calls, 0);
    assert_int_equal(conf_discarded(loop), 0);
    conf_destroy(loop);
    fd_pair_close(&pair);
}
