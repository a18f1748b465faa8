-- SPDX-License-Identifier: MIT
-- A producer that loses its processor in the midst of a submit, and a loop that must not spin for it.
return scenario {
    name = "stalled_producer",
    summary = "processor time of the loop while a producer stands still inside its submit",
    family = "idle",
    primary = "stall_cpu_ns_per_s",
    points = {
        point { id = "batch=1", params = { batch = 1 } },
        point { id = "batch=64", needs = { "BATCH" }, params = { batch = 64 } },
    },
    plan = function(p)
        return loads.stalled_producer { batch = p.batch, freeze_us = 10000 }
    end,
}
