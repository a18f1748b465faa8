-- SPDX-License-Identifier: MIT
-- The way to the pool and back. Free placement: threads of the pool inherit the processors of the
-- thread that starts them, and should not share the loop's.
return scenario {
    name = "offload",
    summary = "one job for the pool, from the call to the callback that says it is done",
    family = "med",
    needs = { "OFFLOAD" },
    placement = "free",
    primary = "round_trip_p50_ns",
    points = {
        point { id = "job_us=0", params = { workers = 1, chains = 1, job_us = 0, cancel = 0 } },
        point { id = "job_us=10", params = { workers = 1, chains = 1, job_us = 10, cancel = 0 } },
        point { id = "workers=4,chains=64", params = { workers = 4, chains = 64, job_us = 0, cancel = 0 } },
        point { id = "workers=4,chains=64,cancel=25", params = { workers = 4, chains = 64, job_us = 10, cancel = 25 } },
        point { id = "workers=1,chains=64", params = { workers = 1, chains = 64, job_us = 0, cancel = 0 } },
        point { id = "job_us=1000", params = { workers = 1, chains = 1, job_us = 1000, cancel = 0 } },
    },
    plan = function(p)
        return loads.offload {
            workers = p.workers,
            chains = p.chains,
            job_us = p.job_us,
            cancel_percent = p.cancel,
        }
    end,
}
