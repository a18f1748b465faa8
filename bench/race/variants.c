/* SPDX-License-Identifier: MIT */
/*
 * variants.c - see variants.h.
 *
 * Limits are set so high that no load reaches them: the price is that of having them, not of
 * hitting them. The same holds for thresholds of time.
 */
#include "variants.h"

#include "velo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER_PENDING ((size_t)1 << 30)
#define NEVER_RATE UINT64_C(1000000000000)
#define LONG_NS UINT64_C(10000000000) /* ten seconds: no callback of a load takes that long */

static void fast_path_off(struct velo_options *options)
{
    options->fast_path = VELO_FAST_DISABLED;
}

static void fast_path_forced(struct velo_options *options)
{
    options->fast_path = VELO_FAST_FORCED;
}

static void no_spin(struct velo_options *options)
{
    options->spin_ns = -1;
}

static void with_metrics(struct velo_options *options)
{
    options->metrics = true;
}

static void with_cpu_accounting(struct velo_options *options)
{
    options->cpu_accounting = true;
}

static void ignore_slow(void *ctx, velo_fn fn, void *arg, uint64_t elapsed_ns)
{
    (void)ctx;
    (void)fn;
    (void)arg;
    (void)elapsed_ns;
}

static void with_slow_report(struct velo_options *options)
{
    options->slow_ns = LONG_NS;
    options->on_slow = ignore_slow;
}

static void with_watchdog(struct velo_options *options)
{
    options->slow_ns = LONG_NS;
    options->on_stuck = ignore_slow;
    options->watchdog = true;
}

static void with_time_slice(struct velo_options *options)
{
    options->time_slice_ns = LONG_NS;
}

static void with_bound(struct velo_options *options)
{
    options->max_pending = NEVER_PENDING;
}

static void with_rate_limit(struct velo_options *options)
{
    options->rate_per_sec = NEVER_RATE;
}

static void ignore_turn(void *ctx)
{
    (void)ctx;
}

static void with_turn_hooks(struct velo_options *options)
{
    options->on_turn_begin = ignore_turn;
    options->on_turn_end = ignore_turn;
}

static void ignore_audit(void *ctx, const struct velo_timer_audit *audit)
{
    (void)ctx;
    (void)audit;
}

static void with_audit(struct velo_options *options)
{
    options->on_timer_audit = ignore_audit;
}

/* The C library behind the hook; what it does not know, larger alignment, by hand. */
static void *resize(void *ctx, void *block, size_t old_size, size_t new_size, size_t alignment)
{
    (void)ctx;
    if (new_size == 0) {
        free(block);
        return NULL;
    }
    if (alignment <= _Alignof(max_align_t))
        return realloc(block, new_size);
    void *fresh = NULL;
    if (posix_memalign(&fresh, alignment, new_size) != 0)
        return NULL;
    if (block != NULL)
        memcpy(fresh, block, old_size < new_size ? old_size : new_size);
    free(block);
    return fresh;
}

static void with_allocator(struct velo_options *options)
{
    static const struct velo_allocator hooks = {.resize = resize};
    options->allocator = &hooks;
}

const struct variant variant_table[] = {
    {.name = "disabled",
     .decision = "the fast path switched off",
     .needs = "FAST_PATH",
     .apply = fast_path_off},
    {.name = "forced",
     .decision = "the fast path forced: no descriptors",
     .needs = "FAST_PATH",
     .refuses_fds = true,
     .apply = fast_path_forced},
    {.name = "nospin",
     .decision = "no idle spin before it sleeps",
     .needs = "FAST_PATH",
     .apply = no_spin},
    {.name = "metrics", .decision = "metrics on", .needs = "METRICS", .apply = with_metrics},
    {.name = "cpu",
     .decision = "processor time of every callback",
     .needs = "METRICS",
     .apply = with_cpu_accounting},
    {.name = "slow",
     .decision = "every callback timed, slow ones reported",
     .needs = "",
     .apply = with_slow_report},
    {.name = "watchdog", .decision = "watchdog on", .needs = "", .apply = with_watchdog},
    {.name = "slice",
     .decision = "time slice for the tasks of a turn",
     .needs = "",
     .apply = with_time_slice},
    {.name = "bounded",
     .decision = "bound on pending tasks",
     .needs = "BOUNDED",
     .apply = with_bound},
    {.name = "rate", .decision = "rate limit on tasks", .needs = "", .apply = with_rate_limit},
    {.name = "turns", .decision = "hooks around every turn", .needs = "", .apply = with_turn_hooks},
    {.name = "audit",
     .decision = "hook for everything that happens to timers",
     .needs = "TIMERS",
     .apply = with_audit},
    {.name = "allocator",
     .decision = "allocator hooks, the C library behind them",
     .needs = "",
     .apply = with_allocator},
    {.name = "edge",
     .decision = "descriptors edge-triggered",
     .needs = "FD_EDGE",
     .setting = "trigger",
     .value = "edge"},
    {.name = "batch8",
     .decision = "tasks submitted 8 at a time",
     .needs = "BATCH",
     .setting = "batch",
     .value = "8"},
    {.name = "batch64",
     .decision = "tasks submitted 64 at a time",
     .needs = "BATCH",
     .setting = "batch",
     .value = "64"},
    {.name = "heap", .decision = "timers in one 4-ary heap", .needs = "TIMERS", .linked = true},
    {.name = "wheel", .decision = "timers in a wheel", .needs = "TIMERS", .linked = true},
};

const size_t variant_count = sizeof(variant_table) / sizeof(variant_table[0]);

const struct variant *variant_find(const char *name)
{
    for (size_t i = 0; i < variant_count; i++)
        if (strcmp(variant_table[i].name, name) == 0)
            return &variant_table[i];
    return NULL;
}

const char *variant_names(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < variant_count && used < size; i++)
        used += (size_t)snprintf(
            text + used, size - used, "%s%s", i > 0 ? ", " : "", variant_table[i].name);
    return text;
}
