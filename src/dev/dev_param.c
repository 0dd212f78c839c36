/*
 * Words after "create": splitting, numbers, addresses.
 */

#include "dev/dev_param.h"

#include <ifnet/kern.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

bool
dev_param_word(const char **p, char word[DEV_WORDSIZE])
{
	const char *s = *p;
	size_t len, n;

	s += strspn(s, " \t");
	len = strcspn(s, " \t");
	if (len == 0)
		return false;
	n = len < DEV_WORDSIZE ? len : DEV_WORDSIZE - 1;
	memcpy(word, s, n);
	word[n] = '\0';
	*p = s + len;
	return true;
}

int
dev_param_num(const char **p, uint64_t min, uint64_t max, uint64_t *v)
{
	char word[DEV_WORDSIZE];
	uint64_t n = 0;

	if (!dev_param_word(p, word))
		return kern_refuse(EINVAL, "a number from %llu to %llu is "
		    "missing", (unsigned long long)min,
		    (unsigned long long)max);
	for (const char *c = word; *c != '\0'; c++) {
		if (*c < '0' || *c > '9' ||
		    n > (UINT64_MAX - (uint64_t)(*c - '0')) / 10)
			return kern_refuse(EINVAL, "%.64s is no number from "
			    "%llu to %llu", word, (unsigned long long)min,
			    (unsigned long long)max);
		n = n * 10 + (uint64_t)(*c - '0');
	}
	if (n < min || n > max)
		return kern_refuse(EINVAL, "%.64s is not from %llu to %llu",
		    word, (unsigned long long)min, (unsigned long long)max);
	*v = n;
	return 0;
}

int
dev_param_inet(const char **p, uint32_t *addr)
{
	char word[DEV_WORDSIZE];
	struct in_addr in;

	if (!dev_param_word(p, word))
		return kern_refuse(EINVAL, "an IPv4 address is missing");
	if (inet_pton(AF_INET, word, &in) != 1)
		return kern_refuse(EINVAL, "%.64s is no IPv4 address", word);
	*addr = in.s_addr;
	return 0;
}

int
dev_param_again(const char *word)
{

	return kern_refuse(EINVAL, "%.64s is given twice", word);
}

int
dev_param_unknown(const char *word, const char *help)
{
	char words[192] = "";
	size_t used = 0, n;

	/* "dst ADDR: what; peer [VNET:]IF: what" becomes "dst ADDR, peer
	 * [VNET:]IF". */
	while (help != NULL && *help != '\0') {
		n = strcspn(help, ":;");
		while (help[n] == ':' && help[n + 1] != ' ')
			n += 1 + strcspn(help + n + 1, ":;");
		if (used + n + 3 > sizeof(words))
			break;
		used += (size_t)snprintf(words + used, sizeof(words) - used,
		    "%s%.*s", used == 0 ? "" : ", ", (int)n, help);
		help += n;
		help += strcspn(help, ";");
		help += strspn(help, "; ");
	}
	if (used == 0)
		return kern_refuse(EINVAL, "%.64s: interfaces of this kind "
		    "take no parameters", word);
	return kern_refuse(EINVAL, "%.40s: unknown parameter; interfaces of "
	    "this kind take: %s", word, words);
}
