/* SPDX-License-Identifier: MIT */
/* program.c - see program.h. */
#include "program.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define INDEX_SHIFT 48

struct program programs[PROGRAM_LOOPS_MAX];

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "process: %s: %s: %s\n", velo_impl()->name, what, why);
    return EXIT_FAILURE;
}

static int judge(int rc, const char *what)
{
    return rc == 0 ? EXIT_SUCCESS : fail(what, velo_strerror(rc));
}

/* ---- callbacks ---- */

static void task(void *arg)
{
    uint64_t word = (uintptr_t)arg;
    struct program *program = &programs[word >> INDEX_SHIFT];
    uint64_t number = word & ((UINT64_C(1) << INDEX_SHIFT) - 1);
    program->wrong += number != program->ran++;
    if (number == 0)
        sem_post(&program->begun);
}

/* A second call of the same kind is as wrong as none. */
static void use(struct program *program, unsigned what)
{
    program->wrong += (program->used & what) != 0;
    program->used |= what;
    sem_post(&program->begun);
}

static void on_timer(void *arg)
{
    use(arg, WITH_TIMER);
}

static void on_fd(int fd, unsigned events, void *arg)
{
    struct program *program = arg;
    program->wrong += fd != program->fd || events != VELO_READ;
    program->wrong += velo_fd_unwatch(program->loop, program->fd_id) != 0;
    use(program, WITH_FD);
}

static void work(void *arg)
{
    struct program *program = arg;
    program->wrong += velo_loop_is_owner(program->loop);
}

static void on_done(int status, void *arg)
{
    struct program *program = arg;
    program->wrong += status != 0;
    use(program, WITH_OFFLOAD);
}

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    struct program *program = ctx;
    (void)fn;
    (void)arg;
    program->dropped++;
}

static void *run_loop(void *arg)
{
    struct program *program = arg;
    program->run_result = velo_loop_run(program->loop, VELO_RUN_FOREVER);
    return NULL;
}

/* ---- its life ---- */

int program_create(struct program *program)
{
    struct velo_options options = {
        .size = sizeof options, .on_discard = on_discard, .ctx = program};
    sem_init(&program->begun, 0, 0);
    return judge(velo_loop_create(&program->loop, &options), "velo_loop_create");
}

static int equip(struct program *program)
{
    struct velo_loop *loop = program->loop;
    int rc = 0;
    if (program->with & WITH_TIMER)
        rc = velo_timer_start(loop, 0, 0, on_timer, program, NULL);
    if (rc == 0 && program->with & WITH_FD) {
        program->fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
        rc = program->fd < 0
                 ? -errno
                 : velo_fd_watch(loop, program->fd, VELO_READ, on_fd, program, &program->fd_id);
    }
    if (rc == 0 && program->with & WITH_OFFLOAD)
        rc = velo_offload(loop, work, on_done, program, NULL);
    return judge(rc, "adding timer, descriptor or job");
}

int program_start(struct program *program)
{
    int rc = pthread_create(&program->thread, NULL, run_loop, program);
    if (rc != 0)
        return fail("pthread_create", strerror(rc));
    for (uint64_t i = 0; i < program->tasks && rc == 0; i++) {
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number */
        void *arg = (void *)(uintptr_t)(program->index << INDEX_SHIFT | i);
        rc = velo_submit(program->loop, task, arg);
    }
    return judge(rc, "velo_submit") == EXIT_SUCCESS ? equip(program) : EXIT_FAILURE;
}

static bool closes(const struct program *program)
{
    return program->tasks == 1;
}

/* The wait makes sure that the loop runs: a shutdown before that would drain here. */
int program_end(struct program *program)
{
    int events = 1 + __builtin_popcount(program->with);
    while (events > 0)
        events -= sem_wait(&program->begun) == 0; /* else EINTR */
    return closes(program) ? judge(velo_loop_close(program->loop), "velo_loop_close")
                           : judge(velo_loop_shutdown(program->loop, -1), "velo_loop_shutdown");
}

static int verify_counts(const struct program *program)
{
    char text[160];
    if (program->ran == program->tasks && program->wrong == 0 && program->dropped == 0 &&
        program->used == program->with)
        return EXIT_SUCCESS;
    snprintf(text,
             sizeof text,
             "%" PRIu64 " tasks ran, %" PRIu64 " of them out of order, %" PRIu64
             " were discarded%s",
             program->ran,
             program->wrong,
             program->dropped,
             program->used == program->with ? "" : "; timer, descriptor or job did not come");
    return fail("wrong count", text);
}

int program_verify(struct program *program)
{
    struct velo_metrics m = {.size = sizeof m};
    pthread_join(program->thread, NULL);
    if (program->run_result != (closes(program) ? -ECANCELED : 0))
        return fail("velo_loop_run", velo_strerror(program->run_result));
    if (verify_counts(program) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (!(velo_impl()->capabilities & VELO_CAP_METRICS))
        return EXIT_SUCCESS;
    int rc = velo_metrics_read(program->loop, &m);
    if (rc != 0)
        return fail("velo_metrics_read", velo_strerror(rc));
    if (m.accepted == m.executed + m.cancelled + m.discarded && m.executed >= program->tasks)
        return EXIT_SUCCESS;
    return fail("velo_metrics_read", "the ledger does not balance");
}

int program_destroy(struct program *program)
{
    if (program->with & WITH_FD)
        close(program->fd);
    return judge(velo_loop_destroy(program->loop), "velo_loop_destroy");
}
