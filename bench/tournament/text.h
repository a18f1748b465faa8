/* SPDX-License-Identifier: MIT */
/*
 * text.h - small strings: formatted, quoted, read from files, said on stderr.
 *
 * A command line that cannot get a kilobyte can do nothing useful any more, so running out of
 * memory ends the program here, with exit status 1, and callers need no failure path.
 */
#ifndef VELO_TEXT_H
#define VELO_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* printf into fresh memory, which the caller frees. */
char *text_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A copy of [source], which the caller frees. */
char *text_copy(const char *source);

/* [bytes] of zeroed memory, which the caller frees. */
void *text_alloc(size_t bytes);

/* The whole of [path] as a string of *[size] bytes (size may be NULL); NULL and errno when
 * unreadable. */
char *text_read_file(const char *path, size_t *size);

/* The first line of [path] without its newline, or a copy of [otherwise]. */
char *text_first_line(const char *path, const char *otherwise);

/* Writes [size] bytes to the end of [fd], all of them or none. Returns: 0; -errno, and the file is
 * as it was. */
int text_append(int fd, const char *bytes, size_t size);

/* [argv] as one line that a shell splits into the same words. */
char *text_command(const char *const *argv);

/* The last non-empty line of [output], for quoting a program's complaint; "" when there is none. */
char *text_last_line(const char *output);

/* True when colour and live lines are wanted on [fd]: a terminal, and NO_COLOR not set. */
bool text_is_fancy(int fd);

/* The width of the terminal behind [fd]; 80 when it cannot be asked. */
int text_columns(int fd);

/* "velo: ..." on stderr. */
void say_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The same for who wants a function to call with a message; [user] is not looked at. */
void say_message(void *user, const char *message);

#endif
