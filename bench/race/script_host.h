/* SPDX-License-Identifier: MIT */
/*
 * script_host.h - the parts of the Lua host, for each other: script.c (reads a file),
 * script_sandbox.c (what a script can reach), script_error.c (file:line for every complaint),
 * script_loads.c (the `loads` table), script_table.c (reading tables), script_plan.c (asking the
 * plan), script_scenario.c
 * (`scenario` and `point`).
 *
 * Functions named script_* may raise a Lua error; all of them run inside one protected call.
 */
#ifndef RACE_SCRIPT_HOST_H
#define RACE_SCRIPT_HOST_H

#include "scenario.h"

#include <lauxlib.h>
#include <lua.h>

struct script_host {
    const char *path; /* as the user gave it */
    char *source;     /* the text of the file */
    size_t source_size;
    const struct script_env *env;
    struct scenario *out;
    size_t lua_bytes; /* allocated by Lua now */
    int steps;        /* hook calls so far */
    bool built;       /* scenario { } has been called */
};

/* What loads.NAME { } returns: a userdata of this. */
struct script_settings {
    const struct load *load;
    struct params params;
};

/* A table that is being read, for messages: "scenario" or "point", and where it stands. */
struct script_place {
    const char *what;
    int line;
};

#define SETTINGS_TYPE "load settings"
#define POINT_TYPE "point"
#define SCENARIO_TYPE "scenario"

struct script_host *script_host(lua_State *lua);

/* A state with nothing in it but what a plan may use, bounded in memory and steps; NULL = no
 * memory. */
lua_State *script_sandbox_open(struct script_host *host);
void script_sandbox_fill(lua_State *lua);

/* The line of the user's file that is being executed; 0 if none. */
int script_line(lua_State *lua);

/* The first line from [line] on that assigns [key]; [line] itself if there is none. */
int script_key_line(const struct script_host *host, int line, const char *key);

/* Raise "path:line: message". */
int script_raise(lua_State *lua, int line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Raise "path:line: WHAT: KEY = VALUE PROBLEM; allowed: ALLOWED" for the value on the stack. */
int script_raise_value(lua_State *lua,
                       int line,
                       const char *what,
                       const char *key,
                       int value_index,
                       const char *problem,
                       const char *allowed);

/* Is [word] one of "a|b|c"? */
bool script_is_one_of(const char *word, const char *choices);

/* Raise unless every key of the table at [table] is one of [allowed]. */
void script_check_keys(lua_State *lua, int table, struct script_place at, const char *allowed);

/* Push field [key], which must have [type], or be absent if it is [optional]. True if present. */
bool script_push_field(
    lua_State *lua, int table, struct script_place at, const char *key, int type, bool optional);

/* A copy of a string on the stack; of a field that must be a text, not empty. */
char *script_copy_string(lua_State *lua, int index);
char *script_take_string(lua_State *lua, int table, struct script_place at, const char *key);

/*
 * Ask the plan, a function or settings for all points, for the settings of [point]. The table of
 * the point's parameters is on top of the stack, and gone afterwards.
 */
void script_plan_point(lua_State *lua, struct script_place at, int plan, struct point *point);

void script_add_loads(lua_State *lua);
void script_add_scenario(lua_State *lua);

#endif
