/* SPDX-License-Identifier: MIT */
/*
 * What wakes a loop and is no task (all contestants; here with the sleep word of wake.h): mail in
 * the inbox (common/parts/inbox.h), a poke (velo_loop_wake), and the end of liveness by a cancel of
 * another thread while the loop runs until it is idle. Each is published, then the sleeper is
 * looked for; the owner announces, then looks at each.
 *
 * Scenario 1: mail and a poke. Scenario 2: mail, whose record keeps the loop alive, and a cancel.
 *
 * variant: I2_PUSH=acq_rel must-fail deadlock "mail is not seen by the last look"
 * variant: I2_PUSH=relaxed must-fail race "the record is not published"
 * variant: I3_TAKE=relaxed must-fail race "the record is not seen"
 * variant: I4_EMPTY=acquire must-fail deadlock "the last look is not in S"
 * variant: R3_POKE=release must-fail deadlock "a poke is not seen by the last look"
 * variant: R3_LOOK=acquire must-fail deadlock "the last look is not in S"
 * variant: R1_SET=release must-fail deadlock "the canceller does not see who waits for idleness"
 * variant: R2_ASK=acquire must-fail deadlock "the canceller does not see who waits for idleness"
 * variant: K2_ADD=acq_rel must-fail deadlock "the end of liveness is not seen"
 * variant: K2_GET=acquire must-fail deadlock "the end of liveness is not seen"
 * variant: W1_LOOK=acquire must-fail deadlock "the sender does not see the announcement"
 * variant: W2_ANNOUNCE=acq_rel must-fail deadlock "the announcement is not in S"
 * variant: ANNOUNCE_AFTER_LOOK must-fail deadlock "mail between look and announcement"
 * variant: NOTIFY_BEFORE_PUSH must-fail deadlock "the sleeper is looked for too early"
 * variant: LINK_AFTER_PUSH must-fail race "the record is published before it is complete"
 */
#include "common/models/model.h"

ORDER(I1_GUESS, "I1", "common/parts/inbox.h", inbox_push, load, relaxed);
ORDER(I2_PUSH, "I2", "common/parts/inbox.h", inbox_push, compare_exchange_weak, seq_cst, relaxed);
ORDER(I3_TAKE, "I3", "common/parts/inbox.h", inbox_take, exchange, acq_rel);
ORDER(I4_EMPTY, "I4", "common/parts/inbox.h", inbox_is_empty, load, seq_cst);
ORDER(R1_SET, "R1", "common/api/run.c", set_until_idle, store, seq_cst);
ORDER(R1_LOOK, "R1", "common/core.c", is_idle_for_good, load, seq_cst);
ORDER(R2_ASK, "R2", "common/api/timers.c", notice_idle, load, seq_cst);
ORDER(R3_POKE, "R3", "common/api/state.c", velo_loop_wake, store, seq_cst);
ORDER(R3_LOOK, "R3", "common/core.c", core_has_news, load, seq_cst);
ORDER(R3_TAKE, "R3", "common/core.c", core_take_poke, exchange, acq_rel);
ORDER(K2_ADD, "K2", "common/parts/counter.h", shared_counter_add, fetch_add, seq_cst);
ORDER(K2_GET, "K2", "common/parts/counter.h", shared_counter_get, load, seq_cst);
ORDER(W1_LOOK, "W1", "common/parts/wake.h", wake_claim, load, seq_cst);
ORDER(W2_ANNOUNCE, "W2", "common/parts/wake.h", wake_announce, exchange, seq_cst);
ORDER(W3_RETRACT, "W3", "common/parts/wake.h", wake_retract, exchange, acq_rel);
ORDER(W4_WIN, "W4", "common/parts/wake.h", wake_claim, compare_exchange_strong, acq_rel, relaxed);
FAULT(ANNOUNCE_AFTER_LOOK);
FAULT(NOTIFY_BEFORE_PUSH);
FAULT(LINK_AFTER_PUSH);

enum { AWAKE, EVENTFD = 2, CLAIMED = 3, KIND_MASK = 3, EPOCH_ONE = 4 };
enum scenario { POKED, UNTIL_IDLE };

template <scenario what> struct mail_model : rl::test_suite<mail_model<what>, 3> {
    rl::atomic<unsigned> parked, inbox, poked, until_idle, live;
    rl::var<int> record, link;
    kernel_event eventfd;
    unsigned epoch, letters, pokes, own_live;

    void before()
    {
        parked($).store(AWAKE);
        inbox($).store(0);
        poked($).store(0);
        until_idle($).store(0);
        live($).store(
            1); /* a timer, which scenario 2 cancels; the letter is counted by its sender */
        record($) = 0;
        link($) = 0;
        epoch = letters = pokes = 0;
        own_live = 1; /* so that the loop of scenario 2 does not end before the letter */
    }

    void notify()
    {
        unsigned word = LOAD(parked, W1_LOOK);
        unsigned kind = word & KIND_MASK;
        if (kind == AWAKE || kind == CLAIMED)
            return;
        if (CAS(parked, word, word | CLAIMED, W4_WIN))
            eventfd.signal($);
    }

    void send_mail()
    {
        if (NOTIFY_BEFORE_PUSH)
            notify();
        if (!LINK_AFTER_PUSH)
            record($) = 7;
        unsigned head = LOAD(inbox, I1_GUESS);
        do {
            link($) = int(head);
        } while (!CAS(inbox, head, 1, I2_PUSH));
        if (LINK_AFTER_PUSH)
            record($) = 7;
        if (!NOTIFY_BEFORE_PUSH)
            notify();
    }

    void poke()
    {
        STORE(poked, 1, R3_POKE);
        notify();
    }

    void cancel()
    {
        ADD(live, unsigned(-1), K2_ADD);
        if (LOAD(until_idle, R2_ASK) != 0)
            notify();
    }

    bool is_alive()
    {
        return LOAD(live, K2_GET) + own_live != 0;
    }

    bool must_look()
    {
        return LOAD(poked, R3_LOOK) != 0 || LOAD(inbox, I4_EMPTY) != 0 ||
               (LOAD(until_idle, R1_LOOK) != 0 && !is_alive());
    }

    void sleep()
    {
        bool early = must_look();
        if (early)
            return;
        EXCHANGE(parked, (epoch += EPOCH_ONE) | EVENTFD, W2_ANNOUNCE);
        if (ANNOUNCE_AFTER_LOOK || !must_look())
            eventfd.wait($);
        EXCHANGE(parked, (epoch += EPOCH_ONE) | AWAKE, W3_RETRACT);
    }

    void turn()
    {
        if (EXCHANGE(inbox, 0, I3_TAKE) != 0) { /* as when the other list is not empty */
            CHECK(link($) == 0);
            CHECK(record($) == 7);
            letters++;
            own_live--;
        }
        if (EXCHANGE(poked, 0, R3_TAKE) != 0)
            pokes++;
    }

    void owner()
    {
        if (what == UNTIL_IDLE)
            STORE(until_idle, 1, R1_SET);
        for (;;) {
            turn();
            if (what == POKED ? letters == 1 && pokes == 1 : !is_alive())
                break;
            sleep();
        }
        CHECK(letters == 1);
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else if (index == 1)
            send_mail();
        else if (what == POKED)
            poke();
        else
            cancel();
    }
};

int main(int argc, char **argv)
{
    run_fn *both = run_both<run_search<mail_model<POKED>, PREEMPTIONS>,
                            run_search<mail_model<UNTIL_IDLE>, PREEMPTIONS>>;
    return run_model(argc, argv, both, 3, both, 5);
}
