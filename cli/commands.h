/* commands.h - the commands: each gets its arguments, argv[0] being its name, and returns the exit code. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

int cli_run(int argc, char **argv);
int cli_replay(int argc, char **argv);
int cli_status(int argc, char **argv);
int cli_plan(int argc, char **argv);
int cli_explain(int argc, char **argv);
int cli_compile(int argc, char **argv);
int cli_demo(int argc, char **argv);
int cli_show(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_bench(int argc, char **argv);

#endif
