/*
 * in6_test: in_test.h with IPv6 in it: addresses, neighbours, packets made by
 * hand and looked at.
 *
 * Networks: 2001:db8:1::1/64 on it_a, 2001:db8:2::1/64 on it_b, ::1 on lo0, and
 * link-local addresses; neighbours ::2 and fe80::2 on both links; forwarding is
 * on.
 */

#ifndef TESTS_IN6_TEST_H
#define TESTS_IN6_TEST_H

#include "in_test.h"

#include "netinet6/ip6_var.h"	/* headers of packets */

#define NET_A	"2001:db8:1::"
#define NET_B	"2001:db8:2::"
#define US_A	NET_A "1"
#define US_B	NET_B "1"
#define HOST_A	NET_A "2"
#define HOST_B	NET_B "2"

/* --- addresses ----------------------------------------------------------- */

static inline struct in6_aliasreq
alias6(const struct ifnet *ifp, const char *text, unsigned len)
{
	struct prefix mask = { UINT64_MAX, UINT64_MAX, 0, AF_INET6 };
	struct in6_aliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, ifp->if_xname, IFNAMSIZ);
	ifra.ifra_addr.sin6_family = AF_INET6;
	KASSERT(inet_pton(AF_INET6, text, &ifra.ifra_addr.sin6_addr) == 1);
	prefix_cut(&mask, len);
	ifra.ifra_prefixmask.sin6_family = AF_INET6;
	prefix_addr6(&mask, &ifra.ifra_prefixmask.sin6_addr);
	return ifra;
}

static inline int
give6(struct in_test *it, const struct in6_aliasreq *ifra)
{
	struct in6_aliasreq copy = *ifra;

	return ifioctl(it->it_vn, &kauth_cred_self, SIOCAIFADDR_IN6, &copy,
	    sizeof(copy));
}

/* Give an address, which need not be checked first. */
static inline int
add6(struct in_test *it, const struct ifnet *ifp, const char *text,
    unsigned len)
{
	struct in6_aliasreq ifra = alias6(ifp, text, len);

	ifra.ifra_flags = IN6_IFF_NODAD;
	return give6(it, &ifra);
}

/* The inner address of a text, with a zone or without (NULL). */
static inline union neigh_addr
inner6(const char *text, const struct ifnet *zone)
{
	union neigh_addr na;

	KASSERT(inet_pton(AF_INET6, text, &na) == 1);
	if (zone != NULL)
		KASSERT(zone6_enter(na.na_bytes, zone->if_index));
	return na;
}

/* Is an address of a packet that one? */
static inline bool
ip6_is(const uint8_t *addr, const char *text)
{
	const union neigh_addr na = inner6(text, NULL);

	return memcmp(addr, &na, sizeof(na)) == 0;
}

/* The interface's link-local address, as text; of the last four calls. */
static inline const char *
linklocal6(const struct ifnet *ifp)
{
	static __thread char text[4][INET6_ADDRSTRLEN];
	static __thread unsigned n;
	const struct sockaddr_in6 *sin6;
	const struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list) {
		sin6 = (const struct sockaddr_in6 *)(const void *)ifa->ifa_addr;
		if (sin6->sin6_family == AF_INET6 &&
		    zone6_is_linklocal(sin6->sin6_addr.s6_addr))
			return inet_ntop(AF_INET6, &sin6->sin6_addr,
			    text[n++ % 4], INET6_ADDRSTRLEN);
	}
	return NULL;
}

/* --- routes and neighbours ----------------------------------------------- */

static inline int
route6_add(struct in_test *it, const char *dst, unsigned len, const char *gw,
    const struct ifnet *zone, uint32_t flags, uint32_t mtu)
{
	struct rt_info ri = {
		.ri_family = AF_INET6, .ri_dst = inner6(dst, NULL),
		.ri_len = len, .ri_flags = flags, .ri_mtu = mtu,
	};

	if (gw != NULL)
		ri.ri_gw = inner6(gw, zone);
	return rt_add(it->it_vn, &ri);
}

/* A neighbour with an address of the link, or none any more (mac NULL). */
static inline void
neigh6_set(struct in_test *it, struct ifnet *ifp, const char *text,
    const uint8_t *mac)
{
	struct neigh_table *nt = neigh_table_of(it->it_vn);
	const union neigh_addr na = inner6(text, ifp);
	struct neigh *ne;

	kspin_lock(&nt->nt_lock);
	ne = neigh_lookup(nt, ifp, AF_INET6, &na);
	if (mac == NULL && ne != NULL)
		neigh_remove(nt, ne);
	else if (mac != NULL) {
		if (ne == NULL)
			ne = neigh_create(nt, ifp, AF_INET6, &na);
		KASSERT(ne != NULL && neigh_set(ne, mac) == 0);
	}
	kspin_unlock(&nt->nt_lock);
}

