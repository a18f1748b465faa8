/* SPDX-License-Identifier: MIT */
/*
 * human.h - numbers as people read them: three significant digits, ns/us/ms/s, KiB/MiB, k/M per s.
 * A value that is absent (NAN) is an en dash. Results are returned by value, so a call can stand
 * directly among the arguments of a printf.
 */
#ifndef VELO_REPORT_HUMAN_H
#define VELO_REPORT_HUMAN_H

#include <stddef.h>

struct human {
    char text[48];
};

/* One unit and one number of decimals for a whole column or group of rows. */
struct scale {
    double factor; /* value * factor is what is printed */
    int decimals;
    char unit[24];
};

/* The scale in which [smallest] has three significant digits; [unit] as in the journal. */
struct scale scale_pick(double smallest, const char *unit);

/* [value] in [scale], without the unit. */
struct human human_scaled(double value, const struct scale *scale);

/* [value] with its own scale and unit: "12.3 us". */
struct human human_value(double value, const char *unit);

/* "1.18x" with three significant digits. */
struct human human_ratio(double ratio);

/* "1.12 to 1.25", or "no interval yet". */
struct human human_interval(double low, double high);

/* "4.2 %" from 0.042. */
struct human human_percent(double share);

/* A bare number with three significant digits and spaces between thousands. */
struct human human_number(double value);

/* A whole number with spaces between thousands. */
struct human human_count(double value);

/* The evidence E: "3.1", "482", "2.0e+07". */
struct human human_evidence(double e_value);

/* A cell "race/burst/n=64" as "burst n=64" into [name], which is returned. */
const char *human_cell(const char *reference, char *name, size_t size);

#endif
