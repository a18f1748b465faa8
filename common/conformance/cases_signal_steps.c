/* SPDX-License-Identifier: MIT */
/*
 * Submits in signal handlers (S9), at every place. Method: the processor traps after each
 * instruction of one call, so that the handler can be run between any two of them.
 */
#include <signal.h>
#include <sys/ucontext.h>

#include "conf.h"
#include "handlers.h"
#include "probes.h"

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

/* On a busy machine a walk ends where it is: the next run begins at another step. */
#define STEPS_NS (2000 * CONF_NS_PER_MS)

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
        const uint64_t until_ns = conf_now_ns() + STEPS_NS;
        while (conf_now_ns() < until_ns && step_through(before[i], target)) {
            if (handler_place < place)
                fail_msg("after step %u: not in the order of the claims", target);
            place = handler_place;
            target += target_stride();
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
    const uint64_t until_ns = conf_now_ns() + 4 * STEPS_NS;
    for (unsigned target = first_target(&random); more && conf_now_ns() < until_ns;
         target += target_stride()) {
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