/* --- packets ------------------------------------------------------------- */

/* Build an IPv6 header for len bytes of payload, which follows it; returns the
 * total length. */
static inline unsigned
mk6(uint8_t *buf, const char *src, const char *dst, uint8_t nxt, uint8_t hlim,
    unsigned len)
{
	struct iphdr6 *ip6 = (struct iphdr6 *)(void *)buf;

	memset(ip6, 0, sizeof(*ip6));
	buf[0] = 0x60;
	ip6->ip6_plen = be16((uint16_t)len);
	ip6->ip6_nxt = nxt;
	ip6->ip6_hlim = hlim;
	KASSERT(inet_pton(AF_INET6, src, ip6->ip6_src) == 1);
	KASSERT(inet_pton(AF_INET6, dst, ip6->ip6_dst) == 1);
	return IP6_HLEN + len;
}

/* Fill in the checksum, at `at', of len bytes of payload from off on. */
static inline void
mk6_cksum(uint8_t *buf, unsigned off, unsigned len, unsigned at, uint8_t proto)
{
	uint16_t sum;

	memset(buf + off + at, 0, 2);
	sum = in_cksum_fold(in_cksum_add(buf + off, len,
	    in6_cksum_pseudo(buf + 8, proto, len)));
	memcpy(buf + off + at, &sum, 2);
}

/* A UDP packet with len bytes of payload. */
static inline unsigned
mk6_udp(uint8_t *buf, const char *src, const char *dst, uint8_t hlim,
    unsigned len)
{
	uint8_t *u = buf + IP6_HLEN;
	unsigned total = mk6(buf, src, dst, IPPROTO_UDP, hlim, 8 + len);

	u[0] = 0x10, u[1] = 0, u[2] = 0x20, u[3] = 0;
	u[4] = (uint8_t)((8 + len) >> 8), u[5] = (uint8_t)(8 + len);
	for (unsigned i = 0; i < len; i++)
		u[8 + i] = (uint8_t)(i * 7);
	mk6_cksum(buf, IP6_HLEN, 8 + len, 6, IPPROTO_UDP);
	return total;
}

/* An ICMPv6 message with len bytes behind its 8. */
static inline unsigned
mk6_icmp(uint8_t *buf, const char *src, const char *dst, uint8_t type,
    uint8_t code, unsigned len)
{
	uint8_t *p = buf + IP6_HLEN;
	unsigned total = mk6(buf, src, dst, IPPROTO_ICMPV6, 64, 8 + len);

	memset(p, 0, 8);
	p[0] = type;
	p[1] = code;
	p[5] = 7, p[7] = 9;
	for (unsigned i = 0; i < len; i++)
		p[8 + i] = (uint8_t)(i * 13 + 1);
	mk6_cksum(buf, IP6_HLEN, 8 + len, 2, IPPROTO_ICMPV6);
	return total;
}

static inline unsigned
mk6_echo(uint8_t *buf, const char *src, const char *dst, unsigned len)
{

	return mk6_icmp(buf, src, dst, ICMP6H_ECHO, 0, len);
}

/*
 * Put an extension header of n bytes (a multiple of 8, at least 8) at offset
 * off of a packet of len bytes, whose next header of that place is at nxtoff;
 * its contents but for the first byte are given.  Returns the new length.
 */
static inline unsigned
mk6_ext(uint8_t *buf, unsigned len, unsigned off, unsigned nxtoff,
    uint8_t nxt, const void *contents, unsigned n)
{
	struct iphdr6 *ip6 = (struct iphdr6 *)(void *)buf;

	memmove(buf + off + n, buf + off, len - off);
	buf[off] = buf[nxtoff];
	buf[nxtoff] = nxt;
	memcpy(buf + off + 1, contents, n - 1);
	ip6->ip6_plen = be16((uint16_t)(len + n - IP6_HLEN));
	return len + n;
}

static inline void
inject6_as(struct in_test *it, struct inject in)
{

	in.in_type = ETHERTYPE_IPV6;
	if (in.in_n == 0)
		in.in_n = 1;
	on_cpu(it, inject_cpu, &in);
}

/* Receive a packet, n times in one vector; link header added. */
static inline void
inject6_n(struct in_test *it, struct tif *t, const void *data, unsigned len,
    unsigned n)
{

	inject6_as(it, (struct inject){ .in_t = t, .in_data = data,
	    .in_len = len, .in_n = n });
}

