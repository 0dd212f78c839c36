/*
 * Routing messages: their layout.  A message may come from anywhere, so no
 * field or address is used before its place inside the message has been
 * checked.
 */

#include <ifnet/rtmsg.h>

#include <netinet/in.h>

#include <errno.h>
#include <string.h>

#define SA_ALIGN(n)	(((n) + 7) & ~(size_t)7)
#define RTA_KNOWN	(RTA_DST | RTA_GATEWAY | RTA_NETMASK | RTA_IFP | \
	    RTA_IFA | RTA_BRD)

size_t
rt_sa_size(int family)
{

	switch (family) {
	case AF_INET:
		return SA_ALIGN(sizeof(struct sockaddr_in));
	case AF_INET6:
		return SA_ALIGN(sizeof(struct sockaddr_in6));
	case AF_LINK:
		return SA_ALIGN(sizeof(struct sockaddr_dl));
	default:
		return 0;
	}
}

/* The length of an address, without padding. */
static size_t
sa_bytes(int family)
{

	switch (family) {
	case AF_INET:
		return sizeof(struct sockaddr_in);
	case AF_INET6:
		return sizeof(struct sockaddr_in6);
	default:
		return sizeof(struct sockaddr_dl);
	}
}

size_t
rt_msg_headsize(uint8_t type)
{

	switch (type) {
	case RTM_ADD:
	case RTM_DELETE:
	case RTM_CHANGE:
	case RTM_GET:
	case RTM_MISS:
	case RTM_LLINFO_UPD:
		return sizeof(struct rt_msg);
	case RTM_IFINFO:
	case RTM_IFANNOUNCE:
		return sizeof(struct if_msg);
	case RTM_NEWADDR:
	case RTM_DELADDR:
	case RTM_CHGADDR:
		return sizeof(struct ifa_msg);
	case RTM_IFRENAME:
		return sizeof(struct if_rename_msg);
	case RTM_OVERRUN:
		return sizeof(struct rt_overrun_msg);
	case RTM_SNAPSHOT_END:
		return sizeof(struct rt_hdr);
	default:
		return 0;
	}
}

/* Does the name in the record, if it has one, end with a NUL? */
static bool
name_ends(const uint8_t *msg, size_t headsize)
{
	const uint8_t *name;

	if (headsize == sizeof(struct rt_msg))
		name = msg + offsetof(struct rt_msg, rtm_ifname);
	else if (headsize == sizeof(struct if_msg))
		name = msg + offsetof(struct if_msg, ifm_name);
	else if (headsize == sizeof(struct ifa_msg))
		name = msg + offsetof(struct ifa_msg, ifam_name);
	else if (headsize == sizeof(struct if_rename_msg)) {
		name = msg + offsetof(struct if_rename_msg, ifrn_oldname);
		if (memchr(name, '\0', IFNAMSIZ) == NULL)
			return false;
		name = msg + offsetof(struct if_rename_msg, ifrn_name);
	} else
		return true;
	return memchr(name, '\0', IFNAMSIZ) != NULL;
}

_Static_assert(sizeof(struct rt_msg) != sizeof(struct if_msg) &&
    sizeof(struct rt_msg) != sizeof(struct ifa_msg) &&
    sizeof(struct if_msg) != sizeof(struct ifa_msg) &&
    sizeof(struct if_rename_msg) != sizeof(struct rt_msg) &&
    sizeof(struct if_rename_msg) != sizeof(struct if_msg) &&
    sizeof(struct if_rename_msg) != sizeof(struct ifa_msg),
    "a record is known by its size");
_Static_assert(sizeof(struct rt_msg) % 8 == 0 &&
    sizeof(struct if_msg) % 8 == 0 && sizeof(struct ifa_msg) % 8 == 0 &&
    sizeof(struct if_rename_msg) % 8 == 0 &&
    sizeof(struct rt_overrun_msg) % 8 == 0, "addresses stay aligned");

/* The address at msg + off: its padded size, or a negative errno. */
static int
check_sa(const uint8_t *msg, size_t off, size_t len)
{
	struct sockaddr_dl sdl;
	sa_family_t family;
	size_t size;

	if (len - off < sizeof(family))
		return -EINVAL;
	memcpy(&family, msg + off, sizeof(family));
	size = rt_sa_size(family);
	if (size == 0)
		return -EAFNOSUPPORT;
	if (size > len - off)
		return -EINVAL;
	if (family == AF_LINK) {
		memcpy(&sdl, msg + off, sizeof(sdl));
		if (sdl.sdl_alen > SDL_DATALEN)
			return -EINVAL;
	}
	return (int)size;
}

