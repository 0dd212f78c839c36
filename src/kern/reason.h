/*
 * reason: why a request is refused, in words, from the place that refuses it.
 *
 * An errno says little, and a guess made from it far away is often wrong.  The
 * place that knows leaves a sentence for the thread that carries out the
 * request; the session in front sends it with the errno, if it is that errno
 * the request ends with.
 */

#ifndef KERN_REASON_H
#define KERN_REASON_H

#define KERN_REASON_SIZE	256

struct kern_reason {
	int	 kr_error;		/* 0: none was given */
	char	 kr_text[KERN_REASON_SIZE];
};

/*
 * Any context: leave the reason for an errno, which is returned.  Does nothing
 * where no request is carried out.  The text names what was asked for, why it
 * is refused, and what to do, without a full stop.
 */
int	kern_refuse(int error, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));

/* Control: where reasons go from here on (NULL: nowhere); returns the last. */
struct kern_reason *kern_reason_set(struct kern_reason *);

#endif /* !KERN_REASON_H */
