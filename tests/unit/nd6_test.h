/*
 * nd6_test: messages of neighbour discovery made by hand and looked at, and the
 * state of neighbours.
 */

#ifndef TESTS_ND6_TEST_H
#define TESTS_ND6_TEST_H

#include "in6_test.h"

#include "netinet6/nd6_impl.h"	/* layouts */

/* A message; m_opt: its option, if m_lladdr is not NULL. */
struct nd_msg {
	const char	*m_src, *m_dst, *m_target;
	const uint8_t	*m_lladdr, *m_nonce;
	uint32_t	 m_flags;
	uint8_t		 m_type, m_code, m_hlim, m_opt, m_optlen;
	unsigned	 m_cut;		/* bytes that are missing at the end */
};

static inline unsigned
nd_make(uint8_t *buf, const struct nd_msg *m)
{
	struct nd6_neighbor *nd = (struct nd6_neighbor *)(void *)(buf +
	    IP6_HLEN);
	uint8_t *p = (uint8_t *)(nd + 1);
	unsigned len;

	memset(nd, 0, sizeof(*nd));
	nd->nd_icmp.icmp6_type = m->m_type;
	nd->nd_icmp.icmp6_code = m->m_code;
	nd->nd_icmp.icmp6_word = be32(m->m_flags);
	KASSERT(inet_pton(AF_INET6, m->m_target, nd->nd_target) == 1);
	if (m->m_lladdr != NULL) {
		*p++ = m->m_opt;
		*p++ = m->m_optlen;
		memcpy(p, m->m_lladdr, 6);
		p += 6;
	}
	if (m->m_nonce != NULL) {
		*p++ = ND6_OPT_NONCE;
		*p++ = 1;
		memcpy(p, m->m_nonce, 6);
		p += 6;
	}
	len = (unsigned)(p - (uint8_t *)nd) - m->m_cut;
	(void)mk6(buf, m->m_src, m->m_dst, IPPROTO_ICMPV6, m->m_hlim, len);
	mk6_cksum(buf, IP6_HLEN, len, 2, IPPROTO_ICMPV6);
	return IP6_HLEN + len;
}

static inline void
nd_inject(struct in_test *it, struct tif *t, const struct nd_msg *m)
{
	uint8_t buf[256];
	unsigned len = nd_make(buf, m);

	inject6(it, t, buf, len);
}

/* An advertisement of target, sent by it. */
static inline void
na(struct in_test *it, struct tif *t, const char *target, const char *dst,
    uint32_t flags, const uint8_t *lladdr)
{
	const struct nd_msg m = {
		.m_type = ND6_NA, .m_src = target, .m_dst = dst,
		.m_target = target, .m_hlim = 255, .m_flags = flags,
		.m_opt = ND6_OPT_TLLA, .m_optlen = 1, .m_lladdr = lladdr,
	};

	nd_inject(it, t, &m);
}

static inline void
ns(struct in_test *it, struct tif *t, const char *src, const char *dst,
    const char *target, const uint8_t *lladdr)
{
	const struct nd_msg m = {
		.m_type = ND6_NS, .m_src = src, .m_dst = dst,
		.m_target = target, .m_hlim = 255, .m_opt = ND6_OPT_SLLA,
		.m_optlen = 1, .m_lladdr = lladdr,
	};

	nd_inject(it, t, &m);
}

/* A packet to be forwarded from it_a. */
static inline void
send_to(struct in_test *it, const char *dst)
{
	uint8_t buf[128];
	unsigned len = mk6_udp(buf, HOST_A, dst, 64, 20);

	inject6(it, &it->it_a, buf, len);
}

/* The i-th packet sent, if it is one of these messages. */
struct nd_got {
	uint8_t		 g_type, g_hlim;
	uint32_t	 g_flags;
	uint8_t		 g_eth[6];	/* destination */
	uint8_t		 g_src[16], g_dst[16], g_target[16];
	uint8_t		 g_opt[8];	/* the first; zeroes: none */
};

static inline bool
nd_sent(const struct tif *t, unsigned i, struct nd_got *g)
{
	const struct icmphdr6 *icmp = tx6_icmp(t, i);
	const struct iphdr6 *ip6 = tx6(t, i);
	const struct nd6_neighbor *nd = (const void *)icmp;

	if (icmp == NULL || (icmp->icmp6_type != ND6_NS &&
	    icmp->icmp6_type != ND6_NA))
		return false;
	memset(g, 0, sizeof(*g));
	g->g_type = icmp->icmp6_type;
	g->g_hlim = ip6->ip6_hlim;
	g->g_flags = be32(icmp->icmp6_word);
	memcpy(g->g_eth, t->tif_tx[i].tp_data, 6);
	memcpy(g->g_src, ip6->ip6_src, 16);
	memcpy(g->g_dst, ip6->ip6_dst, 16);
	memcpy(g->g_target, nd->nd_target, 16);
	if (be16(ip6->ip6_plen) > sizeof(*nd))
		memcpy(g->g_opt, nd + 1, 8);
	return true;
}

/* Messages of a type about target that were sent. */
static inline unsigned
nd_count(const struct tif *t, uint8_t type, const char *target)
{
	struct nd_got g;
	unsigned n = 0;

	for (unsigned i = 0; i < t->tif_ntx; i++)
		n += nd_sent(t, i, &g) && g.g_type == type &&
		    ip6_is(g.g_target, target);
	return n;
}

static inline struct neigh *
nd_entry(struct in_test *it, const char *addr)
{
	const union neigh_addr na = inner6(addr, it->it_b.tif_ifp);

	return neigh_lookup(neigh_table_of(it->it_vn), it->it_b.tif_ifp,
	    AF_INET6, &na);
}

/* The state of a neighbour on it_b; 0: it is not known. */
static inline unsigned
state_of(struct in_test *it, const char *addr)
{
	const struct neigh *ne;
	unsigned state;

	pserialize_read_enter();
	ne = nd_entry(it, addr);
	state = ne == NULL ? 0 : ne->ne_state;
	pserialize_read_exit();
	return state;
}

static inline bool
is_router(struct in_test *it, const char *addr)
{
	const struct neigh *ne;
	bool is;

	pserialize_read_enter();
	ne = nd_entry(it, addr);
	is = ne != NULL && (ne->ne_flags & NEIGH_ROUTER) != 0;
	pserialize_read_exit();
	return is;
}

/* Its link-level address; zeroes: unknown. */
static inline void
lladdr_of(struct in_test *it, const char *addr, uint8_t lladdr[6])
{
	const struct neigh *ne;

	memset(lladdr, 0, 6);
	pserialize_read_enter();
	ne = nd_entry(it, addr);
	if (ne != NULL && ne->ne_hdr != NULL)
		memcpy(lladdr, ne->ne_lladdr, 6);
	pserialize_read_exit();
}

#endif /* !TESTS_ND6_TEST_H */