int
rt_msg_check(const void *buf, size_t len, const struct sockaddr *sa[RTAX_MAX])
{
	const uint8_t *msg = buf;
	struct rt_hdr h;
	size_t off;
	int size;

	for (unsigned i = 0; i < RTAX_MAX; i++)
		sa[i] = NULL;
	/* The addresses are returned in place, so the message must be
	 * aligned. */
	if (len < sizeof(h) || len > RT_MSG_MAX || ((uintptr_t)buf & 7) != 0)
		return EINVAL;
	memcpy(&h, msg, sizeof(h));
	off = rt_msg_headsize(h.rtm_type);
	if (h.rtm_len != len || h.rtm_version != RTM_VERSION || off == 0 ||
	    off > len || (h.rtm_addrs & ~RTA_KNOWN) != 0 ||
	    !name_ends(msg, off))
		return EINVAL;
	for (unsigned i = 0; i < RTAX_MAX; i++) {
		if (!(h.rtm_addrs & 1u << i))
			continue;
		size = check_sa(msg, off, len);
		if (size < 0) {
			memset(sa, 0, RTAX_MAX * sizeof(sa[0]));
			return -size;
		}
		sa[i] = (const struct sockaddr *)(const void *)(msg + off);
		off += (size_t)size;
	}
	if (off != len) {
		memset(sa, 0, RTAX_MAX * sizeof(sa[0]));
		return EINVAL;
	}
	return 0;
}

bool
rt_msg_add(void *msg, unsigned bit, const struct sockaddr *sa)
{
	struct rt_hdr *h = msg;
	size_t size = rt_sa_size(sa->sa_family);
	uint8_t *p = (uint8_t *)msg + h->rtm_len;
	size_t bytes;

	/* The bit must be a single known one, above those already in the
	 * message. */
	if (size == 0 || (bit & RTA_KNOWN) != bit || bit == 0 ||
	    (bit & (bit - 1)) != 0 || bit <= h->rtm_addrs ||
	    h->rtm_len > RT_MSG_MAX - size)
		return false;
	bytes = sa_bytes(sa->sa_family);
	memcpy(p, sa, bytes);
	memset(p + bytes, 0, size - bytes);
	h->rtm_len += (uint32_t)size;
	h->rtm_addrs |= (uint16_t)bit;
	return true;
}

/* The next part, of n bytes, and *off behind it; NULL: too few bytes are
 * left. */
static const void *
part(const uint8_t *msg, size_t len, size_t *off, size_t bytes)
{
	const uint8_t *p = msg + *off;

	if (SA_ALIGN(bytes) > len - *off)
		return NULL;
	*off += SA_ALIGN(bytes);
	return p;
}

int
rt_detail_check(const void *buf, size_t len, struct if_detail *id)
{
	const struct if_detail_msg *m = buf;
	size_t off = sizeof(*m);

	if (len < sizeof(*m) || len > RT_MSG_MAX || ((uintptr_t)buf & 7) != 0 ||
	    m->ifdm_h.rtm_len != len || m->ifdm_h.rtm_type != RTM_IFDETAIL ||
	    m->ifdm_h.rtm_version != RTM_VERSION ||
	    m->ifdm_descrlen > IFDESCRSIZE ||
	    m->ifdm_linkstrlen > IFDESCRSIZE ||
	    m->ifdm_ndefault > m->ifdm_ngroups ||
	    memchr(m->ifdm_name, '\0', IFNAMSIZ) == NULL)
		return EINVAL;
	id->id_msg = m;
	id->id_descr = part(buf, len, &off, m->ifdm_descrlen);
	if (id->id_descr == NULL)
		return EINVAL;
	id->id_linkstr = part(buf, len, &off, m->ifdm_linkstrlen);
	if (id->id_linkstr == NULL)
		return EINVAL;
	id->id_groups = part(buf, len, &off,
	    (size_t)m->ifdm_ngroups * IFNAMSIZ);
	if (id->id_groups == NULL)
		return EINVAL;
	id->id_drops = part(buf, len, &off,
	    m->ifdm_ndrops * sizeof(*id->id_drops));
	if (id->id_drops == NULL || off != len)
		return EINVAL;
	for (unsigned i = 0; i < m->ifdm_ngroups; i++)
		if (memchr(id->id_groups[i], '\0', IFNAMSIZ) == NULL)
			return EINVAL;
	return 0;
}
