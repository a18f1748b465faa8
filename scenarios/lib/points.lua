-- SPDX-License-Identifier: MIT
-- Points from lists of values: the product of all parameters, each with an id such as
-- "threads=2,batch=8".
local points = {}

-- [axes] is a list of { name, value, value, ... }, the slowest first. [core] is a set of ids that
-- belong to the core set; an id in it that no point has is a mistake.
function points.product(axes, core)
    local partial = { { params = {}, id = "" } }
    for _, axis in ipairs(axes) do
        local longer = {}
        for _, before in ipairs(partial) do
            for i = 2, #axis do
                local params = {}
                for key, value in pairs(before.params) do
                    params[key] = value
                end
                params[axis[1]] = axis[i]
                local part = axis[1] .. "=" .. tostring(axis[i])
                local id = before.id == "" and part or before.id .. "," .. part
                longer[#longer + 1] = { params = params, id = id }
            end
        end
        partial = longer
    end
    return points.mark(partial, core or {})
end

-- Turn plain tables into points, and mark the core set.
function points.mark(list, core)
    local wanted, result = {}, {}
    for _, id in ipairs(core) do
        wanted[id] = true
    end
    for _, entry in ipairs(list) do
        result[#result + 1] = point { id = entry.id, params = entry.params, core = wanted[entry.id] }
        wanted[entry.id] = nil
    end
    assert(next(wanted) == nil, "points: no point has the core id " .. tostring(next(wanted)))
    return result
end

-- One point for each way in which loop and generators can stand to each other. The harness puts
-- them there; a level that the machine does not have is NOT RUN.
function points.placed(id, params)
    local result = {}
    for _, placement in ipairs { "same-core", "cross-core", "free" } do
        result[#result + 1] = point { id = id .. "," .. placement, params = params, placement = placement }
    end
    return table.unpack(result)
end

-- [list] with more points at its end.
function points.join(list, ...)
    table.move({ ... }, 1, select("#", ...), #list + 1, list)
    return list
end

return points
