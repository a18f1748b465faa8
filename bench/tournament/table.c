/* SPDX-License-Identifier: MIT */
/* table.c - see table.h. */
#include "table.h"

#include "../../reports/history/csv.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

static char *cell_text(const json_t *row, const char *key)
{
    const json_t *value = json_object_get(row, key);
    if (json_is_string(value))
        return text_copy(json_string_value(value));
    if (json_is_integer(value))
        return text_format("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    if (json_is_real(value))
        return text_format("%.3g", json_real_value(value));
    return text_copy("");
}

/* Characters on the screen: bytes of UTF-8 that continue one do not count. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text != '\0'; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

/* 0 when nothing stands in the column. */
static int column_width(const json_t *rows, const struct table_column *column)
{
    int width = 0;
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        char *text = cell_text(row, column->key);
        if (width_of(text) > width)
            width = width_of(text);
        free(text);
    }
    return width > 0 && width < width_of(column->title) ? width_of(column->title) : width;
}

static void
print_field(FILE *file, const char *text, const struct table_column *column, int width, bool last)
{
    const int blanks = width - width_of(text);
    if (column->right)
        fprintf(file, "%*s%s", blanks, "", text);
    else
        fprintf(file, "%s%*s", text, last ? 0 : blanks, "");
    fputs(last ? "" : "  ", file);
}

static void print_line(FILE *file,
                       const json_t *row,
                       const struct table_column *columns,
                       const int *widths,
                       size_t last,
                       int indent)
{
    fprintf(file, "%*s", indent, "");
    for (size_t i = 0; columns[i].key != NULL; i++) {
        if (widths[i] == 0)
            continue;
        char *text = row != NULL ? cell_text(row, columns[i].key) : text_copy(columns[i].title);
        print_field(file, text, &columns[i], widths[i], i == last);
        free(text);
    }
    fputc('\n', file);
}

void table_print(FILE *file, const json_t *rows, const struct table_column *columns, int indent)
{
    size_t count = 0, last = 0, index;
    const json_t *row;
    while (columns[count].key != NULL)
        count++;
    int *widths = text_alloc((count + 1) * sizeof(*widths));
    for (size_t i = 0; i < count; i++) {
        widths[i] = column_width(rows, &columns[i]);
        if (widths[i] > 0)
            last = i;
    }
    if (json_array_size(rows) > 0)
        print_line(file, NULL, columns, widths, last, indent);
    json_array_foreach(rows, index, row) print_line(file, row, columns, widths, last, indent);
    free(widths);
}

void table_csv(FILE *file, const json_t *rows)
{
    json_t *first = json_array_get(rows, 0);
    const char *key;
    json_t *value;
    const char *comma = "";
    json_object_foreach(first, key, value)
    {
        fputs(comma, file);
        csv_text(file, key);
        comma = ",";
    }
    if (first != NULL)
        fputc('\n', file);
    size_t index;
    const json_t *row;
    json_array_foreach(rows, index, row)
    {
        comma = "";
        json_object_foreach(first, key, value)
        {
            fputs(comma, file);
            csv_value(file, json_object_get(row, key));
            comma = ",";
        }
        fputc('\n', file);
    }
}

json_t *table_ratio(const json_t *ratio, const json_t *low, const json_t *high)
{
    if (!json_is_number(ratio))
        return json_string("");
    if (!json_is_number(low) || !json_is_number(high))
        return json_sprintf("%.2f", json_number_value(ratio));
    return json_sprintf("%.2f (%.2f to %.2f)",
                        json_number_value(ratio),
                        json_number_value(low),
                        json_number_value(high));
}

bool table_style_check(const struct table_style *style, const char *command)
{
    if (style->json && style->csv)
        say_error("%s: --json and --csv are two ways to print the same; choose one", command);
    return !(style->json && style->csv);
}

void table_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
    putchar('\n');
}
