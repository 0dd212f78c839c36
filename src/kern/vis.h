/*
 * vis: text from outside, made safe to be shown within a line of output: it can
 * neither end the line nor control the terminal.  Descriptions, names, words of
 * a request, captured bytes and what an error quotes of them all pass through
 * here before a person or a log sees them.
 */

#ifndef KERN_VIS_H
#define KERN_VIS_H

#include <stddef.h>
#include <stdint.h>

/* The size that n bytes need at most once escaped, with the NUL. */
#define VIS_SIZE(n)	((n) * 4 + 1)

/*
 * Any context: copy the len bytes at src to dst, escaped, cut to size (never
 * within an escape) and ended by NUL; returns dst.  As vis(3) with C style: \n
 * \t \r \a \b \v \f, \e for ESC, \\ for a backslash, \xNN for every other
 * control character, C1 controls, characters that turn the direction of writing
 * or end a line in Unicode, and each byte that is no UTF-8.
 */
char	*vis_text(char *dst, size_t size, const char *src, size_t len);

/*
 * As vis_text(), for a line of output that already has escaped text in it: a
 * backslash stays.
 */
char	*vis_line(char *dst, size_t size, const char *src, size_t len);

/* The length in bytes of the UTF-8 character at p; 0: there is none. */
size_t	vis_utf8(const unsigned char *p, size_t len);

/*
 * The code of the character of n bytes at p when it is a C1 control, ends a
 * line, turns the direction of writing or cannot be seen; else 0.  n: what
 * vis_utf8() returned.
 */
uint32_t vis_harmful(const unsigned char *p, size_t n);

#endif /* !KERN_VIS_H */
