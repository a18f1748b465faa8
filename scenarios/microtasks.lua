-- SPDX-License-Identifier: MIT
-- Microtasks that queue each other, and many queued at once. count=1 shows the price of a checkpoint
-- that finds one microtask, task included. From another thread: ping_pong at microtask and tick.
return scenario {
    name = "microtasks",
    summary = "microtasks and next ticks, as a chain or as a breadth",
    family = "cap",
    needs = { "MICROTASKS" },
    primary = "ns_per_microtask",
    points = {
        point { id = "chain,count=1", params = { shape = "chain", kind = "micro", count = 1 } },
        point { id = "chain,count=1000", params = { shape = "chain", kind = "micro", count = 1000 } },
        point { id = "ticks,count=1000", params = { shape = "chain", kind = "tick", count = 1000 } },
        point { id = "both,count=1000", params = { shape = "chain", kind = "both", count = 1000 } },
        point { id = "breadth,count=1000", params = { shape = "breadth", kind = "micro", count = 1000 } },
        point { id = "chain,count=100000", params = { shape = "chain", kind = "micro", count = 100000 } },
    },
    plan = function(p)
        return loads.microtasks { shape = p.shape, kind = p.kind, count = p.count }
    end,
}
