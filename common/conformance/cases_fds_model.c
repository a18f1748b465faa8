/* SPDX-License-Identifier: MIT */
/*
 * F1, F2, F4, F5: random lives of descriptors against poll(2).
 *
 * Idea: sixteen sockets are fed, drained, filled, hung up, closed, replaced, and their
 * registrations made, modified and removed, by a seeded die. Before each turn poll(2) says what is
 * ready; the model adds what was asked for, one shot and "once per arming", and so knows exactly
 * which callbacks with which bits the turn must bring. Callbacks act on nothing, so the order
 * inside a batch is free.
 */
#include <poll.h>

#include "conf.h"
#include "probes.h"

enum { SLOTS = 16 };

struct slot {
    struct fd_pair pair; /* far is -1 after the hang-up */
    bool watched;
    bool armed; /* false: a one shot that has been used up */
    unsigned mask;
    unsigned told; /* HANGUP and ERROR, unasked, since the arming */
    velo_id id;
    unsigned calls; /* in this turn */
    unsigned seen;
    int duplicate; /* -1, or a second descriptor of a socket that was closed first */
};

struct life {
    struct velo_loop *loop;
    struct slot slots[SLOTS];
    struct conf_random random;
    unsigned turn;
};

static void slot_fn(int fd, unsigned events, void *arg)
{
    struct slot *slot = arg;
    CONF_EXPECT_INT(fd, slot->pair.near);
    slot->calls++;
    slot->seen = events;
}

/* ---- the die ---- */

static unsigned draw_mask(struct conf_random *random)
{
    static const unsigned masks[] = {0, VELO_READ, VELO_WRITE, VELO_READ | VELO_WRITE, VELO_HANGUP};
    unsigned mask = masks[conf_random_below(random, 5)];
    return conf_random_below(random, 3) == 0 ? mask | VELO_ONESHOT : mask;
}

static void arm(struct slot *slot, unsigned mask)
{
    slot->armed = true;
    slot->told = 0;
    slot->mask = mask;
}

static void toggle_watch(struct life *life, struct slot *slot)
{
    unsigned mask = draw_mask(&life->random);
    if (slot->watched) {
        assert_int_equal(velo_fd_unwatch(life->loop, slot->id), 0);
        slot->watched = false;
        return;
    }
    assert_int_equal(velo_fd_watch(life->loop, slot->pair.near, mask, slot_fn, slot, &slot->id), 0);
    slot->watched = true;
    arm(slot, mask);
}

static void modify(struct life *life, struct slot *slot)
{
    unsigned mask = draw_mask(&life->random);
    if (!slot->watched) {
        assert_int_equal(velo_fd_modify(life->loop, slot->id, mask), -ENOENT);
        return;
    }
    assert_int_equal(velo_fd_modify(life->loop, slot->id, mask), 0);
    arm(slot, mask);
}

static void hang_up(struct slot *slot)
{
    if (slot->pair.far >= 0)
        close(slot->pair.far);
    slot->pair.far = -1;
}

/* A new socket, often under the old number. The old one is closed first, perhaps with a duplicate
 * that goes on living and is readable. */
static void replace(struct life *life, struct slot *slot, bool leave_duplicate)
{
    if (slot->duplicate >= 0)
        close(slot->duplicate);
    slot->duplicate = -1;
    if (leave_duplicate)
        slot->duplicate = dup(slot->pair.near);
    close(slot->pair.near);
    if (slot->watched)
        assert_int_equal(velo_fd_unwatch(life->loop, slot->id), 0);
    slot->watched = false;
    hang_up(slot);
    slot->pair = fd_pair_open();
}

