/* SPDX-License-Identifier: MIT */
/*
 * script_scenario.c - `scenario { ... }` and `point { ... }`: check every key, ask the plan for the
 * settings of every point, and copy the result out of Lua.
 *
 * The plan is called for all points when the file is read, so that a mistake in the last point shows
 * at once. Its two arguments are strict: reading what is not there is an error, and so is a parameter
 * of a point that the plan never reads, because a number in the report would then lie.
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

/* One table that is being read, for messages. */
struct place {
    const char *what; /* "scenario", "point" */
    int line;
};

static bool is_one_of(const char *word, const char *choices)
{
    size_t size = strlen(word);
    for (;;) {
        size_t length = strcspn(choices, "|");
        if (length == size && strncmp(choices, word, size) == 0)
            return true;
        if (choices[length] == '\0')
            return false;
        choices += length + 1;
    }
}

static void check_keys(lua_State *L, int table, struct place at, const char *allowed)
{
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            script_raise(L, at.line, "%s: wants key = value, without a list part", at.what);
        if (!is_one_of(lua_tostring(L, -2), allowed))
            script_raise_value(
                L, at.line, at.what, lua_tostring(L, -2), -1, "unknown key", allowed);
        lua_pop(L, 1);
    }
}

/* Push field [key], which must have [type], or be absent if it is [optional]. True if present. */
static bool push_field(
    lua_State *L, int table, struct place at, const char *key, int type, bool optional)
{
    int found = lua_getfield(L, table, key);
    if (found == LUA_TNIL && optional)
        return false;
    if (found == LUA_TNIL)
        script_raise(L, at.line, "%s: key '%s' is missing", at.what, key);
    if (found != type)
        script_raise_value(L, at.line, at.what, key, -1, "wrong type", lua_typename(L, type));
    return true;
}

static char *copy_string(lua_State *L, int index)
{
    char *copy = strdup(lua_tostring(L, index));
    if (copy == NULL)
        luaL_error(L, "out of memory");
    return copy;
}

static char *take_string(lua_State *L, int table, struct place at, const char *key)
{
    push_field(L, table, at, key, LUA_TSTRING, false);
    if (lua_rawlen(L, -1) == 0 || lua_rawlen(L, -1) != strlen(lua_tostring(L, -1)))
        script_raise_value(L, at.line, at.what, key, -1, "not possible", "a text, not empty");
    char *copy = copy_string(L, -1);
    lua_pop(L, 1);
    return copy;
}

