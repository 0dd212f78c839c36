/*
 * Numbers, addresses and names from words.  Parsing is strict: a word must
 * match completely, or it is refused.
 */

#include "command/command_impl.h"
#include "proto/prefix.h"

#include <arpa/inet.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of the filter, or of those that pick a table. */
#define RULE_NUMBER_MAX	65535

bool
cmd_parse_num(const char *s, uint64_t max, uint64_t *v)
{
	uint64_t n = 0;
	unsigned d;

	if (*s == '\0')
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		d = (unsigned)(*s - '0');
		if (n > (UINT64_MAX - d) / 10)
			return false;
		n = n * 10 + d;
	}
	if (n > max)
		return false;
	*v = n;
	return true;
}

bool
cmd_parse_mark(const char *s, unsigned *mark)
{
	char *end;
	uint64_t v;

	if (strncmp(s, "0x", 2) == 0 && isxdigit((unsigned char)s[2])) {
		errno = 0;
		v = strtoull(s, &end, 16);
		if (errno != 0 || *end != '\0' || v > UINT32_MAX)
			return false;
	} else if (!cmd_parse_num(s, UINT32_MAX, &v))
		return false;
	*mark = (unsigned)v;
	return true;
}

int
cmd_parse_rule_number(const char *s, unsigned *number, struct ifnet_error *e)
{
	uint64_t v;

	if (!cmd_parse_num(s, RULE_NUMBER_MAX, &v) || v == 0)
		return ifnet_error_set(e, EINVAL, "%s: a rule's number is 1 "
		    "to %d", s, RULE_NUMBER_MAX);
	*number = (unsigned)v;
	return 0;
}

bool
cmd_parse_seconds(const char *s, uint64_t min_ns, uint64_t *ns)
{
	uint64_t whole = 0, frac = 0, scale = 100000000;
	bool digits = false;

	for (; *s >= '0' && *s <= '9'; s++) {
		whole = whole * 10 + (uint64_t)(*s - '0');
		if (whole > 1000000)
			return false;
		digits = true;
	}
	if (*s == '.') {
		for (s++; *s >= '0' && *s <= '9'; s++) {
			frac += (uint64_t)(*s - '0') * scale;
			scale /= 10;
			digits = true;
		}
	}
	if (*s != '\0' || !digits)
		return false;
	*ns = whole * 1000000000 + frac;
	return *ns >= min_ns;
}

bool
cmd_parse_inet(const char *s, struct in_addr *a)
{

	return inet_pton(AF_INET, s, a) == 1;
}

