/* SPDX-License-Identifier: MIT */
/*
 * script_sandbox.c - what a scenario can reach: the language, string, table, math with seeded
 * random numbers, and files of its own lib/ folder. No files, no clock, no processes, no bytecode;
 * 64 MiB and about 200 million steps. A plan is a pure function of its file, the seed and the
 * context.
 */
#include "script_host.h"

#include <lualib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 20)
#define STEPS_PER_HOOK 1000000
#define HOOKS_MAX 200

struct script_host *script_host(lua_State *lua)
{
    return *(struct script_host **)lua_getextraspace(lua);
}

static void *bounded_alloc(void *ud, void *block, size_t old_size, size_t new_size)
{
    struct script_host *host = ud;
    size_t held = block == NULL ? 0 : old_size; /* for a new block Lua passes its type instead */
    if (new_size == 0) {
        free(block);
        host->lua_bytes -= held;
        return NULL;
    }
    if (host->lua_bytes - held + new_size > BYTES_MAX)
        return NULL;
    void *moved = realloc(block, new_size);
    if (moved != NULL)
        host->lua_bytes += new_size - held;
    return moved;
}

static void count_steps(lua_State *lua, lua_Debug *ar)
{
    (void)ar;
    if (++script_host(lua)->steps > HOOKS_MAX)
        script_raise(lua,
                     script_line(lua),
                     "more than %d million steps; is there an endless loop?",
                     HOOKS_MAX);
}

static int print_to_stderr(lua_State *lua)
{
    for (int i = 1; i <= lua_gettop(lua); i++) {
        fprintf(stderr, "%s%s", i > 1 ? "\t" : "", luaL_tolstring(lua, i, NULL));
        lua_pop(lua, 1);
    }
    fputc('\n', stderr);
    return 0;
}

/* require "name": SCENARIO_FOLDER/lib/name.lua, once. Upvalue 1: the modules loaded so far. */
static int require_lib(lua_State *lua)
{
    const char *name = luaL_checkstring(lua, 1);
    const char *path = script_host(lua)->path;
    const char *slash = strrchr(path, '/');
    if (name[0] == '\0' || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name))
        return luaL_error(lua, "require \"%s\": a library name is made of a-z, 0-9 and _", name);
    if (lua_getfield(lua, lua_upvalueindex(1), name) != LUA_TNIL)
        return 1;
    lua_pop(lua, 1);
    lua_pushlstring(lua, path, slash == NULL ? 0 : (size_t)(slash - path + 1));
    lua_pushfstring(lua, "lib/%s.lua", name);
    lua_concat(lua, 2);
    if (luaL_loadfilex(lua, lua_tostring(lua, -1), "t") != LUA_OK)
        return luaL_error(lua, "require \"%s\": %s", name, lua_tostring(lua, -1));
    lua_call(lua, 0, 1);
    if (lua_isnil(lua, -1))
        return luaL_error(lua, "require \"%s\": the library returns nothing", name);
    lua_pushvalue(lua, -1);
    lua_setfield(lua, lua_upvalueindex(1), name);
    return 1;
}

static void forget(lua_State *lua, const char *const *names)
{
    for (; *names != NULL; names++) {
        lua_pushnil(lua);
        lua_setfield(lua, -2, *names);
    }
}

static void seed_math(lua_State *lua)
{
    lua_getglobal(lua, LUA_MATHLIBNAME);
    lua_getfield(lua, -1, "randomseed");
    lua_pushinteger(lua, (lua_Integer)script_host(lua)->env->seed);
    lua_call(lua, 1, 0);
    forget(lua, (const char *const[]){"randomseed", NULL});
    lua_pop(lua, 1);
}

/* Of the basic functions: what reads files, and what could catch the end of an endless loop. */
static const char *const beyond_reach[] = {
    "dofile", "loadfile", "load", "collectgarbage", "warn", "pcall", "xpcall", NULL};

void script_sandbox_fill(lua_State *lua)
{
    luaL_requiref(lua, LUA_GNAME, luaopen_base, 1);
    forget(lua, beyond_reach);
    lua_pop(lua, 1);
    luaL_requiref(lua, LUA_STRLIBNAME, luaopen_string, 1);
    forget(lua, (const char *const[]){"dump", NULL});
    luaL_requiref(lua, LUA_TABLIBNAME, luaopen_table, 1);
    luaL_requiref(lua, LUA_MATHLIBNAME, luaopen_math, 1);
    lua_pop(lua, 3);
    seed_math(lua);
    lua_pushcfunction(lua, print_to_stderr);
    lua_setglobal(lua, "print");
    lua_newtable(lua);
    lua_pushcclosure(lua, require_lib, 1);
    lua_setglobal(lua, "require");
}

lua_State *script_sandbox_open(struct script_host *host)
{
    lua_State *lua = lua_newstate(bounded_alloc, host);
    if (lua == NULL)
        return NULL;
    *(struct script_host **)lua_getextraspace(lua) = host;
    lua_sethook(lua, count_steps, LUA_MASKCOUNT, STEPS_PER_HOOK);
    return lua;
}
