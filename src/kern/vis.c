/*
 * Text made visible.
 */

#include "kern/vis.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

size_t
vis_utf8(const unsigned char *p, size_t len)
{
	uint32_t c;
	size_t n, i;

	if (p[0] < 0x80)
		return 1;
	n = p[0] >= 0xc2 && p[0] <= 0xdf ? 2 :
	    p[0] >= 0xe0 && p[0] <= 0xef ? 3 :
	    p[0] >= 0xf0 && p[0] <= 0xf4 ? 4 : 0;
	if (n == 0 || n > len)
		return 0;
	c = p[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3fu);
	}
	/* Refused: an overlong form, a surrogate, or a code past U+10FFFF. */
	if ((n == 3 && c < 0x800) || (n == 4 && c < 0x10000) ||
	    (c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return n;
}

uint32_t
vis_harmful(const unsigned char *p, size_t n)
{
	uint32_t c;
	bool bad;

	if (n == 2) {
		c = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		bad = c < 0xa0 || c == 0x61c;
	} else if (n == 3) {
		c = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 |
		    (p[2] & 0x3fu);
		bad = (c >= 0x200b && c <= 0x200f) ||
		    (c >= 0x2028 && c <= 0x202e) ||
		    (c >= 0x2060 && c <= 0x206f) || c == 0xfeff ||
		    (c >= 0xfff9 && c <= 0xfffb);
	} else if (n == 4) {
		c = (p[0] & 7u) << 18 | (p[1] & 0x3fu) << 12 |
		    (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
		bad = c >= 0xe0000 && c <= 0xe0fff;	/* tags */
	} else
		return 0;
	return bad ? c : 0;
}

/* One byte as an escape of 2 or 4 characters. */
static size_t
escape(unsigned char c, char out[5])
{
	static const char from[] = "\a\b\t\n\v\f\r\033\\";
	static const char to[] = "abtnvfre\\";
	const char *p = c != '\0' ? strchr(from, c) : NULL;

	if (p != NULL)
		return (size_t)snprintf(out, 5, "\\%c", to[p - from]);
	return (size_t)snprintf(out, 5, "\\x%02x", c);
}

static char *
encode(char *dst, size_t size, const char *src, size_t len, bool backslash)
{
	const unsigned char *p = (const unsigned char *)src;
	size_t used = 0, n, k;
	char esc[5];
	bool plain;

	for (; len > 0; p += n, len -= n) {
		n = vis_utf8(p, len);
		plain = n > 1 ? vis_harmful(p, n) == 0 : n == 1 && *p >= ' ' &&
		    *p != 0x7f && (*p != '\\' || !backslash);
		if (n == 0)
			n = 1;
		if (plain) {
			if (used + n >= size)
				break;
			memcpy(dst + used, p, n);
			used += n;
			continue;
		}
		n = 1;
		k = escape(*p, esc);
		if (used + k >= size)
			break;
		memcpy(dst + used, esc, k);
		used += k;
	}
	if (size > 0)
		dst[used] = '\0';
	return dst;
}

char *
vis_text(char *dst, size_t size, const char *src, size_t len)
{

	return encode(dst, size, src, len, true);
}

char *
vis_line(char *dst, size_t size, const char *src, size_t len)
{

	return encode(dst, size, src, len, false);
}
