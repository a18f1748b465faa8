/* SPDX-License-Identifier: MIT */
/*
 * derive.c - limits of whole operations, from the prices of their parts; pure, so that whoever
 * checks a run computes them again.
 *
 * They are floors by arithmetic and not predictions: a loop that reaches twice the floor is good.
 * A task is 16 bytes, so four share a line: a batch costs a quarter of a line and one call each.
 */
#include "limits.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One formula; [from] lists what it needs. It gets the values in that order. */
struct rule {
    const char *id;
    const char *name;
    const char *unit;
    const char *method;
    const char *from[3];
    double (*formula)(const double value[3]);
};

static double same(const double value[3])
{
    return value[0];
}

static double larger_of_sender_and_receiver(const double value[3])
{
    return fmax(value[0], value[1] / 4 + value[2]);
}

static double quarter_line_and_call(const double value[3])
{
    return value[0] / 4 + value[1];
}

static double sum_of_two(const double value[3])
{
    return value[0] + value[1];
}

static double twice(const double value[3])
{
    return 2 * value[0];
}

static double quarter(const double value[3])
{
    return value[0] / 4;
}

static double task_bytes(const double value[3])
{
    (void)value;
    return 16;
}

static double none(const double value[3])
{
    (void)value;
    return 0;
}

static const struct rule rules[] = {
    {"L1",
     "submit, one producer",
     "ns",
     "max(C4, C9/4 + C2)",
     {"C4", "C9", "C2"},
     larger_of_sender_and_receiver},
    {"L2", "submit, two producers, one order", "ns", "C7", {"C7"}, same},
    {"L3", "task of a batch", "ns", "C9/4 + C2", {"C9", "C2"}, quarter_line_and_call},
    {"L4", "round trip, both awake", "ns", "C8", {"C8"}, same},
    {"L5", "round trip, both asleep, no descriptor", "ns", "C15", {"C15"}, same},
    {"L5e", "round trip, both asleep, descriptors", "ns", "C16", {"C16"}, same},
    {"L5a", "round trip to a sleeper, no descriptor", "ns", "C15a", {"C15a"}, same},
    {"L5ae", "round trip to a sleeper, descriptors", "ns", "C16a", {"C16a"}, same},
    {"L5s", "round trip, both asleep, one CPU", "ns", "C15s", {"C15s"}, same},
    {"L6", "timer arm or cancel, in cache", "ns", "C4", {"C4"}, same},
    {"L6c", "timer arm or cancel, from memory", "ns", "C10", {"C10"}, same},
    {"L6f", "timer fires, from memory", "ns", "2 C10", {"C10"}, twice},
    {"L6p", "timer fires, 8 fetched ahead", "ns", "C10/4", {"C10"}, quarter},
    {"L7", "microtask", "ns", "C3", {"C3"}, same},
    {"L8", "descriptor event, epoll", "ns", "C21 + C2", {"C21", "C2"}, sum_of_two},
    {"L8l", "descriptor event, epoll by level", "ns", "C21l + C2", {"C21l", "C2"}, sum_of_two},
    {"L8u", "descriptor event, io_uring", "ns", "C22 + C2", {"C22", "C2"}, sum_of_two},
    {"L8p", "descriptor event, io_uring, true", "ns", "C22p + C2", {"C22p", "C2"}, sum_of_two},
    {"L9", "memory of a pending task", "bytes", "a function and its argument", {NULL}, task_bytes},
    {"L10",
     "wake-ups of a loop with nothing to do",
     "wakeups",
     "nothing to do, nothing done",
     {NULL},
     none},
};

enum { RULES = sizeof rules / sizeof *rules, PARTS = 3 };

bool limits_named(const char *only, const char *id)
{
    size_t length = strlen(id);
    if (!only)
        return true;
    for (const char *at = only; *at; at += *at == ',') {
        size_t one = strcspn(at, ",");
        if (one == length && strncmp(at, id, length) == 0)
            return true;
        at += one;
    }
    return false;
}

bool limits_is_derived(const char *id)
{
    for (size_t i = 0; i < RULES; i++)
        if (strcmp(rules[i].id, id) == 0)
            return true;
    return false;
}

bool limits_is_part(const char *only, const char *id)
{
    for (size_t i = 0; i < RULES; i++)
        for (size_t p = 0; p < PARTS && rules[i].from[p]; p++)
            if (strcmp(rules[i].from[p], id) == 0 && limits_named(only, rules[i].id))
                return true;
    return false;
}

const struct limit_result *
limit_find(const struct limit_result *results, size_t count, const char *id)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(results[i].id, id) == 0)
            return &results[i];
    return NULL;
}

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left;
    double b = *(const double *)right;
    return (a > b) - (a < b);
}

double limit_median(double *values, size_t count)
{
    if (count == 0)
        return NAN;
    qsort(values, count, sizeof *values, compare);
    return (values[(count - 1) / 2] + values[count / 2]) / 2;
}

/* The results that a rule needs into [parts]; false if one is missing, with a reason. */
static bool gather(const struct rule *rule,
                   const struct limit_result *results,
                   size_t count,
                   const struct limit_result *parts[PARTS],
                   char reason[LIMIT_REASON_BYTES])
{
    for (size_t i = 0; i < PARTS && rule->from[i]; i++) {
        parts[i] = limit_find(results, count, rule->from[i]);
        if (!parts[i] || !isfinite(parts[i]->median)) {
            snprintf(reason, LIMIT_REASON_BYTES, "%s was not measured", rule->from[i]);
            return false;
        }
    }
    return true;
}

/* Each formula grows with each of its parts, so least of the parts gives least of the whole. */
static void apply(const struct rule *rule,
                  const struct limit_result *const parts[PARTS],
                  struct limit_result *out)
{
    double medians[PARTS] = {0};
    double minima[PARTS] = {0};
    double maxima[PARTS] = {0};
    for (size_t i = 0; i < PARTS && parts[i]; i++) {
        medians[i] = parts[i]->median;
        minima[i] = parts[i]->min;
        maxima[i] = parts[i]->max;
    }
    out->median = rule->formula(medians);
    out->min = rule->formula(minima);
    out->max = rule->formula(maxima);
}

size_t limits_derive(struct limit_result out[LIMITS_MAX], size_t count, const char *only)
{
    size_t measured = count;
    for (size_t i = 0; i < RULES && count < LIMITS_MAX; i++) {
        const struct rule *rule = &rules[i];
        const struct limit_result *parts[PARTS] = {0};
        if (!limits_named(only, rule->id))
            continue;
        struct limit_result *result = &out[count++];
        *result = (struct limit_result){.id = rule->id,
                                        .name = rule->name,
                                        .unit = rule->unit,
                                        .method = rule->method,
                                        .median = NAN,
                                        .min = NAN,
                                        .max = NAN};
        if (gather(rule, out, measured, parts, result->reason))
            apply(rule, parts, result);
    }
    return count;
}
