/* SPDX-License-Identifier: MIT */
/* See sweep.h: the table of faults, one run and its judgement, and what programs are made of. */
#include "sweep.h"

#include "runner.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ERRORS_MAX = 4, DENSE = 48 };

/* What each call may fail with. The wait for a futex can only be interrupted, its wake-up cannot
 * fail. EPERM of epoll_ctl belongs to the file that is added, and has cases of its own (F2). */
static const struct {
    enum sim_call call;
    const char *name;
    int errors[ERRORS_MAX];
    bool may_last; /* also: fails from some call on, for ever */
} faults[] = {
    {SIM_BLOCK, "allocator", {ENOMEM}, true},
    {SIM_ALLOC, "malloc", {ENOMEM}, true},
    {SIM_WAKE_WRITE, "write", {EINTR, EAGAIN, EIO}, true},
    {SIM_WAKE_READ, "read", {EINTR, EAGAIN}, false},
    {SIM_POLL_WAIT, "poll", {EINTR, ENOMEM}, false},
    {SIM_POLL_LOOK, "poll without waiting", {EINTR, ENOMEM}, true},
    {SIM_FUTEX_WAIT, "futex wait", {EINTR}, false},
    {SIM_EPOLL_CTL, "epoll_ctl", {ENOMEM, ENOSPC}, true},
    {SIM_EPOLL_CREATE, "epoll_create1", {EMFILE, ENFILE, ENOMEM}, true},
    {SIM_EVENTFD, "eventfd", {EMFILE, ENFILE, ENOMEM}, true},
    {SIM_TIMERFD, "timerfd_create", {EMFILE, ENFILE, ENOMEM}, true},
    {SIM_URING_SETUP, "io_uring", {EMFILE, ENFILE, ENOMEM}, true},
    {SIM_URING_ENABLE, "register", {ENOMEM}, true},
    {SIM_CLOSE, "close", {EINTR, EIO}, true},
    {SIM_DUP, "dup3", {EINTR, EBUSY, EMFILE}, true},
    {SIM_FCNTL, "fcntl", {EBADF}, true},
    {SIM_AFFINITY, "sched_getaffinity", {EINVAL}, true},
    {SIM_THREAD, "pthread_create", {EAGAIN}, true},
    {SIM_LOCK, "mutex or condition", {ENOMEM}, true},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

/* ---- the loop's memory ---- */

static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    struct sweep *run = ctx;
    void *fresh = NULL;
    if (new_size != 0 && sim_enter(SIM_BLOCK) != 0)
        return NULL;
    sim_exempt(true); /* failing malloc is another fault */
    if (new_size != 0)
        fresh = aligned_alloc(alignment, (new_size + alignment - 1) & ~(alignment - 1));
    sim_exempt(false);
    if (fresh != NULL && block != NULL)
        memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    free(block);
    atomic_fetch_add(&run->bytes, new_size - old_size);
    return fresh;
}

/* ---- what programs are made of ---- */

bool sweep_is_hit(const struct sweep *run)
{
    return sim_faults_hit(run->call) > 0;
}

bool sweep_has_ended(const struct sweep *run)
{
    return velo_loop_state(run->loop) >= VELO_STATE_TERMINATING;
}

/* The loop refuses a moment before velo_loop_state() tells of the end: only when nothing is
 * accepted any more. */
static bool comes_to_an_end(const struct sweep *run)
{
    const uint64_t deadline_ns = conf_now_ns() + CONF_PATIENCE_NS;
    while (!sweep_has_ended(run)) {
        if (conf_now_ns() > deadline_ns)
            return false;
        sched_yield();
    }
    return true;
}

int sweep_told(const struct sweep *run,
               int result,
               const char *text,
               const int *documented,
               const char *file,
               int line)
{
    if (result >= 0)
        return result;
    bool known = false;
    for (; *documented != 0; documented++)
        known = known || result == *documented;
    if (result == -ESHUTDOWN && run->loop != NULL)
        known = comes_to_an_end(run);
    conf_record(known && sweep_is_hit(run),
                file,
                line,
                "%.120s is %s, which is %s",
                text,
                velo_strerror(result),
                known ? "an error without a fault" : "not documented there");
    return result;
}

void sweep_ran(void *arg)
{
    struct sweep *run = arg;
    atomic_fetch_add(&run->executed, 1);
}

