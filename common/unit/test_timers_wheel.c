/* SPDX-License-Identifier: MIT */
/* The timer store with the wheel behind it; the cases are shared. */
#include "common/parts/timers_wheel.h"

#include "common/unit/timers_cases.h"

int main(void)
{
    return run_timer_cases();
}
