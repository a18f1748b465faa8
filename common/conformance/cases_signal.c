/* SPDX-License-Identifier: MIT */
/*
 * Submits and wake-ups in signal handlers (S9).
 *
 * Two methods. A storm: another thread sends signals to a victim without pause, so that its handler
 * meets whatever it does. And steps: the processor traps after each instruction of one call, so
 * that the handler can be run between any two of them.
 */
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ucontext.h>

#include "../sim/faults.h"
#include "conf.h"
#include "probes.h"

enum { ODD_ERRNO = 4711 };

/* ---- what the handler does ---- */

/* Tasks of one source: they carry their numbers, and run in that order. */
struct source {
    struct velo_loop *loop;
    velo_fn fn;
    atomic_uint sent;    /* accepted */
    unsigned refused;    /* by -EAGAIN */
    unsigned last;       /* owner: the one that ran last */
    unsigned misplaced;  /* owner */
    unsigned limit;      /* how many to send */
    unsigned per_signal; /* and how many at once */
    atomic_bool ended;   /* the loop refuses: -ESHUTDOWN */
    struct conf_count ran;
};

static struct source by_handler, by_victim;
static atomic_uint wrong_errno, wrong_result;

static void ran(struct source *source, unsigned number)
{
    source->misplaced += number != source->last + 1;
    source->last = number;
}

static void handler_task(void *arg)
{
    ran(&by_handler, (unsigned)(uintptr_t)arg);
    conf_count_add(&by_handler.ran, 1);
}

static void victim_task(void *arg)
{
    ran(&by_victim, (unsigned)(uintptr_t)arg);
    conf_count_add(&by_victim.ran, 1);
}

static struct source *source_open(struct source *source, struct velo_loop *loop, unsigned limit)
{
    memset(source, 0, sizeof *source);
    conf_count_init(&source->ran);
    source->fn = source == &by_handler ? handler_task : victim_task;
    source->loop = loop;
    source->limit = limit;
    source->per_signal = 64;
    return source;
}

/* One task more; false: enough, or refused. Nothing here but the call is unsafe in a handler. */
static bool source_send(struct source *source)
{
    unsigned number = atomic_load(&source->sent) + 1;
    if (number > source->limit || atomic_load(&source->ended))
        return false;
    int rc = velo_submit(source->loop, source->fn, (void *)(uintptr_t)number);
    if (rc == 0)
        atomic_store(&source->sent, number);
    else if (rc == -EAGAIN)
        source->refused++;
    else if (rc == -ESHUTDOWN)
        atomic_store(&source->ended, true);
    else
        atomic_fetch_add(&wrong_result, 1);
    return rc == 0;
}

static void on_submit_signal(int number)
{
    int saved = errno;
    (void)number;
    errno = ODD_ERRNO;
    for (unsigned i = 0; i < by_handler.per_signal && source_send(&by_handler); i++) {
    }
    if (errno != ODD_ERRNO)
        atomic_fetch_add(&wrong_errno, 1);
    errno = saved;
}

static void on_wake_signal(int number)
{
    int saved = errno;
    (void)number;
    errno = ODD_ERRNO;
    if (velo_loop_wake(by_handler.loop) != 0)
        atomic_fetch_add(&wrong_result, 1);
    if (errno != ODD_ERRNO)
        atomic_fetch_add(&wrong_errno, 1);
    errno = saved;
}

static void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    assert_int_equal(sigaction(number, &action, NULL), 0);
}

/* All that was accepted ran, in order, once. */
static void source_settles(struct source *source)
{
    assert_true(conf_count_wait(&source->ran, atomic_load(&source->sent)));
    conf_sync(source->loop);
    assert_int_equal(conf_count_get(&source->ran), atomic_load(&source->sent));
    assert_int_equal(source->misplaced, 0);
    assert_int_equal(atomic_load(&wrong_errno), 0);
    assert_int_equal(atomic_load(&wrong_result), 0);
}

/* ---- the storm ---- */

struct storm {
    pthread_t victim;
    pthread_t thread;
    atomic_bool stop;
};

static void *storm_main(void *arg)
{
    struct storm *storm = arg;
    while (!atomic_load(&storm->stop)) {
        pthread_kill(storm->victim, SIGUSR1);
        sched_yield();
    }
    return NULL;
}

static void storm_start(struct storm *storm, pthread_t victim)
{
    storm->victim = victim;
    atomic_init(&storm->stop, false);
    assert_int_equal(pthread_create(&storm->thread, NULL, storm_main, storm), 0);
}

static void storm_end(struct storm *storm)
{
    atomic_store(&storm->stop, true);
    assert_int_equal(pthread_join(storm->thread, NULL), 0);
}

