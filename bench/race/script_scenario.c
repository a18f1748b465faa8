/* SPDX-License-Identifier: MIT */
/*
 * script_scenario.c - `scenario { ... }` and `point { ... }`: check every key, ask the plan for the
 * settings of every point, and copy the result out of Lua.
 *
 * The plan is called for all points when the file is read, so that a mistake in the last point
 * shows at once.
 */
#include "script_host.h"

#include "capability.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCENARIO_KEYS "name|summary|family|primary|needs|placement|points|plan"
#define POINT_KEYS "id|core|needs|placement|params"
#define ID_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789=._,+-"
#define POINTS_MAX 1000

static uint64_t take_needs(lua_State *lua, int table, struct script_place at)
{
    uint64_t bits = 0;
    char allowed[512];
    if (script_push_field(lua, table, at, "needs", LUA_TTABLE, true)) {
        lua_pushnil(lua);
        while (lua_next(lua, -2) != 0) {
            uint64_t bit =
                lua_type(lua, -1) == LUA_TSTRING ? capability_bit(lua_tostring(lua, -1)) : 0;
            capability_list(~UINT64_C(0), allowed, sizeof allowed);
            if (bit == 0)
                script_raise_value(
                    lua, at.line, at.what, "needs", -1, "unknown capability", allowed);
            bits |= bit;
            lua_pop(lua, 1);
        }
    }
    lua_pop(lua, 1);
    return bits;
}

static enum placement
take_placement(lua_State *lua, int table, struct script_place at, enum placement fallback)
{
    if (script_push_field(lua, table, at, "placement", LUA_TSTRING, true) &&
        !placement_parse(lua_tostring(lua, -1), &fallback))
        script_raise_value(
            lua, at.line, at.what, "placement", -1, "unknown placement", PLACEMENT_CHOICES);
    lua_pop(lua, 1);
    return fallback;
}

static bool take_core(lua_State *lua, int table, struct script_place at)
{
    bool core =
        script_push_field(lua, table, at, "core", LUA_TBOOLEAN, true) && lua_toboolean(lua, -1);
    lua_pop(lua, 1);
    return core;
}

/* point { ... }: returns its argument, marked with the line where it stands. */
static int make_point(lua_State *lua)
{
    struct script_place at = {"point", script_line(lua)};
    if (lua_gettop(lua) != 1 || !lua_istable(lua, 1))
        return script_raise(lua, at.line, "point wants one table: point { id = ..., ... }");
    script_check_keys(lua, 1, at, POINT_KEYS);
    script_push_field(lua, 1, at, "id", LUA_TSTRING, false);
    const char *id = lua_tostring(lua, -1);
    if (id[0] == '\0' || strspn(id, ID_CHARACTERS) != lua_rawlen(lua, -1))
        script_raise_value(
            lua, at.line, at.what, "id", -1, "not possible", "letters, digits and = . _ , + -");
    lua_newtable(lua);
    lua_pushstring(lua, POINT_TYPE);
    lua_setfield(lua, -2, "__name");
    lua_pushinteger(lua, at.line);
    lua_setfield(lua, -2, "line");
    lua_setmetatable(lua, 1);
    lua_settop(lua, 1);
    return 1;
}

/* The line of the point on top of the stack; it must be one. */
static int point_line(lua_State *lua, struct script_place scenario)
{
    int line = 0;
    if (luaL_getmetafield(lua, -1, "line") == LUA_TNUMBER) {
        line = (int)lua_tointeger(lua, -1);
        lua_pop(lua, 1);
        return line;
    }
    return script_raise(lua,
                        script_key_line(script_host(lua), scenario.line, "points"),
                        "points: wants a list of point { ... }");
}

