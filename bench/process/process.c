/* SPDX-License-Identifier: MIT */
/*
 * process.c - a whole program, timed from outside: start, some tasks, the end.
 *
 * It sees what no window inside a process can: loading, creating the loop and its thread, the first
 * wake-up, the shutdown, giving memory back. Many tasks end with a graceful shutdown that has to
 * drain them; a single one is waited for, and then the loop is closed at once.
 *
 * It verifies itself: every task once, in order, the right answers from the library, the ledger.
 */
#include "common/available.h"
#include "velo.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TASKS_MAX UINT64_C(10000000)
#define EXIT_USAGE 2
#define EXIT_CANNOT_RUN 3

static const char help[] =
    "usage: process --tasks N | --check\n"
    "\n"
    "Creates an event loop, runs it on a thread of its own, submits N tasks (1 to 10000000) and "
    "ends\n"
    "it: by a graceful shutdown, or, after a single task, by an immediate close. To be timed from\n"
    "outside, for example by hyperfine -N. --check only asks whether a loop can be made here.\n"
    "\n"
    "Exit status: 0; 1 a task was lost, ran twice or out of order, or a call failed; 2 usage;\n"
    "3 this system lacks, or forbids, what the contestant is built on.\n";

/* The tasks get numbers as arguments and find the rest here. */
static struct {
    struct velo_loop *loop;
    sem_t first;      /* posted by task number 0 */
    uint64_t ran;     /* the loop's thread writes; read after it has ended */
    uint64_t wrong;   /* tasks out of order */
    uint64_t dropped; /* calls of on_discard */
    int run_result;
} program;

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "process: %s: %s: %s\n", velo_impl()->name, what, why);
    return EXIT_FAILURE;
}

static void task(void *arg)
{
    uintptr_t number = (uintptr_t)arg;
    program.wrong += number != program.ran++;
    if (number == 0)
        sem_post(&program.first);
}

static void on_discard(void *ctx, velo_fn fn, void *arg)
{
    (void)ctx;
    (void)fn;
    (void)arg;
    program.dropped++;
}

static void *run_loop(void *arg)
{
    (void)arg;
    program.run_result = velo_loop_run(program.loop, VELO_RUN_FOREVER);
    return NULL;
}

/*
 * End the loop: close after one task, else drain. Waits for the first task, so that the loop is
 * surely running: a shutdown before that would drain here, on the caller's thread. [*expected] is
 * what velo_loop_run() has to return.
 */
static int end_loop(uint64_t tasks, int *expected)
{
    while (sem_wait(&program.first) != 0)
        continue; /* EINTR */
    *expected = tasks == 1 ? -ECANCELED : 0;
    return tasks == 1 ? velo_loop_close(program.loop) : velo_loop_shutdown(program.loop, -1);
}

static int verify(uint64_t tasks, int expected)
{
    struct velo_metrics m = {.size = sizeof m};
    char text[160];
    if (program.run_result != expected)
        return fail("velo_loop_run", velo_strerror(program.run_result));
    if (program.ran != tasks || program.wrong != 0 || program.dropped != 0) {
        snprintf(text,
                 sizeof text,
                 "%" PRIu64 " tasks ran, %" PRIu64 " of them out of order, %" PRIu64
                 " were discarded",
                 program.ran,
                 program.wrong,
                 program.dropped);
        return fail("wrong count", text);
    }
    if (!(velo_impl()->capabilities & VELO_CAP_METRICS))
        return EXIT_SUCCESS;
    int rc = velo_metrics_read(program.loop, &m);
    if (rc != 0)
        return fail("velo_metrics_read", velo_strerror(rc));
    if (m.accepted == m.executed + m.cancelled + m.discarded && m.executed >= tasks)
        return EXIT_SUCCESS;
    return fail("velo_metrics_read", "the ledger does not balance");
}

static int run_program(uint64_t tasks)
{
    struct velo_options options = {.size = sizeof options, .on_discard = on_discard};
    pthread_t thread;
    int expected;
    int rc = velo_loop_create(&program.loop, &options);
    if (rc != 0)
        return fail("velo_loop_create", velo_strerror(rc));
    sem_init(&program.first, 0, 0);
    rc = pthread_create(&thread, NULL, run_loop, NULL);
    if (rc != 0)
        return fail("pthread_create", strerror(rc));
    for (uint64_t i = 0; i < tasks && rc == 0; i++)
        /* NOLINTNEXTLINE(performance-no-int-to-ptr): a number */
        rc = velo_submit(program.loop, task, (void *)(uintptr_t)i);
    if (rc != 0)
        return fail("velo_submit", velo_strerror(rc));
    rc = end_loop(tasks, &expected);
    if (rc != 0)
        return fail("ending the loop", velo_strerror(rc));
    pthread_join(thread, NULL);
    int status = verify(tasks, expected);
    if (status == EXIT_SUCCESS && (rc = velo_loop_destroy(program.loop)) != 0)
        return fail("velo_loop_destroy", velo_strerror(rc));
    return status;
}

static int check(void)
{
    char reason[AVAILABLE_REASON_MAX];
    int rc = available_ask(reason);
    if (rc != 0)
        fprintf(stderr, "%s cannot run here: %s\n", velo_impl()->name, reason);
    return rc == 0 ? EXIT_SUCCESS : rc == -ENOSYS ? EXIT_CANNOT_RUN : EXIT_FAILURE;
}

static bool parse_tasks(const char *text, uint64_t *tasks)
{
    char *end;
    errno = 0;
    *tasks = strtoull(text, &end, 10);
    return *text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *tasks >= 1 &&
           *tasks <= TASKS_MAX;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"tasks", required_argument, NULL, 't'},
        {"check", no_argument, NULL, 'c'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    uint64_t tasks = 0;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 'h')
            return fputs(help, stdout) < 0;
        if (c == 'c')
            return check();
        if (c == '?')
            return EXIT_USAGE;
        if (!parse_tasks(optarg, &tasks)) {
            fprintf(stderr, "process: --tasks %s: give a number from 1 to 10000000\n", optarg);
            return EXIT_USAGE;
        }
    }
    if (optind < argc || tasks == 0) {
        fprintf(stderr, "process: give --tasks N and nothing else; try --help\n");
        return EXIT_USAGE;
    }
    return run_program(tasks);
}
