/* SPDX-License-Identifier: MIT */
/* page.c - see page.h. Tables are the only state: which cell of which row is open. */
#include "page.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "svg.h"

void page_raw(struct page *page, const char *text)
{
    fputs(text, page->file);
}

static const char *html_escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

static const char *markdown_escape(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '|':
        return "\\|";
    case '*':
        return "\\*";
    case '`':
        return "\\`";
    case '[':
        return "\\[";
    case '\\':
        return "\\\\";
    case '\n':
        return " ";
    default:
        return NULL;
    }
}

static void put(struct page *page, char c)
{
    const char *escaped = page->format == PAGE_HTML ? html_escape(c) : markdown_escape(c);
    if (escaped)
        fputs(escaped, page->file);
    else if ((unsigned char)c >= 0x20 || c == '\n' || c == '\t')
        fputc(c, page->file);
}

void page_text(struct page *page, const char *text)
{
    for (; *text; text++)
        put(page, *text);
}

/* The inside of a pair of backticks: Markdown takes it literally, only the table bar still counts.
 */
static void put_code(struct page *page, const char *text, size_t length)
{
    page_raw(page, page->format == PAGE_HTML ? "<code>" : "`");
    for (size_t i = 0; i < length; i++) {
        if (page->format == PAGE_HTML || text[i] == '|')
            put(page, text[i]);
        else
            fputc(text[i], page->file);
    }
    page_raw(page, page->format == PAGE_HTML ? "</code>" : "`");
}

void page_rich(struct page *page, const char *text)
{
    while (*text) {
        const char *end = *text == '`' ? strchr(text + 1, '`') : NULL;
        if (end) {
            put_code(page, text + 1, (size_t)(end - text - 1));
            text = end + 1;
        } else {
            put(page, *text++);
        }
    }
}

static void rich_printf(struct page *page, const char *format, va_list args)
{
    char *text = NULL;
    if (vasprintf(&text, format, args) < 0)
        return; /* no memory for a line of text: nothing that a page could say helps */
    page_rich(page, text);
    free(text);
}

void page_heading(struct page *page, int level, const char *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (page->format == PAGE_HTML) {
        fprintf(page->file, "<h%d%s%s%s>", level, *id ? " id=\"" : "", id, *id ? "\"" : "");
        rich_printf(page, format, args);
        fprintf(page->file, "</h%d>\n", level);
    } else {
        fprintf(page->file, "%.*s ", level, "######");
        rich_printf(page, format, args);
        page_raw(page, "\n\n");
    }
    va_end(args);
}

void page_paragraph(struct page *page, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    if (page->format == PAGE_HTML && *class)
        fprintf(page->file, "<p class=\"%s\">", class);
    else if (page->format == PAGE_HTML)
        page_raw(page, "<p>");
    rich_printf(page, format, args);
    page_raw(page, page->format == PAGE_HTML ? "</p>\n" : "\n\n");
    va_end(args);
}

void page_code(struct page *page, const char *text)
{
    if (page->format == PAGE_HTML) {
        page_raw(page, "<pre>");
        page_text(page, text);
        page_raw(page, "</pre>\n");
    } else {
        fprintf(page->file, "```\n%s\n```\n\n", text);
    }
}

static bool is_number_column(const char *title)
{
    return title[0] == '>';
}

void page_table(struct page *page, const char *class, int columns, const char *const titles[])
{
    bool html = page->format == PAGE_HTML;
    page->columns = columns;
    page->row = false;
    if (html)
        fprintf(page->file, "<div class=\"scroll\"><table class=\"%s\"><thead><tr>", class);
    for (int i = 0; i < columns; i++) {
        if (html)
            page_raw(page,
                     is_number_column(titles[i]) ? "<th scope=\"col\" class=\"n\">"
                                                 : "<th scope=\"col\">");
        else
            page_raw(page, "| ");
        page_rich(page, titles[i] + 1);
        page_raw(page, html ? "</th>" : " ");
    }
    page_raw(page, html ? "</tr></thead><tbody>" : "|\n");
    if (!html) {
        for (int i = 0; i < columns; i++)
            page_raw(page, is_number_column(titles[i]) ? "|--:" : "|:--");
        page_raw(page, "|");
    }
}

static void close_row(struct page *page)
{
    if (page->row && page->format == PAGE_HTML)
        page_raw(page, "</tr>");
    else if (page->row)
        page_raw(page, "|");
    page->row = false;
}