static void act(struct life *life)
{
    static const char block[4096];
    struct slot *slot = &life->slots[conf_random_below(&life->random, SLOTS)];
    uint64_t die = conf_random_below(&life->random, 32);
    if (die < 8) {
        toggle_watch(life, slot);
    } else if (die < 14) {
        modify(life, slot);
    } else if (die < 20) {
        if (slot->pair.far >= 0)
            (void)!write(slot->pair.far, "x", 1);
    } else if (die < 24) {
        fd_drain(slot->pair.near);
    } else if (die < 26) {
        while (slot->pair.far >= 0 && write(slot->pair.near, block, sizeof(block)) > 0)
            continue;
    } else if (die < 28) {
        if (slot->pair.far >= 0)
            fd_drain(slot->pair.far);
    } else if (die < 30) {
        hang_up(slot);
    } else {
        replace(life, slot, die == 31);
    }
}

/* ---- the model ---- */

static unsigned ready_bits(int fd)
{
    struct pollfd one = {.fd = fd, .events = POLLIN | POLLOUT};
    unsigned bits = 0;
    if (poll(&one, 1, 0) <= 0)
        return 0;
    if ((one.revents & POLLIN) != 0)
        bits |= VELO_READ;
    if ((one.revents & POLLOUT) != 0)
        bits |= VELO_WRITE;
    if ((one.revents & POLLHUP) != 0)
        bits |= VELO_HANGUP;
    if ((one.revents & POLLERR) != 0)
        bits |= VELO_ERROR;
    return bits;
}

/* The bits that the next poll must report, and what they do to the arming. [*optional] may come
 * with them: an unasked bit that has been told already. */
static unsigned expect(struct slot *slot, unsigned *optional)
{
    *optional = 0;
    if (!slot->watched || !slot->armed)
        return 0;
    unsigned ready = ready_bits(slot->pair.near);
    unsigned unasked = ready & (VELO_HANGUP | VELO_ERROR) & ~slot->mask;
    unsigned must = (ready & slot->mask) | (unasked & ~slot->told);
    *optional = unasked & slot->told;
    slot->told |= unasked;
    if (must != 0 && (slot->mask & VELO_ONESHOT) != 0)
        slot->armed = false;
    return must;
}

static void one_turn(struct life *life)
{
    unsigned must[SLOTS];
    unsigned optional[SLOTS];
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &life->slots[i];
        must[i] = expect(slot, &optional[i]);
        slot->calls = slot->seen = 0;
    }
    conf_turns(life->loop, 1);
    for (int i = 0; i < SLOTS; i++) {
        const struct slot *slot = &life->slots[i];
        bool right = slot->calls == (must[i] != 0) && (slot->seen & ~optional[i]) == must[i];
        if (!right)
            fail_msg("turn %u, slot %d with mask %x: %u calls, events %x, expected %x",
                     life->turn,
                     i,
                     slot->mask,
                     slot->calls,
                     slot->seen,
                     must[i]);
    }
}

static void end_life(struct life *life)
{
    conf_destroy(life->loop);
    for (int i = 0; i < SLOTS; i++) {
        struct slot *slot = &life->slots[i];
        close(slot->pair.near);
        if (slot->pair.far >= 0)
            close(slot->pair.far);
        if (slot->duplicate >= 0)
            close(slot->duplicate);
    }
}

/* F1 F2 F4 F5 F7. 20 lives of 500 turns: every turn brings the callbacks and bits that poll(2) and
 * the registrations ask for, no more and no fewer. */
CONF_CASE(random_descriptor_lives_agree_with_poll, "F1 F2 F4 F5 F7", VELO_CAP_FDS)
{
    unsigned lives = conf_rounds(20);
    for (unsigned n = 0; n < lives; n++) {
        struct life life = {.loop = conf_create(NULL), .random = conf_random(n)};
        for (int i = 0; i < SLOTS; i++) {
            life.slots[i].pair = fd_pair_open();
            life.slots[i].duplicate = -1;
        }
        for (life.turn = 0; life.turn < 500; life.turn++) {
            uint64_t actions = conf_random_below(&life.random, 6);
            for (uint64_t i = 0; i < actions; i++)
                act(&life);
            one_turn(&life);
        }
        end_life(&life);
    }
}
