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

static void set_one(lua_State *L, struct script_settings *settings, const char *what)
{
    int line = script_line(L);
    char allowed[512];
    if (lua_type(L, -2) != LUA_TSTRING)
        script_raise(L, line, "%s: settings are key = value, without a list part", what);
    const char *key = lua_tostring(L, -2);
    const struct param_spec *spec = params_find(settings->load->params, key);
    if (spec == NULL) {
        list_names(settings->load->params, allowed, sizeof allowed);
        script_raise_value(L, line, what, key, -1, "unknown key", allowed);
        return;
    }
    bool good = spec->kind == PARAM_CHOICE
                    ? lua_type(L, -1) == LUA_TSTRING &&
                          params_set_choice(&settings->params, spec, lua_tostring(L, -1))
                    : lua_type(L, -1) == LUA_TNUMBER &&
                          params_set_number(&settings->params, spec, lua_tonumber(L, -1));
    if (good)
        return;
    params_allowed(spec, allowed, sizeof allowed);
    script_raise_value(L, line, what, key, -1, "not possible", allowed);
}

static int make_settings(lua_State *L)
{
    const struct load *load = lua_touserdata(L, lua_upvalueindex(1));
    char what[64];
    snprintf(what, sizeof what, "loads.%s", load->name);
    if (lua_gettop(L) != 1 || !lua_istable(L, 1))
        return script_raise(L, script_line(L), "%s wants one table: %s { ... }", what, what);
    struct script_settings *settings = lua_newuserdatauv(L, sizeof *settings, 0);
    settings->load = load;
    params_init(&settings->params, load->params);
    luaL_setmetatable(L, SETTINGS_TYPE);
    lua_pushnil(L);
    while (lua_next(L, 1) != 0) {
        set_one(L, settings, what);
        lua_pop(L, 1);
    }
    return 1;
}

/* A name that `loads` does not have. */
static int unknown_load(lua_State *L)
{
    const struct load *const *loads = script_host(L)->env->loads;
    char allowed[512] = "";
    size_t used = 0;
    for (; *loads != NULL && used < sizeof allowed; loads++)
        used += (size_t)snprintf(
            allowed + used, sizeof allowed - used, "%s%s", used > 0 ? ", " : "", (*loads)->name);
    return script_raise(L,
                        script_line(L),
                        "there is no load generator loads.%s; there are: %s",
                        luaL_tolstring(L, 2, NULL),
                        allowed);
}

void script_add_loads(lua_State *L)
{
    luaL_newmetatable(L, SETTINGS_TYPE);
    lua_pop(L, 1);
    lua_newtable(L);
    for (const struct load *const *load = script_host(L)->env->loads; *load != NULL; load++) {
        /* Lua takes a plain pointer; nobody writes through it. */
        union {
            const struct load *load;
            void *pointer;
        } hidden = {*load};
        lua_pushlightuserdata(L, hidden.pointer);
        lua_pushcclosure(L, make_settings, 1);
        lua_setfield(L, -2, (*load)->name);
    }
    lua_newtable(L);
    lua_pushcfunction(L, unknown_load);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    lua_setglobal(L, "loads");
}
