/* SPDX-License-Identifier: MIT */
/*
 * The sleep word: the owner announces its sleep in it, and one waker claims the right, and the
 * duty, to wake it. At most one system call per sleep, none while the owner is awake (S8).
 *
 * States of [parked], and who moves them:
 *   AWAKE   -> FUTEX, EVENTFD   owner, before it looks at its queues a last time (wake_announce)
 *   AWAKE   -> EVENTFD          any thread, when nobody runs an embedded loop    (wake_expose)
 *   FUTEX, EVENTFD -> CLAIMED   one waker, who then makes the system call       (wake_claim)
 *   any     -> AWAKE            owner, after its sleep                          (wake_retract)
 *   CLAIMED -> FUTEX, EVENTFD   the waker whose system call failed              (wake_signal)
 *
 * Above the state stands an epoch, which the owner counts up with each of its own moves. So a waker
 * that failed for long reopens its own claim or nothing: the claim of a later sleep, perhaps in the
 * other primitive, has another epoch.
 *
 * Why no wake-up is lost (Dekker, all four accesses seq_cst, so there is one order S of them):
 *   waker: (1) publish, a RMW or store on a queue word   (2) load parked
 *   owner: (3) store parked                              (4) load that queue word, then block
 * If the owner blocks, (4) did not see (1), so (4) is before (1) in S, so (3) is before (2): the
 * waker sees the announcement. Either it claims it, or somebody else has, who then signals. A claim
 * that the owner has overtaken signals a later sleep: one spurious return, which is harmless.
 *
 * What TSan cannot see: nothing; there is no fence here. What it does not check is S itself.
 *
 * Destroying: the owner counts the claims that it finds at wake_retract() and, if it was exposed
 * while it ran, at wake_announce(); each claimer counts itself done as its last access;
 * wake_wait_done() finds the last claim and waits until both agree, so no descriptor is written
 * after it was closed (L9) and no freed word is touched (L8).
 */
#ifndef VELO_PARTS_WAKE_H
#define VELO_PARTS_WAKE_H

#include "common/parts/clock.h"
#include "common/parts/counter.h"
#include "common/parts/lines.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum wake_kind { WAKE_AWAKE, WAKE_FUTEX, WAKE_EVENTFD, WAKE_CLAIMED };

#define WAKE_KIND_MASK 3u
#define WAKE_EPOCH_ONE 4u
#define WAKE_TRIES 16

struct wake {
    _Alignas(LINES_BYTES) _Atomic uint32_t parked; /* epoch | enum wake_kind; also the futex word */
    int eventfd;                                   /* constant, as the next two */
    void (*on_failure)(void *ctx, int error);      /* a wake-up could not be made; may be NULL */
    void *ctx;
    bool timed;                  /* constant: note when a wake-up was claimed */
    _Atomic uint64_t claimed_ns; /* when the last one was; written by its claimer */
    _Atomic int claimed_cpu;     /* and on which processor */
    _Alignas(LINES_BYTES) struct shared_counter calls; /* system calls made to wake */
    struct shared_counter done;                        /* claims whose signal is over */
    struct counter claims;                             /* claims found by the owner */
    uint32_t epoch;                                    /* owner: that of its last move */
};
LINES_BEGIN(struct wake, calls);

static inline enum wake_kind wake_kind_of(uint32_t word)
{
    return (enum wake_kind)(word & WAKE_KIND_MASK);
}

static inline uint32_t wake_next_epoch(struct wake *wake)
{
    return wake->epoch += WAKE_EPOCH_ONE;
}

/* Owner: say that a sleep is coming. Then look at every queue, and only then block. */
static inline void wake_announce(struct wake *wake, enum wake_kind kind)
{
    /* (W2) seq_cst: (3) of the proof; pairs with (W1). A claim of an exposure is not lost */
    uint32_t was =
        atomic_exchange_explicit(&wake->parked, wake_next_epoch(wake) | kind, memory_order_seq_cst);
    if (__builtin_expect(wake_kind_of(was) == WAKE_CLAIMED, 0))
        counter_add(&wake->claims, 1);
}

/* Any thread: nobody runs the loop; announce that its eventfd wants to be written. */
static inline void wake_expose(struct wake *wake)
{
    /* (W2) seq_cst: as above; nothing to do when it is announced already */
    uint32_t word = atomic_load_explicit(&wake->parked, memory_order_seq_cst);
    while (wake_kind_of(word) == WAKE_AWAKE && /* (W2) seq_cst: as above */
           !atomic_compare_exchange_weak_explicit(&wake->parked,
                                                  &word,
                                                  word | WAKE_EVENTFD,
                                                  memory_order_seq_cst,
                                                  memory_order_seq_cst)) {
    }
}

/* Owner: the sleep is over, or called off. True: somebody has woken it, or is about to. */
static inline bool wake_retract(struct wake *wake)
{
    /* (W3) acq_rel: takes the announcement back or finds the claim; pairs with (W4) */
    uint32_t was = atomic_exchange_explicit(
        &wake->parked, wake_next_epoch(wake) | WAKE_AWAKE, memory_order_acq_rel);
    bool claimed = wake_kind_of(was) == WAKE_CLAIMED;
    if (claimed)
        counter_add(&wake->claims, 1);
    return claimed;
}