static bool is_over(const struct source *source)
{
    return atomic_load(&source->sent) >= source->limit || atomic_load(&source->ended);
}

/* S9, L7: the victim allocates and frees all the time; its handler submits amid that. */
CONF_CASE(a_handler_submits_amid_malloc, "S9 S3", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct storm storm;
    struct conf_random random = conf_random(0);
    void *blocks[64] = {NULL};
    source_open(&by_handler, loop, conf_rounds(20000));
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    storm_start(&storm, pthread_self());
    while (!is_over(&by_handler)) {
        uint64_t i = conf_random_below(&random, 64);
        free(blocks[i]);
        blocks[i] = malloc(1 + conf_random_below(&random, 20000));
    }
    storm_end(&storm);
    for (unsigned i = 0; i < 64; i++)
        free(blocks[i]);
    source_settles(&by_handler);
    assert_int_equal(atomic_load(&by_handler.sent), by_handler.limit);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* The victim submits all the time, and so does its handler, to the same loop. */
static void interrupt_submits(const struct velo_options *options)
{
    struct velo_loop *loop = conf_create(options);
    struct conf_runner runner;
    struct storm storm;
    source_open(&by_handler, loop, conf_rounds(10000));
    source_open(&by_victim, loop, UINT32_MAX);
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    storm_start(&storm, pthread_self());
    while (!is_over(&by_handler)) {
        source_send(&by_victim);
        while (atomic_load(&by_victim.sent) > conf_count_get(&by_victim.ran) + 100000)
            sched_yield();
    }
    storm_end(&storm);
    source_settles(&by_handler);
    source_settles(&by_victim);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S3: both sources keep their order, whatever the handler has interrupted. */
CONF_CASE(a_handler_interrupts_submits_of_its_thread, "S9 S3 L7", VELO_CAP_SIGNAL_SAFE)
{
    interrupt_submits(NULL);
}

/* S9, S1: the bounded path takes no lock either. */
CONF_CASE(a_handler_interrupts_bounded_submits, "S9 S1", VELO_CAP_SIGNAL_SAFE | VELO_CAP_BOUNDED)
{
    struct velo_options options = conf_options();
    options.max_pending = 300;
    interrupt_submits(&options);
}

/* S9: the victim is the owner, in the midst of its turns, sleeps included. */
CONF_CASE(a_handler_interrupts_the_owner, "S9 S3 L7", VELO_CAP_SIGNAL_SAFE)
{
    for (unsigned busy = 0; busy < 2; busy++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct storm storm;
        struct spinner spinner = {.loop = loop};
        source_open(&by_handler, loop, conf_rounds(10000));
        handle(SIGUSR1, on_submit_signal);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        if (busy)
            assert_int_equal(velo_submit(loop, spinner_fn, &spinner), 0);
        storm_start(&storm, runner.thread);
        assert_true(conf_count_wait(&by_handler.ran, by_handler.limit));
        storm_end(&storm);
        atomic_store(&spinner.stop, true);
        source_settles(&by_handler);
        assert_int_equal(velo_loop_shutdown(loop, -1), 0);
        assert_int_equal(conf_runner_join(&runner), 0);
        conf_destroy(loop);
    }
}

/* S9, L6, L7: the handler goes on until the loop refuses; the ledger is exact. */
CONF_CASE(a_handler_submits_against_a_close, "S9 L6 L7", VELO_CAP_SIGNAL_SAFE)
{
    for (unsigned round = 0; round < conf_rounds(20); round++) {
        struct velo_loop *loop = conf_create(NULL);
        struct conf_runner runner;
        struct storm storm;
        source_open(&by_handler, loop, UINT32_MAX);
        handle(SIGUSR1, on_submit_signal);
        conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
        conf_wait_running(loop);
        storm_start(&storm, pthread_self());
        while (conf_count_get(&by_handler.ran) < 100 + 10 * round) {
        }
        assert_int_equal(velo_loop_close(loop), 0);
        assert_int_equal(conf_runner_join(&runner), -ECANCELED);
        while (!atomic_load(&by_handler.ended)) {
        }
        storm_end(&storm);
        assert_int_equal(conf_count_get(&by_handler.ran) + conf_discarded(loop),
                         atomic_load(&by_handler.sent));
        assert_int_equal(by_handler.misplaced, 0);
        assert_int_equal(atomic_load(&wrong_result), 0);
        conf_destroy(loop);
    }
}

/* ---- one handler, at a known place ---- */

static void raise_in_callback(void *arg)
{
    struct conf_trace *trace = arg;
    CONF_EXPECT_INT(raise(SIGUSR1), 0);
    CONF_EXPECT_INT(by_handler.last, 0); /* S2: never inline */
    conf_trace_add(trace, "callback");
}

/* S9, S2, S5: in a callback of the loop itself; it waits for the next turn. */
CONF_CASE(a_handler_in_a_callback_submits_for_the_next_turn, "S9 S2 S5", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_trace trace;
    conf_trace_init(&trace);
    source_open(&by_handler, loop, 3);
    handle(SIGUSR1, on_submit_signal);
    assert_int_equal(velo_submit(loop, raise_in_callback, &trace), 0);
    conf_turns(loop, 1);
    conf_trace_is(&trace, "callback");
    assert_int_equal(by_handler.last, 0);
    conf_turns(loop, 1);
    assert_int_equal(by_handler.last, 3);
    assert_int_equal(by_handler.misplaced, 0);
    conf_destroy(loop);
}

/* S9, S8, trap W16: a handler wakes a sleeping owner, on a thread of its own and on the owner's. */
CONF_CASE(a_handler_wakes_a_sleeping_owner, "S9 S8", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_options options = conf_options();
    struct conf_runner runner;
    struct conf_count turns;
    conf_count_init(&turns);
    options.ctx = &turns;
    options.on_turn_begin = conf_count_fn;
    struct velo_loop *loop = conf_create(&options);
    source_open(&by_handler, loop, 0);
    handle(SIGUSR1, on_wake_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 50; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        uint64_t before = conf_count_get(&turns);
        if (i % 2 == 0)
            assert_int_equal(raise(SIGUSR1), 0);
        else
            assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
        assert_true(conf_count_wait(&turns, before + 1));
    }
    assert_int_equal(atomic_load(&wrong_errno) + atomic_load(&wrong_result), 0);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S8: the same by a submit. */
CONF_CASE(a_handler_submits_to_a_sleeping_owner, "S9 S8", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    source_open(&by_handler, loop, 50);
    by_handler.per_signal = 1;
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 50; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        if (i % 2 == 0)
            assert_int_equal(raise(SIGUSR1), 0);
        else
            assert_int_equal(pthread_kill(runner.thread, SIGUSR1), 0);
        assert_true(conf_count_wait(&by_handler.ran, i + 1));
    }
    source_settles(&by_handler);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S8: wake-ups that fail in a handler leave errno alone, and the task is not lost. */
CONF_CASE(a_handler_whose_wakeup_fails_keeps_errno, "S9 S8", VELO_CAP_SIGNAL_SAFE | CONF_OWN_MODE)
{
    static const int errors[] = {EINTR, EAGAIN, EIO};
    struct velo_options options = conf_options();
    struct conf_runner runner;
    options.fast_path = VELO_FAST_DISABLED;
    struct velo_loop *loop = conf_create(&options);
    source_open(&by_handler, loop, UINT32_MAX);
    by_handler.per_signal = 1;
    handle(SIGUSR1, on_submit_signal);
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned i = 0; i < 30; i++) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        sim_fault(SIM_WAKE_WRITE, 0, errors[i % 3] == EIO ? UINT64_MAX / 2 : 3, errors[i % 3]);
        assert_int_equal(raise(SIGUSR1), 0);
        sim_faults_clear();
        assert_int_equal(raise(SIGUSR1), 0);
        assert_true(conf_count_wait(&by_handler.ran, 2 * (i + 1)));
    }
    source_settles(&by_handler);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}

/* S9, S1: without memory a handler gets -ENOMEM, errno stays, and nothing has changed. */
CONF_CASE(a_handler_without_memory_keeps_errno, "S9 S1", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    source_open(&by_handler, loop, 100000);
    by_handler.per_signal = 100000;
    handle(SIGUSR1, on_submit_signal);
    sim_fault(SIM_ALLOC, 0, UINT64_MAX / 2, ENOMEM);
    assert_int_equal(raise(SIGUSR1), 0);
    sim_faults_clear();
    assert_int_equal(atomic_load(&wrong_errno), 0);
    if (atomic_load(&wrong_result) == 0 && atomic_load(&by_handler.sent) == by_handler.limit)
        conf_na("needs no memory for that many tasks");
    assert_int_equal(atomic_load(&wrong_result), 1); /* the first that was refused */
    atomic_store(&wrong_result, 0);
    assert_int_equal(raise(SIGUSR1), 0);
    conf_turns(loop, 2);
    assert_int_equal(by_handler.last, by_handler.limit);
    assert_int_equal(by_handler.misplaced, 0);
    conf_destroy(loop);
}

/* ---- steps ---- */

/* ThreadSanitizer takes locks of its own in the code it instruments: no handler may come there. */
#if defined(__x86_64__) && !defined(__SANITIZE_THREAD__)

#define TRAP_FLAG 0x100

static struct {
    volatile bool on;
    volatile unsigned number; /* instructions so far */
    volatile unsigned target; /* after this one the handler does its work */
} step;

static void on_step(int number, siginfo_t *info, void *context)
{
    ucontext_t *machine = context;
    (void)number;
    (void)info;
    if (step.on && step.number++ == step.target) {
        on_submit_signal(0);
        step.on = false;
    }
    if (!step.on)
        machine->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void steps_open(void)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO};
    assert_int_equal(sigaction(SIGTRAP, &action, NULL), 0);
}

