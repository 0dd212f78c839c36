/*
 * json: the writer of JSON for all subcommands.  Values are written at once, so
 * that a listing of any length needs no memory.  The documents are described in
 * ifctl(8) and, for programs, in docs/ifctl.schema.json.
 */

#ifndef COMMAND_JSON_H
#define COMMAND_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The version of the documents; it grows when a key goes or changes. */
#define JSON_SCHEMA	1

#define JSON_DEPTH	8

enum json_style {
	JSON_LINE,	/* a document is one line */
	JSON_PRETTY
};

struct cmd_ctx;

struct json {
	struct cmd_ctx	*j_ctx;
	FILE		*j_fp;
	enum json_style	 j_style;
	unsigned	 j_depth;
	char		 j_close[JSON_DEPTH];
	bool		 j_some[JSON_DEPTH + 1];	/* a comma is due */
	bool		 j_failed;	/* something is missing */
};

/* Begin a document on cc_out. */
void	json_begin(struct json *, struct cmd_ctx *, enum json_style);
/* End the document with a newline; returns the exit code, with a message on
 * failure. */
int	json_done(struct json *);

/* In an object the key comes with the value; in an array it is NULL. */
void	json_object(struct json *, const char *key);
void	json_array(struct json *, const char *key);
void	json_end(struct json *);
/* Write a text of any bytes: each byte that is not part of a UTF-8 character
 * becomes U+FFFD. */
void	json_text(struct json *, const char *key, const char *);
void	json_bool(struct json *, const char *key, bool);
/* Write a number that a double holds exactly. */
void	json_int(struct json *, const char *key, int64_t);
/*
 * Write a number that may pass 2^53, which many readers round: KEY is the
 * number, and KEY_str the same digits as a text.
 */
void	json_u64(struct json *, const char *key, uint64_t);
void	json_fixed(struct json *, const char *key, double, int decimals);

/* A counter of an object of counters. */
struct json_counter {
	const char	*jc_name;
	uint64_t	 jc_value;
};

/* Write an object KEY of counters as numbers, and an object KEY_str of the same
 * as texts. */
void	json_counters(struct json *, const char *key,
	    const struct json_counter *, size_t n);

#endif /* !COMMAND_JSON_H */