/* For the idle policy: when and where the wake-up was claimed. */
static inline void wake_note_claim(struct wake *wake)
{
    /* (W8) relaxed: advice only */
    atomic_store_explicit(&wake->claimed_ns, clock_now_ns(), memory_order_relaxed);
    atomic_store_explicit(&wake->claimed_cpu, sched_getcpu(), memory_order_relaxed); /* (W8) */
}

/*
 * Waker, after publishing: is the owner asleep, and is it mine to wake? Returns the announcement
 * that was claimed, for wake_signal(); WAKE_AWAKE, which is 0, if there is nothing to do.
 */
static inline uint32_t wake_claim(struct wake *wake)
{
    /* (W1) seq_cst: (2) of the proof; pairs with (W2) */
    uint32_t word = atomic_load_explicit(&wake->parked, memory_order_seq_cst);
    enum wake_kind kind = wake_kind_of(word);
    if (__builtin_expect(kind == WAKE_AWAKE, 1) || kind == WAKE_CLAIMED)
        return WAKE_AWAKE;
    /* (W4) acq_rel: one winner; pairs with (W3) */
    bool won = atomic_compare_exchange_strong_explicit(
        &wake->parked, &word, word | WAKE_CLAIMED, memory_order_acq_rel, memory_order_relaxed);
    if (won && wake->timed)
        wake_note_claim(wake);
    return won ? word : WAKE_AWAKE;
}

static inline int wake_futex(struct wake *wake)
{
    uintptr_t word = (uintptr_t)&wake->parked;
    return syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0) < 0 ? -errno : 0;
}

static inline int wake_write(const struct wake *wake)
{
    uint64_t one = 1;
    if (write(wake->eventfd, &one, sizeof(one)) == (ssize_t)sizeof(one))
        return 0;
    return errno == EAGAIN ? 0 : -errno; /* a full counter is a wake-up that is pending already */
}

/*
 * Waker: make the system call for what was claimed. When it still fails after some tries, the
 * claim is opened again, so that the next submit signals: nothing is stranded for good; and true is
 * returned. Otherwise this is the last access of a submit to the loop's memory.
 */
static inline bool wake_signal(struct wake *wake, uint32_t claim)
{
    bool futex = wake_kind_of(claim) == WAKE_FUTEX;
    int rc = -EINTR;
    int saved = errno; /* no part of the interface, and a signal handler may not change it */
    for (int i = 0; i < WAKE_TRIES && rc != 0; i++) {
        shared_counter_add(&wake->calls, 1);
        rc = futex ? wake_futex(wake) : wake_write(wake);
    }
    if (rc != 0 && wake->on_failure != NULL)
        wake->on_failure(wake->ctx, rc);
    errno = saved;
    uint32_t mine = claim | WAKE_CLAIMED;
    /* (W5) acq_rel: reopen this claim unless the owner is up already; pairs with (W3) */
    if (rc == 0 || !atomic_compare_exchange_strong_explicit(
                       &wake->parked, &mine, claim, memory_order_acq_rel, memory_order_relaxed)) {
        shared_counter_add(&wake->done, 1);
        return false;
    }
    return true;
}

/* Waker: after publishing something that is not a task. */
static inline void wake_if_asleep(struct wake *wake)
{
    uint32_t claim = wake_claim(wake);
    if (claim != WAKE_AWAKE)
        wake_signal(wake, claim);
}

/* Owner: block on the word while it is the FUTEX announced, at most until [deadline_ns] (absolute).
 * 0 or -errno.
 */
static inline int wake_futex_wait(struct wake *wake, uint64_t deadline_ns)
{
    struct timespec until = {(time_t)(deadline_ns / 1000000000u),
                             (long)(deadline_ns % 1000000000u)};
    uintptr_t word = (uintptr_t)&wake->parked;
    long rc = syscall(SYS_futex,
                      word,
                      FUTEX_WAIT_BITSET_PRIVATE,
                      wake->epoch | WAKE_FUTEX,
                      deadline_ns == UINT64_MAX ? NULL : &until,
                      NULL,
                      FUTEX_BITSET_MATCH_ANY);
    if (rc == 0 || errno == EAGAIN || errno == EINTR || errno == ETIMEDOUT)
        return 0;
    return -errno;
}

/* Before destroying: wait until every claimer has left. Nobody sleeps or submits any more. */
static inline void wake_wait_done(struct wake *wake)
{
    wake_retract(wake); /* it may have ended exposed */
    while (shared_counter_get(&wake->done) < counter_get(&wake->claims))
        sched_yield();
}

/* In a forked child: the claimers that are still at it do not exist here (L11). */
static inline void wake_forget(struct wake *wake)
{
    wake_retract(wake);
    shared_counter_add(&wake->done, counter_get(&wake->claims) - shared_counter_get(&wake->done));
}

#endif
