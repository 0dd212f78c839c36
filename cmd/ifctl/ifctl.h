/*
 * ifctl: functions that the files of the program share.
 */

#ifndef IFCTL_IFCTL_H
#define IFCTL_IFCTL_H

#include <ifnet/error.h>

#include "command/command.h"

/*
 * Call add() with each candidate that begins with the last of the words (the
 * subcommand is among them, global options may be).
 */
void	complete(struct cmd_ctx *, int argc, char **argv,
	    void (*add)(void *, const char *), void *arg);

/* Read commands until the end of the input; returns the exit code of the last
 * one. */
int	shell(struct cmd_ctx *, const char *url);

/*
 * As shell(), when the input is not a terminal: without a prompt, and up to the
 * first command that fails. -1: the input was empty.
 */
int	batch(struct cmd_ctx *);

/* Make the next ^C set *cc_interrupted; a second one kills the process. */
void	interrupt_arm(void);

/*
 * Open a Linux tun device in tap mode, with a vnet header, in the network
 * namespace of this process, and bring it up there.  name is its name, or
 * "tap%d" for a free one; devname (16 bytes) receives the name it got.  Returns
 * the descriptor, or -1 with *e filled.
 */
int	tun_open_here(const char *name, char *devname, struct ifnet_error *);

/* The terminal of stdin and stdout; NULL: built without ncurses. */
const struct cmd_screen *screen_terminal(void);

#endif /* !IFCTL_IFCTL_H */
