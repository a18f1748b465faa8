/* SPDX-License-Identifier: MIT */
/* Tell the processor that this is a waiting loop. */
#ifndef VELO_PARTS_PAUSE_H
#define VELO_PARTS_PAUSE_H

static inline void cpu_pause(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

#endif
