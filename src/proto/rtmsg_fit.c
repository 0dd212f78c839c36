/*
 * Routing messages between releases: records are cut or filled up.
 */

#include "proto/rtmsg_fit.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "proto/proto_rec.h"

#define RTA_KNOWN	(RTA_DST | RTA_GATEWAY | RTA_NETMASK | RTA_IFP | \
	    RTA_IFA | RTA_BRD)

/* The record at the head of a message of this type; 0: unknown. */
static size_t
head_size(uint8_t type)
{

	return type == RTM_IFDETAIL ? sizeof(struct if_detail_msg) :
	    rt_msg_headsize(type);
}

void
rt_msg_stamp(void *msg)
{
	struct rt_hdr h;

	memcpy(&h, msg, sizeof(h));
	h.rtm_hdrlen = (uint16_t)head_size(h.rtm_type);
	memcpy(msg, &h, sizeof(h));
	if (h.rtm_type == RTM_IFDETAIL)
		((struct if_detail_msg *)msg)->ifdm_droplen =
		    sizeof(struct if_detail_drop);
}

/* A message being made from another one. */
struct fit {
	const uint8_t	*ft_from;
	size_t		 ft_len, ft_off;	/* of from */
	uint8_t		*ft_to;
	size_t		 ft_tolen;
};

/* Copy n bytes, padded, unchanged.  false: the message is shorter, or the room
 * too small. */
static bool
take(struct fit *ft, size_t n)
{
	size_t padded = proto_padded(n);

	if (padded > ft->ft_len - ft->ft_off ||
	    padded > RT_MSG_MAX - ft->ft_tolen)
		return false;
	memcpy(ft->ft_to + ft->ft_tolen, ft->ft_from + ft->ft_off, padded);
	ft->ft_off += padded;
	ft->ft_tolen += padded;
	return true;
}

/* Convert the parts behind an if_detail_msg. */
static int
fit_detail(struct fit *ft)
{
	struct if_detail_msg *m = (struct if_detail_msg *)ft->ft_to;
	size_t stride = m->ifdm_droplen, size = sizeof(struct if_detail_drop);

	if (stride < sizeof(uint64_t) || stride % 8 != 0 ||
	    !take(ft, m->ifdm_descrlen) || !take(ft, m->ifdm_linkstrlen) ||
	    !take(ft, (size_t)m->ifdm_ngroups * IFNAMSIZ))
		return EINVAL;
	for (unsigned i = 0; i < m->ifdm_ndrops; i++) {
		if (stride > ft->ft_len - ft->ft_off ||
		    size > RT_MSG_MAX - ft->ft_tolen)
			return EINVAL;
		(void)proto_fit(ft->ft_from + ft->ft_off, stride,
		    ft->ft_to + ft->ft_tolen, size);
		ft->ft_off += stride;
		ft->ft_tolen += size;
	}
	m->ifdm_droplen = (uint16_t)size;
	return 0;
}

/* Copy the addresses, up to the first kind that this build does not know. */
static int
fit_addresses(struct fit *ft)
{
	struct rt_hdr *h = (struct rt_hdr *)ft->ft_to;
	uint16_t there = h->rtm_addrs;
	sa_family_t family;
	unsigned bit;

	h->rtm_addrs = 0;
	for (bit = 1; bit <= there; bit <<= 1) {
		if (!(there & bit))
			continue;
		if (!(bit & RTA_KNOWN))
			return E2BIG;
		if (ft->ft_len - ft->ft_off < sizeof(family))
			return EINVAL;
		memcpy(&family, ft->ft_from + ft->ft_off, sizeof(family));
		if (rt_sa_size(family) == 0)
			return E2BIG;
		if (!take(ft, rt_sa_size(family)))
			return EINVAL;
		h->rtm_addrs |= (uint16_t)bit;
	}
	return 0;
}

/* Does the message have the layout of this build? */
static bool
is_ours(const uint8_t *msg, const struct rt_hdr *h, size_t size, size_t len)
{
	uint16_t droplen;

	/* A length of 0 means that the sender is in the same program and did
	 * not call rt_msg_stamp(). */
	if (h->rtm_hdrlen == 0)
		return true;
	if (h->rtm_hdrlen != size || size > len ||
	    (h->rtm_addrs & ~RTA_KNOWN) != 0 || ((uintptr_t)msg & 7) != 0)
		return false;
	if (h->rtm_type != RTM_IFDETAIL)
		return true;
	memcpy(&droplen, msg + offsetof(struct if_detail_msg, ifdm_droplen),
	    sizeof(droplen));
	return droplen == sizeof(struct if_detail_drop);
}

int
rt_msg_fit(const void *msg, size_t len, void *room, const void **out)
{
	struct fit ft = { .ft_from = msg, .ft_len = len, .ft_to = room };
	struct rt_hdr h;
	size_t size;
	bool known;
	int error;

	if (len < sizeof(h) || len > RT_MSG_MAX)
		return EINVAL;
	memcpy(&h, msg, sizeof(h));
	if (h.rtm_len != len)
		return EINVAL;
	size = head_size(h.rtm_type);
	if (h.rtm_version != RTM_VERSION || size == 0)
		return EPROTONOSUPPORT;
	if (is_ours(msg, &h, size, len)) {
		*out = msg;
		return 0;
	}
	if (h.rtm_hdrlen < sizeof(h) || h.rtm_hdrlen % 8 != 0 ||
	    h.rtm_hdrlen > len)
		return EINVAL;
	known = proto_fit(msg, h.rtm_hdrlen, room, size);
	ft.ft_off = h.rtm_hdrlen;
	ft.ft_tolen = size;
	error = h.rtm_type == RTM_IFDETAIL ? fit_detail(&ft) :
	    fit_addresses(&ft);
	if (error != 0 && error != E2BIG)
		return error;
	((struct rt_hdr *)room)->rtm_len = (uint16_t)ft.ft_tolen;
	((struct rt_hdr *)room)->rtm_hdrlen = (uint16_t)size;
	*out = room;
	return known ? error : E2BIG;
}
