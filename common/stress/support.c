/* SPDX-License-Identifier: MIT */
/* Random numbers, threads, verdicts, and the watchdog that tells where everybody stands. */
#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "stress.h"

uint64_t stress_seed;
const char *stress_section = "none";

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
enum { PATIENCE_S = 120 };
#else
enum { PATIENCE_S = 40 };
#endif

/* ---- random numbers ---- */

static uint64_t mix(uint64_t x) /* splitmix64, S. Vigna */
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

struct dice dice(uint64_t round, unsigned stream)
{
    uint64_t state = mix(stress_seed);
    for (const char *at = stress_section; *at != '\0'; at++)
        state = mix(state ^ (unsigned char)*at);
    return (struct dice){mix(mix(state ^ round) ^ stream)};
}

uint64_t dice_next(struct dice *dice)
{
    dice->state += UINT64_C(0x9e3779b97f4a7c15);
    return mix(dice->state);
}

uint64_t dice_below(struct dice *dice, uint64_t bound)
{
    return dice_next(dice) % bound;
}

void dice_pause(struct dice *dice, uint64_t limit_ns)
{
    uint64_t until = now_ns() + dice_below(dice, limit_ns);
    while (now_ns() < until)
        ;
}

uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

unsigned open_fds(void)
{
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    CHECK(directory != NULL, "/proc/self/fd");
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count;
}

/* ---- threads ---- */

static void *team_main(void *arg)
{
    struct team *team = arg;
    unsigned index = atomic_fetch_add(&team->next, 1);
    pthread_barrier_wait(&team->start);
    team->fn(team->arg, index);
    return NULL;
}

void team_start(struct team *team, unsigned count, void (*fn)(void *, unsigned), void *arg)
{
    team->fn = fn;
    team->arg = arg;
    team->count = count;
    atomic_store(&team->next, 0);
    pthread_barrier_init(&team->start, NULL, count);
    for (unsigned i = 0; i < count; i++)
        CHECK(pthread_create(&team->threads[i], NULL, team_main, team) == 0, "no thread");
}

void team_join(struct team *team)
{
    for (unsigned i = 0; i < team->count; i++)
        pthread_join(team->threads[i], NULL);
    pthread_barrier_destroy(&team->start);
}

static void *runner_main(void *arg)
{
    struct runner *runner = arg;
    runner->result = velo_loop_run(runner->loop, runner->mode);
    return NULL;
}

void runner_start(struct runner *runner, struct velo_loop *loop, enum velo_run_mode mode)
{
    runner->loop = loop;
    runner->mode = mode;
    CHECK(pthread_create(&runner->thread, NULL, runner_main, runner) == 0, "no thread");
}

void runner_await(const struct runner *runner)
{
    while (velo_loop_state(runner->loop) == VELO_STATE_AWAKE)
        sched_yield();
}

int runner_join(struct runner *runner)
{
    pthread_join(runner->thread, NULL);
    return runner->result;
}

/* ---- verdicts ---- */

static void print_file(const char *path, const char *label)
{
    char text[200];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    if (got <= 0)
        return;
    text[got] = '\0';
    text[strcspn(text, "\n")] = '\0';
    fprintf(stderr, "%s %s\n", label, text);
}

void watch_dump(void)
{
    DIR *directory = opendir("/proc/self/task");
    const struct dirent *entry;
    host_dump();
    while (directory != NULL && (entry = readdir(directory)) != NULL) {
        char path[300], label[300];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "/proc/self/task/%s/syscall", entry->d_name);
        snprintf(label, sizeof label, "thread %s: system call", entry->d_name);
        print_file(path, label);
        snprintf(path, sizeof path, "/proc/self/task/%s/wchan", entry->d_name);
        snprintf(label, sizeof label, "thread %s: waits in", entry->d_name);
        print_file(path, label);
    }
    if (directory != NULL)
        closedir(directory);
}

void fail(const char *file, int line, const char *format, ...)
{
    static atomic_flag told = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&told)) {
        va_list args;
        fprintf(stderr,
                "FAIL  %s, section %s, seed %llu: %s:%d: ",
                velo_impl()->name,
                stress_section,
                (unsigned long long)stress_seed,
                file,
                line);
        va_start(args, format);
        vfprintf(stderr, format, args);
        va_end(args);
        fprintf(stderr, "\n");
        watch_dump();
    }
    _exit(1);
}

static atomic_ullong progress;

void watch_progress(void)
{
    atomic_fetch_add(&progress, 1);
}

static void *watch_main(void *arg)
{
    unsigned long long seen = 0;
    unsigned quiet = 0;
    (void)arg;
    for (;;) {
        sleep(1);
        unsigned long long now = atomic_load(&progress);
        quiet = now == seen ? quiet + 1 : 0;
        seen = now;
        CHECK(quiet < PATIENCE_S, "hangs: nothing has gone on for %d s", PATIENCE_S);
    }
    return NULL;
}

void watch_start(void)
{
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, watch_main, NULL) == 0, "no thread");
    pthread_detach(thread);
}
