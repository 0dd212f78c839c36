/*
 * Link-level addresses as text.
 */

#include <ifnet/if_dl.h>

#include <stddef.h>

const char *
lladdr_text(const uint8_t *addr, unsigned len, char buf[LLADDR_STRSIZE])
{
	static const char hex[] = "0123456789abcdef";
	char *p = buf;

	if (len > SDL_DATALEN)
		len = SDL_DATALEN;
	for (unsigned i = 0; i < len; i++) {
		if (i != 0)
			*p++ = ':';
		*p++ = hex[addr[i] >> 4];
		*p++ = hex[addr[i] & 0xf];
	}
	*p = '\0';
	return buf;
}

static int
hexval(char c)
{

	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int
lladdr_parse(const char *s, uint8_t *addr, unsigned max)
{
	unsigned n = 0;
	int v, digit;

	for (;;) {
		v = hexval(*s);
		if (v < 0 || n == max)
			return -1;
		s++;
		/* One digit alone is a byte too: "2:0:5e:10:0:1". */
		digit = hexval(*s);
		if (digit >= 0) {
			v = v << 4 | digit;
			s++;
		}
		addr[n++] = (uint8_t)v;
		if (*s == '\0')
			return (int)n;
		if (*s != ':' && *s != '-')
			return -1;
		s++;
	}
}

bool
lladdr_is_station(const uint8_t *lladdr, unsigned len)
{
	uint8_t any = 0;

	for (unsigned i = 0; i < len; i++)
		any |= lladdr[i];
	return any != 0 && (len != 6 || (lladdr[0] & 1) == 0);
}
