-- SPDX-License-Identifier: MIT
-- How late a timer fires: on an idle loop, where the kernel and the way to sleep decide, and on one
-- that is busy with short tasks for a part of its time.
return scenario {
    name = "timer_late",
    summary = "lateness of timers on a loop that is idle, or busy with tasks of 20 us",
    family = "p99",
    needs = { "TIMERS" },
    primary = "lateness_p99_ns",
    points = {
        point { id = "percent=0", params = { timers = 10, delay_us = 1000, percent = 0 } },
        point { id = "percent=60", params = { timers = 10, delay_us = 1000, percent = 60 } },
        point { id = "percent=90", params = { timers = 10, delay_us = 1000, percent = 90 } },
        point { id = "delay_us=100", params = { timers = 1, delay_us = 100, percent = 0 } },
        point { id = "timers=1000", params = { timers = 1000, delay_us = 50000, percent = 0 } },
        point { id = "timers=1000,percent=60", params = { timers = 1000, delay_us = 50000, percent = 60 } },
    },
    plan = function(p)
        return loads.timer_late { timers = p.timers, delay_us = p.delay_us, percent = p.percent }
    end,
}
