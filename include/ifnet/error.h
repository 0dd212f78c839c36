/*
 * error: what went wrong, for a program (an errno value) and for a person
 * (one line: what was tried, on what, and what to do).
 */

#ifndef IFNET_ERROR_H
#define IFNET_ERROR_H

#pragma GCC visibility push(default)

#define IFNET_ERROR_TEXT	512

struct ifnet_error {
	int	 code;			/* errno value; 0 = no error */
	char	 text[IFNET_ERROR_TEXT];
};

/* Fill *e (which may be NULL) and return `code'. */
int	ifnet_error_set(struct ifnet_error *e, int code, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));

#pragma GCC visibility pop

#endif /* !IFNET_ERROR_H */
