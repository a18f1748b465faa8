/* SPDX-License-Identifier: MIT */
/*
 * pause.c - a tournament that stands still for a while: Ctrl-Z or `kill -USR1`, then SIGCONT.
 *
 * It is granted between two blocks (in the pilot, between two runs): the runs of a block are back
 * to back, and a block that was left because of its first costs would be no evidence. The journal
 * says when it stood still, and neither the budget nor the minutes of the report count that time.
 */
#include "tournament.h"

#include "clock.h"

#include <unistd.h>

static void acknowledge(void *user)
{
    struct tournament *t = user;
    progress_say(&t->progress, "pause: as soon as what is being measured now has ended");
}

void pause_allow(struct tournament *t)
{
    interrupt_allow_pause(&t->interrupt, acknowledge, t);
}

static int record(struct tournament *t, const char *type, const char *reason, double seconds)
{
    int rc = ledger_record(t, type, json_pack("{s:s, s:f}", "reason", reason, "paused_s", seconds));
    return rc == 0 && t->recording ? ledger_sync(t) : rc;
}

static void announce(struct tournament *t)
{
    char left[16];
    progress_time(t->deadline_s - clock_seconds(), left);
    progress_tell(&t->progress,
                  "paused: the budget clock stands at %s left. Go on with %skill -CONT %d; nothing "
                  "measured is lost if this is ended instead",
                  left,
                  t->interrupt.pause == PAUSE_STOP ? "fg or " : "",
                  (int)getpid());
}

int pause_point(struct tournament *t)
{
    if (!interrupt_pause_wanted(&t->interrupt))
        return 0;
    const char *why = t->interrupt.pause == PAUSE_STOP ? "SIGTSTP" : "SIGUSR1";
    int rc = record(t, "pause", why, 0);
    if (rc != 0)
        return rc;
    announce(t);
    double from_s = clock_seconds();
    interrupt_pause(&t->interrupt);
    double paused_s = clock_seconds() - from_s;
    t->deadline_s += paused_s;
    char text[16];
    progress_time(paused_s, text);
    progress_say(&t->progress, "going on after %s", text);
    return record(t, "resume", "pause", paused_s);
}
