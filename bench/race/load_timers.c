/* SPDX-License-Identifier: MIT */
/*
 * load_timers.c - what a timer costs while very many others are pending.
 *
 * [pending] timers, due in ten minutes and later, are there all the time and never fire. Measured
 * is a batch, on the owner thread (inside one task) or, if asked for, on a foreign thread:
 *
 *   add     arm a batch; it is cancelled again outside the clock
 *   cancel  cancel a batch of the pending ones in random order; others are armed outside the clock
 *   churn   cancel one at random and arm another in its place, both inside the clock
 *   fire    a batch becomes due while its owner is busy; the clock runs from the end of that task
 *           to the last callback: the way to the timers phase, and all the callbacks
 *
 * Their delays are random, all equal, or each a microsecond longer than the last. A foreign
 * thread's owner sleeps, or is kept busy with a task that submits itself; its cancels may come in
 * groups, by velo_timer_cancel_many().
 *
 * Every call's answer is checked, each callback must come exactly once, and at the end the
 * discarded ones must be as many as are still pending. Random numbers are drawn outside the clock.
 */
#include "awake.h"
#include "clock.h"
#include "random.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 4096
#define PENDING_MAX 10000000
#define FILL_CHUNK 5000 /* timers armed per task while filling */
#define FAR_NS (600 * NS_PER_S)
#define FAR_SPREAD_NS (3600 * NS_PER_S)
#define DUE_SPREAD_NS (50 * NS_PER_US)
#define BYTES_FROM 10000 /* pending timers from which their memory can be told from noise */

#define GROUP_MAX 64

enum op { OP_ADD, OP_CANCEL, OP_CHURN, OP_FIRE };
enum delays { DELAYS_RANDOM, DELAYS_EQUAL, DELAYS_RISING };

static struct {
    struct gauge fired; /* batches whose last timer has fired */
    struct stage stage;
    struct race *race;
    struct random random;
    enum op op;
    enum delays delays;
    bool foreign;
    enum awake_keep keep;
    uint64_t pending, batch, group, filled, batches;
    uint64_t risen_ns;   /* DELAYS_RISING: of the last one */
    velo_id *ids;        /* of the pending timers */
    uint32_t *order;     /* a permutation of their positions */
    uint64_t at;         /* next position in [order] */
    uint64_t elapsed_ns; /* of the last batch */
    uint64_t refused;    /* calls that did not return 0 */
    uint64_t start_ns, fired_count, wrong;
    uint64_t delays_ns[BATCH_MAX];
    velo_id batch_ids[BATCH_MAX];
    uint8_t hits[BATCH_MAX];
} self;

static uint64_t far_delay_ns(void)
{
    if (self.delays == DELAYS_RANDOM)
        return FAR_NS + random_below(&self.random, FAR_SPREAD_NS);
    if (self.delays == DELAYS_RISING)
        self.risen_ns += NS_PER_US;
    return FAR_NS + self.risen_ns;
}

static void never(void *arg)
{
    (void)arg;
    self.wrong++;
}

static void arm(velo_id *id, uint64_t delay_ns)
{
    self.refused += velo_timer_start(self.stage.loop, delay_ns, 0, never, NULL, id) != 0;
}

static void fill_chunk(void *arg)
{
    (void)arg;
    for (int i = 0; i < FILL_CHUNK && self.filled < self.pending; i++)
        arm(&self.ids[self.filled++], far_delay_ns());
}

/* The position of the next victim, in random order, round and round. */
static uint32_t next_victim(void)
{
    uint32_t position = self.order[self.at];
    self.at = self.at + 1 == self.pending ? 0 : self.at + 1;
    return position;
}

static void draw_far_delays(void)
{
    for (uint64_t i = 0; i < self.batch; i++)
        self.delays_ns[i] = far_delay_ns();
}

