/* SPDX-License-Identifier: MIT */
/*
 * The system calls of a loop, counted, delayed and made to fail by tests.
 *
 * The objects of this folder define write, read, close, dup3, fcntl, poll, the epoll calls,
 * eventfd, timerfd, syscall (for futexes), sched_getaffinity, the making of threads and locks, and
 * the allocator themselves and pass everything on, so no special build of the library is needed;
 * test/seam.sh proves that the library calls nothing else that can fail. Of io_uring the calls of
 * liburing are seen that make a ring and enter it; inline system calls are not. Arming is for one
 * thread at a time; counting and hooks work on any thread.
 */
#ifndef VELO_SIM_FAULTS_H
#define VELO_SIM_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sim_call {
    /* write to an eventfd; with EAGAIN the write is done all the same, as the counter is full */
    SIM_WAKE_WRITE,
    SIM_WAKE_READ, /* read from an eventfd */
    /* epoll_wait, epoll_pwait, epoll_pwait2, poll, ppoll, io_uring_submit_and_wait_timeout: may
     * block */
    SIM_POLL_WAIT,
    SIM_POLL_LOOK,    /* the same with timeout 0; io_uring_submit_and_get_events */
    SIM_FUTEX_WAIT,   /* syscall(SYS_futex, FUTEX_WAIT*): counted and hooked, fails only by EINTR */
    SIM_FUTEX_WAKE,   /* syscall(SYS_futex, FUTEX_WAKE): counted and hooked, never fails */
    SIM_EPOLL_CTL,    /* epoll_ctl */
    SIM_EPOLL_CREATE, /* epoll_create1 */
    SIM_EVENTFD,      /* eventfd */
    SIM_TIMERFD,      /* timerfd_create */
    SIM_URING_SETUP,  /* io_uring_queue_init_params */
    SIM_URING_ENABLE, /* io_uring_register, io_uring_register_eventfd */
    SIM_CLOSE,        /* close of an eventfd or epoll; done all the same, as Linux does it */
    SIM_DUP,          /* dup3 */
    SIM_FCNTL,        /* fcntl(F_GETFD) */
    SIM_AFFINITY,     /* sched_getaffinity */
    SIM_THREAD,       /* pthread_create; [error] is what it returns */
    SIM_LOCK,         /* pthread_mutex_init, pthread_cond_init; likewise */
    SIM_ATFORK,       /* pthread_atfork; likewise */
    SIM_BLOCK,        /* a test's own struct velo_allocator, which asks sim_enter() */
    SIM_ALLOC,        /* malloc, calloc, realloc, aligned_alloc, posix_memalign, mmap of memory;
                         a fault strikes only the thread that armed it, and only it is counted */
    SIM_CALLS
};

/* Calls so far. */
uint64_t sim_calls(enum sim_call call);
/* Let [times] calls fail with [error], after [skip] more that pass. */
void sim_fault(enum sim_call call, uint64_t skip, uint64_t times, int error);
/* How many failed since sim_fault(). */
uint64_t sim_faults_hit(enum sim_call call);
/* No faults, no hooks. */
void sim_faults_clear(void);
/* [before] runs on the calling thread before each real call; NULL = none. */
void sim_hook(enum sim_call call, void (*before)(void *ctx), void *ctx);
/* Nobody sleeps: a wait that would block looks once, and if there is nothing [pass] is told how
 * long it would have waited (-1 = for ever), and the wait ends as if that time were over. For a
 * fake clock, which [pass] moves; it runs on the calling thread. NULL = sleep again. */
void sim_sleep(void (*pass)(void *ctx, int64_t timeout_ns), void *ctx);

/* Rings of io_uring have no more than so many entries, in both directions; 0 = as many as asked
 * for. */
void sim_shrink_rings(unsigned entries);

/* Rings of io_uring that are made from now on do not tell that they have these features
 * (IORING_FEAT_*), as on an older kernel; 0 = they tell all. */
void sim_hide_ring_features(unsigned features);

/* What the program has from mmap now, sanitizers and libc not counted. */
size_t sim_mapped_bytes(void);

/* Calls of this thread pass unseen until taken back: they are the test's own. */
void sim_exempt(bool on);

/* For the objects of this folder: count, run the hook; the errno to fail with, or 0. */
int sim_enter(enum sim_call call);

/* For these, too: does nobody sleep? Then a wait that found nothing lets [timeout_ns] pass. */
bool sim_is_sleepless(void);
void sim_pass(int64_t timeout_ns);

#endif
