/*
 * watch_impl: the rates of interfaces between two samples of their counters, as
 * rows that can be sorted and filtered; printed line by line (cmd_watch.c), or
 * drawn as a table on a screen (cmd_watch_screen.c).
 */

#ifndef COMMAND_WATCH_IMPL_H
#define COMMAND_WATCH_IMPL_H

#include "command/command_impl.h"

enum watch_column {
	WATCH_NAME, WATCH_STATE, WATCH_IPPS, WATCH_IBPS, WATCH_OPPS,
	WATCH_OBPS, WATCH_DROPS,
	WATCH_NCOLUMNS
};

/* A sample: a list of interfaces, and an array of them sorted by handle. */
struct watch_look {
	struct cmd_if	*list;
	struct cmd_if	**by;
	size_t		 n;
	uint64_t	 when;
};

/* An interface with its rates, per second; bits, not bytes. */
struct watch_row {
	const struct cmd_if *ci;
	size_t		 place;		/* in the list */
	double		 ipps, ibps, opps, obps, drops;
};

struct watch {
	struct cmd_ctx	*ctx;
	int		 nnames;	/* 0: all interfaces */
	char		**names;	/* as given */
	struct cmd_follow *follow;	/* the interfaces, nnames of them */
	uint64_t	 count;		/* 0: for ever */
	uint64_t	 interval_ns;
	bool		 json;		/* an object an interval */
	bool		 sorted;	/* else in the order of the list */
	bool		 reverse;
	enum watch_column column;	/* sorted by it */
	char		 filter[IFNAMSIZ];	/* part of the name; "": all */
	struct watch_look now, before;
	struct watch_row *rows;		/* only what the filter matches */
	size_t		 nrows;
};

extern const char *const watch_columns[WATCH_NCOLUMNS + 1];

/*
 * Take a sample: `now' becomes `before', and the rows are made again.  One
 * request to the stack, or one for each name that was given.  ENXIO: no
 * interface that is followed is left, which was reported.  ENOMEM.
 */
int	watch_look(struct watch *, struct ifnet_error *);
/* Make the rows again after a change of filter or order.  ENOMEM. */
int	watch_rows(struct watch *, struct ifnet_error *);
const char *watch_state(const struct cmd_if *);

/* Draw on cc_screen until q, ^C or the end; the exit code.  -1: there is no
 * usable screen, which was reported. */
int	watch_screen(struct watch *);

#endif /* !COMMAND_WATCH_IMPL_H */
