/* SPDX-License-Identifier: MIT */
/*
 * Runs one interleaving. A fiber is a ucontext. All fibers share one thread-local storage, so a
 * switch saves and restores what the program keeps there, and errno; only the addresses in it are
 * no identity any more (see seams.h).
 *
 * The candidates at a point stand in a fixed order, so a choice means the same in every repetition:
 * who runs, the others by number, then those who wait with a time limit (choosing one lets time
 * pass until it is up: a thread may be kept from running for as long as we like).
 */
#include "sched.h"

#include <errno.h>
#include <link.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define FIBERS SCHED_THREADS
#define TLS_BYTES 256u
#define STACK_BYTES (128u * 1024)
#define POINTS_MAX 200000u /* of one run; more means that it does not end */
#define STREAK_MAX 1000u   /* points in a row after which even a loop without a pause passes */
#define PASS_NS 1000u      /* how fast time goes for who waits in a loop, alone */
#define READING_NS 50u
#define SOON_NS 1000000000u /* time limits beyond it are up only when nobody else can run */
#define SWITCHES 64u        /* the last ones are reported */

enum fiber_state { FIBER_NONE, FIBER_READY, FIBER_BLOCKED, FIBER_DONE };

/* Why somebody else may run now. */
enum turn { TURN_POINT, TURN_PASS, TURN_BLOCK, TURN_END };
static const char *const turn_names[] = {"pre-empted", "passes", "waits", "ends"};

struct fiber {
    ucontext_t context;
    enum fiber_state state;
    const char *name;
    const char *where;
    void (*fn)(void *arg);
    void *arg;
    bool (*ready)(const void *ctx);
    const void *ctx;
    uint64_t deadline_ns;
    int saved_errno;
    unsigned char saved_tls[TLS_BYTES];
    struct sched_stores stores;
};

struct switching {
    unsigned point;
    const struct fiber *from, *to;
    const char *where;
    enum turn turn;
};

static struct fiber fibers[FIBERS];
static char stacks[FIBERS][STACK_BYTES] __attribute__((aligned(64)));
static ucontext_t outside;
static struct fiber *current; /* NULL: no run is on */
static unsigned used;         /* fibers from here on are FIBER_NONE */
static void (*first_body)(void);
static void (*report_more)(void);
static uint64_t now_ns;
static unsigned points, streak, switch_count;
static struct switching switches[SWITCHES];

/* ---- reporting ---- */

static void print_switches(void)
{
    unsigned first = switch_count > SWITCHES ? switch_count - SWITCHES : 0;
    printf("  switches (%u, the last %u):\n", switch_count, switch_count - first);
    for (unsigned i = first; i < switch_count; i++) {
        const struct switching *s = &switches[i % SWITCHES];
        printf("    %6u  %-10s %-10s %-38s -> %s\n",
               s->point,
               s->from->name,
               turn_names[s->turn],
               s->where,
               s->to->name);
    }
}

static void print_fibers(void)
{
    static const char *const states[] = {"", "can run", "waits", "has ended"};
    printf("  threads:\n");
    for (int i = 0; i < FIBERS; i++) {
        const struct fiber *fiber = &fibers[i];
        if (fiber->state != FIBER_NONE)
            printf("    %-10s %-10s %s\n", fiber->name, states[fiber->state], fiber->where);
    }
}

void sched_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("FAIL: ");
    vprintf(format, args);
    printf("\n");
    va_end(args);
    current = NULL; /* what the report calls of the library is no part of the run */
    report_more();
    printf("  schedule: ");
    strategy_print();
    print_switches();
    print_fibers();
    exit(1);
}

/* ---- switching ---- */

/* The thread-local storage of the program itself, and what it begins with. */
static unsigned char *tls;
static const void *tls_image;
static size_t tls_size, tls_image_size;

