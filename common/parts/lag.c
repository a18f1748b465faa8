/* SPDX-License-Identifier: MIT */
/* See lag.h. */
#include "common/parts/lag.h"

#include "common/parts/pause.h"

#define LAG_PAUSES 64   /* how long to hold back, in pause instructions of 10 to 150 cycles */
#define LAG_GAIN 8      /* holding back pays if so many came meanwhile */
#define LAG_MORE 8      /* in a flood the last pause is so many times as long; 16 times in all */
#define LAG_ENOUGH 1024 /* so many tasks are a batch already */
#define LAG_SKIP_MIN 16
#define LAG_SKIP_MAX 4096

/* Hold back for [times] the pauses. Have enough tasks come meanwhile? [waiting]: how many wait. */
static bool pays(uint32_t times, uint64_t *waiting, lag_count_fn count, const void *queue)
{
    const uint64_t before = *waiting;
    for (uint32_t i = 0; i < times * LAG_PAUSES; i++)
        cpu_pause();
    *waiting = count(queue);
    return *waiting - before >= times * LAG_GAIN;
}

static void back_off(struct lag *lag)
{
    uint32_t backoff = lag->backoff == 0 ? LAG_SKIP_MIN : lag->backoff * 2;
    lag->backoff = backoff < LAG_SKIP_MAX ? backoff : LAG_SKIP_MAX;
    lag->skip = lag->backoff;
}

void lag_try(struct lag *lag, lag_count_fn count, const void *queue)
{
    uint64_t waiting = count(queue);
    if (waiting == 0 || waiting >= LAG_ENOUGH)
        return;
    if (!pays(1, &waiting, count, queue)) {
        back_off(lag);
        return;
    }
    lag->backoff = 0;
    for (uint32_t times = 1; times <= LAG_MORE && waiting < LAG_ENOUGH; times *= 2) {
        if (!pays(times, &waiting, count, queue))
            return;
    }
}