int sweep_add(struct sweep *run, unsigned kind, velo_id *id)
{
    /* before the call: whoever waits for the sums may not see it executed before accepted */
    atomic_fetch_add(&run->accepted, 1);
    int rc = SWEEP_CALL(run, kind_add(kind, run->loop, sweep_ran, run, id), -ENOMEM);
    if (rc != 0)
        atomic_fetch_sub(&run->accepted, 1);
    return rc;
}

void sweep_cancel(struct sweep *run, unsigned kind, velo_id id)
{
    if (SWEEP_CALL(run, kind_cancel(kind, run->loop, id), -ENOENT) == 0)
        atomic_fetch_add(&run->cancelled, 1);
}

bool sweep_polls(const struct sweep *run)
{
    return run->call == SIM_POLL_WAIT || run->call == SIM_POLL_LOOK ||
           run->call == SIM_URING_SETUP || run->call == SIM_URING_ENABLE;
}

/* What a library may need to make its set anew; without that it cannot poll either. */
static bool is_for_new_set(enum sim_call call)
{
    return call == SIM_EPOLL_CREATE || call == SIM_EPOLL_CTL || call == SIM_EVENTFD ||
           call == SIM_TIMERFD || call == SIM_ALLOC;
}

int sweep_run(struct sweep *run, enum velo_run_mode mode)
{
    bool polls = sweep_polls(run) || (conf_refused_later() && is_for_new_set(run->call));
    return SWEEP_CALL(run, velo_loop_run(run->loop, mode), polls ? -run->error : 0);
}

void sweep_turns(struct sweep *run, unsigned count)
{
    for (unsigned i = 0; i < count && !sweep_has_ended(run); i++)
        sweep_run(run, VELO_RUN_NOWAIT);
}

struct errand {
    struct sweep *run;
    sweep_program program;
};

static void errand_fn(void *arg)
{
    struct errand *errand = arg;
    sweep_ran(errand->run);
    errand->program(errand->run);
}

void sweep_on_owner(struct sweep *run, sweep_program program)
{
    struct errand errand = {run, program};
    atomic_fetch_add(&run->accepted, 1);
    int rc = SWEEP_CALL(run, velo_submit(run->loop, errand_fn, &errand), -ENOMEM);
    if (rc != 0)
        atomic_fetch_sub(&run->accepted, 1);
    else
        sweep_turns(run, 1);
}

/* ---- one run ---- */

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    struct sweep *run = ctx;
    (void)fn;
    (void)arg;
    atomic_fetch_add(&run->discarded, 1);
}

/* A loop that has survived works: what fails once may take a second try. */
static void check_usable(struct sweep *run)
{
    int rc = -ENOMEM;
    for (unsigned i = 0; i < 2 && rc == -ENOMEM && !sweep_has_ended(run); i++)
        rc = sweep_add(run, KIND_TASK, NULL);
    uint64_t before = atomic_load(&run->executed);
    for (unsigned i = 0; i < 4 && rc == 0 && atomic_load(&run->executed) == before; i++)
        sweep_turns(run, 1);
    if (!sweep_has_ended(run))
        CONF_EXPECT(rc == 0 && atomic_load(&run->executed) > before);
    else
        CONF_EXPECT_INT(velo_submit(run->loop, sweep_ran, run), -ESHUTDOWN);
}

/* A work function may outlive the close (O2); it is discarded when it ends. */
static struct velo_metrics final_metrics(struct sweep *run)
{
    uint64_t deadline = conf_now_ns() + CONF_PATIENCE_NS;
    struct velo_metrics seen = {.size = sizeof seen};
    do {
        CONF_EXPECT_INT(velo_metrics_read(run->loop, &seen), 0);
    } while (seen.accepted != seen.executed + seen.cancelled + seen.discarded &&
             sched_yield() == 0 && conf_now_ns() < deadline);
    return seen;
}

/* Returns how many were discarded. */
static uint64_t check_books(struct sweep *run)
{
    struct velo_metrics seen = final_metrics(run);
    CONF_EXPECT_INT(seen.accepted, atomic_load(&run->accepted));
    CONF_EXPECT_INT(seen.executed, atomic_load(&run->executed));
    CONF_EXPECT_INT(seen.cancelled, atomic_load(&run->cancelled));
    CONF_EXPECT_INT(seen.accepted, seen.executed + seen.cancelled + seen.discarded);
    return seen.discarded;
}

static void run_loop(struct sweep *run, sweep_program program)
{
    program(run);
    if (run->lasting)
        sim_faults_clear();
    check_usable(run);
    CONF_EXPECT_INT(velo_loop_close(run->loop), 0);
    CONF_EXPECT_INT(velo_loop_state(run->loop), VELO_STATE_TERMINATED);
    uint64_t discarded = check_books(run);
    CONF_EXPECT_INT(velo_loop_destroy(run->loop), 0);
    CONF_EXPECT_INT(atomic_load(&run->discarded), discarded);
}