static inline void
inject6(struct in_test *it, struct tif *t, const void *data, unsigned len)
{

	inject6_n(it, t, data, len, 1);
}

/* The i-th packet sent: its IPv6 header, checked; NULL: there is none. */
static inline const struct iphdr6 *
tx6(const struct tif *t, unsigned i)
{
	const struct iphdr6 *ip6;

	if (i >= t->tif_ntx || t->tif_tx[i].tp_data[12] != 0x86 ||
	    t->tif_tx[i].tp_data[13] != 0xdd)
		return NULL;
	ip6 = (const struct iphdr6 *)(const void *)(t->tif_tx[i].tp_data + 14);
	KASSERT(be16(ip6->ip6_plen) == t->tif_tx[i].tp_len - 14 - IP6_HLEN);
	KASSERT((be32(ip6->ip6_flow) >> 28) == 6);
	return ip6;
}

/* Likewise, its ICMPv6 header, the checksum of which is right. */
static inline const struct icmphdr6 *
tx6_icmp(const struct tif *t, unsigned i)
{
	const struct iphdr6 *ip6 = tx6(t, i);
	unsigned len;

	if (ip6 == NULL || ip6->ip6_nxt != IPPROTO_ICMPV6)
		return NULL;
	len = be16(ip6->ip6_plen);
	KASSERT(in_cksum_fold(in_cksum_add(ip6 + 1, len, in6_cksum_pseudo(
	    ip6->ip6_src, IPPROTO_ICMPV6, len))) == 0);
	return (const struct icmphdr6 *)(const void *)(ip6 + 1);
}

/* Is the only packet sent that error, about a packet that was received by the
 * same interface?  Clears what was sent. */
static inline bool
was_told(struct tif *t, uint8_t type, uint8_t code, uint32_t word,
    const void *about, unsigned len)
{
	const struct icmphdr6 *icmp = tx6_icmp(t, 0);
	bool told;

	told = t->tif_ntx == 1 && icmp != NULL && icmp->icmp6_type == type &&
	    icmp->icmp6_code == code && be32(icmp->icmp6_word) == word &&
	    memcmp(icmp + 1, about, len < 1232 ? len : 1232) == 0;
	tif_clear(t);
	return told;
}

/* The value of a counter of IPv6, "ip6.forwarded". */
static inline uint64_t
ip6stat(struct in_test *it, const char *name)
{
	char full[128];

	(void)snprintf(full, sizeof(full), "net.inet6.stats.%s", name);
	return test_sysctl(it->it_vn, full);
}

/* --- the stack ----------------------------------------------------------- */

static inline void
in6_begin(struct in_test *it)
{
	struct tif *t[2] = { &it->it_a, &it->it_b };

	KASSERT(add6(it, it->it_a.tif_ifp, US_A, 64) == 0);
	KASSERT(add6(it, it->it_b.tif_ifp, US_B, 64) == 0);
	KASSERT(add6(it, it->it_lo, "::1", 128) == 0);
	KASSERT(set_sysctl(it, "net.inet6.ip6.forwarding", 1) == 0);
	KASSERT(set_sysctl(it, "net.inet6.icmp6.errppslimit", -1) == 0);
	neigh6_set(it, it->it_a.tif_ifp, HOST_A, it->it_a.tif_peer);
	neigh6_set(it, it->it_b.tif_ifp, HOST_B, it->it_b.tif_peer);
	/* Reports of groups are the last that is sent. */
	sleep_ms(it, 5000);
	for (unsigned i = 0; i < 2; i++) {
		neigh6_set(it, t[i]->tif_ifp, "fe80::2", t[i]->tif_peer);
		KASSERT(linklocal6(t[i]->tif_ifp) != NULL);
		tif_clear(t[i]);
	}
}

static inline void
in6_end(struct in_test *it)
{
	struct tif *t[2] = { &it->it_a, &it->it_b };

	settle(it);
	all_books(it);
	for (unsigned i = 0; i < 2; i++)
		if (t[i]->tif_ifp != NULL) {
			neigh6_set(it, t[i]->tif_ifp, i == 0 ? HOST_A : HOST_B,
			    NULL);
			neigh6_set(it, t[i]->tif_ifp, "fe80::2", NULL);
		}
}

/* Define the cmocka test NAME, which runs NAME_body between these. */
#define IN6_TEST(name, ncpu)						\
	static void name##_in6(struct in_test *it)			\
	{ in6_begin(it); name##_body(it); in6_end(it); }		\
	static void name(void **state)					\
	{ (void)state; in_on_sim(ncpu, name##_in6); }

#endif /* !TESTS_IN6_TEST_H */
