/* SPDX-License-Identifier: MIT */
/*
 * Seats, closing and freeing (common/parts/ingress_blocks.h): blocks. Producers sit down, look
 * whether the list is closed, write into a block, publish, and leave; one without a seat counts
 * itself instead. The owner closes, takes what is there, waits until nobody is inside, and frees
 * the block. Each producer has a seat of its own, or both want the same one. Failing means: a write
 * into the freed block (freed, race), more or fewer tasks than were accepted (assertion).
 *
 * variant: B5_SIT=acquire must-fail race "who has sat down is not seen"
 * variant: B7_LOOK=acquire must-fail race "who has sat down is not seen"
 * variant: B8_NOTE=relaxed must-fail race "a seat that is new is not looked at"
 * variant: B8_SEATS=acquire must-fail race "a seat that is new is not looked at"
 * variant: B10_COUNT=acquire must-fail race "who is inside without a seat is not seen"
 * variant: B10_LOOK=acquire must-fail race "who is inside without a seat is not seen"
 * variant: B6_LEAVE=relaxed must-fail race "what was done in the seat is not over"
 * variant: B10_GO=relaxed must-fail race "what was done without a seat is not over"
 * variant: NO_WAIT must-fail race "nobody is waited for"
 * variant: LOOK_FIRST must-fail race "the head is looked at before the seat is marked"
 * variant: LEAVE_FIRST must-fail race "the seat is left before the push"
 * variant: SIT_BY_STORE must-fail race "two producers in one seat"
 * variant: CLOSE_BY_STORE must-fail assertion "a push beside the closing is lost"
 * variant: TAKE_OPENS must-fail assertion "the flag is taken with the tasks"
 */
#include "common/models/model.h"

ORDER(B1_HEAD, "B1", "common/parts/ingress_blocks.h", blocks_head, load, seq_cst);
ORDER(B2_PUSH,
      "B2",
      "common/parts/ingress_blocks.h",
      blocks_publish,
      compare_exchange_strong,
      seq_cst,
      relaxed);
ORDER(B3_TAKE,
      "B3",
      "common/parts/ingress_blocks_owner.c",
      blocks_gather,
      compare_exchange_weak,
      acq_rel,
      relaxed);
ORDER(B4_CLOSE, "B4", "common/parts/ingress_blocks_owner.c", blocks_close, fetch_or, seq_cst);
ORDER(B5_SIT, "B5", "common/parts/ingress_blocks.h", seat_try, exchange, seq_cst);
ORDER(B6_LEAVE, "B6", "common/parts/ingress_blocks.h", seat_leave, store, release);
ORDER(B7_LOOK, "B7", "common/parts/ingress_blocks_owner.c", nobody_is_inside, load, seq_cst);
ORDER(B8_NOTE, "B8", "common/parts/ingress_blocks.c", seat_take, fetch_or, seq_cst);
ORDER(B8_SEATS, "B8", "common/parts/ingress_blocks.h", blocks_seats_used, load, seq_cst);
ORDER(B10_COUNT, "B10", "common/parts/ingress_blocks.c", blocks_push_loose, fetch_add, seq_cst);
ORDER(B10_GO, "B10", "common/parts/ingress_blocks.c", blocks_push_loose, fetch_sub, release);
ORDER(B10_LOOK, "B10", "common/parts/ingress_blocks_owner.c", nobody_is_inside, load, seq_cst);
FAULT(NO_WAIT);
FAULT(LOOK_FIRST);
FAULT(LEAVE_FIRST);
FAULT(SIT_BY_STORE);
FAULT(CLOSE_BY_STORE);
FAULT(TAKE_OPENS);

enum { PRODUCERS = 2, CLOSED = 1, TASK_ONE = 2 }; /* a head: so many tasks, and the flag */

struct block {
    rl::atomic<int> touched; /* a step where others may come in between; no order of its own */
    rl::var<int> words[PRODUCERS];
};

/* [seats] 2: each its own. 1: both want the same, and who does not get it has none. */
template <int seats> struct seats_model : rl::test_suite<seats_model<seats>, PRODUCERS + 1> {
    rl::atomic<unsigned> head, busy[seats], used, visitors;
    rl::var<int> pen[seats];
    block *memory;
    unsigned accepted, taken; /* seen by the model only */

    void before()
    {
        head($).store(0);
        used($).store(0);
        visitors($).store(0);
        for (int i = 0; i < seats; i++) {
            busy[i]($).store(0);
            pen[i]($) = 0;
        }
        memory = new block;
        memory->touched($).store(0, rl::mo_relaxed);
        accepted = taken = 0;
    }

    void after()
    {
        CHECK(accepted == taken);
    }

    bool sit(int seat)
    {
        if (SIT_BY_STORE)
            busy[seat]($).store(1, rl::mo_seq_cst);
        else if (EXCHANGE(busy[seat], 1, B5_SIT) != 0)
            return false;
        if ((LOAD(used, B8_SEATS) & (1u << seat)) == 0)
            OR(used, 1u << seat, B8_NOTE);
        return true;
    }

    /* Inside: with the [seat], or without one, -1. */
    void push(unsigned producer, int seat, unsigned was)
    {
        if ((was & CLOSED) != 0)
            return;
        if (LEAVE_FIRST && seat >= 0)
            STORE(busy[seat], 0, B6_LEAVE);
        if (seat >= 0)
            pen[seat]($) = int(producer);
        do {
            if ((was & CLOSED) != 0)
                return;
            memory->touched($).store(1, rl::mo_relaxed);
            memory->words[producer]($) = int(producer);
        } while (!CAS(head, was, was + TASK_ONE, B2_PUSH));
        accepted++;
    }

    void producer(unsigned index)
    {
        int seat = int(index) % seats;
        unsigned early = LOOK_FIRST ? LOAD(head, B1_HEAD) : 0;
        if (sit(seat)) {
            push(index, seat, LOOK_FIRST ? early : LOAD(head, B1_HEAD));
            STORE(busy[seat], 0, B6_LEAVE);
        } else {
            ADD(visitors, 1, B10_COUNT);
            push(index, -1, LOAD(head, B1_HEAD));
            SUB(visitors, 1, B10_GO);
        }
    }

    void gather()
    {
        unsigned was = LOAD(head, B1_HEAD);
        while (!CAS(head, was, TAKE_OPENS ? 0 : was & CLOSED, B3_TAKE)) {
        }
        taken += was / TASK_ONE;
    }

    bool nobody_is_inside()
    {
        unsigned some = LOAD(used, B8_SEATS);
        for (int i = 0; i < seats; i++) {
            if ((some & (1u << i)) != 0 && LOAD(busy[i], B7_LOOK) != 0)
                return false;
        }
        return LOAD(visitors, B10_LOOK) == 0;
    }

    void owner()
    {
        if (CLOSE_BY_STORE)
            head($).store(head($).load(rl::mo_seq_cst) | CLOSED, rl::mo_seq_cst);
        else
            OR(head, CLOSED, B4_CLOSE);
        gather();
        while (!NO_WAIT && !nobody_is_inside())
            YIELD();
        for (int i = 0; i < PRODUCERS; i++)
            memory->words[i]($) = -1;
        delete memory;
    }

    void thread(unsigned index)
    {
        if (index == PRODUCERS)
            owner();
        else
            producer(index);
    }
};

int main(int argc, char **argv)
{
    run_fn *both =
        run_both<run_search<seats_model<1>, PREEMPTIONS>, run_search<seats_model<2>, PREEMPTIONS>>;
    return run_model(argc, argv, both, 3, both, 4);
}
