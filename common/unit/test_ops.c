/* SPDX-License-Identifier: MIT */
/*
 * The slab of records and the inbox: ids never come back, memory does, a claim has one winner, and
 * mail arrives once and in the order of its sender.
 */
#include "common/parts/inbox.h"
#include "common/parts/ops.h"
#include "common/unit/unit.h"

static uint32_t take_own(struct ops *ops)
{
    uint32_t index;
    return ops_take_own(ops, &index) == NULL ? OP_NIL : index;
}

enum { THREADS = 3, FLOOD = 20000 };

static void arm_word(struct ops *ops, uint32_t index, enum op_kind kind, uint64_t flags)
{
    struct velo_op *op = ops_at(ops, index);
    op_publish(op, op_word_make(op_word(op), kind, flags));
}

static velo_id id_of(const struct ops *ops, uint32_t index)
{
    return op_id(op_word(ops_at(ops, index)), index);
}

static bool is_known(const struct ops *ops, velo_id id, enum op_kind kind)
{
    uint32_t index;
    uint64_t word;
    return ops_find(ops, id, kind, &index, &word) != NULL;
}

/* ---- ids ---- */

static void no_id_names_anything_in_a_new_slab(void **state)
{
    (void)state;
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    static const velo_id ids[] = {0, 1, 63, 64, UINT64_MAX, (UINT64_C(1) << 62), UINT64_C(1) << 26};
    for (unsigned i = 0; i < sizeof ids / sizeof ids[0]; i++) {
        assert_false(is_known(&ops, ids[i], OP_TIMER));
        assert_false(is_known(&ops, ids[i], OP_IMMEDIATE));
    }
    ops_fini(&ops);
}

static void an_id_names_its_record_and_kind_only(void **state)
{
    (void)state;
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    for (unsigned i = 0; i < 300; i++) {
        uint32_t index = take_own(&ops), found = OP_NIL;
        uint64_t word = 0;
        arm_word(&ops, index, OP_TIMER, 0);
        velo_id id = id_of(&ops, index);
        assert_true(id != 0);
        assert_ptr_equal(ops_find(&ops, id, OP_TIMER, &found, &word), ops_at(&ops, index));
        assert_int_equal(found, index);
        assert_int_equal(OP_STATE(word), OP_PENDING);
        assert_false(is_known(&ops, id, OP_IMMEDIATE));
    }
    ops_fini(&ops);
}

/* T5: a slot is reused at once, its old ids stay unknown. */
static void a_stale_id_names_nothing(void **state)
{
    (void)state;
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    velo_id stale[1000];
    for (unsigned i = 0; i < 1000; i++) {
        uint32_t index = take_own(&ops);
        assert_int_equal(index, 0);
        arm_word(&ops, index, OP_TIMER, 0);
        stale[i] = id_of(&ops, index);
        for (unsigned j = 0; j < i; j++)
            assert_false(is_known(&ops, stale[j], OP_TIMER));
        ops_free(&ops, ops_at(&ops, index), index);
        assert_false(is_known(&ops, stale[i], OP_TIMER));
    }
    ops_fini(&ops);
}

/* T5: the generation does not wrap; a record that has used them all is retired. */
static void a_record_at_its_last_generation_is_not_used_again(void **state)
{
    (void)state;
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    uint32_t index = take_own(&ops);
    op_publish(ops_at(&ops, index), (OP_GEN_MAX << OP_GEN_SHIFT));
    arm_word(&ops, index, OP_TIMER, 0);
    velo_id last = id_of(&ops, index);
    assert_true(is_known(&ops, last, OP_TIMER));
    ops_free(&ops, ops_at(&ops, index), index);
    assert_false(is_known(&ops, last, OP_TIMER));
    for (unsigned i = 0; i < 200; i++)
        assert_int_not_equal(take_own(&ops), index);
    ops_fini(&ops);
}

/* ---- memory ---- */

static uint32_t take(struct ops *ops, bool foreign)
{
    uint32_t index = foreign ? ops_take_foreign(ops) : take_own(ops);
    assert_int_not_equal(index, OP_NIL);
    arm_word(ops, index, OP_TIMER, foreign ? OP_FOREIGN : 0);
    return index;
}

