/* SPDX-License-Identifier: MIT */
/* cases.c - the order in which `micro --list` shows them. */
#include "cases.h"

#include <stddef.h>

const struct micro_case *const micro_cases[] = {
    &case_submit,
    &case_submit_many,
    &case_submit_caller,
    &case_submit_full,
    &case_owner_submit,
    &case_submit_priority,
    &case_microtask,
    &case_next_tick,
    &case_set_immediate,
    &case_clear_immediate,
    &case_defer_close,
    &case_timer_arm_cancel,
    &case_timer_library,
    &case_timer_replace,
    &case_timer_restart,
    &case_timer_cancel_foreign,
    &case_timer_fire,
    &case_fd_dispatch,
    &case_fd_edge,
    &case_fd_watch,
    &case_fd_modify,
    &case_offload,
    &case_wake,
    &case_metrics_read,
    &case_empty_turn,
    &case_lifecycle,
    &case_submit_metrics,
    &case_owner_submit_metrics,
    NULL,
};
