/* SPDX-License-Identifier: MIT */
/* csv.h - fields of comma-separated values by RFC 4180, and numbers that read back as they were. */
#ifndef VELO_CSV_H
#define VELO_CSV_H

#include <jansson.h>
#include <stdio.h>

enum { CSV_NUMBER_SIZE = 32 };

/* The shortest of %.15g, %.16g, %.17g that reads back as [value]; "" for NAN and infinities. */
void csv_number_text(double value, char text[CSV_NUMBER_SIZE]);

/* One field, quoted where it must be. */
void csv_text(FILE *file, const char *text);
void csv_number(FILE *file, double value);

/* A JSON text, number, boolean (1, 0) or null (empty) as a field. */
void csv_value(FILE *file, const json_t *value);

#endif