static void batch_add(void)
{
    draw_far_delays();
    uint64_t start_ns = clock_now_ns();
    for (uint64_t i = 0; i < self.batch; i++)
        arm(&self.batch_ids[i], self.delays_ns[i]);
    self.elapsed_ns = clock_now_ns() - start_ns;
    for (uint64_t i = 0; i < self.batch; i++)
        self.refused += velo_timer_cancel(self.stage.loop, self.batch_ids[i]) != 0;
}

static void cancel_all(void)
{
    int results[GROUP_MAX];
    for (uint64_t i = 0; self.group == 1 && i < self.batch; i++)
        self.refused += velo_timer_cancel(self.stage.loop, self.batch_ids[i]) != 0;
    for (uint64_t i = 0; self.group > 1 && i < self.batch; i += self.group) {
        uint64_t count = self.batch - i < self.group ? self.batch - i : self.group;
        velo_timer_cancel_many(self.stage.loop, &self.batch_ids[i], count, results);
        for (uint64_t k = 0; k < count; k++)
            self.refused += results[k] != 0;
    }
}

static void batch_cancel(void)
{
    uint64_t first = self.at;
    for (uint64_t i = 0; i < self.batch; i++)
        self.batch_ids[i] = self.ids[next_victim()];
    uint64_t start_ns = clock_now_ns();
    cancel_all();
    self.elapsed_ns = clock_now_ns() - start_ns;
    self.at = first;
    for (uint64_t i = 0; i < self.batch; i++)
        arm(&self.ids[next_victim()], far_delay_ns());
}

static void batch_churn(void)
{
    draw_far_delays();
    uint64_t start_ns = clock_now_ns();
    for (uint64_t i = 0; i < self.batch; i++) {
        velo_id *id = &self.ids[next_victim()];
        self.refused += velo_timer_cancel(self.stage.loop, *id) != 0;
        arm(id, self.delays_ns[i]);
    }
    self.elapsed_ns = clock_now_ns() - start_ns;
}

static void on_due(void *arg)
{
    self.hits[word_from_arg(arg)]++;
    if (++self.fired_count < self.batch)
        return;
    self.elapsed_ns = clock_now_ns() - self.start_ns;
    for (uint64_t i = 0; i < self.batch; i++)
        self.wrong += self.hits[i] != 1;
    gauge_step(&self.fired);
}

static void batch_fire(void)
{
    for (uint64_t i = 0; i < self.batch; i++)
        self.delays_ns[i] = random_below(&self.random, DUE_SPREAD_NS);
    memset(self.hits, 0, sizeof self.hits);
    self.fired_count = 0;
    for (uint64_t i = 0; i < self.batch; i++) {
        int rc =
            velo_timer_start(self.stage.loop, self.delays_ns[i], 0, on_due, word_to_arg(i), NULL);
        self.refused += rc != 0;
    }
    uint64_t due_ns = clock_now_ns() + DUE_SPREAD_NS;
    do
        self.start_ns = clock_now_ns();
    while (self.start_ns <= due_ns);
}

static void run_batch(void *arg)
{
    (void)arg;
    switch (self.op) {
    case OP_ADD:
        batch_add();
        break;
    case OP_CANCEL:
        batch_cancel();
        break;
    case OP_CHURN:
        batch_churn();
        break;
    case OP_FIRE:
        batch_fire();
        break;
    }
}

static bool do_batch(void)
{
    if (self.foreign)
        run_batch(NULL);
    else if (!stage_call(&self.stage, run_batch, NULL))
        return false;
    self.batches++;
    if (self.op == OP_FIRE && !gauge_wait(&self.fired, self.batches, self.race->cpus.spins))
        race_late(self.race, "a due timer did not fire within 5 s");
    return self.race->result.ok;
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns;
    (void)load;
    do {
        if (!do_batch())
            return;
        out->units += self.batch;
        out->elapsed_ns += self.elapsed_ns;
    } while (clock_now_ns() < deadline_ns);
}

