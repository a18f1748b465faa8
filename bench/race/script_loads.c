/* SPDX-License-Identifier: MIT */
/*
 * script_loads.c - `loads.NAME { key = value, ... }`: choose a load generator and its settings.
 * Each key is checked against what the load declares; what is not given keeps its default.
 */
#include "script_host.h"

#include <stdio.h>
#include <string.h>

/* "a, b, c" of all settings of a load. */
static void list_names(const struct param_spec *specs, char *out, size_t size)
{
    size_t used = 0;
    out[0] = '\0';
    for (; specs->name != NULL && used < size; specs++)
        used +=
            (size_t)snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", specs->name);
}

static void set_one(lua_State *lua, struct script_settings *settings, const char *what)
{
    int line = script_line(lua);
    char allowed[512];
    if (lua_type(lua, -2) != LUA_TSTRING)
        script_raise(lua, line, "%s: settings are key = value, without a list part", what);
    const char *key = lua_tostring(lua, -2);
    const struct param_spec *spec = params_find(settings->load->params, key);
    if (spec == NULL) {
        list_names(settings->load->params, allowed, sizeof allowed);
        script_raise_value(lua, line, what, key, -1, "unknown key", allowed);
        return;
    }
    bool good = spec->kind == PARAM_CHOICE
                    ? lua_type(lua, -1) == LUA_TSTRING &&
                          params_set_choice(&settings->params, spec, lua_tostring(lua, -1))
                    : lua_type(lua, -1) == LUA_TNUMBER &&
                          params_set_number(&settings->params, spec, lua_tonumber(lua, -1));
    if (good)
        return;
    params_allowed(spec, allowed, sizeof allowed);
    script_raise_value(lua, line, what, key, -1, "not possible", allowed);
}

static int make_settings(lua_State *lua)
{
    const struct load *load = lua_touserdata(lua, lua_upvalueindex(1));
    char what[64];
    snprintf(what, sizeof what, "loads.%s", load->name);
    if (lua_gettop(lua) != 1 || !lua_istable(lua, 1))
        return script_raise(lua, script_line(lua), "%s wants one table: %s { ... }", what, what);
    struct script_settings *settings = lua_newuserdatauv(lua, sizeof *settings, 0);
    settings->load = load;
    params_init(&settings->params, load->params);
    luaL_setmetatable(lua, SETTINGS_TYPE);
    lua_pushnil(lua);
    while (lua_next(lua, 1) != 0) {
        set_one(lua, settings, what);
        lua_pop(lua, 1);
    }
    return 1;
}

/* A name that `loads` does not have. */
static int unknown_load(lua_State *lua)
{
    const struct load *const *loads = script_host(lua)->env->loads;
    char allowed[512] = "";
    size_t used = 0;
    for (; *loads != NULL && used < sizeof allowed; loads++)
        used += (size_t)snprintf(
            allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "", (*loads)->name);
    return script_raise(lua,
                        script_line(lua),
                        "there is no load generator loads.%s; there are: %s",
                        luaL_tolstring(lua, 2, NULL),
                        allowed);
}

void script_add_loads(lua_State *lua)
{
    luaL_newmetatable(lua, SETTINGS_TYPE);
    lua_pop(lua, 1);
    lua_newtable(lua);
    for (const struct load *const *load = script_host(lua)->env->loads; *load != NULL; load++) {
        /* Lua takes a plain pointer; nobody writes through it. */
        union {
            const struct load *load;
            void *pointer;
        } hidden = {*load};
        lua_pushlightuserdata(lua, hidden.pointer);
        lua_pushcclosure(lua, make_settings, 1);
        lua_setfield(lua, -2, (*load)->name);
    }
    lua_newtable(lua);
    lua_pushcfunction(lua, unknown_load);
    lua_setfield(lua, -2, "__index");
    lua_setmetatable(lua, -2);
    lua_setglobal(lua, "loads");
}
