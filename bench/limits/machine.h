/* SPDX-License-Identifier: MIT */
/* machine.h - what a reader must know about the machine to read its prices. */
#ifndef BENCH_LIMITS_MACHINE_H
#define BENCH_LIMITS_MACHINE_H

#include <stddef.h>

enum { MACHINE_TEXT_BYTES = 128 };

/* One fact: "clock source" and "kvm-clock"; "unknown" is a legal value. */
struct machine_fact {
    const char *key;
    char text[MACHINE_TEXT_BYTES];
};

enum { MACHINE_FACTS = 7 };

/* Processor, allowed CPUs, hypervisor, idle driver, clock source, huge pages, io_uring. */
void machine_describe(struct machine_fact facts[MACHINE_FACTS]);

#endif