/* Submit one task of the victim, with the handler after [target] instructions. False: it was over
 * before. */
static bool submit_stepwise(unsigned target)
{
    step.number = 0;
    step.target = target;
    step.on = true;
    __asm__ volatile("lea -128(%%rsp), %%rsp\n\t" /* beyond the red zone */
                     "pushfq\n\t"
                     "orq $0x100, (%%rsp)\n\t"
                     "popfq\n\t"
                     "lea 128(%%rsp), %%rsp"
                     :
                     :
                     : "memory", "cc");
    bool sent = source_send(&by_victim);
    step.on = false;
    assert_true(sent);
    return step.number > target;
}

#else

static void steps_open(void)
{
    conf_na("needs a processor, and a build, that can be stepped through");
}

static bool submit_stepwise(unsigned target)
{
    (void)target;
    return false;
}

#endif

/* A trap costs up to 20 us: a run takes every 11th step, from one that the seed draws. */
static unsigned target_stride(void)
{
    return conf_rounds(100) == 100 ? 11 : 211;
}

static unsigned first_target(struct conf_random *random)
{
    return (unsigned)conf_random_below(random, target_stride());
}

static unsigned handler_place; /* 1: it ran before the victim's task, 2: after it */

static void note_place(void *arg)
{
    (void)arg;
    handler_place = by_victim.last == 0 ? 1 : 2;
}

