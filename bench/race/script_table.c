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

void script_check_keys(lua_State *L, int table, struct script_place at, const char *allowed)
{
    lua_pushnil(L);
    while (lua_next(L, table) != 0) {
        if (lua_type(L, -2) != LUA_TSTRING)
            script_raise(L, at.line, "%s: wants key = value, without a list part", at.what);
        if (!script_is_one_of(lua_tostring(L, -2), allowed))
            script_raise_value(
                L, at.line, at.what, lua_tostring(L, -2), -1, "unknown key", allowed);
        lua_pop(L, 1);
    }
}

bool script_push_field(
    lua_State *L, int table, struct script_place at, const char *key, int type, bool optional)
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

char *script_copy_string(lua_State *L, int index)
{
    char *copy = strdup(lua_tostring(L, index));
    if (copy == NULL)
        luaL_error(L, "out of memory");
    return copy;
}

char *script_take_string(lua_State *L, int table, struct script_place at, const char *key)
{
    script_push_field(L, table, at, key, LUA_TSTRING, false);
    if (lua_rawlen(L, -1) == 0 || lua_rawlen(L, -1) != strlen(lua_tostring(L, -1)))
        script_raise_value(L, at.line, at.what, key, -1, "not possible", "a text, not empty");
    char *copy = script_copy_string(L, -1);
    lua_pop(L, 1);
    return copy;
}