static bool fill(struct race *race)
{
    self.ids = calloc(self.pending, sizeof self.ids[0]);
    self.order = calloc(self.pending, sizeof self.order[0]);
    if (self.ids == NULL || self.order == NULL) {
        race_fail(race, "out of memory for %" PRIu64 " timers", self.pending);
        return false;
    }
    memset(self.ids, 0xff, self.pending * sizeof self.ids[0]); /* resident before the measurement */
    for (uint64_t i = 0; i < self.pending; i++) {
        uint64_t other = random_below(&self.random, i + 1);
        self.order[i] = self.order[other];
        self.order[other] = (uint32_t)i;
    }
    uint64_t before_bytes = covariates_rss_bytes();
    while (self.filled < self.pending)
        if (!stage_call(&self.stage, fill_chunk, NULL))
            return false;
    double bytes = (double)covariates_rss_bytes() - (double)before_bytes;
    if (self.pending >= BYTES_FROM)
        race_metric(race, "bytes_per_timer", bytes / (double)self.pending);
    return true;
}

static void verify(struct race *race, uint64_t discarded)
{
    if (self.refused > 0)
        race_fail(race, "%" PRIu64 " calls to arm or cancel were refused", self.refused);
    if (self.wrong > 0)
        race_fail(race, "%" PRIu64 " timers fired that must not, or not once", self.wrong);
    if (discarded != self.pending)
        race_fail(race,
                  "%" PRIu64 " timers were discarded at the end, %" PRIu64 " were pending",
                  discarded,
                  self.pending);
}

static void read_params(struct race *race)
{
    const struct params *p = &race->params;
    self.race = race;
    self.random.state = race->seed;
    self.op = (enum op)params_integer(p, "op");
    self.foreign = params_is(p, "thread", "foreign");
    self.pending = params_integer(p, "pending");
    self.batch = params_integer(p, "batch");
    self.group = params_integer(p, "group");
    self.delays = (enum delays)params_integer(p, "delays");
    self.keep = params_is(p, "owner", "busy") ? KEEP_AWAKE : KEEP_FREE;
    if (self.batch > self.pending)
        self.batch = self.pending;
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    read_params(race);
    if (self.foreign && self.op == OP_FIRE) {
        race_fail(race, "op = fire runs on the owner only: thread = \"owner\"");
        return;
    }
    if (!stage_open(&self.stage, race) || !fill(race) || !awake_begin(&self.stage, self.keep) ||
        !window_run(race, &plan, &total))
        return;
    awake_end();
    race_metric(race, "ns_per_timer", (double)total.elapsed_ns / (double)total.units);
    race_metric(race, "timers_per_s", (double)total.units * 1e9 / (double)total.elapsed_ns);
    stage_close(&self.stage);
    verify(race, gauge_get(&self.stage.discarded));
    free(self.ids);
    free(self.order);
}

static const struct param_spec params[] = {
    {"op", PARAM_CHOICE, 0, 0, 0, "add|cancel|churn|fire", "what is measured"},
    {"pending", PARAM_INTEGER, 1, PENDING_MAX, 1000, NULL, "timers that are there all the time"},
    {"batch", PARAM_INTEGER, 1, BATCH_MAX, 1000, NULL, "timers per measured batch"},
    {"thread", PARAM_CHOICE, 0, 0, 0, "owner|foreign", "who calls"},
    {"owner", PARAM_CHOICE, 0, 0, 0, "idle|busy", "what it does while a foreign thread calls"},
    {"group",
     PARAM_INTEGER,
     1,
     GROUP_MAX,
     1,
     NULL,
     "timers per velo_timer_cancel_many; 1 = cancel"},
    {"delays", PARAM_CHOICE, 0, 0, 0, "random|equal|rising", "of the timers that are pending"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_timer", "ns", false},
    {"timers_per_s", "1/s", true},
    {"bytes_per_timer", "bytes", false},
    {NULL, NULL, false},
};

const struct load load_timers = {
    .name = "timers",
    .summary = "arm, cancel or fire timers while many others are pending",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_TIMERS,
    .run = run,
};
