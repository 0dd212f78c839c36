/*
 * command: the subcommands of ifctl, as functions over a client, so that the
 * command line, the daemon's configuration file, the interactive shell and an
 * embedding program run the same code.
 *
 * A command first parses all its words, then makes its requests, so a syntax
 * error changes nothing.
 */

#ifndef COMMAND_COMMAND_H
#define COMMAND_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <ifnet/client.h>

/*
 * The window of a terminal, for commands that draw it again and again.  Lines
 * are cut at its width.
 */
struct cmd_screen {
	/* Take the terminal over; an errno, with the reason, when it cannot. */
	int		(*sc_open)(struct ifnet_error *);
	void		(*sc_close)(void);	/* as it was before */
	void		(*sc_size)(unsigned *rows, unsigned *columns);
	void		(*sc_line)(unsigned row, const char *text, bool bright);
	void		(*sc_show)(void);	/* the lines set since */
	/* A character, or one of CMD_KEY_*; waits so long for it. */
	int		(*sc_key)(int ms);
};

enum {
	CMD_KEY_NONE = 0,	/* none within the time, or a signal */
	CMD_KEY_UP = 256, CMD_KEY_DOWN, CMD_KEY_LEFT, CMD_KEY_RIGHT,
	CMD_KEY_PAGE_UP, CMD_KEY_PAGE_DOWN, CMD_KEY_HOME, CMD_KEY_END,
	CMD_KEY_BACKSPACE, CMD_KEY_ESCAPE,
	CMD_KEY_RESIZE,		/* the window has another size */
	CMD_KEY_GONE		/* the terminal is closed */
};

/*
 * The context of a command: its connection, its output, and its mode.
 */
struct cmd_ctx {
	struct ifnet_client *cc_client;	/* NULL when cc_check */
	/* Opens a second connection (watch, monitor); NULL: not supported. */
	struct ifnet_client *(*cc_connect)(void *, struct ifnet_error *);
	void		*cc_connect_arg;
	FILE		*cc_out;
	FILE		*cc_err;
	const char	*cc_program;	/* begins messages; NULL: ifctl */
	const char	*cc_vnet;
	bool		 cc_check;	/* parse only, change nothing */
	bool		 cc_tty;	/* cc_out is a terminal */
	bool		 cc_config;	/* from a file: not interactive */
	/*
	 * Accept a request whose result exists already: the lines may have been
	 * applied before.
	 */
	bool		 cc_again;
	struct cmd_again *cc_applied;	/* with a file: all its words */
	/* Set by a signal handler to stop a long-running command.  May be
	 * NULL. */
	const volatile int *cc_interrupted;
	/*
	 * Opens a tap device in the network namespace of the program (ifconfig
	 * ...  create here): returns the descriptor, and the device's name in
	 * devname; or -1.  NULL: not supported.
	 */
	int		(*cc_open_tap)(const char *name, char *devname,
			    struct ifnet_error *);
	const struct cmd_screen *cc_screen;	/* NULL: none; with cc_tty */
	int		 cc_errno;	/* out: of the request that failed */
};

/* Exit codes of ifnet's own subcommands; the BSD subcommands use 1 for
 * usage. */
#define CMD_OK		0
#define CMD_FAIL	1
#define CMD_USAGE	2

enum cmd_when {
	CMD_ALWAYS,
	CMD_NOT_CONFIG		/* long-running or display-only */
};

/*
 * A word of a subcommand.  Parser, help, completion and the test of the manual
 * page all use this table: a word that is not in it does not exist.
 *
 * w_arg names the kind of the value that follows: "IF", "VNET", "KIND", "GROUP"
 * and "NAME" (a setting's) are completed by asking the stack; words in lower
 * case with "|" between them are the possible values.  w_code and w_bits are
 * for the parser.
 */
struct cmd_word {
	const char	*w_name;	/* "mtu", "-c", "--json" */
	const char	*w_arg;		/* NULL: no value follows */
	const char	*w_help;	/* one line */
	unsigned	 w_flags;
#define CMD_W_VERB	0x01	/* chooses what the subcommand does */
#define CMD_W_ADMIN	0x02	/* for root and administrators */
#define CMD_W_NOT	0x04	/* "-" in front undoes it */
#define CMD_W_NOTARG	0x08	/* ... and takes the value as well */
#define CMD_W_CREATE	0x10	/* goes with create; drivers have others */
#define CMD_W_CONFIG	0x20	/* verb: also in a configuration file */
	const char	*w_of;		/* the verbs it goes with; NULL: any */
	int		 w_code;
	uint64_t	 w_bits;
};

