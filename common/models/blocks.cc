/* SPDX-License-Identifier: MIT */
/*
 * The list of runs, its tag, and the sleep word (common/parts/ingress_blocks.h with wake.h):
 * blocks. Producers write a task, link it to what is there, publish it, and look at the sleep word
 * if they have taken the tag; the owner takes all, or announces, arms both lanes and sleeps. First
 * both producers use one lane, then each its own. Failing means: the owner sleeps for ever
 * (deadlock), a task or its link is not seen (race), two signals for one sleep (assertion).
 *
 * variant: B2_PUSH=relaxed must-fail race "the task is not published"
 * variant: B2_PUSH=acquire must-fail race "the task is not published"
 * variant: B3_TAKE=relaxed must-fail race "the task is not seen"
 * variant: NO_CHECK must-fail deadlock "a push before the arming"
 * variant: ARM_BY_STORE must-fail deadlock "a push between look and arming is lost"
 * variant: ARM_FIRST must-fail deadlock "the tag is taken before the sleep is announced"
 * variant: ARM_ONE_LANE must-fail deadlock "a push in the other lane finds no tag"
 * variant: LOOK_BEFORE_PUSH must-fail deadlock "the tag is looked for too early"
 * variant: LINK_ONCE must-fail deadlock "a push that was overtaken forgets who overtook it"
 * variant: TAKE_BY_STORE must-fail deadlock "a push between look and taking is lost"
 * variant: CLAIM_BY_STORE must-fail assertion "two wakers for one sleep"
 * variant: NO_CLAIM must-fail assertion "each tag a signal"
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
ORDER(B4_ARM,
      "B4",
      "common/parts/ingress_blocks_owner.c",
      blocks_arm,
      compare_exchange_weak,
      release,
      relaxed);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
FAULT(NO_CHECK);
FAULT(ARM_BY_STORE);
FAULT(ARM_FIRST);
FAULT(ARM_ONE_LANE);
FAULT(LOOK_BEFORE_PUSH);
FAULT(LINK_ONCE);
FAULT(TAKE_BY_STORE);
FAULT(CLAIM_BY_STORE);
FAULT(NO_CLAIM);

enum { AWAKE, EVENTFD = 2, CLAIMED = 3, KIND_MASK = 3, EPOCH_ONE = 4 };
enum { ARMED = 1, RUN_ONE = 2 }; /* a head: number of the newest task + 1, and the tag */

template <int producers, int pushes, int lanes>
struct blocks_model : rl::test_suite<blocks_model<producers, pushes, lanes>, producers + 1> {
    rl::atomic<unsigned> head[lanes], parked;
    rl::var<unsigned> link[producers * pushes];
    rl::var<int> argument[producers * pushes];
    kernel_event eventfd;
    unsigned epoch;
    int taken, sleeps, signals; /* seen by the model only */

    void before()
    {
        for (int i = 0; i < lanes; i++)
            head[i]($).store(0);
        parked($).store(AWAKE);
        epoch = 0;
        taken = sleeps = signals = 0;
    }

    bool claim_wake()
    {
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED)
            return NO_CLAIM && kind == CLAIMED;
        if (CLAIM_BY_STORE) {
            parked($).store(word | CLAIMED, rl::mo_release);
            return true;
        }
        return CAS(parked, word, word | CLAIMED, W4_WIN) || NO_CLAIM;
    }

    void push(int lane, unsigned task)
    {
        unsigned was = LOAD(head[lane], B1_HEAD);
        unsigned early = was;
        argument[task]($) = int(task);
        link[task]($) = was / RUN_ONE;
        while (!CAS(head[lane], was, (task + 1) * RUN_ONE, B2_PUSH)) {
            if (!LINK_ONCE)
                link[task]($) = was / RUN_ONE;
        }
        if (((LOOK_BEFORE_PUSH ? early : was) & ARMED) != 0 && claim_wake()) {
            CHECK(++signals <= sleeps);
            eventfd.signal($);
        }
    }

    void gather(int lane)
    {
        unsigned was = LOAD(head[lane], B1_HEAD);
        if (was / RUN_ONE == 0)
            return;
        if (TAKE_BY_STORE) {
            was = head[lane]($).load(rl::mo_acquire);
            head[lane]($).store(0, rl::mo_release);
        } else {
            while (!CAS(head[lane], was, 0, B3_TAKE)) {
            }
        }
        for (unsigned run = was / RUN_ONE; run != 0; run = link[run - 1]($)) {
            CHECK(argument[run - 1]($) == int(run - 1));
            taken++;
        }
    }

    bool arm()
    {
        for (int lane = 0; lane < (ARM_ONE_LANE ? 1 : lanes); lane++) {
            unsigned was = LOAD(head[lane], B1_HEAD);
            do {
                if (was / RUN_ONE != 0)
                    return NO_CHECK;
                if (ARM_BY_STORE) {
                    head[lane]($).store(was | ARMED, rl::mo_release);
                    break;
                }
            } while (!CAS(head[lane], was, was | ARMED, B4_ARM));
        }
        return true;
    }

    void sleep()
    {
        bool quiet = ARM_FIRST ? arm() : false;
        sleeps++;
        EXCHANGE(parked, (epoch += EPOCH_ONE) | EVENTFD, W2_ANNOUNCE);
        if (ARM_FIRST ? quiet : arm())
            eventfd.wait($);
        else
            YIELD();
        EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT);
    }

    void thread(unsigned index)
    {
        if (index != 0) {
            for (unsigned i = 0; i < pushes; i++)
                push(int(index) % lanes, (index - 1) * pushes + i);
            return;
        }
        while (taken < producers * pushes) {
            int before = taken;
            for (int lane = 0; lane < lanes; lane++)
                gather(lane);
            if (taken == before)
                sleep();
        }
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_both<run_search<blocks_model<2, 1, 1>, PREEMPTIONS>,
                             run_search<blocks_model<2, 1, 2>, PREEMPTIONS>>;
    run_fn *full = run_both<run_search<blocks_model<2, 2, 1>, PREEMPTIONS>,
                            run_search<blocks_model<3, 1, 2>, PREEMPTIONS>>;
    return run_model(argc, argv, quick, 4, full, 3);
}
