/* SPDX-License-Identifier: MIT */
/*
 * limit_rules.c - the table; first match wins. A limit is named only where one operation of the
 * cell needs at least that price; elsewhere "x the limit" would be a number without a meaning.
 *
 * What is measured beside a block is the limit itself, and the price of a line (C8) wherever lines
 * move and nobody sleeps: it is the one that changes with the hour and with the place of the
 * threads, and would have blocks left out for what is one part in a hundred of a wake-up.
 */
#include "limit_rules.h"

#include <fnmatch.h>
#include <stddef.h>

static const struct limit_rule table[] = {
    /* A round trip moves a line there and back; parked, it wakes a thread, and spins for the end.
     */
    {"race", "ping_pong", "parked", "L5a", 1, "L5a", "L5a,L5ae"},
    {"race", "ping_pong", "parked,fds", "L5ae", 1, "L5ae", "L5ae"},
    {"race", "ping_pong", "*same-core*", "L5s", 1, "L5s", "L5s"},
    {"race", "ping_pong", "*", "L4", 1, "L4", "L4"},
    {"race", "wake_idle", "*", "C15", 0.5, "C15/2", "C15,C8"},
    {"race", "offload", "*", "L4", 1, "L4", "L4"}, /* to the pool and back; both may be awake */
    {"race", "burst", "n=1", NULL, 0, NULL, NULL}, /* mostly a wake-up, or none */
    {"race", "burst", "*", "L1", 1, "L1", "L1,C8"},
    {"race", "producers", "*same-core*", NULL, 0, NULL, NULL}, /* no line moves */
    {"race", "producers", "threads=1,batch=1*", "L1", 1, "L1", "L1,C8"},
    {"race", "producers", "*,batch=1", "L2", 1, "L2", "L2,C8"},
    {"race", "producers", "*", "L3", 1, "L3", "L3,C8"},
    {"race", "microtasks", "*count=1", NULL, 0, NULL, NULL}, /* one task each */
    {"race", "microtasks", "*", "L7", 1, "L7", "L7"},
    {"race", "immediates", "*", "L7", 1, "L7", "L7"},
    {"race", "timer_storm", "op=add,*", "L6", 1, "L6", "L6"},
    {"race", "timer_storm", "op=cancel,*", "L6", 1, "L6", "L6"},
    {"race", "timer_storm", "op=churn,*", "L6", 2, "2 L6", "L6"},
    {"race", "timer_storm", "op=fire,*", "C2", 1, "C2", "C2"},
    {"race", "timer_late", "*percent=[1-9]*", NULL, 0, NULL, NULL}, /* who is busy does not sleep */
    {"race", "timer_late", "*", "C23s", 1, "C23s", "C23s"},
    {"race", "foreign_cancel", "*", "L6", 1, "L6", "L6,C8"},
    {"race", "fd_ring", "*", "L8", 1, "L8", "L8"},
    {"race", "memory", "tasks=*", "L9", 1, "L9", NULL},
    {"race", "alloc_pressure", "*", "C24", 1, "C24", "C24"},
    {"micro", "submit", "*", "L1", 1, "L1", "L1,C8"},
    {"micro", "submit_metrics", "*", "L1", 1, "L1", "L1,C8"},
    {"micro", "submit_priority", "*", "L1", 1, "L1", "L1,C8"},
    {"micro", "submit_many", "*", "L3", 1, "L3", "L3,C8"},
    {"micro", "submit_caller", "*", "C4", 1, "C4", "C4"},
    {"micro", "owner_submit", "*", "C3", 1, "C3", "C3"},
    {"micro", "owner_submit_metrics", "*", "C3", 1, "C3", "C3"},
    {"micro", "microtask", "*", "L7", 1, "L7", "L7"},
    {"micro", "next_tick", "*", "L7", 1, "L7", "L7"},
    {"micro", "set_immediate", "*", "L7", 1, "L7", "L7"},
    {"micro", "defer_close", "*", "L7", 1, "L7", "L7"},
    {"micro", "timer_arm_cancel", "*", "L6", 2, "2 L6", "L6"},
    {"micro", "timer_library", "*", "L6", 2, "2 L6", "L6"},
    {"micro", "timer_replace", "*", "L6", 2, "2 L6", "L6"},
    {"micro", "timer_restart", "*", "L6", 2, "2 L6", "L6"},
    {"micro", "timer_cancel_foreign", "*", "L6", 1, "L6", "L6,C8"},
    {"micro", "timer_fire", "*", "C2", 1, "C2", "C2"},
    {"micro", "fd_edge", "*", "L8", 1, "L8", "L8,L8u,L8p"},
    {"micro", "fd_dispatch", "*", "L8l", 1, "L8l", "L8l"},
    {"micro", "offload", "*", "L1", 2, "2 L1", "L1,C8"}, /* handed over, and handed back */
    {"micro", "empty_turn", "*", "C1", 1, "C1", "C1"},   /* a turn fixes the time */
};

const struct limit_rule *limit_rule_of(const char *lane, const char *scenario, const char *point)
{
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (fnmatch(table[i].lane, lane, 0) == 0 && fnmatch(table[i].scenario, scenario, 0) == 0 &&
            fnmatch(table[i].point, point, 0) == 0)
            return table[i].limit != NULL ? &table[i] : NULL;
    return NULL;
}
