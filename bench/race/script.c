/* SPDX-License-Identifier: MIT */
/*
 * script.c - reads a scenario file: the text, a sandbox, one protected call, and the first mistake
 * in words. After it the Lua state is gone: nothing of Lua is left when the clock starts.
 */
#include "script_host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOURCE_MAX ((size_t)1 << 20)

static bool read_source(struct script_host *host, char *error, size_t size)
{
    FILE *file = fopen(host->path, "re");
    if (file == NULL) {
        snprintf(error, size, "%s: cannot open the scenario: %s", host->path, strerror(errno));
        return false;
    }
    host->source = malloc(SOURCE_MAX + 1);
    host->source_size = host->source == NULL ? 0 : fread(host->source, 1, SOURCE_MAX + 1, file);
    bool broken = host->source == NULL || ferror(file) != 0;
    fclose(file);
    if (broken)
        snprintf(error, size, "%s: cannot read the scenario (a folder?)", host->path);
    else if (host->source_size > SOURCE_MAX)
        snprintf(error, size, "%s: longer than 1 MiB; that is no scenario", host->path);
    else
        return true;
    free(host->source);
    return false;
}

/* Everything that may raise an error. */
static int load_protected(lua_State *lua)
{
    struct script_host *host = script_host(lua);
    script_sandbox_fill(lua);
    script_add_loads(lua);
    script_add_scenario(lua);
    lua_pushfstring(lua, "@%s", host->path);
    if (luaL_loadbufferx(lua, host->source, host->source_size, lua_tostring(lua, -1), "t") !=
        LUA_OK)
        return lua_error(lua);
    lua_call(lua, 0, 1);
    if (luaL_testudata(lua, -1, SCENARIO_TYPE) == NULL)
        return script_raise(lua, 1, "the file must end with: return scenario { ... }");
    return 0;
}

/* Most messages name their place already; those of the allocator and of error({}) do not. */
static void say_why(lua_State *lua, const char *path, char *error, size_t size)
{
    const char *text =
        lua_type(lua, -1) == LUA_TSTRING ? lua_tostring(lua, -1) : "error without text";
    bool placed = strstr(text, ".lua:") != NULL || strncmp(text, path, strlen(path)) == 0;
    snprintf(error, size, "%s%s%s", placed ? "" : path, placed ? "" : ": ", text);
}

bool script_load(
    const char *path, const struct script_env *env, struct scenario *out, char *error, size_t size)
{
    struct script_host host = {.path = path, .env = env, .out = out};
    memset(out, 0, sizeof *out);
    if (!read_source(&host, error, size))
        return false;
    lua_State *lua = script_sandbox_open(&host);
    bool good = false;
    if (lua == NULL) {
        snprintf(error, size, "%s: out of memory", path);
    } else {
        lua_pushcfunction(lua, load_protected);
        good = lua_pcall(lua, 0, 0, 0) == LUA_OK;
        if (!good)
            say_why(lua, path, error, size);
        lua_close(lua);
    }
    free(host.source);
    if (!good)
        scenario_free(out);
    return good;
}