/* A periodic timer and its companion come and go together; no id names the companion. */
static void a_companion_comes_and_goes_with_its_timer(void **state)
{
    (void)state;
    for (unsigned foreign = 0; foreign < 2; foreign++) {
        struct ops ops = {0};
        assert_int_equal(ops_init(&ops), 0);
        uint64_t flags = OP_PERIODIC | (foreign != 0 ? OP_FOREIGN : 0);
        for (unsigned round = 0; round < 1000; round++) {
            uint32_t index = ops_take_periodic(&ops, foreign != 0);
            assert_int_not_equal(index, OP_NIL);
            arm_word(&ops, index, OP_TIMER, flags);
            struct velo_op *op = ops_at(&ops, index);
            const uint32_t companion = op->companion;
            assert_int_not_equal(companion, index);
            assert_ptr_equal(op_holder(&ops, op, op_word(op)), ops_at(&ops, companion));
            assert_false(
                is_known(&ops, op_tag(OP_TIMER) | (id_of(&ops, companion) << 2 >> 2), OP_TIMER));
            assert_true(is_known(&ops, id_of(&ops, index), OP_TIMER));
            assert_int_equal(ops.own_taken + ops.shared_taken - ops.give_back_count, 2);
            ops_free(&ops, ops_at(&ops, index), index);
            assert_int_equal(ops.own_taken + ops.shared_taken - ops.give_back_count, 0);
        }
        assert_true(ops.capacity <= 2 * DOUBLING_FIRST * 3); /* both are used again */
        ops_fini(&ops);
    }
}

static bool is_out; /* of memory */

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    (void)ctx;
    (void)old_size;
    (void)alignment;
    if (new_size == 0)
        free(block);
    return new_size == 0 || is_out ? NULL : realloc(block, new_size);
}

/* A periodic timer that finds memory for one of its two records leaves that one where it was. */
static void a_pair_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    static const struct velo_allocator scarce = {.resize = resize};
    for (unsigned foreign = 0; foreign < 2; foreign++) {
        struct ops ops = {.alloc = &scarce};
        uint32_t index, last;
        is_out = false;
        assert_int_equal(ops_init(&ops), 0);
        last = foreign != 0 ? ops_take_foreign(&ops) : take_own(&ops);
        is_out = true;
        while ((index = foreign != 0 ? ops_take_foreign(&ops) : take_own(&ops)) != OP_NIL)
            last = index;
        uint64_t taken = ops.own_taken + ops.shared_taken - ops.give_back_count;
        assert_true(taken > 1);
        assert_int_equal(ops_take_periodic(&ops, foreign != 0), OP_NIL); /* there is none */
        arm_word(&ops, last, OP_TIMER, foreign != 0 ? OP_FOREIGN : 0);
        ops_free(&ops, ops_at(&ops, last), last);
        if (foreign != 0)
            ops_tidy(&ops, true); /* the owner hands it on to the others */
        assert_int_equal(ops_take_periodic(&ops, foreign != 0), OP_NIL); /* there is one */
        assert_int_equal(ops.own_taken + ops.shared_taken - ops.give_back_count, taken - 1);
        assert_int_equal(foreign != 0 ? ops_take_foreign(&ops) : take_own(&ops), last);
        ops_fini(&ops);
    }
}

/* Random takes and frees by both ways: no record is handed out twice. */
static void a_record_has_one_holder(void **state)
{
    (void)state;
    uint64_t random = unit_seed();
    static uint32_t held[FLOOD];
    static bool is_held[4 * FLOOD];
    struct ops ops = {0};
    unsigned count = 0;
    assert_int_equal(ops_init(&ops), 0);
    for (unsigned step = 0; step < 300000; step++) {
        bool filling = (step / 30000) % 2 == 0;
        if (count < FLOOD && unit_below(&random, 10) < (filling ? 7 : 3)) {
            uint32_t index = take(&ops, unit_below(&random, 3) == 0);
            assert_true(index < 4 * FLOOD);
            assert_false(is_held[index]);
            is_held[index] = true;
            held[count++] = index;
        } else if (count > 0) {
            unsigned at = (unsigned)unit_below(&random, count);
            is_held[held[at]] = false;
            ops_free(&ops, ops_at(&ops, held[at]), held[at]);
            held[at] = held[--count];
        }
        if (unit_below(&random, 1000) == 0)
            ops_tidy(&ops, true);
    }
    for (unsigned i = 0; i < count; i++)
        is_held[held[i]] = false;
    ops_fini(&ops);
}

