/* SPDX-License-Identifier: MIT */
/*
 * What cases use besides loops: threads that begin together, counters to wait on, traces, seeded
 * random numbers, and measures of the process. Nothing here waits without a limit.
 */
#include <dirent.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../sim/faults.h"
#include "runner.h"

/* ---- threads ---- */

static void *team_main(void *arg)
{
    struct conf_team *team = arg;
    unsigned index = atomic_fetch_add(&team->next_index, 1);
    pthread_barrier_wait(&team->start);
    team->fn(team->arg, index);
    return NULL;
}

void conf_team_start(struct conf_team *team, unsigned count, conf_team_fn fn, void *arg)
{
    assert_in_range(count, 1, CONF_TEAM_MAX);
    team->fn = fn;
    team->arg = arg;
    team->count = count;
    atomic_init(&team->next_index, 0);
    assert_int_equal(pthread_barrier_init(&team->start, NULL, count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(pthread_create(&team->threads[i], NULL, team_main, team), 0);
}

void conf_team_join(struct conf_team *team)
{
    for (unsigned i = 0; i < team->count; i++)
        assert_int_equal(pthread_join(team->threads[i], NULL), 0);
    pthread_barrier_destroy(&team->start);
}

/* ---- waiting ---- */

static struct timespec to_timespec(uint64_t ns)
{
    struct timespec time = {.tv_sec = (time_t)(ns / CONF_NS_PER_S),
                            .tv_nsec = (long)(ns % CONF_NS_PER_S)};
    return time;
}

void conf_count_init(struct conf_count *count)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&count->lock, NULL);
    pthread_cond_init(&count->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    count->value = 0;
}

/* Signalled under the lock: a waiter may leave the scope of [count] as soon as it got the lock. */
void conf_count_add(struct conf_count *count, uint64_t more)
{
    pthread_mutex_lock(&count->lock);
    count->value += more;
    pthread_cond_broadcast(&count->changed);
    pthread_mutex_unlock(&count->lock);
}

uint64_t conf_count_get(struct conf_count *count)
{
    pthread_mutex_lock(&count->lock);
    uint64_t value = count->value;
    pthread_mutex_unlock(&count->lock);
    return value;
}

bool conf_count_wait_for(struct conf_count *count, uint64_t target, uint64_t limit_ns)
{
    struct timespec deadline = to_timespec(conf_now_ns() + limit_ns);
    int rc = 0;
    pthread_mutex_lock(&count->lock);
    while (count->value < target && rc == 0)
        rc = pthread_cond_timedwait(&count->changed, &count->lock, &deadline);
    bool reached = count->value >= target;
    pthread_mutex_unlock(&count->lock);
    return reached;
}

bool conf_count_wait(struct conf_count *count, uint64_t target)
{
    if (conf_count_wait_for(count, target, CONF_PATIENCE_NS))
        return true;
    return conf_record(false,
                       __FILE__,
                       __LINE__,
                       "waited in vain: %llu of %llu",
                       (unsigned long long)conf_count_get(count),
                       (unsigned long long)target);
}

void conf_count_fn(void *arg)
{
    conf_count_add(arg, 1);
}

void conf_hold_fn(void *arg)
{
    conf_count_wait(arg, 1);
}

/* ---- traces ---- */

void conf_trace_init(struct conf_trace *trace)
{
    pthread_mutex_init(&trace->lock, NULL);
    trace->length = 0;
    trace->text[0] = '\0';
}

void conf_trace_add(struct conf_trace *trace, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&trace->lock);
    size_t room = sizeof trace->text - trace->length;
    int gap = snprintf(trace->text + trace->length, room, "%s", trace->length > 0 ? " " : "");
    int word = vsnprintf(trace->text + trace->length + gap, room - (size_t)gap, format, args);
    if (CONF_EXPECT((size_t)(gap + word) < room))
        trace->length += (size_t)(gap + word);
    pthread_mutex_unlock(&trace->lock);
    va_end(args);
}

void conf_trace_is(struct conf_trace *trace, const char *expected)
{
    pthread_mutex_lock(&trace->lock);
    char text[sizeof trace->text];
    memcpy(text, trace->text, sizeof text);
    trace->length = 0;
    trace->text[0] = '\0';
    pthread_mutex_unlock(&trace->lock);
    assert_string_equal(text, expected);
}

void conf_step_fn(void *arg)
{
    struct conf_step *step = arg;
    conf_trace_add(step->trace, "%s", step->word);
    if (step->then != NULL)
        step->then(step);
}

/* ---- numbers ---- */

/* SplitMix64 (Steele, Lea, Flood 2014): one word of state, good enough to shake schedules. */
uint64_t conf_random_next(struct conf_random *random)
{
    uint64_t mixed = random->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

struct conf_random conf_random(unsigned stream)
{
    struct conf_random random = {.state = conf_child_seed()};
    random.state = conf_random_next(&random) + stream;
    return random;
}

uint64_t conf_random_below(struct conf_random *random, uint64_t bound)
{
    return conf_random_next(random) % bound;
}

unsigned conf_rounds(unsigned rounds)
{
    unsigned fewer = rounds / conf_slowness();
    return fewer > 0 ? fewer : 1;
}

static uint64_t read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (uint64_t)now.tv_sec * CONF_NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t conf_now_ns(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

uint64_t conf_cpu_ns(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

uint64_t conf_thread_cpu_ns(pthread_t thread)
{
    clockid_t clock = CLOCK_THREAD_CPUTIME_ID;
    CONF_EXPECT_INT(pthread_getcpuclockid(thread, &clock), 0);
    return read_clock(clock);
}

uint64_t conf_least(uint64_t enough, uint64_t (*measure)(void *arg), void *arg)
{
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < 3 && least > enough; i++) {
        uint64_t measured = measure(arg);
        least = measured < least ? measured : least;
    }
    return least;
}

void conf_elapse_ns(uint64_t ns)
{
    struct timespec until = to_timespec(conf_now_ns() + ns);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
        ;
}

void conf_jitter(struct conf_random *random, uint64_t limit_ns)
{
    uint64_t until = conf_now_ns() + conf_random_below(random, limit_ns);
    while (conf_now_ns() < until)
        ;
}

unsigned conf_open_fds(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    if (directory == NULL)
        return 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count - 3; /* ".", "..", and the directory itself */
}

size_t conf_heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    size_t heap = info.uordblks + info.hblkhd; /* large blocks are mapped and counted apart */
    return heap == 0 ? 0 : heap + sim_mapped_bytes(); /* as is what did not come from malloc */
}

#ifdef VELO_COVERAGE
void __gcov_dump(void); // NOLINT(bugprone-reserved-identifier)
#else
#define __gcov_dump() ((void)0) // NOLINT(bugprone-reserved-identifier)
#endif

void conf_exit_now(int status)
{
    __gcov_dump();
    _exit(status);
}
