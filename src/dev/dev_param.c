/*
 * Words after "create": splitting, numbers, addresses.
 */

#include "dev/dev_param.h"

#include <arpa/inet.h>
#include <errno.h>
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
		return EINVAL;
	for (const char *c = word; *c != '\0'; c++) {
		if (*c < '0' || *c > '9' || n > UINT64_MAX / 10 - 1)
			return EINVAL;
		n = n * 10 + (uint64_t)(*c - '0');
	}
	if (n < min || n > max)
		return EINVAL;
	*v = n;
	return 0;
}

int
dev_param_inet(const char **p, uint32_t *addr)
{
	char word[DEV_WORDSIZE];
	struct in_addr in;

	if (!dev_param_word(p, word) || inet_pton(AF_INET, word, &in) != 1)
		return EINVAL;
	*addr = in.s_addr;
	return 0;
}
