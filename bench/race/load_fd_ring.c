/* SPDX-License-Identifier: MIT */
/*
 * load_fd_ring.c - bytes that go round a ring of pipes.
 *
 * Each callback reads one byte from its pipe and writes it into the next one: one hop. A hop
 * contains a read and a write system call, the same for everybody; what differs is how the loop
 * learns of the next byte. With one token each hop is a poll of its own; with many, one poll
 * delivers many. At the end the tokens are swallowed, and counted; since tokens cannot overtake
 * each other, no two pipes may differ by more hops than there are tokens.
 *
 * Edge-triggered, a callback reads until nothing is left, as it must: one more system call a hop.
 */
#include "clock.h"
#include "stage.h"
#include "window.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct node {
    struct node *next;
    uint64_t hops;
    int read_fd, write_fd;
    velo_id id;
};

static struct {
    struct gauge hops;
    struct gauge swallowed;
    struct gauge stop;
    struct stage stage;
    struct race *race;
    struct node *nodes;
    uint64_t pipes, tokens;
    uint64_t failed; /* reads and writes; loop thread */
    bool edge;
    int rc; /* of the calls on the owner thread */
} self;

static void hand_on(struct node *node, const char *byte)
{
    node->hops++;
    gauge_step(&self.hops);
    if (gauge_get(&self.stop) != 0)
        gauge_step(&self.swallowed);
    else if (write(node->next->write_fd, byte, 1) != 1)
        self.failed++;
}

/* Level: one byte, the next one is told again. */
static void on_byte(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    if (read(fd, &byte, 1) == 1)
        hand_on(arg, &byte);
    else
        self.failed++;
}

/* Edge: all there are, for they are told once; and so it may find none, which it took before. */
static void on_edge(int fd, unsigned events, void *arg)
{
    char byte;
    (void)events;
    while (read(fd, &byte, 1) == 1)
        hand_on(arg, &byte);
    self.failed += errno != EAGAIN;
}

static bool open_ring(struct race *race)
{
    self.nodes = calloc(self.pipes, sizeof self.nodes[0]);
    if (self.nodes == NULL) {
        race_fail(race, "out of memory for %" PRIu64 " pipes", self.pipes);
        return false;
    }
    if (!race_allow_descriptors(race, 2 * self.pipes))
        return false;
    for (uint64_t i = 0; i < self.pipes; i++) {
        int fds[2];
        if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) != 0) {
            race_fail(race, "cannot open pipe %" PRIu64 ": %s", i, strerror(errno));
            return false;
        }
        self.nodes[i].read_fd = fds[0];
        self.nodes[i].write_fd = fds[1];
        self.nodes[i].next = &self.nodes[(i + 1) % self.pipes];
    }
    return true;
}

static void watch_all(void *arg)
{
    (void)arg;
    velo_fd_fn on_ready = self.edge ? on_edge : on_byte;
    unsigned events = VELO_READ | (self.edge ? VELO_EDGE : 0U);
    for (uint64_t i = 0; i < self.pipes && self.rc == 0; i++) {
        struct node *node = &self.nodes[i];
        self.rc = velo_fd_watch(self.stage.loop, node->read_fd, events, on_ready, node, &node->id);
    }
}

static void unwatch_all(void *arg)
{
    (void)arg;
    for (uint64_t i = 0; i < self.pipes && self.rc == 0; i++)
        self.rc = velo_fd_unwatch(self.stage.loop, self.nodes[i].id);
}

static bool inject(struct race *race)
{
    for (uint64_t token = 0; token < self.tokens; token++) {
        const struct node *node = &self.nodes[token * self.pipes / self.tokens];
        if (write(node->write_fd, "t", 1) != 1) {
            race_fail(race, "cannot write to a pipe: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

static uint64_t delivered(void)
{
    return gauge_get(&self.hops);
}

static void lap(void *load, uint64_t duration_ns, struct lap *out)
{
    (void)load;
    lap_watch(delivered, duration_ns, out);
}

static void verify(struct race *race)
{
    uint64_t sum = 0, least = UINT64_MAX, most = 0;
    for (uint64_t i = 0; i < self.pipes; i++) {
        uint64_t hops = self.nodes[i].hops;
        sum += hops;
        least = hops < least ? hops : least;
        most = hops > most ? hops : most;
    }
    if (self.failed > 0)
        race_fail(race, "%" PRIu64 " callbacks found nothing to read", self.failed);
    if (sum != gauge_get(&self.hops) || most - least > self.tokens)
        race_fail(race,
                  "hops do not add up: %" PRIu64 " to %" PRIu64 " per pipe with %" PRIu64 " tokens",
                  least,
                  most,
                  self.tokens);
}

static void report(struct race *race, const struct lap *total)
{
    double hops = (double)total->units;
    race_metric(race, "ns_per_hop", (double)total->elapsed_ns / hops);
    race_metric(race, "hops_per_s", hops * 1e9 / (double)total->elapsed_ns);
    race_metric(race, "cpu_ns_per_hop", (double)race->result.covariates.cpu_ns / hops);
    if (race->result.has_counters)
        race_metric(race, "polls_per_hop", (double)race->result.counters.polls / hops);
}

static void finish(struct race *race)
{
    gauge_set(&self.stop, 1);
    if (!gauge_wait(&self.swallowed, self.tokens, race->cpus.spins)) {
        race_late(race,
                  "%" PRIu64 " of %" PRIu64 " tokens were lost",
                  self.tokens - gauge_get(&self.swallowed),
                  self.tokens);
        return;
    }
    if (!stage_call(&self.stage, unwatch_all, NULL) ||
        !race_check(race, self.rc, "velo_fd_unwatch"))
        return;
    for (uint64_t i = 0; i < self.pipes; i++) {
        close(self.nodes[i].read_fd);
        close(self.nodes[i].write_fd);
    }
    stage_close(&self.stage);
    verify(race);
    free(self.nodes);
}

static void run(struct race *race)
{
    struct window_plan plan = {.lap = lap, .stage = &self.stage};
    struct lap total;
    self.race = race;
    self.pipes = params_integer(&race->params, "pipes");
    self.tokens = params_integer(&race->params, "tokens");
    self.edge = params_is(&race->params, "trigger", "edge");
    if (!open_ring(race) || !stage_open(&self.stage, race))
        return;
    if (!stage_call(&self.stage, watch_all, NULL) || !race_check(race, self.rc, "velo_fd_watch"))
        return;
    if (!inject(race) || !window_run(race, &plan, &total))
        return;
    report(race, &total);
    finish(race);
}

static const struct param_spec params[] = {
    {"pipes", PARAM_INTEGER, 1, 100000, 100, NULL, "pipes in the ring"},
    {"tokens", PARAM_INTEGER, 1, 10000, 1, NULL, "bytes that go round"},
    {"trigger", PARAM_CHOICE, 0, 0, 0, "level|edge", "how the pipes are watched"},
    {NULL, PARAM_INTEGER, 0, 0, 0, NULL, NULL},
};

static const struct metric_spec metrics[] = {
    {"ns_per_hop", "ns", false},
    {"hops_per_s", "1/s", true},
    {"cpu_ns_per_hop", "ns", false},
    {"polls_per_hop", "1", false},
    {NULL, NULL, false},
};

const struct load load_fd_ring = {
    .name = "fd_ring",
    .summary = "bytes handed on round a ring of pipes",
    .params = params,
    .metrics = metrics,
    .needs = VELO_CAP_FDS,
    .run = run,
};
