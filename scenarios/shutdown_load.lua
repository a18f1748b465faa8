-- SPDX-License-Identifier: MIT
-- The end of a loop that is in use: submitters that do not stop, and work that is still pending.
return scenario {
    name = "shutdown_load",
    summary = "shut a loop down, or close it, while threads keep submitting",
    family = "start",
    primary = "end_p50_ns",
    points = {
        point { id = "threads=1", params = { threads = 1, backlog = 0, how = "shutdown" } },
        point { id = "threads=4", params = { threads = 4, backlog = 0, how = "shutdown" } },
        point { id = "close", params = { threads = 1, backlog = 0, how = "close" } },
        point { id = "backlog=100000", params = { threads = 1, backlog = 100000, how = "shutdown" } },
        point { id = "close,backlog=100000", params = { threads = 1, backlog = 100000, how = "close" } },
        point { id = "threads=8", params = { threads = 8, backlog = 0, how = "shutdown" } },
        point { id = "backlog=1000", params = { threads = 1, backlog = 1000, how = "shutdown" } },
        point { id = "close,backlog=1000", params = { threads = 1, backlog = 1000, how = "close" } },
    },
    plan = function(p)
        return loads.shutdown { threads = p.threads, backlog = p.backlog, how = p.how }
    end,
}
