/* SPDX-License-Identifier: MIT */
/*
 * A program as C: one function for each callback, one line for each call. It prints its trace.
 *
 * The clock is that of the tests: what the printed program declares of it is in common/sim/, whose
 * objects have to precede the library on the link line; the first comment says how.
 */
#include <inttypes.h>

#include "print.h"

static const char prelude[] =
    "#include <fcntl.h>\n"
    "#include <stdio.h>\n"
    "#include <unistd.h>\n"
    "\n"
    "#include \"velo.h\"\n"
    "\n"
    "/* common/sim/: a clock that stands still; it moves by hand, and instead of a sleep */\n"
    "uint64_t sim_clock_freeze(uint64_t now_ns);\n"
    "uint64_t sim_clock_advance(uint64_t ns);\n"
    "void sim_sleep(void (*pass)(void *ctx, int64_t timeout_ns), void *ctx);\n"
    "\n"
    "#define SAY(call) printf(\"    %s = %lld\\n\", #call, (long long)(call))\n"
    "#define ARG(n) ((void *)(uintptr_t)(n))\n"
    "\n"
    "static struct velo_loop *loop;\n"
    "static unsigned turns;\n";

static const char hooks[] = "static void on_turn_begin(void *ctx)\n"
                            "{\n"
                            "    (void)ctx;\n"
                            "    printf(\"turn %u\\n\", ++turns);\n"
                            "    if (turns == LIMIT)\n"
                            "        SAY(velo_loop_shutdown(loop, 0));\n"
                            "}\n"
                            "\n"
                            "static void on_discard(void *ctx, velo_fn fn, void *arg)\n"
                            "{\n"
                            "    (void)ctx, (void)fn;\n"
                            "    printf(\"discarded #%u\\n\", (unsigned)(uintptr_t)arg);\n"
                            "}\n"
                            "\n"
                            "static void on_sleep(void *ctx, int64_t timeout_ns)\n"
                            "{\n"
                            "    (void)ctx;\n"
                            "    if (timeout_ns >= 0)\n"
                            "        sim_clock_advance((uint64_t)timeout_ns);\n"
                            "    else { /* it would sleep for ever */\n"
                            "        velo_loop_wake(loop);\n"
                            "        SAY(velo_loop_shutdown(loop, 0));\n"
                            "    }\n"
                            "}\n";

static const char *mode_name(enum velo_fast_path mode)
{
    static const char *const names[] = {"VELO_FAST_AUTO", "VELO_FAST_FORCED", "VELO_FAST_DISABLED"};
    return names[mode];
}

static const char *adder(enum kind kind)
{
    static const char *const names[KINDS] = {[KIND_TASK] = "velo_submit",
                                             [KIND_PRIORITY] = "velo_submit_priority",
                                             [KIND_TICK] = "velo_next_tick",
                                             [KIND_MICROTASK] = "velo_queue_microtask",
                                             [KIND_IMMEDIATE] = "velo_set_immediate",
                                             [KIND_CLOSE] = "velo_defer_close"};
    return names[kind];
}

static void print_events(FILE *out, unsigned events)
{
    static const char *const names[] = {
        "VELO_READ", "VELO_WRITE", "VELO_HANGUP", "VELO_ERROR", "VELO_EDGE", "VELO_ONESHOT"};
    fputs("0", out);
    for (unsigned bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++)
        if ((events & (1u << bit)) != 0)
            fprintf(out, " | %s", names[bit]);
}

static void print_ns(FILE *out, uint64_t ns)
{
    if (ns == UINT64_MAX)
        fputs("UINT64_MAX", out);
    else
        fprintf(out, "%" PRIu64 "u", ns);
}

