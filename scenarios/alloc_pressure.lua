-- SPDX-License-Identifier: MIT
-- Callbacks that use the allocator as real ones do; a contestant that uses it too, per task, meets
-- them there. Bytes per pending task are in the scenario memory.
local points = require "points"

return scenario {
    name = "alloc_pressure",
    summary = "a task that allocates and frees, or frees what its producer allocated",
    family = "cap",
    primary = "ns_per_task",
    points = points.product { { "size", 64, 4096, 65536 }, { "free", "own", "foreign" } },
    plan = function(p)
        return loads.alloc_pressure { free = p.free, size = p.size }
    end,
}