/*
 * A subcommand.  Constant table in command.c, in help's order.
 */
struct command {
	const char	*c_name;
	const char	*c_synopsis;	/* after the name; lines by \n */
	const char	*c_summary;	/* one line */
	const char	*c_example;	/* a line, without "ifctl" */
	const struct cmd_word *c_words;	/* to w_name NULL; NULL: none */
	const char	*c_operand;	/* as w_arg, for other words */
	enum cmd_when	 c_when;
	bool		 c_admin;	/* for administrators alone */
	/* argv[0] is the name; returns the exit code, messages to cc_err */
	int		(*c_run)(struct cmd_ctx *, int argc, char **argv);
	/*
	 * Calls a function with each candidate for the word argv[argc-1] (may
	 * be ""), in place of the table's candidates; NULL: the table's are
	 * used.
	 */
	void		(*c_complete)(struct cmd_ctx *, int argc, char **argv,
			    void (*add)(void *, const char *), void *arg);
};

/* Call a function with each candidate for the last of the words; argv[0] is the
 * subcommand. */
void	command_complete(struct cmd_ctx *, const struct command *, int argc,
	    char **argv, void (*add)(void *, const char *), void *arg);

/* An option of ifctl itself, in front of a command. */
struct command_option {
	char		 co_letter;	/* 'n' */
	const char	*co_long;	/* "--help"; NULL: none */
	const char	*co_arg;	/* NULL: takes none */
	const char	*co_help;
};

extern const struct command_option command_options[];	/* to letter '\0' */
/* The option that a word is, or begins ("-nVNET"); NULL: it is none. */
const struct command_option *command_option_find(const char *word);

extern const struct command *const commands[];	/* NULL-terminated */
const struct command *command_find(const char *name);
/* Does the command line ask for help ("COMMAND help", "COMMAND -h ...")? */
bool	command_asks_help(int argc, char **argv);

/* Write "ifctl: TEXT" to cc_err, with control characters made visible. */
void	command_complain(struct cmd_ctx *, const char *text);

/* Run a command; returns its exit code. */
int	command_run(struct cmd_ctx *, int argc, char **argv);

/*
 * Split a line into words: blanks separate, '...' and "..." and \ quote, #
 * begins a comment.  *argvp is one block to be freed; *argcp 0 for an empty
 * line.  ENOMEM, EINVAL (unbalanced quotes; text in *e).
 */
int	command_split(const char *line, int *argcp, char ***argvp,
	    struct ifnet_error *);

/*
 * Before the lines of a regular file are run one by one: read all of its words
 * from where it stands, for lines that were applied before.  Nothing is done
 * for a pipe, whose lines to come nobody knows.  Then announce each line, and
 * end.  ENOMEM.
 */
int	command_words_begin(struct cmd_ctx *, FILE *);
void	command_words_line(struct cmd_ctx *);
void	command_words_end(struct cmd_ctx *);

/*
 * Apply a configuration file: check every line, and only then run them in
 * order, stopping at the first that fails.  A line whose result exists already
 * is no error, so that a file can be applied twice.  0, or an errno with
 * "FILE:LINE: reason" in *e; when several lines are wrong, *e has the first
 * with the numbers of the others, and these go to cc_err.
 */
int	command_file(struct cmd_ctx *, const char *path,
	    struct ifnet_error *);
/* Likewise, of a file that is open already; path is its name in messages. */
int	command_stream(struct cmd_ctx *, FILE *, const char *path,
	    struct ifnet_error *);

/* Run a line, with its messages in *e; returns an errno (EINVAL for usage). */
int	command_line(struct cmd_ctx *, const char *line,
	    struct ifnet_error *);

/*
 * The progress of work in many steps, shown on cc_err when that is a terminal
 * and a second has passed.  total 0: not known.
 */
struct cmd_progress {
	struct cmd_ctx	*cp_ctx;
	const char	*cp_what;	/* "interfaces" */
	size_t		 cp_total;
	uint64_t	 cp_next;	/* show again then */
	bool		 cp_tty, cp_shown;
};

void	cmd_progress_begin(struct cmd_progress *, struct cmd_ctx *,
	    const char *what, size_t total);
void	cmd_progress(struct cmd_progress *, size_t done);
/* Erase the progress from the terminal. */
void	cmd_progress_end(struct cmd_progress *);

#endif /* !COMMAND_COMMAND_H */