static uint64_t take_needs(lua_State *L, int table, struct place at)
{
    uint64_t bits = 0;
    char allowed[512];
    if (push_field(L, table, at, "needs", LUA_TTABLE, true)) {
        lua_pushnil(L);
        while (lua_next(L, -2) != 0) {
            uint64_t bit =
                lua_type(L, -1) == LUA_TSTRING ? capability_bit(lua_tostring(L, -1)) : 0;
            capability_list(~UINT64_C(0), allowed, sizeof allowed);
            if (bit == 0)
                script_raise_value(
                    L, at.line, at.what, "needs", -1, "unknown capability", allowed);
            bits |= bit;
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return bits;
}

static enum placement take_placement(lua_State *L,
                                     int table,
                                     struct place at,
                                     enum placement fallback)
{
    if (push_field(L, table, at, "placement", LUA_TSTRING, true) &&
        !placement_parse(lua_tostring(L, -1), &fallback))
        script_raise_value(
            L, at.line, at.what, "placement", -1, "unknown placement", PLACEMENT_CHOICES);
    lua_pop(L, 1);
    return fallback;
}

static bool take_core(lua_State *L, int table, struct place at)
{
    bool core = push_field(L, table, at, "core", LUA_TBOOLEAN, true) && lua_toboolean(L, -1);
    lua_pop(L, 1);
    return core;
}

/* point { ... }: returns its argument, marked with the line where it stands. */
static int make_point(lua_State *L)
{
    struct place at = {"point", script_line(L)};
    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        return script_raise(L, at.line, "point wants one table: point { id = ..., ... }");
    check_keys(L, 1, at, POINT_KEYS);
    push_field(L, 1, at, "id", LUA_TSTRING, false);
    const char *id = lua_tostring(L, -1);
    if (id[0] == '\0' || strspn(id, ID_CHARACTERS) != lua_rawlen(L, -1))
        script_raise_value(
            L, at.line, at.what, "id", -1, "not possible", "letters, digits and = . _ , + -");
    lua_newtable(L);
    lua_pushstring(L, POINT_TYPE);
    lua_setfield(L, -2, "__name");
    lua_pushinteger(L, at.line);
    lua_setfield(L, -2, "line");
    lua_setmetatable(L, 1);
    lua_settop(L, 1);
    return 1;
}

/* The line of the point on top of the stack; it must be one. */
static int point_line(lua_State *L, struct place scenario)
{
    int line = 0;
    if (luaL_getmetafield(L, -1, "line") == LUA_TNUMBER) {
        line = (int)lua_tointeger(L, -1);
        lua_pop(L, 1);
        return line;
    }
    return script_raise(
        L, script_key_line(script_host(L), scenario.line, "points"), "points: wants a list of point { ... }");
}

static json_t *json_scalar(lua_State *L, int index)
{
    switch (lua_type(L, index)) {
    case LUA_TSTRING:
        return json_string(lua_tostring(L, index));
    case LUA_TBOOLEAN:
        return json_boolean(lua_toboolean(L, index));
    case LUA_TNUMBER:
        return lua_isinteger(L, index) ? json_integer(lua_tointeger(L, index))
                                       : json_real(lua_tonumber(L, index));
    default:
        return NULL;
    }
}

/* Leaves the params table (perhaps a new, empty one) on the stack. */
static void take_params(lua_State *L, int table, struct place at, struct point *point)
{
    point->params = json_object();
    if (!push_field(L, table, at, "params", LUA_TTABLE, true)) {
        lua_pop(L, 1);
        lua_newtable(L);
        return;
    }
    lua_pushnil(L);
    while (lua_next(L, -2) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            script_raise(L, at.line, "params: wants key = value, without a list part");
        json_t *value = json_scalar(L, -1);
        if (value == NULL)
            script_raise_value(L,
                               at.line,
                               "params",
                               lua_tostring(L, -2),
                               -1,
                               "wrong type",
                               "a finite number, a text, a boolean");
        json_object_set_new(point->params, lua_tostring(L, -2), value);
        lua_pop(L, 1);
    }
}

/* Upvalues: the values, the set of keys read so far, what this is. */
static int strict_index(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_gettable(L, lua_upvalueindex(1)) == LUA_TNIL) {
        const char *key = luaL_tolstring(L, 2, NULL);
        return script_raise(L,
                            script_line(L),
                            "the plan reads '%s', which %s do not have",
                            key,
                            lua_tostring(L, lua_upvalueindex(3)));
    }
    lua_pushvalue(L, 2);
    lua_pushboolean(L, 1);
    lua_settable(L, lua_upvalueindex(2));
    return 1;
}

static int strict_newindex(lua_State *L)
{
    return script_raise(L, script_line(L), "a plan cannot change its arguments");
}

/* Replace the table of values on top by a strict view of it; [used] is the set of keys read. */
static void push_strict(lua_State *L, int values, int used, const char *what)
{
    lua_newtable(L);
    lua_newtable(L);
    lua_pushvalue(L, values);
    lua_pushvalue(L, used);
    lua_pushstring(L, what);
    lua_pushcclosure(L, strict_index, 3);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, strict_newindex);
    lua_setfield(L, -2, "__newindex");
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

static void push_context(lua_State *L)
{
    const struct script_env *env = script_host(L)->env;
    lua_newtable(L);
    lua_pushinteger(L, (lua_Integer)env->seed);
    lua_setfield(L, -2, "seed");
    lua_pushinteger(L, (lua_Integer)env->window_ms);
    lua_setfield(L, -2, "window_ms");
    lua_pushinteger(L, env->cpus);
    lua_setfield(L, -2, "cpus");
}

/* Call plan(params, context); leaves what it returned. [params] and [used] are stack positions. */
static void call_plan(lua_State *L, int plan, int params, int used)
{
    lua_pushvalue(L, plan);
    push_strict(L, params, used, "the point's params");
    push_context(L);
    int context = lua_gettop(L);
    lua_newtable(L);
    push_strict(L, context, context + 1, "the context");
    lua_replace(L, context);
    lua_settop(L, context);
    lua_call(L, 2, 1);
}

static void check_all_used(lua_State *L, int params, int used, int line)
{
    lua_pushnil(L);
    while (lua_next(L, params) != 0) {
        lua_pushvalue(L, -2);
        if (lua_gettable(L, used) == LUA_TNIL)
            script_raise_value(L,
                               line,
                               "params",
                               lua_tostring(L, -3),
                               -2,
                               "the plan never reads it",
                               "only what the plan uses");
        lua_pop(L, 2);
    }
}

/* Ask the plan (a function, or settings for all points) for the settings of a point. */
static void plan_point(lua_State *L, struct place at, int plan, struct point *point)
{
    int params = lua_gettop(L);
    lua_newtable(L);
    if (lua_isfunction(L, plan))
        call_plan(L, plan, params, params + 1);
    else
        lua_pushvalue(L, plan);
    const struct script_settings *settings = luaL_testudata(L, -1, SETTINGS_TYPE);
    if (settings == NULL) {
        script_raise_value(L,
                           at.line,
                           "scenario",
                           "plan",
                           -1,
                           "gives no load",
                           "loads.NAME { ... }, or a function that returns it");
        return;
    }
    check_all_used(L, params, params + 1, at.line);
    point->load = settings->load;
    point->settings = settings->params;
    lua_settop(L, params - 1);
}

static void check_primary(lua_State *L, struct place at, const struct point *point)
{
    struct scenario *out = script_host(L)->out;
    const struct metric_spec *spec = scenario_primary(out, point);
    char allowed[512] = "";
    size_t used = 0;
    if (spec != NULL && !spec->higher_is_better)
        return;
    for (spec = point->load->metrics; spec->name != NULL && used < sizeof allowed; spec++)
        if (!spec->higher_is_better)
            used += (size_t)snprintf(
                allowed + used, sizeof allowed - used, "%s%s", used ? ", " : "", spec->name);
    lua_pushstring(L, out->primary);
    script_raise_value(L, at.line, at.what, "primary", -1, "no cost of this load", allowed);
}

/* Take the point on top of the stack. */
static void take_point(lua_State *L, struct place scenario, int plan, enum placement placement)
{
    struct scenario *out = script_host(L)->out;
    struct place at = {"point", point_line(L, scenario)};
    struct point *point = &out->points[out->point_count];
    int table = lua_gettop(L);
    lua_getfield(L, table, "id");
    if (scenario_point(out, lua_tostring(L, -1)) != NULL)
        script_raise_value(
            L, at.line, at.what, "id", -1, "used twice", "an id of its own for each point");
    memset(point, 0, sizeof *point);
    point->id = copy_string(L, -1);
    out->point_count++;
    lua_pop(L, 1);
    point->core = take_core(L, table, at);
    point->needs = take_needs(L, table, at);
    point->placement = take_placement(L, table, at, placement);
    take_params(L, table, at, point);
    plan_point(L, at, plan, point);
    check_primary(L, scenario, point);
}

static void take_points(lua_State *L, struct place at)
{
    struct scenario *out = script_host(L)->out;
    enum placement placement = take_placement(L, 1, at, PLACEMENT_SPREAD);
    lua_getfield(L, 1, "plan");
    int plan = lua_gettop(L);
    if (lua_isnil(L, plan))
        script_raise(L, at.line, "%s: key 'plan' is missing", at.what);
    push_field(L, 1, at, "points", LUA_TTABLE, false);
    size_t count = lua_rawlen(L, -1);
    if (count == 0 || count > POINTS_MAX)
        script_raise_value(
            L, at.line, at.what, "points", -1, "too few or too many", "a list of 1 to 1000 points");
    out->points = calloc(count, sizeof out->points[0]);
    if (out->points == NULL)
        luaL_error(L, "out of memory");
    int points = lua_gettop(L);
    for (size_t i = 1; i <= count; i++) {
        lua_rawgeti(L, points, (lua_Integer)i);
        take_point(L, at, plan, placement);
        lua_settop(L, points);
    }
}

/* The name of a scenario is that of its file, so that one name is one file. */
static void check_name(lua_State *L, struct place at)
{
    struct script_host *host = script_host(L);
    const char *slash = strrchr(host->path, '/');
    const char *base = slash == NULL ? host->path : slash + 1;
    size_t length = strlen(base) > 4 && strcmp(base + strlen(base) - 4, ".lua") == 0
                        ? strlen(base) - 4
                        : strlen(base);
    if (strlen(host->out->name) == length && strncmp(host->out->name, base, length) == 0)
        return;
    lua_pushstring(L, host->out->name);
    lua_pushlstring(L, base, length);
    script_raise_value(
        L, at.line, at.what, "name", -2, "not the name of the file", lua_tostring(L, -1));
}

static int make_scenario(lua_State *L)
{
    struct script_host *host = script_host(L);
    struct scenario *out = host->out;
    struct place at = {"scenario", script_line(L)};
    if (host->built)
        return script_raise(L, at.line, "one file is one scenario: scenario { } is called twice");
    host->built = true;
    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        return script_raise(L, at.line, "scenario wants one table: scenario { name = ..., ... }");
    check_keys(L, 1, at, SCENARIO_KEYS);
    out->lane = "race";
    out->path = strdup(host->path);
    out->name = take_string(L, 1, at, "name");
    check_name(L, at);
    out->summary = take_string(L, 1, at, "summary");
    out->family = take_string(L, 1, at, "family");
    lua_getfield(L, 1, "family");
    if (!is_one_of(out->family, SCENARIO_FAMILIES))
        script_raise_value(L, at.line, at.what, "family", -1, "unknown family", SCENARIO_FAMILIES);
    out->primary = take_string(L, 1, at, "primary");
    out->needs = take_needs(L, 1, at);
    take_points(L, at);
    lua_newuserdatauv(L, 0, 0);
    luaL_setmetatable(L, SCENARIO_TYPE);
    return 1;
}

void script_add_scenario(lua_State *L)
{
    luaL_newmetatable(L, SCENARIO_TYPE);
    lua_pop(L, 1);
    lua_pushcfunction(L, make_scenario);
    lua_setglobal(L, "scenario");
    lua_pushcfunction(L, make_point);
    lua_setglobal(L, "point");
}
