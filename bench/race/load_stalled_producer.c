/* SPDX-License-Identifier: MIT */
/*
 * load_stalled_producer.c - a producer is stopped anywhere in its submit, and the loop must live.
 *
 * A thread submits without pause; again and again a signal stops it wherever it is (its handler
 * waits), for [freeze_us]: as a scheduler does that takes the processor away at the worst moment.
 * It may be inside a lock, or between its claim of a place and the task that belongs there. The
 * clock runs while it is stopped. The cost is the loop's processor time per second of that: a loop
 * that waits for the missing task in a spin pays for all of it, one that sleeps next to nothing: to
 * run what was pending, 256 tasks at most, and to fall asleep. It is raised to a floor of 1,000 ns
 * per second.
 *
 * While the producer stands still, another thread submits one task: [held_share] tells how often
 * that one had to wait for the stopped producer, [probe_p50_ns] how long. All tasks of both must
 * come, in order.
 */
#include "clock.h"
#include "random.h"
#include "stage.h"
#include "window.h"
#include "word.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define FLOOR_NS_PER_S 1000.0
#define CREDIT 256
#define BATCH_MAX 64
#define ROUNDS_MIN 12                /* per lap: two laps carry a median */
#define RUN_NS_MAX (100 * NS_PER_US) /* how long it runs between two stops, at most */
#define STOP_SIGNAL SIGUSR1

static struct {
    struct gauge frozen, thawed; /* rounds in which the producer was stopped, and has gone on */
    struct gauge round;          /* of the stop that is under way */
    struct gauge ran;            /* tasks of the producer that ran; written by the loop */
    struct gauge probed;         /* rounds whose probe has run; written by the loop */
    struct gauge stop, ended;
    struct stage stage;
    struct race *race;
    struct random random;
    uint64_t freeze_ns, batch, rounds, held;
    int thaw_fd, probe_fd; /* written to: go on; send a probe */
    pthread_t producer, prober;
    uint64_t sent;                     /* producer's thread */
    int producer_rc, prober_rc;        /* each by its thread */
    uint64_t probe_sent_ns;            /* prober's thread, before its submit */
    uint64_t disorder, probe_disorder; /* loop thread */
    struct recorder probe;             /* loop thread */
} self;

/* In the handler too: read and write are safe there. */
static void wait_on(int fd)
{
    uint64_t value;
    while (read(fd, &value, sizeof value) < 0 && errno == EINTR)
        continue;
}

static void post_to(int fd)
{
    const uint64_t one = 1;
    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        continue;
}

static void freeze(int signal)
{
    int saved = errno;
    (void)signal;
    uint64_t round = gauge_get(&self.round);
    gauge_set(&self.frozen, round);
    wait_on(self.thaw_fd);
    gauge_set(&self.thawed, round);
    errno = saved;
}

static void on_task(void *arg)
{
    uint64_t number = word_from_arg(arg);
    self.disorder += number != gauge_get(&self.ran);
    gauge_step(&self.ran);
}

static void on_probe(void *arg)
{
    recorder_add(&self.probe, clock_now_ns() - self.probe_sent_ns);
    self.probe_disorder += word_from_arg(arg) != gauge_get(&self.probed) + 1;
    gauge_step(&self.probed);
}

static int submit_some(void)
{
    struct velo_task tasks[BATCH_MAX];
    for (uint64_t i = 0; i < self.batch; i++)
        tasks[i] = (struct velo_task){on_task, word_to_arg(self.sent++)};
    return self.batch == 1 ? velo_submit(self.stage.loop, on_task, tasks[0].arg)
                           : velo_submit_many(self.stage.loop, tasks, self.batch);
}

static void *produce(void *arg)
{
    (void)arg;
    placement_enter_generator(&self.race->cpus, 0);
    while (gauge_get(&self.stop) == 0 && self.producer_rc == 0) {
        if (self.sent - gauge_get(&self.ran) + self.batch <= CREDIT)
            self.producer_rc = submit_some();
        else if (!gauge_wait_lazy(
                     &self.ran, self.sent - CREDIT / 2, self.race->cpus.spins, &self.stop))
            self.producer_rc = -ETIMEDOUT;
    }
    return NULL;
}

static void *send_probes(void *arg)
{
    (void)arg;
    placement_enter_generator(&self.race->cpus, 1);
    for (uint64_t number = 1; self.prober_rc == 0; number++) {
        wait_on(self.probe_fd);
        if (gauge_get(&self.ended) != 0)
            break;
        self.probe_sent_ns = clock_now_ns();
        self.prober_rc = velo_submit(self.stage.loop, on_probe, word_to_arg(number));
    }
    return NULL;
}

static void late_in_round(const char *what)
{
    race_late(self.race, "round %" PRIu64 ": %s", self.rounds, what);
}

