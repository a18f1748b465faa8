/* SPDX-License-Identifier: MIT */
/* Signal handlers that call a loop; see handlers.h. */
#include <signal.h>
#include <string.h>

#include "handlers.h"

enum { ODD_ERRNO = 4711 };

struct source by_handler, by_victim;
atomic_uint wrong_errno, wrong_result;

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

struct source *source_open(struct source *source, struct velo_loop *loop, unsigned limit)
{
    memset(source, 0, sizeof *source);
    conf_count_init(&source->ran);
    source->fn = source == &by_handler ? handler_task : victim_task;
    source->loop = loop;
    source->limit = limit;
    source->per_signal = 64;
    return source;
}

bool source_send(struct source *source)
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

void on_submit_signal(int number)
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

void on_wake_signal(int number)
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

void handle(int number, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    assert_int_equal(sigaction(number, &action, NULL), 0);
}

void source_settles(struct source *source)
{
    assert_true(conf_count_wait(&source->ran, atomic_load(&source->sent)));
    conf_sync(source->loop);
    assert_int_equal(conf_count_get(&source->ran), atomic_load(&source->sent));
    assert_int_equal(source->misplaced, 0);
    assert_int_equal(atomic_load(&wrong_errno), 0);
    assert_int_equal(atomic_load(&wrong_result), 0);
}
