/*
 * ifnetd: the daemon: one stack, its configuration file and its control
 * socket.
 */

#ifndef CMD_IFNETD_IFNETD_H
#define CMD_IFNETD_IFNETD_H

#include <sys/types.h>

#include <stdbool.h>

/* What the command line asks for. */
struct options {
	const char	*o_config;	/* NULL: none */
	const char	*o_url;		/* "unix:///..." */
	const char	*o_pidfile;	/* NULL: none */
	gid_t		 o_group;	/* administrators; (gid_t)-1: none */
	unsigned	 o_cpus;
	unsigned	 o_mbufs;	/* 0: the stack's default */
	unsigned	 o_mode;	/* of the socket */
	unsigned	 o_ctl_timeout;	/* seconds; 0: the server's default */
	int		 o_log_level;
	bool		 o_daemon;
};

/* options.c: exits on --help, --version and on usage errors. */
void	parse_options(struct options *, int argc, char **argv);

/* background.c */

/* "ifnetd: ..." where the user sees it. */
void	complain(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
/*
 * First of all: standard descriptors that are closed become /dev/null, others
 * that the parent left open are closed, but for `keep' (-1: none); files get
 * the modes they are made with.  false: there is no /dev/null.
 */
bool	background_prepare(int keep);
/*
 * Go on in a child; the parent waits for background_ready() and exits then,
 * or with 1 when the child ends before.  false: could not (it has been said).
 */
bool	background_fork(void);
/* The parent may go; messages go to syslog(3) from here on. */
void	background_ready(void);
/* Have the stack's messages come through us. */
void	background_log_init(void);

/* Take the file, or say who has it.  false: it has been said. */
bool	pidfile_create(const char *path);
void	pidfile_remove(void);

#endif /* !CMD_IFNETD_IFNETD_H */