static void print_add(FILE *out, const struct program *program, unsigned number)
{
    const struct node *node = &program->nodes[number];
    switch (node->kind) {
    case KIND_TIMER:
        fputs("SAY(velo_timer_start(loop, ", out);
        print_ns(out, node->delay_ns);
        fputs(", ", out);
        print_ns(out, node->period_ns);
        fprintf(out, ", timer_%u, ARG(%u), &ids[%u]));\n", number, number, number);
        return;
    case KIND_FD:
        fprintf(out, "SAY(velo_fd_watch(loop, pipes[%u][%u], ", node->pipe, node->end);
        print_events(out, node->events);
        fprintf(out, ", fd_%u, ARG(%u), &ids[%u]));\n", number, number, number);
        return;
    default:
        fprintf(out,
                "SAY(%s(loop, %s_%u, ARG(%u)",
                adder(node->kind),
                program_kind_name(node->kind),
                number,
                number);
        if (node->kind == KIND_IMMEDIATE)
            fprintf(out, ", &ids[%u]", number);
        fputs("));\n", out);
    }
}

static void print_batch(FILE *out, const struct program *program, const struct statement *batch)
{
    fputs("SAY(velo_submit_many(loop, (struct velo_task[]){", out);
    for (unsigned i = 0; i < batch->value; i++) {
        unsigned number = batch->target + i;
        fprintf(out,
                "%s{%s_%u, ARG(%u)}",
                i > 0 ? ", " : "",
                program_kind_name(program->nodes[number].kind),
                number,
                number);
    }
    fprintf(out, "}, %u));\n", (unsigned)batch->value);
}

/* Calls that take an id. */
static void print_change(FILE *out, const struct statement *statement)
{
    if (statement->verb == VERB_CANCEL_MANY) {
        fprintf(out, "SAY(velo_timer_cancel_many(loop, &ids[%u], 2, NULL));\n", statement->target);
        return;
    }
    fprintf(
        out, "SAY(velo_%s(loop, ids[%u]", program_verb_name(statement->verb), statement->target);
    if (statement->verb == VERB_RESTART) {
        fputs(", ", out);
        print_ns(out, statement->value);
    } else if (statement->verb == VERB_MODIFY) {
        fputs(", ", out);
        print_events(out, (unsigned)statement->value);
    }
    fputs("));\n", out);
}

static void print_pipe(FILE *out, const struct statement *statement)
{
    unsigned pipe = statement->target;
    if (statement->verb == VERB_WRITE)
        fprintf(out,
                "if (!full[%u]) full[%u] = write(pipes[%u][1], \"x\", 1) == 1;\n",
                pipe,
                pipe,
                pipe);
    else if (statement->verb == VERB_READ)
        fprintf(out,
                "if (full[%u]) full[%u] = read(pipes[%u][0], (char[1]){0}, 1) != 1;\n",
                pipe,
                pipe,
                pipe);
    else
        fprintf(out, "close(pipes[%u][1]), full[%u] = 1;\n", pipe, pipe);
}

static void print_other(FILE *out, const struct statement *statement)
{
    switch (statement->verb) {
    case VERB_ADVANCE:
        fprintf(out, "sim_clock_advance(%" PRIu64 "u);\n", statement->value);
        return;
    case VERB_SHUTDOWN:
        fputs("SAY(velo_loop_shutdown(loop, 0));\n", out);
        return;
    case VERB_RUN:
        fputs("SAY(velo_loop_run(loop, VELO_RUN_NOWAIT));\n", out);
        return;
    case VERB_FAST_PATH:
        fprintf(out,
                "SAY(velo_fast_path_set(loop, %s));\n",
                mode_name((enum velo_fast_path)statement->value));
        return;
    case VERB_COUNT:
        fputs("velo_metrics_read(loop, &counts);\n    SAY(counts.pending);\n    "
              "SAY(counts.timers_armed);\n    SAY(counts.descriptors);\n",
              out);
        return;
    case VERB_ABORT:
    case VERB_HANG:
        fputs("/* (a planted fault) */;\n", out);
        return;
    default:
        fprintf(out, "SAY(velo_%s(loop));\n", program_verb_name(statement->verb));
    }
}

static void
print_statement(FILE *out, const struct program *program, const struct statement *statement)
{
    enum verb verb = statement->verb;
    fputs("    ", out);
    if (verb == VERB_ADD)
        print_add(out, program, statement->target);
    else if (verb == VERB_BATCH)
        print_batch(out, program, statement);
    else if (program_names_node(verb))
        print_change(out, statement);
    else if (verb == VERB_WRITE || verb == VERB_READ || verb == VERB_HANGUP)
        print_pipe(out, statement);
    else
        print_other(out, statement);
}