void page_row(struct page *page, const char *class)
{
    close_row(page);
    page->row = true;
    if (page->format == PAGE_HTML && *class)
        fprintf(page->file, "\n<tr class=\"%s\">", class);
    else
        page_raw(page, page->format == PAGE_HTML ? "\n<tr>" : "\n");
}

static void open_cell(struct page *page, const char *class)
{
    if (page->format == PAGE_MARKDOWN)
        page_raw(page, "| ");
    else if (*class == '#') /* "#" marks the row's own heading */
        page_raw(page, "<th scope=\"row\">");
    else if (*class)
        fprintf(page->file, "<td class=\"%s\">", class);
    else
        page_raw(page, "<td>");
}

static void close_cell(struct page *page, const char *class)
{
    if (page->format == PAGE_MARKDOWN)
        page_raw(page, " ");
    else
        page_raw(page, *class == '#' ? "</th>" : "</td>");
}

void page_cell(struct page *page, const char *class, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    open_cell(page, class);
    rich_printf(page, format, args);
    close_cell(page, class);
    va_end(args);
}

static void put_command(struct page *page, const char *command)
{
    if (page->format == PAGE_HTML) {
        page_raw(page, "<details><summary>repeat it</summary><code>");
        page_text(page, command);
        page_raw(page, "</code></details>");
    } else {
        page_raw(page, "; repeat it: ");
        put_code(page, command, strlen(command));
    }
}

void page_cell_two(
    struct page *page, const char *class, const char *main, const char *sub, const char *command)
{
    open_cell(page, class);
    page_rich(page, main);
    if (*sub) {
        page_raw(page, page->format == PAGE_HTML ? "<small>" : " (");
        page_rich(page, sub);
        page_raw(page, page->format == PAGE_HTML ? "</small>" : ")");
    }
    if (*command)
        put_command(page, command);
    close_cell(page, class);
}

void page_group(struct page *page, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    page_row(page, "group");
    if (page->format == PAGE_HTML)
        fprintf(page->file, "<th scope=\"rowgroup\" colspan=\"%d\">", page->columns);
    else
        page_raw(page, "| **");
    rich_printf(page, format, args);
    if (page->format == PAGE_HTML)
        page_raw(page, "</th>");
    else
        page_raw(page, "** ");
    for (int i = 1; i < page->columns && page->format == PAGE_MARKDOWN; i++)
        page_raw(page, "| ");
    va_end(args);
}

void page_table_end(struct page *page)
{
    close_row(page);
    page_raw(page, page->format == PAGE_HTML ? "\n</tbody></table></div>\n" : "\n\n");
}

void page_facts_begin(struct page *page)
{
    page->fact = false;
    page_raw(page, page->format == PAGE_HTML ? "<dl class=\"facts\">" : "");
}

void page_fact(struct page *page, const char *label, const char *format, ...)
{
    bool html = page->format == PAGE_HTML;
    va_list args;
    va_start(args, format);
    if (html)
        page_raw(page, "<div><dt>");
    else if (page->fact)
        page_raw(page, " · ");
    page_rich(page, label);
    page_raw(page, html ? "</dt><dd>" : " **");
    rich_printf(page, format, args);
    page_raw(page, html ? "</dd></div>" : "**");
    page->fact = true;
    va_end(args);
}

void page_facts_end(struct page *page)
{
    page_raw(page, page->format == PAGE_HTML ? "</dl>\n" : "\n\n");
}

void page_box(struct page *page, const char *class)
{
    if (page->format == PAGE_HTML)
        fprintf(page->file, "<div class=\"%s\">\n", class);
}

void page_box_end(struct page *page)
{
    page_raw(page, page->format == PAGE_HTML ? "</div>\n" : "");
}

void page_figure(struct page *page, const char *name, const char *caption)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/plots/%s.svg", page->run_dir, name);
    if (page->format == PAGE_MARKDOWN) {
        FILE *there = fopen(path, "r");
        if (there) {
            fclose(there);
            fprintf(page->file, "![%s](plots/%s.svg)\n\n", name, name);
        }
        page_paragraph(page, "", "%s", caption);
        return;
    }
    page_raw(page, "<figure>");
    if (svg_inline(page->file, path, name) != 0)
        page_raw(page,
                 "<p class=\"empty\">This picture was not drawn: gnuplot is missing or "
                 "failed. The numbers stand in the tables.</p>");
    page_raw(page, "<figcaption>");
    page_rich(page, caption);
    page_raw(page, "</figcaption></figure>\n");
}
