/* SPDX-License-Identifier: MIT */
/*
 * script_plan.c - asks the plan for the settings of a point.
 *
 * Its two arguments are strict: reading what is not there is an error, and so is a parameter of a
 * point that the plan never reads, because a number in the report would then lie.
 */
#include "script_host.h"

/* Upvalues: the values, the set of keys read so far, what this is. */
static int strict_index(lua_State *L)
{
    lua_pushvalue(L, 2);
    if (lua_gettable(L, lua_upvalueindex(1)) == LUA_TNIL) {
        const char *key = luaL_tolstring(L, 2, NULL);
        return script_raise(L,
                            script_line(L),
                            "the plan reads '%s', but there is no such %s",
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
    push_strict(L, params, used, "parameter of the point");
    push_context(L);
    int context = lua_gettop(L);
    lua_newtable(L);
    push_strict(L, context, context + 1, "part of the context (seed, window_ms, cpus)");
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
void script_plan_point(lua_State *L, struct script_place at, int plan, struct point *point)
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
