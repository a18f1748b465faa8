/* SPDX-License-Identifier: MIT */
/*
 * derive.c - limits of whole operations, from the prices of their parts.
 *
 * They are floors by arithmetic and not predictions: a loop that reaches twice the floor is good.
 * A task is 16 bytes, so four share a line: a batch costs a quarter of a line and one call each.
 */
#include "limits.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* One formula; [from] lists what it needs. It gets the values in that order. */
struct rule {
    const char *id;
    const char *name;
    const char *unit;
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

static double task_bytes(const double value[3])
{
    (void)value;
    return 16;
}

static const struct rule rules[] = {
    {"L1", "submit, one producer", "ns", {"C4", "C9", "C2"}, larger_of_sender_and_receiver},
    {"L2", "submit, two producers, one order", "ns", {"C7"}, same},
    {"L3", "task of a batch", "ns", {"C9", "C2"}, quarter_line_and_call},
    {"L4", "round trip, both awake", "ns", {"C8"}, same},
    {"L5", "round trip, both asleep, no descriptor", "ns", {"C15"}, same},
    {"L5e", "round trip, both asleep, descriptors", "ns", {"C16"}, same},
    {"L6", "timer arm or cancel, in cache", "ns", {"C4"}, same},
    {"L7", "microtask", "ns", {"C3"}, same},
    {"L8", "descriptor event", "ns", {"C21", "C2"}, sum_of_two},
    {"L9", "memory of a pending task", "bytes", {NULL}, task_bytes},
};

/* The values that a rule needs, medians or minima; false if one is missing, with a reason. */
static bool gather(const struct rule *rule,
                   const struct limit_result *results,
                   size_t count,
                   double medians[3],
                   double minima[3],
                   char reason[LIMIT_REASON_BYTES])
{
    for (int i = 0; i < 3 && rule->from[i]; i++) {
        const struct limit_result *part = limit_find(results, count, rule->from[i]);
        if (!part || !isfinite(part->median)) {
            snprintf(reason, LIMIT_REASON_BYTES, "%s was not measured", rule->from[i]);
            return false;
        }
        medians[i] = part->median;
        minima[i] = part->min;
    }
    return true;
}

size_t limits_derive(struct limit_result out[LIMITS_MAX], size_t count)
{
    size_t measured = count;
    for (size_t i = 0; i < sizeof rules / sizeof *rules && count < LIMITS_MAX; i++) {
        const struct rule *rule = &rules[i];
        struct limit_result *result = &out[count++];
        double medians[3] = {0};
        double minima[3] = {0};
        *result = (struct limit_result){
            .id = rule->id, .name = rule->name, .unit = rule->unit, .median = NAN, .min = NAN};
        if (!gather(rule, out, measured, medians, minima, result->reason))
            continue;
        result->median = rule->formula(medians);
        result->min = rule->formula(minima);
    }
    return count;
}