static int find_tls(struct dl_phdr_info *program, size_t size, void *arg)
{
    (void)size;
    (void)arg;
    for (int i = 0; i < program->dlpi_phnum; i++) {
        if (program->dlpi_phdr[i].p_type != PT_TLS)
            continue;
        tls = program->dlpi_tls_data;
        tls_size = program->dlpi_phdr[i].p_memsz;
        // NOLINTNEXTLINE(performance-no-int-to-ptr)
        tls_image = (const void *)(program->dlpi_addr + program->dlpi_phdr[i].p_vaddr);
        tls_image_size = program->dlpi_phdr[i].p_filesz;
    }
    return 1; /* the program comes first; the libraries keep theirs */
}

static void tls_begin(struct fiber *fiber)
{
    if (tls == NULL)
        dl_iterate_phdr(find_tls, NULL);
    if (tls_size > TLS_BYTES)
        sched_fail("more thread-local storage than TLS_BYTES");
    memset(fiber->saved_tls, 0, tls_size);
    memcpy(fiber->saved_tls, tls_image, tls_image_size);
}

static bool is_ready(const struct fiber *fiber)
{
    return fiber->state == FIBER_READY ||
           (fiber->state == FIBER_BLOCKED &&
            (fiber->deadline_ns <= now_ns || fiber->ready(fiber->ctx)));
}

/* Fill [out] with who may go on, in order; [*ready]: how many can, the others wait for a time. */
static unsigned candidates(enum turn turn, struct fiber **out, unsigned *ready)
{
    unsigned count = 0;
    unsigned self = (unsigned)(current - fibers);
    if (turn == TURN_POINT)
        out[count++] = current;
    for (unsigned i = 1; i < used; i++) {
        struct fiber *fiber = &fibers[(self + i) % used];
        if (is_ready(fiber))
            out[count++] = fiber;
    }
    if (turn == TURN_PASS)
        out[count++] = current;
    *ready = count;
    for (unsigned i = 0; i < used; i++) {
        struct fiber *fiber = &fibers[i];
        uint64_t limit_ns = *ready > 0 ? now_ns + SOON_NS : SCHED_NEVER - 1;
        if (fiber->state == FIBER_BLOCKED && fiber->deadline_ns <= limit_ns && !is_ready(fiber))
            out[count++] = fiber;
    }
    return count;
}

/* Nobody can run: whose time is up first? */
static struct fiber *first_due(struct fiber **timed, unsigned count)
{
    struct fiber *due = timed[0];
    for (unsigned i = 1; i < count; i++) {
        if (timed[i]->deadline_ns < due->deadline_ns)
            due = timed[i];
    }
    return due;
}

static struct fiber *pick(enum turn turn)
{
    struct fiber *who[2 * FIBERS];
    unsigned ready;
    unsigned count = candidates(turn, who, &ready);
    if (count == 0)
        sched_fail("all threads wait, and nobody is left to wake them: a lost wake-up");
    struct fiber *to = ready == 0 ? first_due(who, count) : who[0];
    if (ready > 0 && count > 1) {
        unsigned free = turn == TURN_BLOCK || turn == TURN_END ? ready : 1;
        to = who[strategy_choose(count, free)];
    }
    if (to->state == FIBER_BLOCKED && !is_ready(to))
        now_ns = to->deadline_ns;
    return to;
}

static void note_switch(enum turn turn, const struct fiber *to)
{
    switches[switch_count++ % SWITCHES] =
        (struct switching){points, current, to, current->where, turn};
}

static void give_way(enum turn turn)
{
    struct fiber *from = current;
    struct fiber *to = pick(turn);
    if (to == from) {
        from->state = FIBER_READY;
        return;
    }
    note_switch(turn, to);
    streak = 0;
    from->saved_errno = errno;
    memcpy(from->saved_tls, tls, tls_size);
    memcpy(tls, to->saved_tls, tls_size);
    to->state = FIBER_READY;
    current = to;
    if (turn == TURN_END)
        setcontext(&to->context);
    swapcontext(&from->context, &to->context);
    errno = from->saved_errno;
}