static json_t *json_scalar(lua_State *lua, int index)
{
    switch (lua_type(lua, index)) {
    case LUA_TSTRING:
        return json_string(lua_tostring(lua, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(lua, index));
    case LUA_TNUMBER:
        return lua_isinteger(lua, index) ? json_integer(lua_tointeger(lua, index))
                                         : json_real(lua_tonumber(lua, index));
    default:
        return NULL;
    }
}

/* The same object with its keys in order: Lua walks a table in an order that changes with each
 * process. */
static json_t *json_sorted(json_t *object)
{
    char *text = json_dumps(object, JSON_SORT_KEYS | JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_t *sorted = text == NULL ? NULL : json_loads(text, 0, NULL);
    free(text);
    json_decref(object);
    return sorted;
}

/* Leaves the params table (perhaps a new, empty one) on the stack. */
static void take_params(lua_State *lua, int table, struct script_place at, struct point *point)
{
    point->params = json_object();
    if (!script_push_field(lua, table, at, "params", LUA_TTABLE, true)) {
        lua_pop(lua, 1);
        lua_newtable(lua);
        return;
    }
    lua_pushnil(lua);
    while (lua_next(lua, -2) != 0) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            script_raise(lua, at.line, "params: wants key = value, without a list part");
        json_t *value = json_scalar(lua, -1);
        if (value == NULL)
            script_raise_value(lua,
                               at.line,
                               "params",
                               lua_tostring(lua, -2),
                               -1,
                               "wrong type",
                               "a finite number, a text, a boolean");
        json_object_set_new(point->params, lua_tostring(lua, -2), value);
        lua_pop(lua, 1);
    }
    point->params = json_sorted(point->params);
}

static void check_primary(lua_State *lua, struct script_place at, const struct point *point)
{
    struct scenario *out = script_host(lua)->out;
    const struct metric_spec *spec = scenario_primary(out, point);
    char allowed[512] = "";
    size_t used = 0;
    if (spec != NULL && !spec->higher_is_better)
        return;
    for (spec = point->load->metrics; spec->name != NULL && used < sizeof allowed; spec++)
        if (!spec->higher_is_better)
            used += (size_t)snprintf(
                allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "", spec->name);
    lua_pushstring(lua, out->primary);
    script_raise_value(lua, at.line, at.what, "primary", -1, "no cost of this load", allowed);
}

/* Take the point on top of the stack. */
static void
take_point(lua_State *lua, struct script_place scenario, int plan, enum placement placement)
{
    struct scenario *out = script_host(lua)->out;
    struct script_place at = {"point", point_line(lua, scenario)};
    struct point *point = &out->points[out->point_count];
    int table = lua_gettop(lua);
    lua_getfield(lua, table, "id");
    if (scenario_point(out, lua_tostring(lua, -1)) != NULL)
        script_raise_value(
            lua, at.line, at.what, "id", -1, "used twice", "an id of its own for each point");
    memset(point, 0, sizeof *point);
    point->id = script_copy_string(lua, -1);
    out->point_count++;
    lua_pop(lua, 1);
    point->core = take_core(lua, table, at);
    point->needs = take_needs(lua, table, at);
    point->placement = take_placement(lua, table, at, placement);
    take_params(lua, table, at, point);
    script_plan_point(lua, at, plan, point);
    check_primary(lua, scenario, point);
}

static void take_points(lua_State *lua, struct script_place at)
{
    struct scenario *out = script_host(lua)->out;
    enum placement placement = take_placement(lua, 1, at, PLACEMENT_SPREAD);
    lua_getfield(lua, 1, "plan");
    int plan = lua_gettop(lua);
    if (lua_isnil(lua, plan))
        script_raise(lua, at.line, "%s: key 'plan' is missing", at.what);
    script_push_field(lua, 1, at, "points", LUA_TTABLE, false);
    size_t count = lua_rawlen(lua, -1);
    if (count == 0 || count > POINTS_MAX) {
        script_raise_value(lua,
                           at.line,
                           at.what,
                           "points",
                           -1,
                           "too few or too many",
                           "a list of 1 to 1000 points");
        return;
    }
    out->points = calloc(count, sizeof out->points[0]);
    if (out->points == NULL)
        luaL_error(lua, "out of memory");
    int points = lua_gettop(lua);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(lua, points, (lua_Integer)i);
        take_point(lua, at, plan, placement);
        lua_settop(lua, points);
    }
}

/* The name of a scenario is that of its file, so that one name is one file. */
static void check_name(lua_State *lua, struct script_place at)
{
    struct script_host *host = script_host(lua);
    const char *slash = strrchr(host->path, '/');
    const char *base = slash == NULL ? host->path : slash + 1;
    size_t length = strlen(base) > 4 && strcmp(base + strlen(base) - 4, ".lua") == 0
                        ? strlen(base) - 4
                        : strlen(base);
    if (strlen(host->out->name) == length && strncmp(host->out->name, base, length) == 0)
        return;
    lua_pushstring(lua, host->out->name);
    lua_pushlstring(lua, base, length);
    script_raise_value(
        lua, at.line, at.what, "name", -2, "not the name of the file", lua_tostring(lua, -1));
}

static int make_scenario(lua_State *lua)
{
    struct script_host *host = script_host(lua);
    struct scenario *out = host->out;
    struct script_place at = {"scenario", script_line(lua)};
    if (host->built)
        return script_raise(lua, at.line, "one file is one scenario: scenario { } is called twice");
    host->built = true;
    if (lua_gettop(lua) != 1 || !lua_istable(lua, 1))
        return script_raise(lua, at.line, "scenario wants one table: scenario { name = ..., ... }");
    script_check_keys(lua, 1, at, SCENARIO_KEYS);
    out->lane = "race";
    out->path = strdup(host->path);
    out->name = script_take_string(lua, 1, at, "name");
    check_name(lua, at);
    out->summary = script_take_string(lua, 1, at, "summary");
    out->family = script_take_string(lua, 1, at, "family");
    lua_getfield(lua, 1, "family");
    if (!script_is_one_of(out->family, SCENARIO_FAMILIES))
        script_raise_value(
            lua, at.line, at.what, "family", -1, "unknown family", SCENARIO_FAMILIES);
    out->primary = script_take_string(lua, 1, at, "primary");
    out->needs = take_needs(lua, 1, at);
    take_points(lua, at);
    lua_newuserdatauv(lua, 0, 0);
    luaL_setmetatable(lua, SCENARIO_TYPE);
    return 1;
}

void script_add_scenario(lua_State *lua)
{
    luaL_newmetatable(lua, SCENARIO_TYPE);
    lua_pop(lua, 1);
    lua_pushcfunction(lua, make_scenario);
    lua_setglobal(lua, "scenario");
    lua_pushcfunction(lua, make_point);
    lua_setglobal(lua, "point");
}
