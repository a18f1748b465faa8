/* SPDX-License-Identifier: MIT */
/* test_store.c - an index that cannot be opened is an error with words. */
#include "../store.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static char err[256];

static void rows_come_back_by_name(void **state)
{
    (void)state;
    sqlite3 *db;
    bool fresh;
    assert_int_equal(store_open(":memory:", &db, &fresh, err, sizeof(err)), 0);
    assert_true(fresh);
    json_t *rows = store_rows(db, err, sizeof(err), "SELECT ? AS answer", "i", 42L);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(rows, 0), "answer")), 42);
    json_decref(rows);
    assert_null(store_rows(db, err, sizeof(err), "SELECT * FROM nowhere", ""));
    assert_string_equal(err, "index: no such table: nowhere");
    sqlite3_close(db);
}

/* Then there is not even a handle that could be asked for its name. */
static void no_memory_is_told(void **state)
{
    (void)state;
    sqlite3 *db;
    bool fresh;
    assert_int_equal(sqlite3_initialize(), SQLITE_OK);
    sqlite3_hard_heap_limit64(1);
    const int rc = store_open(":memory:", &db, &fresh, err, sizeof(err));
    sqlite3_hard_heap_limit64(0);
    assert_int_equal(rc, -EIO);
    assert_null(db);
    assert_string_equal(err, "index: out of memory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_by_name),
        cmocka_unit_test(no_memory_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