/* Stop it, look what the loop does meanwhile, let it go on. Out of [out]: time, processor time. */
static void run_round(struct lap *out)
{
    unsigned spins = self.race->cpus.spins;
    gauge_set(&self.round, ++self.rounds);
    clock_sleep_until(clock_now_ns() + random_below(&self.random, RUN_NS_MAX));
    pthread_kill(self.producer, STOP_SIGNAL);
    if (!gauge_wait(&self.frozen, self.rounds, spins))
        late_in_round("the producer did not stop within 5 s");
    uint64_t cpu_ns = stage_cpu_ns(&self.stage), start_ns = clock_now_ns();
    post_to(self.probe_fd);
    clock_sleep_until(start_ns + self.freeze_ns);
    out->elapsed_ns += stage_cpu_ns(&self.stage) - cpu_ns;
    out->units += clock_now_ns() - start_ns;
    self.held += gauge_get(&self.probed) < self.rounds;
    post_to(self.thaw_fd);
    if (!gauge_wait(&self.thawed, self.rounds, spins))
        late_in_round("the producer did not go on within 5 s");
    if (!gauge_wait(&self.probed, self.rounds, spins))
        late_in_round("the task of the other thread did not run within 5 s");
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    uint64_t deadline_ns = clock_now_ns() + duration_ns, first = self.rounds;
    (void)load;
    do
        run_round(out);
    while (self.race->result.ok &&
           (self.rounds - first < ROUNDS_MIN || clock_now_ns() < deadline_ns));
}

static bool start(struct race *race)
{
    struct sigaction action = {.sa_handler = freeze, .sa_flags = SA_RESTART};
    self.thaw_fd = eventfd(0, EFD_CLOEXEC);
    self.probe_fd = eventfd(0, EFD_CLOEXEC);
    if (self.thaw_fd < 0 || self.probe_fd < 0 || sigaction(STOP_SIGNAL, &action, NULL) != 0) {
        race_fail(race, "cannot prepare the stops: %s", strerror(errno));
        return false;
    }
    int rc = pthread_create(&self.producer, NULL, produce, NULL);
    if (rc == 0)
        rc = pthread_create(&self.prober, NULL, send_probes, NULL);
    if (rc != 0)
        race_fail(race, "cannot start a thread: %s", strerror(rc));
    return rc == 0;
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    gauge_set(&self.ended, 1);
    post_to(self.probe_fd);
    pthread_join(self.producer, NULL);
    pthread_join(self.prober, NULL);
    race_check(race, self.producer_rc, "velo_submit by the producer");
    race_check(race, self.prober_rc, "velo_submit by the other thread");
    if (!gauge_wait(&self.ran, self.sent, race->cpus.spins)) {
        race_late(race,
                  "lost %" PRIu64 " of %" PRIu64 " tasks",
                  self.sent - gauge_get(&self.ran),
                  self.sent);
        stage_prove_loss(&self.stage, &self.ran, self.sent);
    }
    stage_close(&self.stage);
    if (self.disorder + self.probe_disorder > 0 || gauge_get(&self.ran) != self.sent)
        race_fail(
            race, "%" PRIu64 " tasks out of order, or twice", self.disorder + self.probe_disorder);
}

static void report(struct race *race, const struct lap *total)
{
    double cpu_ns = (double)total->elapsed_ns / ((double)total->units / 1e9);
    race->result.elapsed_ns = total->units;
    race_metric(race, "stall_cpu_ns_per_s", fmax(cpu_ns, FLOOR_NS_PER_S));
    race_metric(race, "raw_cpu_ns_per_s", cpu_ns);
    race_metric(race, "held_share", (double)self.held / (double)self.rounds);
    race_metric_quantile(race, "probe_p50_ns", &self.probe, 0.5);
}

static void run(struct race *race)
{
    const struct params *p = &race->params;
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.random.state = race->seed;
    self.freeze_ns = params_integer(p, "freeze_us") * NS_PER_US;
    self.batch = params_integer(p, "batch");
    recorder_init(&self.probe);
    if (!stage_open(&self.stage, race) || !start(race) || !window_run(race, &plan, &total))
        return;
    finish(race);
    report(race, &total);
}

static const struct param_spec params[] = {
    {"freeze_us", PARAM_INTEGER, 100, 1000000, 10000, NULL, "how long it is stopped"},
    {"batch", PARAM_INTEGER, 1, BATCH_MAX, 1, NULL, "tasks per velo_submit_many; 1 = velo_submit"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"stall_cpu_ns_per_s", "ns/s", false},
    {"raw_cpu_ns_per_s", "ns/s", false},
    {"held_share", "1", false},
    {"probe_p50_ns", "ns", false},
    {NULL, NULL, false},
};

const struct load load_stalled_producer = {
    .name = "stalled_producer",
    .summary = "a producer is stopped anywhere in its submit: what does the loop pay meanwhile?",
    .params = params,
    .metrics = metrics,
    .floor = FLOOR_NS_PER_S,
    .run = run,
};