static void print_callback(FILE *out, const struct program *program, unsigned number)
{
    const struct node *node = &program->nodes[number];
    const char *kind = program_kind_name(node->kind);
    if (node->kind == KIND_FD)
        fprintf(out, "static void fd_%u(int fd, unsigned events, void *arg)\n{\n", number);
    else
        fprintf(out, "static void %s_%u(void *arg)\n{\n", kind, number);
    fputs("    (void)arg;\n", out);
    if (node->kind == KIND_FD)
        fprintf(out, "    (void)fd;\n    printf(\"  #%u fd, events %%u\\n\", events);\n", number);
    else
        fprintf(out, "    printf(\"  #%u %s\\n\");\n", number, kind);
    if (node->count > 0)
        fputs("    static unsigned run;\n    unsigned now = run++;\n", out);
    for (unsigned s = 0; s < node->count; s++) {
        fprintf(out, "    if (now == %u) {\n    ", node->statements[s].when);
        print_statement(out, program, &node->statements[s]);
        fputs("    }\n", out);
    }
    fputs("}\n\n", out);
}

static void print_declarations(FILE *out, const struct program *program, const bool *reached)
{
    fprintf(out, "static velo_id ids[%u];\n", program->size + 1);
    fprintf(out, "static int pipes[%u][2], full[%u];\n", PROGRAM_PIPES, PROGRAM_PIPES);
    fputs("static struct velo_metrics counts = {.size = sizeof(counts)};\n\n", out);
    for (unsigned i = program->steps; i < program->size; i++) {
        enum kind kind = program->nodes[i].kind;
        if (reached[i])
            fprintf(out,
                    kind == KIND_FD ? "static void %s_%u(int fd, unsigned events, void *arg);\n"
                                    : "static void %s_%u(void *arg);\n",
                    program_kind_name(kind),
                    i);
    }
    fputs("\n", out);
}

static void print_main(FILE *out, const struct program *program, enum velo_fast_path mode)
{
    fprintf(out,
            "int main(void)\n{\n"
            "    (void)ids, (void)pipes, (void)full, (void)counts;\n"
            "    struct velo_options options = {.size = sizeof(options),\n"
            "                                   .fast_path = %s,\n"
            "                                   .max_pending = %zu,\n"
            "                                   .time_slice_ns = %" PRIu64 ",\n"
            "                                   .spin_ns = -1,\n"
            "                                   .on_turn_begin = on_turn_begin,\n"
            "                                   .on_discard = on_discard};\n"
            "    for (int i = 0; i < %u; i++)\n"
            "        if (pipe2(pipes[i], O_NONBLOCK) != 0)\n"
            "            return 1;\n"
            "    sim_clock_freeze(%" PRIu64 "u);\n"
            "    sim_sleep(on_sleep, NULL);\n"
            "    SAY(velo_loop_create(&loop, &options));\n",
            mode_name(mode),
            program->max_pending,
            program->time_slice_ns,
            PROGRAM_PIPES,
            WORLD_BEGIN_NS);
    for (unsigned i = 0; i < program->steps; i++) {
        for (unsigned s = 0; s < program->nodes[i].count; s++)
            print_statement(out, program, &program->nodes[i].statements[s]);
        fprintf(out, "    SAY(velo_loop_run(loop, %s));\n", program_mode_name(program->modes[i]));
        fputs("    SAY(velo_loop_is_alive(loop));\n", out);
    }
    fputs("    SAY(velo_loop_close(loop));\n    SAY(velo_loop_destroy(loop));\n}\n", out);
}

void print_c(FILE *out, const struct program *program, enum velo_fast_path mode, const char *head)
{
    bool reached[PROGRAM_NODES];
    program_reach(program, reached);
    fputs(head, out);
    fputs(prelude, out);
    print_declarations(out, program, reached);
    fprintf(out, "enum { LIMIT = %d };\n\n%s\n", PROGRAM_TURNS, hooks);
    for (unsigned i = program->steps; i < program->size; i++)
        if (reached[i])
            print_callback(out, program, i);
    print_main(out, program, mode);
}
