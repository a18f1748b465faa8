/* SPDX-License-Identifier: MIT */
/* loads.c - the list of load generators; the name in it is the name in a scenario. */
#include "race.h"

extern const struct load load_closed_loop, load_loop_pair, load_wake_idle, load_burst,
    load_producers, load_full_queue, load_priority, load_open_loop, load_mode_flip,
    load_slow_callback, load_sparse, load_mixed, load_timers, load_timer_late, load_fd_ring,
    load_fd_churn, load_microtasks, load_immediates, load_offload, load_alloc_pressure,
    load_stalled_producer, load_shutdown, load_idle, load_start_stop, load_memory;

const struct load *const race_loads[] = {
    &load_closed_loop,
    &load_loop_pair,
    &load_wake_idle,
    &load_burst,
    &load_producers,
    &load_full_queue,
    &load_priority,
    &load_open_loop,
    &load_mode_flip,
    &load_slow_callback,
    &load_sparse,
    &load_mixed,
    &load_timers,
    &load_timer_late,
    &load_fd_ring,
    &load_fd_churn,
    &load_microtasks,
    &load_immediates,
    &load_offload,
    &load_alloc_pressure,
    &load_stalled_producer,
    &load_shutdown,
    &load_idle,
    &load_start_stop,
    &load_memory,
    NULL,
};
