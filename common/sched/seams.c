/* SPDX-License-Identifier: MIT */
/*
 * Locks, condition variables, futexes, threads, waiting in the kernel, and the clock, as the model
 * has them. Descriptors are real, but nobody ever waits in the kernel: a fiber waits here until the
 * kernel says "ready" at once. Locks and conditions keep their state in the pthread objects' own
 * bytes, which are zero after every kind of initialisation.
 */
#include "common/parts/clock.h"
#include "common/parts/poller.h"
#include "sched.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "seams_calls.h"

/* Grows with everything that may make a descriptor ready: until then a look would be for nothing.
 */
static uint64_t kernel_changes;

static uint64_t to_ns(const struct timespec *time)
{
    return (uint64_t)time->tv_sec * 1000000000u + (uint64_t)time->tv_nsec;
}

/* ---- locks ---- */

struct lock {
    int holder; /* thread + 1; 0 = free */
};

static bool is_free(const void *lock)
{
    return ((const struct lock *)lock)->holder == 0;
}

int seam_mutex_lock(pthread_mutex_t *mutex)
{
    struct lock *lock = (void *)mutex;
    sched_fence(lock);
    if (lock->holder == sched_self() + 1)
        sched_fail("a thread locks what it holds");
    while (lock->holder != 0)
        sched_block(is_free, lock, SCHED_NEVER);
    lock->holder = sched_self() + 1;
    return 0;
}

int seam_mutex_trylock(pthread_mutex_t *mutex)
{
    struct lock *lock = (void *)mutex;
    sched_fence(lock);
    if (lock->holder != 0)
        return EBUSY;
    lock->holder = sched_self() + 1;
    return 0;
}

int seam_mutex_unlock(pthread_mutex_t *mutex)
{
    struct lock *lock = (void *)mutex;
    sched_fence(lock);
    if (lock->holder != sched_self() + 1)
        sched_fail("a thread unlocks what it does not hold");
    lock->holder = 0;
    return 0;
}

/* ---- waiting for a word: conditions and futexes ---- */

struct waiter {
    const void *word; /* NULL: woken, or not waiting */
};
static struct waiter waiters[SCHED_THREADS]; /* by thread */

static bool was_woken(const void *waiter)
{
    return ((const struct waiter *)waiter)->word == NULL;
}

/* False: time is up. */
static bool wait_for_word(const void *word, uint64_t deadline_ns)
{
    struct waiter *waiter = &waiters[sched_self()];
    waiter->word = word;
    bool woken = sched_block(was_woken, waiter, deadline_ns);
    waiter->word = NULL;
    return woken;
}

static unsigned wake_word(const void *word, unsigned most)
{
    unsigned woken = 0;
    for (int i = 0; i < SCHED_THREADS && woken < most; i++) {
        if (waiters[i].word == word) {
            waiters[i].word = NULL;
            woken++;
        }
    }
    return woken;
}

int seam_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex, const struct timespec *until)
{
    struct lock *lock = (void *)mutex;
    sched_fence(lock);
    lock->holder = 0;
    bool woken = wait_for_word(cond, until == NULL ? SCHED_NEVER : to_ns(until));
    seam_mutex_lock(mutex);
    return woken ? 0 : ETIMEDOUT;
}

int seam_cond_wake(pthread_cond_t *cond, unsigned most)
{
    sched_fence(cond);
    wake_word(cond, most);
    return 0;
}

static long futex(const uint32_t *word, int command, uint32_t value, const struct timespec *time)
{
    sched_fence(word);
    if (command == FUTEX_WAKE || command == FUTEX_WAKE_BITSET)
        return wake_word(word, value);
    if (command != FUTEX_WAIT && command != FUTEX_WAIT_BITSET)
        sched_fail("futex command %d is not modelled", command);
    if (*word != value) {
        errno = EAGAIN;
        return -1;
    }
    uint64_t deadline_ns = time == NULL ? SCHED_NEVER : to_ns(time);
    if (time != NULL && command == FUTEX_WAIT)
        deadline_ns = clock_add_ns(deadline_ns, sched_now_ns());
    if (wait_for_word(word, deadline_ns))
        return 0;
    errno = ETIMEDOUT;
    return -1;
}