/* Does the word look like a host name rather than a malformed address? */
static bool
looks_like_name(const char *s)
{

	for (; *s != '\0'; s++)
		if ((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z'))
			return true;
	return false;
}

int
cmd_parse_prefix(const char *word, struct in_addr *a, int *len,
    struct ifnet_error *e)
{
	char buf[CMD_TEXTSIZE];
	const char *slash;
	uint64_t n;
	size_t alen;

	slash = strchr(word, '/');
	alen = slash != NULL ? (size_t)(slash - word) : strlen(word);
	if (alen >= sizeof(buf))
		return ifnet_error_set(e, EINVAL, "%.40s...: bad value",
		    word);
	memcpy(buf, word, alen);
	buf[alen] = '\0';
	if (!cmd_parse_inet(buf, a)) {
		if (strchr(buf, ':') != NULL)
			return ifnet_error_set(e, EINVAL, "%s: not an IPv4 "
			    "address", word);
		if (looks_like_name(buf))
			return ifnet_error_set(e, EINVAL, "%s: bad value "
			    "(host names are not looked up here; give an "
			    "address like 10.0.0.1)", word);
		return ifnet_error_set(e, EINVAL, "%s: bad value (an address "
		    "is four decimal numbers up to 255, like 10.0.0.1)",
		    word);
	}
	*len = -1;
	if (slash == NULL)
		return 0;
	if (!cmd_parse_num(slash + 1, 32, &n) || strlen(slash + 1) > 2)
		return ifnet_error_set(e, EINVAL, "%s: bad prefix length "
		    "(0 to 32 can follow the slash)", word);
	*len = (int)n;
	return 0;
}

int
cmd_mask_len(struct in_addr mask)
{

	return prefix_len(ntohl(mask.s_addr));
}

struct in_addr
cmd_mask(int len)
{
	struct in_addr a;

	a.s_addr = htonl(prefix_mask(len <= 0 ? 0 : (unsigned)len));
	return a;
}

static bool
parse_hex32(const char *s, uint32_t *v)
{
	uint32_t n = 0;
	int digits;

	for (digits = 0; *s != '\0'; s++, digits++) {
		if (digits == 8)
			return false;
		if (*s >= '0' && *s <= '9')
			n = n << 4 | (uint32_t)(*s - '0');
		else if (*s >= 'a' && *s <= 'f')
			n = n << 4 | (uint32_t)(*s - 'a' + 10);
		else if (*s >= 'A' && *s <= 'F')
			n = n << 4 | (uint32_t)(*s - 'A' + 10);
		else
			return false;
	}
	*v = n;
	return digits > 0;
}

int
cmd_parse_mask(const char *word, int *len, struct ifnet_error *e)
{
	struct in_addr mask;
	uint32_t v;

	if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
		if (!parse_hex32(word + 2, &v))
			return ifnet_error_set(e, EINVAL, "netmask %s: bad "
			    "value (0x and up to 8 hexadecimal digits)",
			    word);
		mask.s_addr = htonl(v);
	} else if (!cmd_parse_inet(word, &mask)) {
		return ifnet_error_set(e, EINVAL, "netmask %s: bad value "
		    "(write it like 255.255.255.0 or 0xffffff00)", word);
	}
	*len = cmd_mask_len(mask);
	if (*len < 0)
		return ifnet_error_set(e, EINVAL, "netmask %s: not a mask: "
		    "its one bits must all be in front", word);
	return 0;
}

#define LETTERS	"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

/* Check a name that is to be given to an interface or a group, as the daemon
 * will. */
static int
check_new(const char *what, const char *name, struct ifnet_error *e)
{
	size_t len = strlen(name);

	if (len == 0)
		return ifnet_error_set(e, EINVAL, "%s name \"\" is empty",
		    what);
	if (len >= IFNAMSIZ)
		return ifnet_error_set(e, EINVAL, "%s name \"%.60s\" is too "
		    "long (at most %d characters)", what, name,
		    IFNAMSIZ - 1);
	if (name[0] == '-')
		return ifnet_error_set(e, EINVAL, "%s name \"%s\": a name "
		    "does not begin with \"-\"", what, name);
	if (strspn(name, LETTERS "0123456789-_.") != len)
		return ifnet_error_set(e, EINVAL, "%s name \"%s\" has a "
		    "character no name can have (letters, digits, - _ . are "
		    "good)", what, name);
	if (strpbrk(name, LETTERS) == NULL)
		return ifnet_error_set(e, EINVAL, "%s name \"%s\" has no "
		    "letter in it: an index or an address looks so", what,
		    name);
	if (strcmp(name, "any") == 0 || strcmp(name, "help") == 0)
		return ifnet_error_set(e, EINVAL, "%s name \"%s\": the word "
		    "means something else where a name is expected", what,
		    name);
	return 0;
}

int
cmd_check_new_ifname(const char *name, struct ifnet_error *e)
{

	return check_new("interface", name, e);
}

int
cmd_check_group(const char *name, struct ifnet_error *e)
{
	size_t len = strlen(name);

	if (check_new("group", name, e) != 0)
		return EINVAL;
	if (name[len - 1] >= '0' && name[len - 1] <= '9')
		return ifnet_error_set(e, EINVAL, "%s: a group's name does not "
		    "end in a digit", name);
	return 0;
}

int
cmd_check_ifname(const char *name, bool unit, struct ifnet_error *e)
{
	size_t len = strlen(name), d;
	uint64_t n;
	const char *p;

	if (len == 0)
		return ifnet_error_set(e, EINVAL,
		    "an interface name cannot be empty");
	if (len >= IFNAMSIZ)
		return ifnet_error_set(e, EINVAL, "interface name \"%.60s\" "
		    "is too long (at most %d characters)", name,
		    IFNAMSIZ - 1);
	if (name[0] == '-')
		return ifnet_error_set(e, EINVAL, "interface name \"%s\": a "
		    "name does not begin with \"-\"", name);
	for (p = name; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || *p == '/' || *p == ':')
			return ifnet_error_set(e, EINVAL, "interface name "
			    "\"%s\" has a character no name can have", name);
	for (d = len; d > 0 && name[d - 1] >= '0' && name[d - 1] <= '9'; d--)
		continue;
	if (!unit)
		return 0;
	if (d == 0)
		return ifnet_error_set(e, EINVAL, "interface name \"%s\" has "
		    "no kind in front of the number", name);
	if (d < len && len - d > 1 && name[d] == '0')
		return ifnet_error_set(e, EINVAL, "interface name \"%s\" has "
		    "leading zeros in its number", name);
	if (d < len && !cmd_parse_num(name + d, INT32_MAX, &n))
		return ifnet_error_set(e, EINVAL, "interface name \"%s\": "
		    "the number is too large (at most %d)", name, INT32_MAX);
	return 0;
}

void
cmd_sin(struct sockaddr_storage *ss, struct in_addr a)
{
	struct sockaddr_in *sin = (struct sockaddr_in *)ss;

	memset(ss, 0, sizeof(*ss));
	sin->sin_family = AF_INET;
	sin->sin_addr = a;
}

int
cmd_class_len(struct in_addr a)
{
	uint32_t h = ntohl(a.s_addr);

	if ((h & 0x80000000u) == 0)
		return 8;
	if ((h & 0xc0000000u) == 0x80000000u)
		return 16;
	return 24;
}
