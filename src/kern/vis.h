/*
 * vis: text that came from somebody, made fit to be shown in a line of ours: it
 * can neither end the line nor speak to the terminal.  Descriptions, names,
 * words of a request, captured bytes and what an error quotes of them all pass
 * through here before a person or a log sees them.
 */

#ifndef KERN_VIS_H
#define KERN_VIS_H

#include <stddef.h>

/* Room for what n bytes become at most, with the NUL. */
#define VIS_SIZE(n)	((n) * 4 + 1)

/*
 * Any context.  The len bytes at src into dst, cut where size ends (never
 * within an escape) and ended by NUL; returns dst.  As vis(3) with C style:
 * \n \t \r \a \b \v \f, \e for ESC, \\ for a backslash, \xNN for every other
 * control character, C1 controls, characters that turn the direction of writing
 * or end a line in Unicode, and each byte that is no UTF-8.
 */
char	*vis_text(char *dst, size_t size, const char *src, size_t len);

/*
 * The same for a line of words of our own, into which such text was put: a
 * backslash stays.
 */
char	*vis_line(char *dst, size_t size, const char *src, size_t len);

/* How many bytes the UTF-8 character at p has; 0: it is none. */
size_t	vis_utf8(const unsigned char *p, size_t len);

#endif /* !KERN_VIS_H */