/* Returns whether the fault was met. */
static bool run_once(const struct velo_options *given, sweep_program program, struct sweep *run)
{
    struct velo_options options = given != NULL ? *given : conf_options();
    const struct velo_allocator memory = {resize, run};
    unsigned fds = conf_open_fds();
    options.ctx = run;
    options.on_discard = on_discard;
    options.allocator = &memory;
    sim_fault(run->call, run->index, run->lasting ? UINT64_MAX / 2 : 1, run->error);
    int rc = SWEEP_CALL(run,
                        velo_loop_create(&run->loop, &options),
                        -ENOMEM,
                        -EMFILE,
                        -ENFILE,
                        -ENOSPC,
                        options.watchdog ? -EAGAIN : -ENOMEM);
    if (rc == 0)
        run_loop(run, program);
    bool hit = sweep_is_hit(run);
    sim_faults_clear();
    CONF_EXPECT_INT(conf_open_fds(), fds);
    CONF_EXPECT_INT(atomic_load(&run->bytes), 0);
    return hit;
}

enum { EXIT_CALM, EXIT_HIT = 40, EXIT_WRONG };

/* The same for a guest whose library may end the process: in a child. Adds to [aborted] if it has
 * done so. */
static bool run_apart(const struct velo_options *given,
                      sweep_program program,
                      struct sweep *run,
                      unsigned *aborted)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        bool hit = run_once(given, program, run);
        int code = hit ? EXIT_HIT : EXIT_CALM;
        fflush(NULL);
        conf_exit_now(conf_child_is_clean() ? code : EXIT_WRONG);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    int killer = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    /* without malloc a library may not even get to its abort() */
    bool ended = killer == SIGABRT || killer == SIGTRAP || run->call == SIM_ALLOC;
    if (code == EXIT_CALM || code == EXIT_HIT)
        return code == EXIT_HIT;
    *aborted += ended && code != EXIT_WRONG;
    CONF_EXPECT(ended && code != EXIT_WRONG);
    return true;
}

/* Returns how many runs met their fault. Under a sanitizer late calls are sampled. */
static unsigned sweep_one(const char *name,
                          const struct velo_options *options,
                          sweep_program program,
                          const struct sweep *fault,
                          unsigned *aborted)
{
    unsigned hits = 0;
    uint64_t step = conf_rounds(1000) == 1000 ? 1 : 7;
    for (uint64_t index = 0;; index += index < DENSE ? 1 : step) {
        struct sweep run = {
            .call = fault->call, .error = fault->error, .lasting = fault->lasting, .index = index};
        bool hit = conf_may_abort() ? run_apart(options, program, &run, aborted)
                                    : run_once(options, program, &run);
        if (!hit)
            return hits;
        hits++;
        if (!conf_child_is_clean())
            fail_msg("%s: call %llu fails with %s%s",
                     name,
                     (unsigned long long)index,
                     strerrorname_np(fault->error),
                     fault->lasting ? ", and all that follow" : "");
    }
}

void sweep_all(const char *name, const struct velo_options *options, sweep_program program)
{
    static const struct sweep first = {.call = SIM_ATFORK, .error = ENOMEM};
    struct sweep calm = {.call = SIM_BLOCK, .index = UINT64_MAX / 2};
    unsigned aborted = 0;
    unsigned hits =
        sweep_one(name, options, program, &first, &aborted); /* called once in a process */
    run_once(options, program, &calm);                       /* whatever else is done only once */
    for (unsigned i = 0; i < FAULTS; i++) {
        for (unsigned e = 0; e < ERRORS_MAX && faults[i].errors[e] != 0; e++) {
            struct sweep fault = {.call = faults[i].call, .error = faults[i].errors[e]};
            printf("%s: %s, %s\n", name, faults[i].name, strerrorname_np(fault.error));
            fflush(stdout);
            hits += sweep_one(name, options, program, &fault, &aborted);
            fault.lasting = true;
            /* some libraries repeat an interrupted call for ever */
            if (faults[i].may_last && !(fault.error == EINTR && conf_may_abort()))
                hits += sweep_one(name, options, program, &fault, &aborted);
        }
    }
    printf("%s: %u runs with a fault\n", name, hits);
    if (aborted != 0)
        conf_aborted(aborted);
    if (hits == 0)
        conf_na("makes no call that the test can fail");
}
