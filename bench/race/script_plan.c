/* SPDX-License-Identifier: MIT */
/*
 * script_plan.c - asks the plan for the settings of a point.
 *
 * Its two arguments are strict: reading what is not there is an error, and so is a parameter of a
 * point that the plan never reads, because a number in the report would then lie.
 */
#include "script_host.h"

/* Upvalues: the values, the set of keys read so far, what this is. */
static int strict_index(lua_State *lua)
{
    lua_pushvalue(lua, 2);
    if (lua_gettable(lua, lua_upvalueindex(1)) == LUA_TNIL) {
        const char *key = luaL_tolstring(lua, 2, NULL);
        return script_raise(lua,
                            script_line(lua),
                            "the plan reads '%s', but there is no such %s",
                            key,
                            lua_tostring(lua, lua_upvalueindex(3)));
    }
    lua_pushvalue(lua, 2);
    lua_pushboolean(lua, 1);
    lua_settable(lua, lua_upvalueindex(2));
    return 1;
}

static int strict_newindex(lua_State *lua)
{
    return script_raise(lua, script_line(lua), "a plan cannot change its arguments");
}

/* Replace the table of values on top by a strict view of it; [used] is the set of keys read. */
static void push_strict(lua_State *lua, int values, int used, const char *what)
{
    lua_newtable(lua);
    lua_newtable(lua);
    lua_pushvalue(lua, values);
    lua_pushvalue(lua, used);
    lua_pushstring(lua, what);
    lua_pushcclosure(lua, strict_index, 3);
    lua_setfield(lua, -2, "__index");
    lua_pushcfunction(lua, strict_newindex);
    lua_setfield(lua, -2, "__newindex");
    lua_pushboolean(lua, 0);
    lua_setfield(lua, -2, "__metatable");
    lua_setmetatable(lua, -2);
}

static void push_context(lua_State *lua)
{
    const struct script_env *env = script_host(lua)->env;
    lua_newtable(lua);
    lua_pushinteger(lua, (lua_Integer)env->seed);
    lua_setfield(lua, -2, "seed");
    lua_pushinteger(lua, (lua_Integer)env->window_ms);
    lua_setfield(lua, -2, "window_ms");
    lua_pushinteger(lua, env->cpus);
    lua_setfield(lua, -2, "cpus");
}

/* Call plan(params, context); leaves what it returned. [params] and [used] are stack positions. */
static void call_plan(lua_State *lua, int plan, int params, int used)
{
    lua_pushvalue(lua, plan);
    push_strict(lua, params, used, "parameter of the point");
    push_context(lua);
    int context = lua_gettop(lua);
    lua_newtable(lua);
    push_strict(lua, context, context + 1, "part of the context (seed, window_ms, cpus)");
    lua_replace(lua, context);
    lua_settop(lua, context);
    lua_call(lua, 2, 1);
}

static void check_all_used(lua_State *lua, int params, int used, int line)
{
    lua_pushnil(lua);
    while (lua_next(lua, params) != 0) {
        lua_pushvalue(lua, -2);
        if (lua_gettable(lua, used) == LUA_TNIL)
            script_raise_value(lua,
                               line,
                               "params",
                               lua_tostring(lua, -3),
                               -2,
                               "the plan never reads it",
                               "only what the plan uses");
        lua_pop(lua, 2);
    }
}

/* Ask the plan (a function, or settings for all points) for the settings of a point. */
void script_plan_point(lua_State *lua, struct script_place at, int plan, struct point *point)
{
    int params = lua_gettop(lua);
    lua_newtable(lua);
    if (lua_isfunction(lua, plan))
        call_plan(lua, plan, params, params + 1);
    else
        lua_pushvalue(lua, plan);
    const struct script_settings *settings = luaL_testudata(lua, -1, SETTINGS_TYPE);
    if (settings == NULL) {
        script_raise_value(lua,
                           at.line,
                           "scenario",
                           "plan",
                           -1,
                           "gives no load",
                           "loads.NAME { ... }, or a function that returns it");
        return;
    }
    check_all_used(lua, params, params + 1, at.line);
    point->load = settings->load;
    point->settings = settings->params;
    lua_settop(lua, params - 1);
}