/* One submit to a new loop that holds [before] tasks; true: the handler has come. */
static bool step_through(unsigned before, unsigned target)
{
    struct velo_loop *loop = conf_create(NULL);
    source_open(&by_handler, loop, 1)->fn = note_place;
    source_open(&by_victim, loop, 1);
    for (unsigned i = 0; i < before; i++)
        assert_int_equal(velo_submit(loop, nothing, NULL), 0);
    handler_place = 0;
    bool came = submit_stepwise(target);
    conf_turns(loop, 2);
    assert_int_equal(by_victim.last, 1);
    assert_int_equal(handler_place != 0, came);
    assert_int_equal(atomic_load(&wrong_errno) + atomic_load(&wrong_result), 0);
    conf_destroy(loop);
    return came;
}

/*
 * S9, S3: the handler comes between two instructions of a submit, be they which they may. Both
 * tasks run once; the handler's is first until the submit has taken its place in the order, and
 * second from then on. The loop holds so many tasks before that queues made of pieces need the next
 * piece just then.
 */
CONF_CASE(a_handler_between_any_two_steps_of_a_submit, "S9 S3", VELO_CAP_SIGNAL_SAFE)
{
    static const unsigned before[] = {0, 255, 256, 512, 768};
    struct conf_random random = conf_random(0);
    steps_open();
    for (unsigned i = 0; i < sizeof before / sizeof before[0]; i++) {
        unsigned place = 1;
        unsigned target = first_target(&random);
        for (; step_through(before[i], target); target += target_stride()) {
            if (handler_place < place)
                fail_msg("after step %u: not in the order of the claims", target);
            place = handler_place;
        }
    }
}

/* S9, S8: the same while the owner sleeps; neither task needs another event to run. */
CONF_CASE(a_handler_between_any_two_steps_of_a_wakeup, "S9 S8", VELO_CAP_SIGNAL_SAFE)
{
    struct velo_loop *loop = conf_create(NULL);
    struct conf_runner runner;
    struct conf_random random = conf_random(0);
    uint64_t sent = 0;
    bool more = true;
    steps_open();
    source_open(&by_handler, loop, UINT32_MAX);
    source_open(&by_victim, loop, UINT32_MAX);
    by_handler.per_signal = 1;
    conf_runner_start(&runner, loop, VELO_RUN_FOREVER);
    for (unsigned target = first_target(&random); more; target += target_stride()) {
        conf_wait_state(loop, VELO_STATE_SLEEPING);
        more = submit_stepwise(target);
        sent += more;
        assert_true(conf_count_wait(&by_victim.ran, atomic_load(&by_victim.sent)));
        assert_true(conf_count_wait(&by_handler.ran, sent));
    }
    source_settles(&by_handler);
    source_settles(&by_victim);
    assert_int_equal(velo_loop_shutdown(loop, -1), 0);
    assert_int_equal(conf_runner_join(&runner), 0);
    conf_destroy(loop);
}
