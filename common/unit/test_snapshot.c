/* SPDX-License-Identifier: MIT */
/* Numbers published together: readers get those of one writing, and the newest one at rest. */
#include "common/parts/snapshot.h"

#include "common/unit/unit.h"

#include <sched.h>

enum { WORDS = 50 };

static void closed_until_written_and_when_closed(void **state)
{
    (void)state;
    struct snapshot all = {0};
    uint64_t in[WORDS] = {3, 4}, out[WORDS] = {0};
    snapshot_close(&all);
    assert_false(snapshot_read(&all, out, WORDS));
    uint64_t closed = snapshot_seq(&all);
    snapshot_write(&all, in, WORDS);
    assert_true(snapshot_read(&all, out, WORDS));
    assert_true(out[0] == 3 && out[1] == 4 && out[2] == 0);
    snapshot_close(&all);
    assert_false(snapshot_read(&all, out, WORDS));
    assert_true(snapshot_seq(&all) > closed); /* a reader at rest sees that it was open meanwhile */
    snapshot_hurry(&all, true);
    assert_true(snapshot_is_hurried(&all));
    snapshot_hurry(&all, false);
    assert_false(snapshot_is_hurried(&all));
}

struct reading {
    struct snapshot all;
    _Atomic unsigned read;
    atomic_bool stop;
    unsigned torn[2];
};

static void read_beside(void *arg, unsigned index)
{
    struct reading *test = arg;
    uint64_t words[WORDS], last = 0;
    while (!atomic_load(&test->stop)) {
        if (!snapshot_read(&test->all, words, WORDS))
            continue;
        for (unsigned i = 0; i < WORDS; i++)
            test->torn[index] += words[i] != words[0] + i;
        test->torn[index] += words[0] < last;
        last = words[0];
        atomic_fetch_add(&test->read, 1);
    }
}

/* Trap X3: a reader beside the writer never sees two writings mixed, nor time go back. */
static void no_reader_sees_a_mixture(void **state)
{
    (void)state;
    static struct reading test;
    struct unit_team team;
    snapshot_close(&test.all);
    unit_team_start(&team, 2, read_beside, &test);
    unsigned rounds = unit_rounds(100000);
    for (unsigned i = 0; i < rounds || atomic_load(&test.read) < 100; i++) {
        uint64_t words[WORDS];
        for (unsigned k = 0; k < WORDS; k++)
            words[k] = (uint64_t)i + k;
        snapshot_write(&test.all, words, WORDS);
        if (i % 1000 == 0)
            snapshot_close(&test.all);
        if (i % 64 == 0) /* let a reader on the same processor read */
            sched_yield();
    }
    atomic_store(&test.stop, true);
    unit_team_join(&team);
    assert_int_equal(test.torn[0] + test.torn[1], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_until_written_and_when_closed),
        cmocka_unit_test(no_reader_sees_a_mixture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