long seam_syscall(long number, ...)
{
    va_list list;
    if (number != SYS_futex)
        sched_fail("system call %ld is not modelled", number);
    va_start(list, number);
    uintptr_t word = va_arg(list, uintptr_t);
    int operation = va_arg(list, int);
    uint32_t value = va_arg(list, uint32_t);
    const struct timespec *time = va_arg(list, const struct timespec *);
    va_end(list);
    const uint32_t *address = (const uint32_t *)word; // NOLINT(performance-no-int-to-ptr)
    return futex(address, operation & FUTEX_CMD_MASK, value, time);
}

/* ---- threads that the library starts ---- */

struct start {
    void *(*fn)(void *arg);
    void *arg;
    void *result;
};
static struct start starts[SCHED_THREADS];

static void run_thread(void *arg)
{
    struct start *start = arg;
    start->result = start->fn(start->arg);
}

int seam_thread_create(pthread_t *thread, void *(*fn)(void *arg), void *arg)
{
    static unsigned next;
    sched_fence(NULL);
    struct start *start = &starts[next++ % SCHED_THREADS];
    *start = (struct start){fn, arg, NULL};
    *thread = (pthread_t)sched_spawn("worker", run_thread, start);
    return 0;
}

int seam_thread_join(pthread_t thread, void **result)
{
    sched_join((int)thread);
    if (result != NULL)
        *result = NULL;
    return 0;
}

int seam_yield(void)
{
    sched_pass();
    return 0;
}

int seam_getaffinity(cpu_set_t *set)
{
    CPU_ZERO(set);
    CPU_SET(0, set);
    CPU_SET(1, set);
    return 0;
}

/* ---- descriptors ---- */

ssize_t seam_write(int fd, const void *bytes, size_t count)
{
    sched_fence(NULL);
    kernel_changes++;
    return write(fd, bytes, count);
}

ssize_t seam_read(int fd, void *bytes, size_t count)
{
    sched_fence(NULL);
    return read(fd, bytes, count);
}

int seam_epoll_ctl(int epfd, int operation, int fd, struct epoll_event *event)
{
    sched_fence(NULL);
    kernel_changes++;
    return epoll_ctl(epfd, operation, fd, event);
}

int seam_close(int fd)
{
    sched_fence(NULL);
    kernel_changes++;
    return close(fd);
}

struct look {
    int epfd;
    uint64_t seen; /* kernel_changes at the last look that found nothing */
};
static struct look looks[SCHED_THREADS];

/* Has the kernel events for who waits? Harvests nothing. */
static bool has_events(const void *ctx)
{
    struct look *look = &looks[(const struct look *)ctx - looks];
    if (look->seen == kernel_changes)
        return false;
    struct pollfd one = {look->epfd, POLLIN, 0};
    bool ready = poll(&one, 1, 0) > 0;
    if (!ready)
        look->seen = kernel_changes;
    return ready;
}

static uint64_t deadline_of(int64_t timeout_ns)
{
    return timeout_ns < 0 ? SCHED_NEVER : clock_add_ns(sched_now_ns(), (uint64_t)timeout_ns);
}

int poller_peek(int epfd, int64_t timeout_ns)
{
    sched_at(SCHED_HERE);
    sched_point();
    struct look *look = &looks[sched_self()];
    *look = (struct look){epfd, kernel_changes - 1};
    return sched_block(has_events, look, deadline_of(timeout_ns)) ? 1 : 0;
}

int poller_wait(int epfd, struct epoll_event *events, int max, int64_t timeout_ns)
{
    if (timeout_ns == 0) {
        sched_at(SCHED_HERE);
        sched_point();
    } else {
        poller_peek(epfd, timeout_ns);
    }
    int count = epoll_wait(epfd, events, max, 0);
    return count < 0 ? -errno : count;
}

uint64_t clock_now_ns(void)
{
    return sched_now_ns();
}