static unsigned chunks_in_use(const struct ops *ops)
{
    unsigned count = 0;
    for (unsigned i = 0; i < OPS_CHUNKS; i++)
        count += atomic_load(&ops->chunks[i]) != NULL || ops->retired[i] != NULL;
    return count;
}

/* T9: after a flood all but the small chunks are given back, ids from before stay unknown. */
static void memory_returns_after_a_flood(void **state)
{
    (void)state;
    static uint32_t held[FLOOD];
    static velo_id stale[FLOOD];
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < FLOOD; i++) {
            held[i] = take(&ops, i % 2 == 1);
            for (unsigned late = 0; round > 0 && i < 100 && late < 100; late++)
                assert_false(is_known(&ops, stale[late * (FLOOD / 100)], OP_TIMER));
        }
        for (unsigned i = 0; i < FLOOD; i++) {
            stale[i] = id_of(&ops, held[i]);
            ops_free(&ops, ops_at(&ops, held[i]), held[i]);
        }
        ops_tidy(&ops, true); /* gives back and retires, */
        ops_tidy(&ops, true); /* then frees */
        assert_true(chunks_in_use(&ops) <= 5);
        for (unsigned i = 0; i < FLOOD; i++)
            assert_false(is_known(&ops, stale[i], OP_TIMER));
    }
    ops_fini(&ops);
}

/* A chunk out of use stays until nobody can hold a pointer into it. */
static void a_retired_chunk_waits_for_those_inside(void **state)
{
    (void)state;
    static uint32_t held[FLOOD];
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    for (unsigned i = 0; i < FLOOD; i++)
        held[i] = take(&ops, false);
    unsigned before = chunks_in_use(&ops);
    for (unsigned i = 0; i < FLOOD; i++)
        ops_free(&ops, ops_at(&ops, held[i]), held[i]);
    for (unsigned i = 0; i < 5; i++) {
        ops_tidy(&ops, false);
        assert_int_equal(chunks_in_use(&ops), before);
    }
    ops_tidy(&ops, true);
    assert_true(chunks_in_use(&ops) <= 5);
    ops_fini(&ops);
}

static void tidying_touches_nothing_that_is_held(void **state)
{
    (void)state;
    static uint32_t held[FLOOD];
    struct ops ops = {0};
    assert_int_equal(ops_init(&ops), 0);
    for (unsigned i = 0; i < FLOOD; i++)
        held[i] = take(&ops, i % 3 == 0);
    for (unsigned i = 1; i < FLOOD; i++)
        ops_free(&ops, ops_at(&ops, held[i]), held[i]);
    velo_id kept = id_of(&ops, held[0]);
    for (unsigned i = 0; i < 3; i++)
        ops_tidy(&ops, true);
    assert_true(is_known(&ops, kept, OP_TIMER));
    ops_fini(&ops);
}

/* ---- claims ---- */

struct claim_race {
    struct ops ops;
    uint32_t index;
    atomic_uint winners;
};

static void claim_record(void *arg, unsigned by)
{
    struct claim_race *race = arg;
    struct velo_op *op = ops_at(&race->ops, race->index);
    uint64_t word = op_word(op);
    enum op_state wanted = by == 0 ? OP_FIRING : OP_CANCELLED;
    while (OP_STATE(word) == OP_PENDING)
        if (op_move(op, &word, op_with_state(word, wanted))) {
            atomic_fetch_add(&race->winners, 1);
            return;
        }
}

/* T5: firing against any number of cancels. */
static void firing_and_cancelling_have_one_winner(void **state)
{
    (void)state;
    for (unsigned round = 0; round < unit_rounds(300); round++) {
        struct claim_race race = {0};
        struct unit_team team;
        assert_int_equal(ops_init(&race.ops), 0);
        race.index = take(&race.ops, false);
        unit_team_start(&team, THREADS, claim_record, &race);
        unit_team_join(&team);
        assert_int_equal(race.winners, 1);
        ops_fini(&race.ops);
    }
}

