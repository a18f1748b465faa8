/* SPDX-License-Identifier: MIT */
/* test_pause.c - while a tournament stands still, the clock of its budget stands, too. */
#include "../clock.h"
#include "../json.h"
#include "../tournament.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { PAUSE_MS = 200 };

static struct tournament t;

static void start(void)
{
    t = (struct tournament){.early = json_array(), .progress = {.said_at = INFINITY}};
    assert_int_equal(interrupt_init(&t.interrupt), 0);
    pause_allow(&t);
    t.deadline_s = clock_seconds() + 100;
}

static void stop(void)
{
    interrupt_release(&t.interrupt);
    json_decref(t.early);
}

/* [signal] comes to this process by a timer, while it stands still. */
static timer_t send_later(int signal)
{
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal};
    const struct itimerspec when = {.it_value = {.tv_nsec = PAUSE_MS * 1000000L}};
    timer_t timer;
    assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
    assert_int_equal(timer_settime(timer, 0, &when, NULL), 0);
    return timer;
}

/* Stands still until [signal] comes; returns how far the deadline moved. *stood: how long it was.
 */
static double pause_until(int signal, double *stood)
{
    const double deadline_s = t.deadline_s, from_s = clock_seconds();
    raise(SIGUSR1);
    timer_t timer = send_later(signal);
    assert_int_equal(pause_point(&t), 0);
    timer_delete(timer);
    *stood = clock_seconds() - from_s;
    return t.deadline_s - deadline_s;
}

static void nobody_wishes_a_pause_and_nothing_happens(void **state)
{
    (void)state;
    start();
    const double deadline_s = t.deadline_s;
    assert_int_equal(pause_point(&t), 0);
    assert_true(t.deadline_s == deadline_s);
    assert_int_equal(json_array_size(t.early), 0);
    stop();
}

static void the_deadline_moves_by_what_stood_still(void **state)
{
    (void)state;
    double stood;
    start();
    const double moved = pause_until(SIGCONT, &stood);
    assert_true(moved > 0 && moved <= stood);
    assert_true(stood - moved < 0.1 + stood / 2); /* the rest is the way into and out of it */
    assert_int_equal(json_array_size(t.early), 2);
    const json_t *line = json_array_get(t.early, 0);
    assert_string_equal(json_text(line, "type", ""), "pause");
    assert_string_equal(json_text(line, "reason", ""), "SIGUSR1");
    line = json_array_get(t.early, 1);
    assert_string_equal(json_text(line, "type", ""), "resume");
    assert_true(fabs(json_double(line, "paused_s", 0) - moved) < 1e-6);
    stop();
}

/* Ctrl-C ends a pause; what stood still until then is not counted either. */
static void an_end_that_is_asked_for_ends_the_pause(void **state)
{
    (void)state;
    double stood;
    start();
    const double moved = pause_until(SIGTERM, &stood);
    assert_true(moved > 0 && moved <= stood);
    assert_true(interrupt_seen(&t.interrupt));
    stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nobody_wishes_a_pause_and_nothing_happens),
        cmocka_unit_test(the_deadline_moves_by_what_stood_still),
        cmocka_unit_test(an_end_that_is_asked_for_ends_the_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
