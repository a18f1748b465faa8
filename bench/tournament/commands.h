/* SPDX-License-Identifier: MIT */
/*
 * commands.h - what `velo NAME` runs: each takes the arguments from its own name on and returns the
 * exit status of the program.
 */
#ifndef VELO_COMMANDS_H
#define VELO_COMMANDS_H

int command_tournament(int argc, char **argv);
int command_race(int argc, char **argv);
int command_conformance(int argc, char **argv);
int command_capacity(int argc, char **argv);
int command_prices(int argc, char **argv);
int command_targets(int argc, char **argv);
int command_report(int argc, char **argv);
int command_select(int argc, char **argv);
int command_doctor(int argc, char **argv);
int command_limits(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_list(int argc, char **argv);
int command_selfcheck(int argc, char **argv); /* bench/selfcheck/ */
int command_history(int argc, char **argv);
int command_compare(int argc, char **argv);
int command_merge(int argc, char **argv);
int command_gate(int argc, char **argv);
int command_export(int argc, char **argv);

#endif