void sched_at(const char *where)
{
    if (current != NULL)
        current->where = where;
}

void sched_point(void)
{
    if (current == NULL)
        return;
    if (++points > POINTS_MAX)
        sched_fail("no end after %u points: a loop waits for what never comes", points);
    if (++streak > STREAK_MAX)
        sched_pass();
    else
        give_way(TURN_POINT);
}

void sched_pass(void)
{
    if (current == NULL)
        return;
    sched_fence(NULL);
    if (++points > POINTS_MAX)
        sched_fail("no end after %u points: a loop waits for what never comes", points);
    const struct fiber *self = current;
    unsigned before = switch_count;
    give_way(TURN_PASS);
    if (current == self && before == switch_count)
        now_ns += PASS_NS;
    streak = 0;
}

bool sched_block(bool (*ready)(const void *ctx), const void *ctx, uint64_t deadline_ns)
{
    sched_fence(NULL);
    if (ready(ctx))
        return true;
    struct fiber *self = current;
    if (deadline_ns <= now_ns)
        return false;
    self->ready = ready;
    self->ctx = ctx;
    self->deadline_ns = deadline_ns;
    self->state = FIBER_BLOCKED;
    give_way(TURN_BLOCK);
    return ready(ctx);
}

/* ---- threads ---- */

static void fiber_main(void)
{
    current->fn(current->arg);
    sched_fence(NULL);
    current->state = FIBER_DONE;
    if (current == &fibers[0])
        setcontext(&outside);
    give_way(TURN_END);
}

int sched_spawn(const char *name, void (*fn)(void *arg), void *arg)
{
    int id = 0;
    sched_fence(NULL);
    while (id < FIBERS && fibers[id].state != FIBER_NONE)
        id++;
    if (id == FIBERS)
        sched_fail("more than %d threads", FIBERS);
    struct fiber *fiber = &fibers[id];
    fiber->state = FIBER_READY;
    fiber->name = name;
    fiber->where = "its beginning";
    fiber->fn = fn;
    fiber->arg = arg;
    fiber->stores.count = 0;
    tls_begin(fiber);
    if ((unsigned)id >= used)
        used = (unsigned)id + 1;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = stacks[id];
    fiber->context.uc_stack.ss_size = STACK_BYTES;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, fiber_main, 0);
    return id;
}

static bool has_ended(const void *fiber)
{
    return ((const struct fiber *)fiber)->state == FIBER_DONE;
}

void sched_join(int thread)
{
    sched_at("joining a thread");
    sched_block(has_ended, &fibers[thread], SCHED_NEVER);
    fibers[thread].state = FIBER_NONE;
}

int sched_self(void)
{
    return current == NULL ? 0 : (int)(current - fibers);
}

const void *sched_self_address(void)
{
    return &fibers[sched_self()];
}

bool sched_is_running(void)
{
    return current != NULL;
}

struct sched_stores *sched_stores(void)
{
    return &current->stores;
}

uint64_t sched_now_ns(void)
{
    if (current != NULL)
        now_ns += READING_NS;
    return now_ns;
}

/* ---- one run ---- */

static void run_first(void *arg)
{
    (void)arg;
    first_body();
}

void sched_run(void (*body)(void), void (*report)(void))
{
    first_body = body;
    report_more = report;
    for (int i = 0; i < FIBERS; i++)
        fibers[i].state = FIBER_NONE;
    now_ns = 1000000000u;
    points = streak = switch_count = used = 0;
    current = &fibers[sched_spawn("main", run_first, NULL)];
    swapcontext(&outside, &current->context);
    for (int i = 1; i < FIBERS; i++) {
        if (fibers[i].state != FIBER_NONE)
            sched_fail("thread %s was not joined", fibers[i].name);
    }
    current = NULL;
    sched_memory_end();
}