/* ---- inbox, with records taken by other threads ---- */

enum { LETTERS = 5000 };

struct mail_race {
    struct ops ops;
    struct inbox inbox;
    atomic_uint sending;
};

static void send_letters(void *arg, unsigned index)
{
    struct mail_race *race = arg;
    for (uintptr_t i = 1; i <= LETTERS; i++) {
        uint32_t record = ops_take_foreign(&race->ops);
        struct velo_op *op = ops_at(&race->ops, record);
        op->arg = (void *)i; /* the letter's number, and its sender */
        op->deadline_ns = index;
        op_publish(op, op_word_make(op_word(op), OP_MICROTASK, OP_FOREIGN));
        inbox_push(&race->inbox, op, record, false);
    }
    atomic_fetch_sub(&race->sending, 1);
}

static unsigned read_letters(struct mail_race *race, uintptr_t *last_of)
{
    unsigned count = 0;
    uint32_t record = inbox_take(&race->inbox, &race->ops, false);
    while (record != OP_NIL) {
        struct velo_op *op = ops_at(&race->ops, record);
        uint32_t next = op->next;
        assert_int_equal((uintptr_t)op->arg, last_of[op->deadline_ns] + 1);
        last_of[op->deadline_ns]++;
        ops_free(&race->ops, ops_at(&race->ops, record), record);
        record = next;
        count++;
    }
    return count;
}

/* S3, and type stability: records go round between threads while they are being looked at. */
static void mail_arrives_once_and_in_order(void **state)
{
    (void)state;
    struct mail_race race = {.sending = THREADS};
    uintptr_t last_of[THREADS] = {0};
    struct unit_team team;
    unsigned count = 0;
    assert_int_equal(ops_init(&race.ops), 0);
    unit_team_start(&team, THREADS, send_letters, &race);
    while (atomic_load(&race.sending) > 0)
        count += read_letters(&race, last_of);
    unit_team_join(&team);
    count += read_letters(&race, last_of);
    assert_int_equal(count, THREADS * LETTERS);
    assert_true(inbox_is_empty(&race.inbox));
    ops_fini(&race.ops);
}

/* A record can be on both lists at once: they use different links. */
static void the_two_lists_do_not_disturb_each_other(void **state)
{
    (void)state;
    struct ops ops = {0};
    struct inbox inbox = {0}, reclaim = {0};
    assert_int_equal(ops_init(&ops), 0);
    uint32_t records[10];
    for (unsigned i = 0; i < 10; i++) {
        records[i] = take(&ops, true);
        inbox_push(&inbox, ops_at(&ops, records[i]), records[i], false);
    }
    for (unsigned i = 0; i < 10; i += 3)
        inbox_push(&reclaim, ops_at(&ops, records[i]), records[i], true);
    uint32_t mail = inbox_take(&inbox, &ops, false);
    uint32_t dead = inbox_take(&reclaim, &ops, true);
    for (unsigned i = 0; i < 10; i++, mail = ops_at(&ops, mail)->next)
        assert_int_equal(mail, records[i]);
    for (unsigned i = 0; i < 10; i += 3, dead = ops_at(&ops, dead)->reclaim)
        assert_int_equal(dead, records[i]);
    assert_true(mail == OP_NIL && dead == OP_NIL);
    ops_fini(&ops);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_id_names_anything_in_a_new_slab),
        cmocka_unit_test(an_id_names_its_record_and_kind_only),
        cmocka_unit_test(a_stale_id_names_nothing),
        cmocka_unit_test(a_record_at_its_last_generation_is_not_used_again),
        cmocka_unit_test(a_companion_comes_and_goes_with_its_timer),
        cmocka_unit_test(a_pair_is_taken_whole_or_not_at_all),
        cmocka_unit_test(a_record_has_one_holder),
        cmocka_unit_test(memory_returns_after_a_flood),
        cmocka_unit_test(a_retired_chunk_waits_for_those_inside),
        cmocka_unit_test(tidying_touches_nothing_that_is_held),
        cmocka_unit_test(firing_and_cancelling_have_one_winner),
        cmocka_unit_test(mail_arrives_once_and_in_order),
        cmocka_unit_test(the_two_lists_do_not_disturb_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
