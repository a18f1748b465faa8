/* SPDX-License-Identifier: MIT */
/*
 * The word that decides about a timer (common/parts/ops.h): all contestants. One thread starts a
 * timer and cancels it, another cancels or restarts it by its id, the owner fires it. Exactly one
 * of "fired" and "cancelled" happens, who cancels may destroy the context at once, nobody fires at
 * the old deadline once a restart has been accepted, and a stale id never touches the record's next
 * user.
 *
 * The record: word = generation | moves | state; [ready] stands for the inbox, which mail.cc
 * models.
 *
 * variant: O4_PUBLISH=relaxed must-fail race "the fields are not published"
 * variant: O3_WORD=relaxed must-fail race "the fields are read before the word is won (immediates)"
 * variant: O4_MOVE=relaxed must-fail race "a period has run, and the canceller does not see it"
 * variant: FIRE_BY_STORE must-fail race "fired and cancelled: its context is gone"
 * variant: CANCEL_BY_STORE must-fail race "fired and cancelled: its context is gone"
 * variant: FIRE_BEFORE_CLAIM must-fail race "the callback runs before the word is won"
 * variant: FIRE_DESPITE_MOVES must-fail assertion "fired at the old deadline"
 * variant: SAME_GENERATION must-fail assertion "a stale id cancels the next timer"
 */
#include "common/models/model.h"

ORDER(O3_WORD, "O3", "common/parts/ops.h", op_word, load, acquire);
ORDER(O4_MOVE, "O4", "common/parts/ops.h", op_move, compare_exchange_strong, acq_rel, acquire);
ORDER(O4_PUBLISH, "O4", "common/parts/ops.h", op_publish, store, release);
FAULT(FIRE_BY_STORE);
FAULT(CANCEL_BY_STORE);
FAULT(FIRE_BEFORE_CLAIM);
FAULT(FIRE_DESPITE_MOVES);
FAULT(SAME_GENERATION);

enum { FREE, PENDING, FIRING, CANCELLED, STATE_MASK = 7, MOVE = 8, MOVES_MASK = 8 * 15 };
enum { GENERATION = 256 };
enum scenario { TWO_CANCELS, RESTARTED, PERIODIC };

template <scenario what> struct timer_model : rl::test_suite<timer_model<what>, 3> {
    rl::atomic<unsigned> word;
    rl::atomic<unsigned> restart; /* a restart record is in the inbox */
    rl::var<int> context, field;
    unsigned fired, cancelled, moved, next_fired, next_cancelled;

    void before()
    {
        word($).store(FREE);
        restart($).store(0);
        fired = cancelled = moved = next_fired = next_cancelled = 0;
    }

    static unsigned state(unsigned w)
    {
        return w & STATE_MASK;
    }

    static unsigned generation(unsigned w)
    {
        return SAME_GENERATION ? 0 : w / GENERATION;
    }

    bool move(unsigned &w, unsigned to, bool by_store)
    {
        if (by_store) {
            word($).store(to, rl::mo_release);
            return true;
        }
        return CAS(word, w, to, O4_MOVE);
    }

    /* Start the timer, whose callback finds [value] in its context. */
    void start(unsigned gen, int value)
    {
        context($) = value;
        field($) = value;
        STORE(word, gen * GENERATION + PENDING, O4_PUBLISH);
    }

    /* As velo_timer_cancel() on another thread, with the id of generation 0. */
    void cancel()
    {
        unsigned w = LOAD(word, O3_WORD);
        while (generation(w) == 0 && state(w) == PENDING) {
            unsigned gen = w / GENERATION;
            if (!move(w, (w & ~unsigned(STATE_MASK)) | CANCELLED, CANCEL_BY_STORE))
                continue;
            CHECK(gen == 0);
            cancelled++;
            context($) = 0; /* nobody will use it any more */
            return;
        }
    }

    /* As hold() and the record that follows it. */
    void restart_it()
    {
        unsigned w = LOAD(word, O3_WORD);
        while (generation(w) == 0 && state(w) == PENDING) {
            if (!move(w, w + MOVE, false))
                continue;
            moved++;
            restart($).store(1, rl::mo_release);
            return;
        }
    }

    /* As fire() and, since the fields are read first, core_take_immediate(): true if it ran. */
    bool fire(int value, unsigned *count)
    {
        unsigned w = LOAD(word, O3_WORD);
        do {
            if (state(w) != PENDING || (!FIRE_DESPITE_MOVES && (w & MOVES_MASK) != 0))
                return false;
            CHECK(field($) == value);
            if (FIRE_BEFORE_CLAIM)
                break;
        } while (!move(w, (w & ~unsigned(STATE_MASK)) | FIRING, FIRE_BY_STORE));
        CHECK(context($) == value);
        ++*count;
        if (FIRE_BEFORE_CLAIM)
            move(w, (w & ~unsigned(STATE_MASK)) | FIRING, false);
        return true;
    }

    /* As fire() and finish_period(): it runs, is armed again, and runs again. */
    void run_periods()
    {
        for (int i = 0; i < 2 && fire(1, &fired); i++) {
            unsigned w = LOAD(word, O3_WORD);
            if (!move(w, (w & ~unsigned(STATE_MASK)) | PENDING, false))
                return;
        }
        fired = 0; /* it may run and then be cancelled */
    }

    /* The owner finds it at its old deadline, twice, as a period or a delayed look may. */
    void owner()
    {
        bool ran = fire(1, &fired);
        CHECK(!(ran && moved != 0 && what == RESTARTED && restart($).load(rl::mo_relaxed) != 0));
        if (what == RESTARTED && !ran) {
            if (restart($).load(rl::mo_acquire) == 0)
                return;
            unsigned w = LOAD(word, O3_WORD);
            while (state(w) == PENDING && !move(w, w - MOVE, false))
                ;
            fire(1, &fired); /* at the new deadline */
            return;
        }
        if (ran) { /* recycle: the next user of the record */
            STORE(word, GENERATION + FREE, O4_PUBLISH);
            start(1, 2);
            fire(2, &next_fired);
            CHECK(next_fired == 1);
        }
    }

    void thread(unsigned index)
    {
        if (index == 0 && what == PERIODIC) {
            run_periods();
        } else if (index == 0) {
            owner();
        } else if (index == 1) {
            start(0, 1);
            if (what == TWO_CANCELS)
                cancel();
        } else if (what != RESTARTED) {
            cancel();
        } else {
            restart_it();
        }
    }

    void after()
    {
        CHECK(fired + cancelled <= 1);
    }
};

int main(int argc, char **argv)
{
    run_fn *three = run_both<run_both<run_search<timer_model<TWO_CANCELS>, EVERY>,
                                      run_search<timer_model<RESTARTED>, EVERY>>,
                             run_search<timer_model<PERIODIC>, EVERY>>;
    return run_model(argc, argv, three, 0, three, 0);
}
