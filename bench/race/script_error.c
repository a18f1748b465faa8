/* SPDX-License-Identifier: MIT */
/*
 * script_error.c - where a mistake stands. Lua knows the line of a call, but a table constructor
 * may run over many lines; the key is then looked up in the text from that line on.
 */
#include "script_host.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int script_line(lua_State *lua)
{
    struct script_host *host = script_host(lua);
    lua_Debug ar;
    for (int level = 0; lua_getstack(lua, level, &ar); level++) {
        lua_getinfo(lua, "Sl", &ar);
        if (ar.source[0] == '@' && strcmp(ar.source + 1, host->path) == 0 && ar.currentline > 0)
            return ar.currentline;
    }
    return 0;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Does [text] assign [key]: the whole word, then '='? */
static bool assigns(const char *line, size_t size, const char *key)
{
    size_t length = strlen(key);
    for (size_t i = 0; i + length < size; i++) {
        if (strncmp(line + i, key, length) != 0 || (i > 0 && is_word(line[i - 1])))
            continue;
        size_t end = i + length;
        while (end < size && (line[end] == ' ' || line[end] == '"' || line[end] == ']'))
            end++;
        if (end < size && line[end] == '=' && (end + 1 == size || line[end + 1] != '='))
            return true;
    }
    return false;
}

int script_key_line(const struct script_host *host, int line, const char *key)
{
    const char *text = host->source, *end = host->source + host->source_size;
    for (int at = 1; text < end; at++) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        size_t size = (size_t)((newline == NULL ? end : newline) - text);
        if (at >= line && assigns(text, size, key))
            return at;
        text += size + 1;
    }
    return line;
}

int script_raise(lua_State *lua, int line, const char *format, ...)
{
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    lua_pushfstring(lua, "%s:%d: %s", script_host(lua)->path, line, message);
    return lua_error(lua);
}

/* The value as a user would write it. */
static void describe_value(lua_State *lua, int index, char *out, size_t size)
{
    switch (lua_type(lua, index)) {
    case LUA_TSTRING:
        snprintf(out, size, "\"%.60s\"", lua_tostring(lua, index));
        break;
    case LUA_TNUMBER:
        lua_pushvalue(lua, index);
        snprintf(out, size, "%s", lua_tostring(lua, -1));
        lua_pop(lua, 1);
        break;
    case LUA_TBOOLEAN:
        snprintf(out, size, "%s", lua_toboolean(lua, index) ? "true" : "false");
        break;
    case LUA_TNIL:
        snprintf(out, size, "nil");
        break;
    default:
        snprintf(out, size, "a %s", luaL_typename(lua, index));
    }
}

int script_raise_value(lua_State *lua,
                       int line,
                       const char *what,
                       const char *key,
                       int value_index,
                       const char *problem,
                       const char *allowed)
{
    char value[128];
    describe_value(lua, value_index, value, sizeof value);
    line = script_key_line(script_host(lua), line, key);
    allowed = luaL_gsub(lua, allowed, "|", ", ");
    return script_raise(
        lua, line, "%s: %s = %s: %s; allowed: %s", what, key, value, problem, allowed);
}
