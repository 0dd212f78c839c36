/*
 * proto_names: the names of numbers that are shown to people.
 *
 * The numbers of a stack and of its client need not be the same: a line in the
 * middle of <ifnet/drop.h> moves all that follow.  The greeting carries a hash
 * of the stack's tables; a client whose own hash differs asks for the tables
 * (CTL_NAMES), once a session.
 */

#ifndef PROTO_PROTO_NAMES_H
#define PROTO_PROTO_NAMES_H

#include <stddef.h>
#include <stdint.h>

enum proto_names {
	PROTO_NAMES_DROP = 1,	/* <ifnet/drop.h> */
	PROTO_NAMES_HISTORY,	/* enum if_history_event */
	PROTO_NAMES_OPER,	/* IF_OPER_* */
	PROTO_NAMES_LINK,	/* LINK_STATE_* */
	PROTO_NAMES_MAX
};

/* The name of a number of this build, and in *text (may be NULL) its meaning in
 * words.  NULL: there is no such number. */
const char *proto_name(enum proto_names, unsigned number, const char **text);
/* The flags (CTL_NAME_*) of a number that exists. */
unsigned proto_name_flags(enum proto_names, unsigned number);
/* The size of a table: its numbers are smaller than this. */
unsigned proto_names_count(enum proto_names);
/* A hash of all tables of this build; never 0. */
uint64_t proto_names_hash(void);

#endif /* !PROTO_PROTO_NAMES_H */
