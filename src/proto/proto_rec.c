/*
 * Records of control messages.
 */

#include "proto/proto_rec.h"

#include <string.h>

int
proto_rec_next(const uint8_t **p, size_t *left, struct proto_rec *pr)
{
	struct ctl_rec rc;
	size_t step;

	if (*left == 0)
		return 0;
	if (*left < sizeof(rc))
		return -1;
	memcpy(&rc, *p, sizeof(rc));
	if (rc.rc_len > *left || rc.rc_len < sizeof(rc) ||
	    rc.rc_len - sizeof(rc) < rc.rc_fixed || rc.rc_fixed % 8 != 0)
		return -1;
	pr->pr_type = rc.rc_type;
	pr->pr_fixed = *p + sizeof(rc);
	pr->pr_nfixed = rc.rc_fixed;
	pr->pr_data = pr->pr_fixed + rc.rc_fixed;
	pr->pr_len = rc.rc_len - sizeof(rc) - rc.rc_fixed;
	/* The last record needs no padding. */
	step = proto_padded(rc.rc_len);
	if (step > *left)
		step = *left;
	*p += step;
	*left -= step;
	return 1;
}

bool
proto_fit(const void *from, size_t n, void *to, size_t size)
{
	const uint8_t *rest = from;

	if (n <= size) {
		if (n > 0)
			memcpy(to, from, n);
		if (size > n)
			memset((uint8_t *)to + n, 0, size - n);
		return true;
	}
	if (size > 0)
		memcpy(to, from, size);
	for (size_t i = size; i < n; i++)
		if (rest[i] != 0)
			return false;
	return true;
}

bool
proto_rec_get(const struct proto_rec *pr, void *to, size_t size)
{

	return proto_fit(pr->pr_fixed, pr->pr_nfixed, to, size);
}

bool
proto_rec_istext(const struct proto_rec *pr)
{

	return pr->pr_len > 0 && memchr(pr->pr_data, '\0', pr->pr_len) ==
	    pr->pr_data + pr->pr_len - 1;
}
