/*
 * ip_options: the options of IPv4 headers (RFC 791 3.1): checked whole for
 * every packet that has any, stamped when it is forwarded (RFC 1812 5.3.13),
 * and sent back with an echo reply (RFC 1122 3.2.2.6).
 *
 * Record route takes the address that this host has on the way out, or that
 * the packet was sent to; time stamp the time as well, or alone.
 */

#include "netinet/ip_var.h"

#define IPOPT_SECURITY	130

/* Within an option; the pointer counts from 1. */
#define OPT_TYPE	0
#define OPT_LEN		1
#define OPT_PTR		2
#define OPT_TSFLAGS	3	/* count of hosts without room, kind */
#define RR_MINPTR	4
#define TS_MINPTR	5
#define TS_ONLY		0
#define TS_ANDADDR	1
#define TS_PRESPEC	3
#define TS_MAXOVERFLOW	15

#define MS_A_DAY	86400000u

/*
 * The length of the next option of a header; 0: there is none, and *bad is NULL
 * or the byte that is wrong.
 */
static unsigned
opt_len(const uint8_t *cp, const uint8_t *end, const uint8_t **bad)
{

	*bad = NULL;
	if (cp == end || cp[OPT_TYPE] == IPOPT_EOL)
		return 0;
	if (cp[OPT_TYPE] == IPOPT_NOP)
		return 1;
	if (end - cp < 2)
		*bad = cp;
	else if (cp[OPT_LEN] < 2 || cp[OPT_LEN] > end - cp)
		*bad = cp + OPT_LEN;
	else
		return cp[OPT_LEN];
	return 0;
}

static inline const uint8_t *
opt_end(const struct iphdr4 *ip)
{

	return (const uint8_t *)ip + ip_hlen(ip);
}

/* --- checks -------------------------------------------------------------- */

/* The byte that is wrong, or NULL.  Room for part of an address is an error; no
 * room at all is allowed. */
static const uint8_t *
rr_check(const uint8_t *cp)
{
	unsigned len = cp[OPT_LEN];

	if (len < 3)
		return cp + OPT_LEN;
	if (cp[OPT_PTR] < RR_MINPTR ||
	    (cp[OPT_PTR] <= len && cp[OPT_PTR] + 3u > len))
		return cp + OPT_PTR;
	return NULL;
}

static const uint8_t *
ts_check(const uint8_t *cp)
{
	unsigned len = cp[OPT_LEN], ptr, kind;

	if (len < 4)
		return cp + OPT_LEN;
	ptr = cp[OPT_PTR];
	kind = cp[OPT_TSFLAGS] & 0xf;
	if (kind != TS_ONLY && kind != TS_ANDADDR && kind != TS_PRESPEC)
		return cp + OPT_TSFLAGS;
	if (ptr < TS_MINPTR ||
	    (ptr <= len && ptr + (kind == TS_ONLY ? 3u : 7u) > len))
		return cp + OPT_PTR;
	/* The counter of hosts without room would overflow. */
	if (ptr > len && kind != TS_PRESPEC &&
	    cp[OPT_TSFLAGS] >> 4 == TS_MAXOVERFLOW)
		return cp + OPT_TSFLAGS;
	return NULL;
}

bool
ip_options_check(struct ifnet *ifp, struct mbuf *m)
{
	const struct iphdr4 *ip = mtoip(m);
	const uint8_t *cp, *bad = NULL;
	bool rr = false, ts = false;
	unsigned n;

	for (cp = (const uint8_t *)(ip + 1);
	    (n = opt_len(cp, opt_end(ip), &bad)) != 0; cp += n) {
		switch (cp[OPT_TYPE]) {
		case IPOPT_LSRR:
		case IPOPT_SSRR:
			icmp_error(ifp, m, ICMP4_UNREACH,
			    ICMP4_UNREACH_SRCFAIL, 0);
			m_drop(ifp, m, DROP_IP_SRCROUTE);
			return false;
		case IPOPT_RR:
			/* Each of the two options may occur once. */
			bad = rr ? cp : rr_check(cp);
			rr = true;
			break;
		case IPOPT_TS:
			bad = ts ? cp : ts_check(cp);
			ts = true;
			break;
		default:
			break;
		}
		if (bad != NULL)
			break;
	}
	if (bad == NULL)
		return true;
	/* The pointer of a parameter problem is the first byte of its word. */
	icmp_error(ifp, m, ICMP4_PARAMPROB, 0,
	    (uint32_t)(bad - (const uint8_t *)ip) << 24);
	m_drop(ifp, m, DROP_IP_OPTIONS);
	return false;
}

/* --- stamps -------------------------------------------------------------- */

static void
rr_stamp(uint8_t *cp, uint32_t addr)
{

	if (cp[OPT_PTR] > cp[OPT_LEN] || addr == 0)
		return;
	memcpy(cp + cp[OPT_PTR] - 1, &addr, 4);
	cp[OPT_PTR] = (uint8_t)(cp[OPT_PTR] + 4);
}

static void
ts_stamp(const struct rt_table *tb, uint8_t *cp, uint32_t addr)
{
	unsigned kind = cp[OPT_TSFLAGS] & 0xf;
	struct fwd fd;
	uint8_t *p = cp + cp[OPT_PTR] - 1;
	uint32_t ms, named;

	if (cp[OPT_PTR] > cp[OPT_LEN]) {
		if (kind != TS_PRESPEC)
			cp[OPT_TSFLAGS] = (uint8_t)(cp[OPT_TSFLAGS] + 0x10);
		return;
	}
	if (kind == TS_PRESPEC) {
		/* The next of the listed addresses is stamped when it is
		 * local. */
		memcpy(&named, p, 4);
		fd = rt_lookup4(tb, named);
		if (!fwd_is_local(&fd) || !in_local_usable(&fd, named))
			return;
		p += 4;
	} else if (kind == TS_ANDADDR) {
		if (addr == 0)
			return;
		memcpy(p, &addr, 4);
		p += 4;
	}
	ms = be32((uint32_t)(host_wallclock(tb->tb_vnet->vn_kern->k_host) /
	    1000000 % MS_A_DAY));
	memcpy(p, &ms, 4);
	cp[OPT_PTR] = (uint8_t)(cp[OPT_PTR] + (kind == TS_ONLY ? 4 : 8));
}

void
ip_options_stamp(const struct rt_table *tb, struct iphdr4 *ip,
    uint32_t addr)
{
	uint8_t *cp = (uint8_t *)(ip + 1);
	const uint8_t *bad;
	unsigned n;

	for (; (n = opt_len(cp, opt_end(ip), &bad)) != 0; cp += n) {
		if (cp[OPT_TYPE] == IPOPT_RR)
			rr_stamp(cp, addr);
		else if (cp[OPT_TYPE] == IPOPT_TS)
			ts_stamp(tb, cp, addr);
	}
}

unsigned
ip_options_echo(const struct iphdr4 *ip, uint8_t opts[IP_OPTLEN_MAX])
{
	const uint8_t *cp = (const uint8_t *)(ip + 1), *bad;
	unsigned n, len = 0;

	for (; (n = opt_len(cp, opt_end(ip), &bad)) != 0; cp += n) {
		if (cp[OPT_TYPE] != IPOPT_RR && cp[OPT_TYPE] != IPOPT_TS &&
		    cp[OPT_TYPE] != IPOPT_SECURITY)
			continue;
		memcpy(opts + len, cp, n);
		len += n;
	}
	while ((len & 3) != 0)
		opts[len++] = IPOPT_EOL;
	return len;
}
