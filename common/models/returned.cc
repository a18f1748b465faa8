/* SPDX-License-Identifier: MIT */
/*
 * The way of a block back to its producers (common/parts/ingress_blocks_owner.c): blocks. The owner
 * returns blocks and trims; producers without a seat of their own, who share one such stack, take
 * the whole of it, keep one, and put the rest back. One of them gives a block back once more, as
 * the owner would. Failing means: a block that two have (assertion), or that nobody has any more
 * (assertion), or a content or link that is not seen (race).
 *
 * variant: B9_TAKE=relaxed must-fail race "links and contents are not seen"
 * variant: B9_RETURN=relaxed must-fail race "links and contents are not published"
 * variant: B9_BACK=relaxed must-fail race "links and contents are not published"
 * variant: TAKE_ONE must-fail race "a link is read of a block that another has"
 * variant: BACK_BY_STORE must-fail assertion "what came meanwhile is lost"
 * variant: BACK_DROPS must-fail assertion "what came meanwhile is lost"
 */
#include "common/models/model.h"

ORDER(
    B9_TAKE, "B9", "common/parts/ingress_blocks_owner.c", blocks_take_returned, exchange, acquire);
ORDER(B9_LOOK, "B9", "common/parts/ingress_blocks_owner.c", blocks_take_returned, load, relaxed);
ORDER(B9_RETURN,
      "B9",
      "common/parts/ingress_blocks_owner.c",
      block_return,
      compare_exchange_weak,
      release,
      relaxed);
ORDER(B9_GUESS, "B9", "common/parts/ingress_blocks_owner.c", block_return, load, relaxed);
ORDER(B9_BACK,
      "B9",
      "common/parts/ingress_blocks_owner.c",
      blocks_put_back,
      compare_exchange_strong,
      release,
      relaxed);
FAULT(TAKE_ONE);
FAULT(BACK_BY_STORE);
FAULT(BACK_DROPS);

enum { BLOCKS = 3, NONE = 0 }; /* blocks are numbered from 1 on */

struct returned_model : rl::test_suite<returned_model, 3> {
    rl::atomic<int> returned;
    rl::var<int> below[BLOCKS + 1], content[BLOCKS + 1];
    int holders[BLOCKS + 1]; /* seen by the model only */

    void before()
    {
        returned($).store(NONE);
        for (int i = 1; i <= BLOCKS; i++) {
            below[i]($) = NONE;
            content[i]($) = 0;
            holders[i] = 1; /* the owner has them all */
        }
    }

    /* Each block is held by one, or lies there once. */
    void after()
    {
        int steps = 0;
        for (int block = LOAD(returned, B9_LOOK); block != NONE; block = below[block]($)) {
            CHECK(++steps <= BLOCKS);
            holders[block]++;
        }
        for (int i = 1; i <= BLOCKS; i++)
            CHECK(holders[i] == 1);
    }

    void hold(int block)
    {
        CHECK(++holders[block] == 1);
        content[block]($) = content[block]($) + 1;
    }

    void give(int block) /* block_return() */
    {
        holders[block]--;
        int top = LOAD(returned, B9_GUESS);
        do {
            below[block]($) = top;
        } while (!CAS(returned, top, block, B9_RETURN));
    }

    int take_all()
    {
        if (LOAD(returned, B9_LOOK) == NONE)
            return NONE;
        return EXCHANGE(returned, NONE, B9_TAKE);
    }

    void put_back(int list)
    {
        if (BACK_BY_STORE && list != NONE) {
            returned($).store(list, rl::mo_release);
            return;
        }
        while (list != NONE) {
            int none = NONE;
            if (CAS(returned, none, list, B9_BACK))
                return;
            int newer = take_all();
            int last = newer;
            while (last != NONE && below[last]($) != NONE)
                last = below[last]($);
            if (last != NONE && !BACK_DROPS) {
                below[last]($) = list;
                list = newer;
            }
        }
    }

    int get()
    {
        if (TAKE_ONE) {
            int top = returned($).load(rl::mo_acquire);
            while (top != NONE && !CAS(returned, top, below[top]($), B9_TAKE)) {
            }
            return top;
        }
        int block = take_all();
        if (block != NONE)
            put_back(below[block]($));
        return block;
    }

    void owner()
    {
        for (int i = 1; i <= BLOCKS; i++)
            give(i);
        if (TAKE_ONE)
            return;
        int list = take_all(); /* seat_trim(): keeps one */
        if (list != NONE) {
            for (int block = below[list]($); block != NONE; block = below[block]($))
                hold(block);
            below[list]($) = NONE;
            put_back(list);
        }
    }

    void thread(unsigned index)
    {
        if (index == 0) {
            owner();
            return;
        }
        int first = get();
        if (first != NONE)
            hold(first);
        if (index == 1)
            return;
        int second = get();
        if (second != NONE)
            hold(second);
        if (first != NONE)
            give(first);
    }
};

int main(int argc, char **argv)
{
    run_fn *run = run_search<returned_model, PREEMPTIONS>;
    return run_model(argc, argv, run, 3, run, 4);
}
