/* SPDX-License-Identifier: MIT */
/*
 * The sleep word and the ticket word (common/parts/wake.h with ingress_tickets.h): chunked and
 * fastpath. Producers claim a ticket, look at the word, fill their slot and signal; the owner takes
 * the slots in order and sleeps when there is no claim. Failing means: the owner sleeps for ever
 * (deadlock), a task's argument is not seen (race), two signals for one sleep (assertion).
 *
 * variant: T1_CLAIM=acq_rel must-fail deadlock "(1) of the proof is not in S"
 * variant: W1_LOOK=acquire must-fail deadlock "(2) of the proof is not in S"
 * variant: W2_ANNOUNCE=acq_rel must-fail deadlock "(3) of the proof is not in S"
 * variant: T10_LOOK=acquire must-fail deadlock "(4) of the proof is not in S"
 * variant: T2_FILL=relaxed must-fail race "the task is not published"
 * variant: T7_TAKE=relaxed must-fail race "the task is not seen"
 * variant: ANNOUNCE_AFTER_LOOK must-fail deadlock "a claim between look and announcement"
 * variant: NO_LOOK must-fail deadlock "a claim before the announcement"
 * variant: LOOK_AT_SLOT must-fail deadlock "a claim that is not filled counts as none"
 * variant: SIGNAL_BEFORE_CLAIM must-fail deadlock "the sleeper is looked for too early"
 * variant: CLAIM_BY_STORE must-fail assertion "two wakers for one sleep"
 * variant: FILL_BEFORE_ARGUMENT must-fail race "published before it is complete"
 */
#include "common/models/model.h"

ORDER(T1_CLAIM, "T1", "common/parts/ingress_tickets.h", ingress_claim, fetch_add, seq_cst);
ORDER(T2_FILL, "T2", "common/parts/ingress_tickets.h", slot_fill, store, release);
ORDER(T7_TAKE, "T7", "common/parts/ingress_tickets.h", ingress_pop, load, acquire);
ORDER(T10_LOOK, "T10", "common/parts/ingress_tickets.h", ingress_claimed, load, seq_cst);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
FAULT(ANNOUNCE_AFTER_LOOK);
FAULT(NO_LOOK);
FAULT(LOOK_AT_SLOT);
FAULT(SIGNAL_BEFORE_CLAIM);
FAULT(CLAIM_BY_STORE);
FAULT(FILL_BEFORE_ARGUMENT);

enum { AWAKE, EVENTFD = 2, CLAIMED = 3, KIND_MASK = 3, EPOCH_ONE = 4 };

template <int producers> struct wake_model : rl::test_suite<wake_model<producers>, producers + 1> {
    rl::atomic<unsigned> tickets, parked;
    rl::atomic<int> filled[producers];
    rl::var<int> argument[producers];
    kernel_event eventfd;
    unsigned epoch;
    unsigned taken, sleeps, signals; /* seen by the model only */

    void before()
    {
        tickets($).store(0);
        parked($).store(AWAKE);
        for (int i = 0; i < producers; i++)
            filled[i]($).store(0);
        epoch = taken = sleeps = signals = 0;
    }

    bool claim_wake()
    {
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED)
            return false;
        if (CLAIM_BY_STORE) {
            parked($).store(word | CLAIMED, rl::mo_release);
            return true;
        }
        return CAS(parked, word, word | CLAIMED, W4_WIN);
    }

    void producer()
    {
        bool mine = SIGNAL_BEFORE_CLAIM ? claim_wake() : false;
        unsigned ticket = ADD(tickets, 1, T1_CLAIM);
        if (!SIGNAL_BEFORE_CLAIM)
            mine = claim_wake();
        if (FILL_BEFORE_ARGUMENT)
            STORE(filled[ticket], 1, T2_FILL);
        argument[ticket]($) = int(ticket);
        if (!FILL_BEFORE_ARGUMENT)
            STORE(filled[ticket], 1, T2_FILL);
        if (mine) {
            CHECK(++signals <= sleeps);
            eventfd.signal($);
        }
    }

    bool quiet()
    {
        if (NO_LOOK)
            return true;
        if (LOOK_AT_SLOT)
            return LOAD(filled[taken], T7_TAKE) == 0;
        return LOAD(tickets, T10_LOOK) == taken;
    }

    void sleep()
    {
        bool early = ANNOUNCE_AFTER_LOOK ? quiet() : false;
        sleeps++;
        EXCHANGE(parked, (epoch += EPOCH_ONE) | EVENTFD, W2_ANNOUNCE);
        if (ANNOUNCE_AFTER_LOOK ? early : quiet())
            eventfd.wait($);
        else
            YIELD();
        EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT);
    }

    void owner()
    {
        while (taken < producers) {
            if (LOAD(filled[taken], T7_TAKE) != 0) {
                CHECK(argument[taken]($) == int(taken));
                taken++;
            } else {
                sleep();
            }
        }
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else
            producer();
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_search<wake_model<2>, PREEMPTIONS>;
    run_fn *full = run_search<wake_model<3>, PREEMPTIONS>;
    return run_model(argc, argv, quick, 4, full, 3);
}
