/* SPDX-License-Identifier: MIT */
/* csv.c - see csv.h. */
#include "csv.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void csv_number_text(double value, char text[CSV_NUMBER_SIZE])
{
    text[0] = '\0';
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(text, CSV_NUMBER_SIZE, "%.*g", digits, value);
        const double back = strtod(text, NULL);
        if (!(back < value) && !(back > value))
            return;
    }
}

void csv_text(FILE *file, const char *text)
{
    if (text[strcspn(text, ",\"\r\n")] == '\0') {
        fputs(text, file);
        return;
    }
    fputc('"', file);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', file);
        fputc(*text, file);
    }
    fputc('"', file);
}

void csv_number(FILE *file, double value)
{
    char text[CSV_NUMBER_SIZE];
    csv_number_text(value, text);
    fputs(text, file);
}

void csv_value(FILE *file, const json_t *value)
{
    if (json_is_string(value))
        csv_text(file, json_string_value(value));
    else if (json_is_integer(value))
        fprintf(file, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else if (json_is_real(value))
        csv_number(file, json_real_value(value));
    else if (json_is_boolean(value))
        fputs(json_is_true(value) ? "1" : "0", file);
}
