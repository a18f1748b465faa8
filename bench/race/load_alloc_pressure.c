/* SPDX-License-Identifier: MIT */
/*
 * load_alloc_pressure.c - tasks that use the allocator, which the contestant may use as well.
 *
 *   own      the callback allocates a block, writes to it and frees it
 *   foreign  the producer allocates and writes, the callback reads and frees: blocks that change
 *            threads are what allocators with a cache per thread pay for
 *
 * The producer is at most [credit] tasks ahead, and each lap ends when all have run. So the heap is
 * at rest before and after the window: what it has grown by must not grow with the tasks (a loop
 * that keeps something of each would be found here). Peak and final resident memory are reported.
 * Bytes per pending task are in the load memory.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>

#define GROWTH_FREE_BYTES (256 * 1024) /* growth that says nothing: caches, chunks */

static struct {
    struct gauge done;  /* tasks that ran */
    struct gauge never; /* stays 0: nobody ends a wait early */
    struct stage stage;
    struct race *race;
    uint64_t size, credit;
    bool foreign;
    uint64_t sent, sent_before;
    uint64_t expected, disorder, failed; /* loop thread */
    size_t heap_bytes;                   /* in use when the window opened */
} self;

/* A block with its number at both ends; NULL: no memory. */
static uint64_t *make_block(uint64_t number)
{
    uint64_t *block = malloc(self.size);
    if (block != NULL)
        block[0] = block[self.size / sizeof *block - 1] = number;
    return block;
}

static void use_block(uint64_t *block)
{
    uint64_t last = self.size / sizeof *block - 1;
    self.failed += block == NULL;
    if (block == NULL)
        return;
    self.disorder += block[0] != self.expected || block[last] != self.expected;
    free(block);
}

static void on_task(void *arg)
{
    if (!self.foreign)
        self.disorder += word_from_arg(arg) != self.expected;
    use_block(self.foreign ? arg : make_block(self.expected));
    gauge_set(&self.done, ++self.expected);
}

static bool submit_one(void)
{
    void *arg = self.foreign ? (void *)make_block(self.sent) : word_to_arg(self.sent);
    if (self.foreign && arg == NULL) {
        race_fail(self.race, "out of memory");
        return false;
    }
    self.sent++;
    return race_check(self.race, velo_submit(self.stage.loop, on_task, arg), "velo_submit");
}

/* Wait until at most [ahead] tasks have not run. */
static bool wait_for_credit(uint64_t ahead)
{
    unsigned spins = self.race->cpus.spins;
    if (self.sent <= ahead || gauge_wait_lazy(&self.done, self.sent - ahead, spins, &self.never))
        return true;
    race_late(self.race, "the loop ran no task for 5 s");
    stage_prove_loss(&self.stage, &self.done, self.sent);
    return false;
}

/* From the first submit to the last callback. The clock is looked at once in half a credit. */
static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t start_ns = clock_now_ns(), before = self.sent;
    bool good = true;
    (void)load;
    do {
        for (uint64_t i = 0; i < self.credit / 2 && good; i++)
            good = submit_one();
        good = good && wait_for_credit(self.credit / 2);
    } while (good && clock_now_ns() - start_ns < duration_ns);
    if (good)
        wait_for_credit(0);
    out->units = self.sent - before;
    out->elapsed_ns = clock_now_ns() - start_ns;
}

static size_t heap_in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void open_window(void *load)
{
    (void)load;
    self.heap_bytes = heap_in_use();
    self.sent_before = self.sent;
}

/* Less than a byte of each task may be left, beside what a loop keeps for later. */
static void check_heap(struct race *race)
{
    size_t now_bytes = heap_in_use();
    uint64_t tasks = self.sent - self.sent_before;
    uint64_t grown = now_bytes > self.heap_bytes ? now_bytes - self.heap_bytes : 0;
    race_metric(race, "heap_bytes_left_per_task", (double)grown / (double)tasks);
    if (grown > GROWTH_FREE_BYTES + tasks)
        race_fail(race,
                  "the heap grew by %" PRIu64 " bytes in %" PRIu64 " tasks that have all run",
                  grown,
                  tasks);
}

static void report(struct race *race, const struct lap *total)
{
    const struct result *result = &race->result;
    double tasks = (double)total->units;
    race_metric(race, "ns_per_task", (double)total->elapsed_ns / tasks);
    race_metric(race, "tasks_per_s", tasks * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_task", (double)result->covariates.cpu_ns / tasks);
    race_metric(race, "rss_peak_bytes", (double)result->covariates.max_rss_bytes);
    race_metric(race, "rss_after_bytes", (double)covariates_rss_bytes());
}

static void verify(struct race *race)
{
    if (self.disorder > 0)
        race_fail(race, "%" PRIu64 " tasks out of order, or with a wrong block", self.disorder);
    if (self.failed > 0)
        race_fail(race, "%" PRIu64 " callbacks got no memory", self.failed);
    if (self.expected != self.sent)
        race_fail(race, "%" PRIu64 " tasks ran instead of %" PRIu64, self.expected, self.sent);
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct window_plan plan = {.lap = lap, .open = open_window, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.size = params_integer(p, "size");
    self.credit = params_integer(p, "credit");
    self.foreign = params_is(p, "free", "foreign");
    if (!stage_open(&self.stage, race) || !window_run(race, &plan, &total))
        return;
    check_heap(race);
    report(race, &total);
    stage_close(&self.stage);
    verify(race);
}

static const struct param_spec params[] = {
    {"size", PARAM_INTEGER, 16, 1 << 20, 64, NULL, "bytes of a block"},
    {"free", PARAM_CHOICE, 0, 0, 0, "own|foreign", "by who allocated it, or by the loop"},
    {"credit", PARAM_INTEGER, 64, 1 << 20, 4096, NULL, "tasks ahead of the loop"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_task", "ns", false},
    {"tasks_per_s", "1/s", true},
    {"cpu_ns_per_task", "ns", false},
    {"heap_bytes_left_per_task", "bytes", false},
    {"rss_peak_bytes", "bytes", false},
    {"rss_after_bytes", "bytes", false},
    {NULL, NULL, false},
};

const struct load load_alloc_pressure = {
    .name = "alloc_pressure",
    .summary = "tasks whose callbacks use the allocator",
    .params = params,
    .metrics = metrics,
    .run = run,
};
