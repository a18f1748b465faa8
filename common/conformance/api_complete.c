/* SPDX-License-Identifier: MIT */
/*
 * Refers to every function of velo.h, and is linked into every program of a contestant: a forgotten
 * function becomes an undefined reference, a half overridden group a multiple definition. Without
 * it the linker would take half a group from the archive and say nothing.
 */
#include "velo.h"

typedef void (*velo_any_fn)(void);

extern const velo_any_fn velo_api_complete[];
const velo_any_fn velo_api_complete[] = {
    (velo_any_fn)velo_loop_create,
    (velo_any_fn)velo_loop_run,
    (velo_any_fn)velo_loop_shutdown,
    (velo_any_fn)velo_loop_close,
    (velo_any_fn)velo_loop_destroy,
    (velo_any_fn)velo_loop_state,
    (velo_any_fn)velo_loop_is_owner,
    (velo_any_fn)velo_loop_is_alive,
    (velo_any_fn)velo_loop_wake,
    (velo_any_fn)velo_loop_now_ns,
    (velo_any_fn)velo_loop_backend_fd,
    (velo_any_fn)velo_submit,
    (velo_any_fn)velo_submit_priority,
    (velo_any_fn)velo_submit_many,
    (velo_any_fn)velo_next_tick,
    (velo_any_fn)velo_queue_microtask,
    (velo_any_fn)velo_set_immediate,
    (velo_any_fn)velo_clear_immediate,
    (velo_any_fn)velo_defer_close,
    (velo_any_fn)velo_timer_start,
    (velo_any_fn)velo_timer_cancel,
    (velo_any_fn)velo_timer_cancel_many,
    (velo_any_fn)velo_timer_restart,
    (velo_any_fn)velo_timer_ref,
    (velo_any_fn)velo_timer_unref,
    (velo_any_fn)velo_fd_watch,
    (velo_any_fn)velo_fd_modify,
    (velo_any_fn)velo_fd_unwatch,
    (velo_any_fn)velo_offload,
    (velo_any_fn)velo_offload_cancel,
    (velo_any_fn)velo_fast_path_set,
    (velo_any_fn)velo_fast_path_get,
    (velo_any_fn)velo_metrics_read,
    (velo_any_fn)velo_strerror,
    (velo_any_fn)velo_impl,
};
