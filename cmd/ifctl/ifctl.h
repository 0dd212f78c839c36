/*
 * ifctl: what the files of the program share.
 */

#ifndef IFCTL_IFCTL_H
#define IFCTL_IFCTL_H

#include <ifnet/error.h>

#include "command/command.h"

/*
 * Candidates for the last of the words (the subcommand is among them, global
 * options may be): add() is called with each that begins with it.
 */
void	complete(struct cmd_ctx *, int argc, char **argv,
	    void (*add)(void *, const char *), void *arg);

/* Read commands until the end; the exit code of the last one. */
int	shell(struct cmd_ctx *, const char *url);

/*
 * The same from something else than a terminal: no prompt, and it ends with
 * the first command that fails.  -1: there was nothing to be read.
 */
int	batch(struct cmd_ctx *);

/* Have ^C set *cc_interrupted once more (a second one kills). */
void	interrupt_arm(void);

/*
 * Open a Linux tun device in tap mode, with a vnet header, in the network
 * namespace of this process, and bring it up there.  name is its name, or
 * "tap%d" for a free one; devname (16 bytes) gets what it is called.  The
 * descriptor, or -1 with *e filled.
 */
int	tun_open_here(const char *name, char *devname, struct ifnet_error *);

#endif /* !IFCTL_IFCTL_H */
