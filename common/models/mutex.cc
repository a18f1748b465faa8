/* SPDX-License-Identifier: MIT */
/*
 * The contestant mutex (impls/mutex/loop.c): [armed] and the open array under one lock, mail pushed
 * before its sender takes the lock, the write to the eventfd after it, claims and done for destroy.
 * Two producers, one of mail and one of a task; the owner runs both, then destroys the loop.
 *
 * variant: ARM_WITHOUT_LOCK must-fail race "armed is not guarded"
 * variant: ARM_BLINDLY must-fail deadlock "a task that is queued already"
 * variant: LOOK_AT_MAIL_BEFORE_ARM must-fail deadlock "mail between look and announcement"
 * variant: NOTIFY_BEFORE_PUSH must-fail deadlock "the sleeper is looked for too early"
 * variant: WAKE_WITHOUT_CLAIM must-fail assertion "two writes for one sleep"
 * variant: CLAIM_COUNTED_LATE must-fail race "a write to a closed descriptor"
 * variant: DONE_BEFORE_WRITE must-fail race "a write to a closed descriptor"
 * variant: K2_ADD=relaxed must-fail race "the end of the write is not published"
 * variant: K2_GET=relaxed must-fail race "the end of the write is not seen"
 * variant: I2_PUSH=relaxed must-fail race "the record is not published"
 */
#include "common/models/model.h"

ORDER(I2_PUSH, "I2", "common/parts/inbox.h", inbox_push, compare_exchange_weak, seq_cst, relaxed);
ORDER(I3_TAKE, "I3", "common/parts/inbox.h", inbox_take, exchange, acq_rel);
ORDER(I4_EMPTY, "I4", "common/parts/inbox.h", inbox_is_empty, load, seq_cst);
ORDER(K2_ADD, "K2", "common/parts/counter.h", shared_counter_add, fetch_add, seq_cst);
ORDER(K2_GET, "K2", "common/parts/counter.h", shared_counter_get, load, seq_cst);
FAULT(ARM_WITHOUT_LOCK);
FAULT(ARM_BLINDLY);
FAULT(LOOK_AT_MAIL_BEFORE_ARM);
FAULT(NOTIFY_BEFORE_PUSH);
FAULT(WAKE_WITHOUT_CLAIM);
FAULT(CLAIM_COUNTED_LATE);
FAULT(DONE_BEFORE_WRITE);

template <int submits> struct mutex_model : rl::test_suite<mutex_model<submits>, 3> {
    rl::mutex lock;
    rl::var<int> armed, open, claims; /* guarded by lock */
    rl::atomic<unsigned> inbox, done;
    rl::var<int> record, descriptor;
    kernel_event eventfd;
    int sleeps, writes; /* seen by the model only */

    void before()
    {
        armed($) = 0;
        open($) = 0;
        claims($) = 0;
        inbox($).store(0);
        done($).store(0);
        record($) = 0;
        descriptor($) = 1;
        sleeps = writes = 0;
    }

    bool claim_wake()
    {
        bool mine = armed($) != 0;
        if (!WAKE_WITHOUT_CLAIM)
            armed($) = 0;
        if (!CLAIM_COUNTED_LATE)
            claims($) = claims($) + int(mine);
        return mine;
    }

    void write_wake()
    {
        if (DONE_BEFORE_WRITE)
            ADD(done, 1, K2_ADD);
        CHECK(descriptor($) == 1);
        CHECK(++writes <= sleeps);
        eventfd.signal($);
        if (CLAIM_COUNTED_LATE) {
            lock.lock($);
            claims($) = claims($) + 1;
            lock.unlock($);
        }
        if (!DONE_BEFORE_WRITE)
            ADD(done, 1, K2_ADD);
    }

    void submit()
    {
        lock.lock($);
        open($) = open($) + 1;
        bool mine = claim_wake();
        lock.unlock($);
        if (mine)
            write_wake();
    }

    void notify()
    {
        lock.lock($);
        bool mine = claim_wake();
        lock.unlock($);
        if (mine)
            write_wake();
    }

    void send_mail()
    {
        if (NOTIFY_BEFORE_PUSH)
            notify();
        record($) = 7;
        unsigned head = 0;
        CHECK(CAS(inbox, head, 1, I2_PUSH));
        if (!NOTIFY_BEFORE_PUSH)
            notify();
    }

    bool arm()
    {
        if (!ARM_WITHOUT_LOCK)
            lock.lock($);
        bool empty = ARM_BLINDLY || open($) == 0;
        armed($) = empty;
        if (!ARM_WITHOUT_LOCK)
            lock.unlock($);
        return empty;
    }

    void sleep()
    {
        bool early = LOAD(inbox, I4_EMPTY) != 0;
        if (early)
            return;
        bool is_armed = arm();
        sleeps += is_armed;
        if (is_armed && (LOOK_AT_MAIL_BEFORE_ARM || LOAD(inbox, I4_EMPTY) == 0))
            eventfd.wait($);
        lock.lock($);
        armed($) = 0;
        lock.unlock($);
    }

    void owner()
    {
        int ran = 0;
        int letters = 0;
        for (;;) {
            if (LOAD(inbox, I4_EMPTY) != 0 && EXCHANGE(inbox, 0, I3_TAKE) != 0) {
                CHECK(record($) == 7);
                letters++;
            }
            lock.lock($); /* swap */
            ran += open($);
            open($) = 0;
            lock.unlock($);
            if (ran == submits && letters == 1)
                break;
            sleep();
        }
        lock.lock($); /* who called has returned, or is in its write */
        int claimed = claims($);
        lock.unlock($);
        while (int(LOAD(done, K2_GET)) < claimed)
            YIELD();
        descriptor($) = 0;
    }

    void thread(unsigned index)
    {
        if (index == 0)
            owner();
        else if (index == 1)
            send_mail();
        else
            for (int i = 0; i < submits; i++)
                submit();
    }
};

int main(int argc, char **argv)
{
    run_fn *quick = run_search<mutex_model<1>, PREEMPTIONS>;
    run_fn *full = run_search<mutex_model<2>, PREEMPTIONS>;
    return run_model(argc, argv, quick, 3, full, 4);
}
