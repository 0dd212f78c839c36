/*
 * ifnetd: the daemon: one stack, its configuration file and its control
 * socket.
 */

#ifndef CMD_IFNETD_IFNETD_H
#define CMD_IFNETD_IFNETD_H

#include <sys/types.h>

#include <stdbool.h>

/* The options of the command line. */
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

/* Write "ifnetd: ..." where the user sees it. */
void	complain(const char *fmt, ...)
	    __attribute__((__format__(__printf__, 1, 2)));
/*
 * Called first of all: standard descriptors that are closed become /dev/null,
 * other descriptors that the parent left open are closed, except `keep' (-1:
 * none); the umask is 022.  false: there is no /dev/null.
 */
bool	background_prepare(int keep);
/*
 * Continue in a child; the parent exits with 0 at background_ready(), or with 1
 * when the child ends before.  false: it failed, with a message.
 */
bool	background_fork(void);
/* Let the parent exit; messages go to syslog(3) from here on. */
void	background_ready(void);
/* Route the stack's log messages through the daemon's log. */
void	background_log_init(void);

/* Lock and write the pidfile.  false: it failed, with a message that names the
 * process that has it. */
bool	pidfile_create(const char *path);
void	pidfile_remove(void);

#endif /* !CMD_IFNETD_IFNETD_H */
