/* SPDX-License-Identifier: MIT */
/* script_table.c - reading a table that a script wrote: known keys, present, of the right type. */
#include "script_host.h"

#include <string.h>

bool script_is_one_of(const char *word, const char *choices)
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

void script_check_keys(lua_State *lua, int table, struct script_place at, const char *allowed)
{
    lua_pushnil(lua);
    while (lua_next(lua, table) != 0) {
        if (lua_type(lua, -2) != LUA_TSTRING)
            script_raise(lua, at.line, "%s: wants key = value, without a list part", at.what);
        if (!script_is_one_of(lua_tostring(lua, -2), allowed))
            script_raise_value(
                lua, at.line, at.what, lua_tostring(lua, -2), -1, "unknown key", allowed);
        lua_pop(lua, 1);
    }
}

bool script_push_field(
    lua_State *lua, int table, struct script_place at, const char *key, int type, bool optional)
{
    int found = lua_getfield(lua, table, key);
    if (found == LUA_TNIL && optional)
        return false;
    if (found == LUA_TNIL)
        script_raise(lua, at.line, "%s: key '%s' is missing", at.what, key);
    if (found != type)
        script_raise_value(lua, at.line, at.what, key, -1, "wrong type", lua_typename(lua, type));
    return true;
}

char *script_copy_string(lua_State *lua, int index)
{
    char *copy = strdup(lua_tostring(lua, index));
    if (copy == NULL)
        luaL_error(lua, "out of memory");
    return copy;
}

char *script_take_string(lua_State *lua, int table, struct script_place at, const char *key)
{
    script_push_field(lua, table, at, key, LUA_TSTRING, false);
    if (lua_rawlen(lua, -1) == 0 || lua_rawlen(lua, -1) != strlen(lua_tostring(lua, -1)))
        script_raise_value(lua, at.line, at.what, key, -1, "not possible", "a text, not empty");
    char *copy = script_copy_string(lua, -1);
    lua_pop(lua, 1);
    return copy;
}
