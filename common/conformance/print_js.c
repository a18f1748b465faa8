/* SPDX-License-Identifier: MIT */
/*
 * Programs as JavaScript for Node.js, in the subset where the contract follows it: ticks,
 * microtasks, immediates, timers of one delay, all begun in one callback of a descriptor. Only the
 * order of callbacks is printed and compared; Node.js answers no calls.
 *
 * Real time is the difficulty: in the model a timer is due when the clock says so, and the clock
 * moves only by a statement or when nothing else is left to do. Here both are a busy wait,
 * "release", that lasts until every timer is overdue. A timer that fires without having been
 * released was overtaken by real time; then the program is run again.
 */
#include "print.h"

#include <inttypes.h>

static const char prelude[] =
    "'use strict';\n"
    "const fs = require('fs');\n"
    "const DELAY_MS = 3;\n"
    "const TRIES = 50;\n"
    "const PENDING = 1, RUNNING = 2, OVER = 3;\n"
    "let it; // the program that runs now\n"
    "let programs = [], at = 0;\n"
    "\n"
    "function begin(program) {\n"
    "  it = {program, trace: [], states: [], runs: [], handles: [], released: new Set(),\n"
    "        timers: new Set(), others: 0, last: 0, overtaken: false, tries: it ? it.tries : 0};\n"
    "  fs.readFile(__filename, () => callback(1, 'fd'));\n"
    "}\n"
    "\n"
    "function end() {\n"
    "  if (it.overtaken && ++it.tries < TRIES)\n"
    "    return setImmediate(begin, it.program);\n"
    "  console.log(it.program.seed + ':' + (it.overtaken ? ' overtaken' : it.trace.join('')));\n"
    "  it = undefined;\n"
    "  if (++at < programs.length)\n"
    "    setImmediate(begin, programs[at]);\n"
    "}\n"
    "\n"
    "// Wait until all timers are due.\n"
    "function release() {\n"
    "  const until = it.last + DELAY_MS + 2;\n"
    "  while (performance.now() < until)\n"
    "    ;\n"
    "  for (const n of it.timers)\n"
    "    it.released.add(n);\n"
    "}\n"
    "\n"
    "function callback(n, kind) {\n"
    "  it.trace.push(' ' + n);\n"
    "  it.states[n] = RUNNING;\n"
    "  if (kind === 'timer') {\n"
    "    it.timers.delete(n);\n"
    "    if (!it.released.delete(n))\n"
    "      it.overtaken = true;\n"
    "  } else if (kind !== 'fd') {\n"
    "    it.others--;\n"
    "  }\n"
    "  const run = it.runs[n] = (it.runs[n] ?? -1) + 1;\n"
    "  it.program.body[n]?.(run);\n"
    "  if (it.states[n] === RUNNING)\n"
    "    it.states[n] = OVER;\n"
    "  if (it.others > 0)\n"
    "    return;\n"
    "  if (it.timers.size === 0)\n"
    "    end();\n"
    "  else if (it.released.size === 0)\n"
    "    release(); // nothing else is left to do\n"
    "}\n"
    "\n"
    "function other(n, handle) {\n"
    "  it.others++;\n"
    "  it.states[n] = PENDING;\n"
    "  it.handles[n] = handle;\n"
    "}\n"
    "function tick(n) { other(n, process.nextTick(callback, n, 'tick')); }\n"
    "function microtask(n) { other(n, queueMicrotask(() => callback(n, 'microtask'))); }\n"
    "function immediate(n) { other(n, setImmediate(callback, n, 'immediate')); }\n"
    "function arm(n) {\n"
    "  it.states[n] = PENDING;\n"
    "  it.timers.add(n);\n"
    "  it.released.delete(n);\n"
    "  it.last = performance.now();\n"
    "}\n"
    "function timer(n) {\n"
    "  it.handles[n] = setTimeout(callback, DELAY_MS, n, 'timer');\n"
    "  arm(n);\n"
    "}\n"
    "function cancel(n) {\n"
    "  if (it.states[n] !== PENDING)\n"
    "    return;\n"
    "  clearTimeout(it.handles[n]);\n"
    "  it.states[n] = OVER;\n"
    "  it.timers.delete(n);\n"
    "  it.released.delete(n);\n"
    "}\n"
    "function clear(n) {\n"
    "  if (it.states[n] !== PENDING)\n"
    "    return;\n"
    "  clearImmediate(it.handles[n]);\n"
    "  it.states[n] = OVER;\n"
    "  it.others--;\n"
    "}\n"
    "// A timer that has fired is armed again by Node.js, and not by us: leave it.\n"
    "function restart(n) {\n"
    "  if (it.states[n] !== PENDING && it.states[n] !== RUNNING)\n"
    "    return;\n"
    "  it.handles[n].refresh();\n"
    "  arm(n);\n"
    "}\n";

void print_js_begin(FILE *out)
{
    fputs(prelude, out);
}

static void print_statement(FILE *out, const struct program *program, const struct statement *it)
{
    static const char *const names[VERBS] = {
        [VERB_CANCEL] = "cancel", [VERB_RESTART] = "restart", [VERB_CLEAR_IMMEDIATE] = "clear"};
    const char *name =
        it->verb == VERB_ADD ? program_kind_name(program->nodes[it->target].kind) : names[it->verb];
    if (it->verb == VERB_ADVANCE)
        fprintf(out, "    if (run === %u) release();\n", it->when);
    else if (name != NULL) /* else it belongs to the descriptor of our loop */
        fprintf(out, "    if (run === %u) %s(%u);\n", it->when, name, it->target);
}

void print_js(FILE *out, const struct program *program)
{
    fprintf(out, "programs.push({seed: %" PRIu64 ", body: {\n", program->seed);
    for (unsigned i = 1; i < program->size; i++) {
        if (program->nodes[i].count == 0)
            continue;
        fprintf(out, "  %u(run) {\n", i);
        for (unsigned s = 0; s < program->nodes[i].count; s++)
            print_statement(out, program, &program->nodes[i].statements[s]);
        fputs("  },\n", out);
    }
    fputs("}});\n", out);
}

void print_js_end(FILE *out)
{
    fputs("begin(programs[0]);\n", out);
}

void print_js_trace(FILE *out, const struct program *program, const struct trace *trace)
{
    fprintf(out, "%" PRIu64 ":", program->seed);
    for (unsigned i = 0; i < trace->length; i++)
        if (trace->entries[i].what == TOOK_PLACE)
            fprintf(out, " %u", trace->entries[i].node);
    fputs("\n", out);
}
