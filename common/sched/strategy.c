/* SPDX-License-Identifier: MIT */
/*
 * Which interleaving comes next.
 *
 * Random: each run draws how often it interferes, from every second point to one in 512, so
 * both close fights and single long delays come up. Exhaustive: all runs with at most so many
 * pre-emptions, by depth-first search over the choices, each run from its start again (M.
 * Musuvathi, S. Qadeer, "Iterative context bounding", 2007: most faults need two at most).
 */
#include "sched.h"

#include <stdio.h>
#include <string.h>

#define DEPTH 65536u

/* A choice of this run: the last [depth] of them are what the search goes through. */
struct branch {
    unsigned point;
    unsigned count; /* choices there, within the bound */
    unsigned chosen;
    unsigned spent; /* pre-emptions before it */
    unsigned free;
};

static enum strategy_kind kind;
static bool buffered;
static unsigned bound;
static uint64_t random_state;
static unsigned interference; /* random: one in so many points */
static unsigned point;        /* number of the next choice of this run */
static struct branch branches[DEPTH];
static unsigned length; /* branches known */
static unsigned depth;  /* of them, passed in this run */

static uint64_t random_next(void)
{
    /* splitmix64, S. Vigna */
    uint64_t z = random_state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static unsigned random_below(unsigned n)
{
    return (unsigned)(random_next() % n);
}

/* Remember a choice that was not 0, for the report. */
static unsigned note(unsigned chosen)
{
    if (chosen != 0 && kind == STRATEGY_RANDOM && length < DEPTH)
        branches[length++] = (struct branch){.point = point, .chosen = chosen};
    point++;
    return chosen;
}

static unsigned choose_random(unsigned count, unsigned free)
{
    if (random_below(interference) == 0)
        return note(random_below(count));
    return note(free > 1 ? random_below(free) : 0);
}

static unsigned choose_searching(unsigned count, unsigned free)
{
    if (depth < length) {
        unsigned chosen = branches[depth].point == point ? branches[depth++].chosen : 0;
        return note(chosen);
    }
    unsigned spent = 0;
    if (length > 0) {
        const struct branch *last = &branches[length - 1];
        spent = last->spent + (last->chosen >= last->free);
    }
    unsigned limit = spent < bound ? count : free;
    if (limit > 1 && length < DEPTH) {
        branches[length++] = (struct branch){point, limit, 0, spent, free};
        depth = length;
    }
    return note(0);
}

static unsigned choose_again(unsigned count)
{
    unsigned chosen = 0;
    if (depth < length && branches[depth].point == point)
        chosen = branches[depth++].chosen;
    return note(chosen < count ? chosen : 0);
}

unsigned strategy_choose(unsigned count, unsigned free)
{
    if (kind == STRATEGY_RANDOM)
        return choose_random(count, free);
    return kind == STRATEGY_EXHAUSTIVE ? choose_searching(count, free) : choose_again(count);
}

void strategy_set_random(void)
{
    kind = STRATEGY_RANDOM;
}

void strategy_set_exhaustive(unsigned preemptions)
{
    kind = STRATEGY_EXHAUSTIVE;
    bound = preemptions;
    length = 0;
}

bool strategy_set_replay(const char *text)
{
    kind = STRATEGY_REPLAY;
    length = 0;
    while (*text != '\0' && length < DEPTH) {
        int used = 0;
        struct branch *branch = &branches[length++];
        if (sscanf(text, "%u:%u%n", &branch->point, &branch->chosen, &used) != 2)
            return strcmp(text, "none") == 0 && --length == 0;
        text += used;
        text += *text == ',';
    }
    return true;
}

void strategy_set_buffered(bool on)
{
    buffered = on;
}

bool strategy_is_buffered(void)
{
    return buffered;
}

void strategy_begin(uint64_t seed)
{
    point = depth = 0;
    if (kind != STRATEGY_RANDOM)
        return;
    length = 0;
    random_state = seed;
    interference = 2u << random_below(9);
    buffered = (random_next() & 1) != 0;
}

bool strategy_next(void)
{
    while (length > 0 && branches[length - 1].chosen + 1 >= branches[length - 1].count)
        length--;
    if (length == 0)
        return false;
    branches[length - 1].chosen++;
    return true;
}

void strategy_print(void)
{
    bool any = false;
    printf("--memory %s --schedule ", buffered ? "tso" : "sc");
    for (unsigned i = 0; i < length; i++) {
        if (branches[i].chosen == 0)
            continue;
        printf("%s%u:%u", any ? "," : "", branches[i].point, branches[i].chosen);
        any = true;
    }
    printf("%s\n", any ? "" : "none");
}
