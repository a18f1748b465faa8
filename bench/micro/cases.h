/* SPDX-License-Identifier: MIT */
/* cases.h - the cases, one file each. A new one needs a line here and one in cases.c. */
#ifndef BENCH_MICRO_CASES_H
#define BENCH_MICRO_CASES_H

#include "micro.h"

extern const struct micro_case case_submit;
extern const struct micro_case case_submit_many;
extern const struct micro_case case_submit_caller;
extern const struct micro_case case_submit_full;
extern const struct micro_case case_owner_submit;
extern const struct micro_case case_submit_priority;
extern const struct micro_case case_microtask;
extern const struct micro_case case_next_tick;
extern const struct micro_case case_set_immediate;
extern const struct micro_case case_clear_immediate;
extern const struct micro_case case_defer_close;
extern const struct micro_case case_timer_arm_cancel;
extern const struct micro_case case_timer_library;
extern const struct micro_case case_timer_replace;
extern const struct micro_case case_timer_restart;
extern const struct micro_case case_timer_cancel_foreign;
extern const struct micro_case case_timer_fire;
extern const struct micro_case case_fd_dispatch;
extern const struct micro_case case_fd_edge;
extern const struct micro_case case_fd_watch;
extern const struct micro_case case_fd_modify;
extern const struct micro_case case_offload;
extern const struct micro_case case_wake;
extern const struct micro_case case_metrics_read;
extern const struct micro_case case_empty_turn;
extern const struct micro_case case_lifecycle;
extern const struct micro_case case_submit_metrics;
extern const struct micro_case case_owner_submit_metrics;

#endif
