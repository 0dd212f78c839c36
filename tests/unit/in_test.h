/*
 * in_test: a vnet with IPv4 in it on the simulated host, Ethernet interfaces
 * that record the packets they sent and receive the packets that a test
 * injects, a loopback interface, and packets made by hand.
 *
 * Bodies check with KASSERT; see kern_test.h.  Addresses are text, "10.0.1.1".
 */

#ifndef TESTS_IN_TEST_H
#define TESTS_IN_TEST_H

#include "kern_test.h"
#include "layer_test.h"
#include "route_test.h"
#include "sysctl_test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "net/pfil.h"		/* its subsystem */
#include "net/rtsock.h"		/* its subsystem */
#include "netinet/arp_var.h"	/* headers of packets; ARP by request */
#include "netinet/ping.h"	/* pings, without a client */
#include "netinet6/in6_var.h"	/* the subsystem */
#include "netinet6/nd6.h"	/* the subsystem */

#ifndef TIF_KEEP
#define TIF_KEEP	512
#endif
#define TIF_ROOM	2048

struct tif_packet {
	uint32_t	 tp_len;
	uint16_t	 tp_csum_flags, tp_segsz, tp_csum_start, tp_csum_offset;
	uint32_t	 tp_mark;
	uint8_t		 tp_data[TIF_ROOM];
};

/* tif_tx[i] is the i-th packet sent since tif_clear(), link header included. */
struct tif {
	struct ifnet	*tif_ifp;
	unsigned	 tif_ntx;
	uint8_t		 tif_mac[6], tif_peer[6];
	struct tif_packet tif_tx[TIF_KEEP];
};

struct in_test {
	struct kern	*it_kern;
	struct vnet	*it_vn;
	struct host	*it_host;
	struct tif	 it_a;		/* 10.0.1.1/24 */
	struct tif	 it_b;		/* 10.0.2.1/24 */
	struct ifnet	*it_lo;		/* lo0, no address */
};

/* --- addresses ----------------------------------------------------------- */

/* Is it that address, of a packet or a next hop (network order)? */
static inline bool
ip_is(uint32_t addr, const char *text)
{

	return addr == test_hop(text);
}

/* The interface's own address of that text; NULL: none. */
static inline struct ifaddr *
in_ifa(struct ifnet *ifp, const char *addr)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (test_addr_is(ifa->ifa_addr, addr))
			break;
	return ifa;
}

/* --- running on CPU 0 ---------------------------------------------------- */

struct in_call {
	void		(*ic_fn)(void *);
	void		*ic_arg;
};

static inline void
in_call_first(void *arg)
{
	struct in_call *ic = arg;

	if (cpu_index(curcpu()) == 0)
		ic->ic_fn(ic->ic_arg);
}

static inline void
in_nothing(void *arg)
{

	(void)arg;
}

/* Wait until all work that is scheduled now has run. */
static inline void
settle(struct in_test *it)
{

	for (int i = 0; i < 6; i++)
		kern_xcall(it->it_kern, in_nothing, NULL);
}

static inline void
on_cpu(struct in_test *it, void (*fn)(void *), void *arg)
{
	struct in_call ic = { fn, arg };

	kern_xcall(it->it_kern, in_call_first, &ic);
	settle(it);
}

static inline void
sleep_ms(struct in_test *it, unsigned ms)
{

	host_sleep(it->it_host, (uint64_t)ms * 1000000);
	settle(it);
}

/* --- interfaces ---------------------------------------------------------- */

static inline int
tif_transmit(struct ifnet *ifp, struct mvec *mv)
{
	struct tif *t = ifp->if_softc;
	struct tif_packet *tp;
	struct mbuf *m;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		m = mv->mv_m[i];
		tp = &t->tif_tx[t->tif_ntx++ % TIF_KEEP];
		tp->tp_len = m->m_pktlen;
		tp->tp_csum_flags = m->m_csum_flags;
		tp->tp_csum_start = m->m_csum_start;
		tp->tp_csum_offset = m->m_csum_offset;
		tp->tp_segsz = m->m_segsz;
		tp->tp_mark = m->m_mark;
		(void)m_copydata(m, 0, m->m_pktlen < TIF_ROOM ? m->m_pktlen :
		    TIF_ROOM, tp->tp_data);
	}
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

static inline int
tlo_transmit(struct ifnet *ifp, struct mvec *mv)
{

	for (unsigned i = 0; i < mv->mv_n; i++)
		mv->mv_m[i]->m_flags |= M_LOOP;
	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	if_percpuq_enqueue_vec(ifp, mv);
	return 0;
}

static const struct if_ops tif_ops = {
	.transmit = tif_transmit,
	.ioctl = ether_ioctl,
};

static const struct if_ops tlo_ops = {
	.transmit = tlo_transmit,
	.ioctl = ifioctl_common,
};

static inline void
tif_attach(struct in_test *it, struct tif *t, unsigned unit)
{
	struct ifnet *ifp;

	memset(t, 0, sizeof(*t));
	t->tif_mac[0] = t->tif_peer[0] = 2;
	t->tif_mac[5] = (uint8_t)(unit + 1);
	t->tif_peer[4] = 9;
	t->tif_peer[5] = (uint8_t)(unit + 1);
	ifp = if_alloc(it->it_vn, IFT_ETHER);
	KASSERT(ifp != NULL);
	if_initname(ifp, "tif", unit);
	ifp->if_softc = t;
	ifp->if_ops = &tif_ops;
	ifp->if_mtu_max = 65535;
	KASSERT(ether_ifattach(ifp, t->tif_mac) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING, 0);
	if_ioctl_lock(ifp);
	if_up(ifp);
	if_ioctl_unlock(ifp);
	t->tif_ifp = ifp;
}

/* Set an interface up, or down. */
static inline void
in_up(struct ifnet *ifp, bool on)
{

	if_ioctl_lock(ifp);
	if (on)
		if_up(ifp);
	else
		if_down(ifp);
	if_ioctl_unlock(ifp);
}

static inline void
tif_detach(struct tif *t)
{

	if_detach(t->tif_ifp);
	if_free(t->tif_ifp);
	t->tif_ifp = NULL;
}

static inline void
tif_clear(struct tif *t)
{

	t->tif_ntx = 0;
}

static inline void
tlo_attach(struct in_test *it)
{
	struct ifnet *ifp;

	ifp = if_alloc(it->it_vn, IFT_LOOP);
	KASSERT(ifp != NULL);
	if_initname(ifp, "lo", 0);
	ifp->if_flags = IFF_LOOPBACK;
	ifp->if_mtu = 65535;
	ifp->if_ops = &tlo_ops;
	ifp->if_typeops = &raw_type_ops;
	KASSERT(if_percpuq_create(ifp) == 0);
	KASSERT(if_attach(ifp) == 0);
	if_flags_update(ifp, IFF_RUNNING, 0);
	if_ioctl_lock(ifp);
	if_up(ifp);
	if_ioctl_unlock(ifp);
	it->it_lo = ifp;
}

static inline uint64_t
drops(struct ifnet *ifp, enum drop_reason why)
{

	return test_if_drops(ifp, why);
}

static inline struct if_data
ifdata(struct ifnet *ifp)
{

	return test_if_data(ifp);
}

static inline void
all_books(struct in_test *it)
{

	test_if_books(it->it_a.tif_ifp);
	test_if_books(it->it_b.tif_ifp);
	test_if_books(it->it_lo);
}

/* The value of a counter of IPv4, "ip.forwarded". */
static inline uint64_t
ipstat(struct in_test *it, const char *name)
{
	char full[128];

	(void)snprintf(full, sizeof(full), "net.inet.stats.%s", name);
	return test_sysctl(it->it_vn, full);
}

static inline int
set_sysctl(struct in_test *it, const char *name, int64_t v)
{

	return test_sysctl_set(it->it_vn, name, v);
}

/* --- requests ------------------------------------------------------------ */

static inline int
addr_req(struct in_test *it, unsigned long cmd, struct ifnet *ifp,
    const char *addr, unsigned len, const char *dst)
{
	struct ifaliasreq ifra;
	union test_addr mask;

	memset(&ifra, 0, sizeof(ifra));
	memcpy(ifra.ifra_name, ifp->if_xname, IFNAMSIZ);
	test_addr_put(&ifra.ifra_addr, addr);
	if (len != 0) {
		mask = test_mask(test_sa(addr), len);
		memcpy(&ifra.ifra_mask, &mask, test_addr_len(&mask.sa));
	}
	if (dst != NULL)
		test_addr_put(&ifra.ifra_dstaddr, dst);
	return ifioctl(it->it_vn, &kauth_cred_self, cmd, &ifra, sizeof(ifra));
}

static inline int
addr_add(struct in_test *it, struct ifnet *ifp, const char *addr, unsigned len)
{

	return addr_req(it, SIOCAIFADDR, ifp, addr, len, NULL);
}

static inline int
addr_del(struct in_test *it, struct ifnet *ifp, const char *addr)
{

	return addr_req(it, SIOCDIFADDR, ifp, addr, 0, NULL);
}

static inline int
neigh_req(struct in_test *it, uint8_t type, struct ifnet *ifp,
    const char *addr, const uint8_t *mac, uint32_t flags, int64_t expire_s)
{
	const struct sockaddr *sa[RTAX_MAX] = { NULL };
	uint64_t answer[RT_MSG_MAX / 8];
	struct sockaddr_dl sdl;
	struct rt_msg rtm;
	size_t len;

	memset(&rtm, 0, sizeof(rtm));
	memset(&sdl, 0, sizeof(sdl));
	rtm.rtm_h.rtm_type = type;
	rtm.rtm_flags = flags | RTF_LLDATA;
	rtm.rtm_expire_s = expire_s;
	rtm.rtm_ifhandle = ifp != NULL ? ifp->if_handle : 0;
	sa[0] = test_sa(addr);
	if (mac != NULL) {
		sdl.sdl_family = AF_LINK;
		sdl.sdl_alen = 6;
		memcpy(sdl.sdl_data, mac, 6);
		sa[1] = (struct sockaddr *)&sdl;
	}
	return neigh_request(it->it_vn, DOM_SLOT_INET, &rtm, sa, answer, &len);
}

/* The number of neighbours there are entries of. */
static inline size_t
in_neighbours(struct in_test *it)
{

	return it->it_vn->vn_neigh->nc_table.nt_hash.kh_count;
}

static inline int
route_add(struct in_test *it, const char *dst, unsigned len, const char *gw,
    uint32_t flags, uint32_t mtu)
{
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	test_route_to(&ri, dst);
	ri.ri_len = len;
	if (gw != NULL)
		test_route_via(&ri, gw);
	ri.ri_flags = flags;
	ri.ri_mtu = mtu;
	return rt_add(it->it_vn, &ri);
}

static inline const struct test_route *
route_to(struct in_test *it, const char *dst)
{
	const struct test_route *rt;

	pserialize_read_enter();
	rt = test_rt_lookup(it->it_vn, dst);
	pserialize_read_exit();
	return rt;
}

/* Does the route to an address have a flag, and lead out of an interface? */
static inline bool
has_route(struct in_test *it, const char *dst, uint32_t flag,
    const struct ifnet *ifp)
{
	const struct test_route *rt = route_to(it, dst);

	return rt != NULL && (rt->rt_flags & flag) != 0 && rt->rt_ifp == ifp;
}

/* --- packets ------------------------------------------------------------- */

/* Build an IPv4 header for len bytes of payload, which follows it; returns the
 * total length. */
static inline unsigned
mk_ip(uint8_t *buf, const char *src, const char *dst, uint8_t proto,
    uint8_t ttl, unsigned len)
{
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;

	memset(ip, 0, sizeof(*ip));
	ip->ip_vhl = 0x45;
	ip->ip_len = be16((uint16_t)(20 + len));
	ip->ip_id = be16(0x1234);
	ip->ip_ttl = ttl;
	ip->ip_p = proto;
	ip->ip_src = test_hop(src);
	ip->ip_dst = test_hop(dst);
	ip_set_cksum(ip);
	return 20 + len;
}

/* Build a UDP packet with len bytes of payload. */
static inline unsigned
mk_udp(uint8_t *buf, const char *src, const char *dst, uint8_t ttl,
    unsigned len)
{
	uint8_t *u = buf + 20;
	uint16_t sum;

	u[0] = 0x10, u[1] = 0, u[2] = 0x20, u[3] = 0;
	u[4] = (uint8_t)((8 + len) >> 8), u[5] = (uint8_t)(8 + len);
	u[6] = u[7] = 0;
	for (unsigned i = 0; i < len; i++)
		u[8 + i] = (uint8_t)(i * 7);
	sum = in_cksum_fold(in_cksum_add(u, 8 + len, in_cksum_pseudo(
	    test_hop(src), test_hop(dst), IPPROTO_UDP, 8 + len)));
	memcpy(u + 6, &sum, 2);
	return mk_ip(buf, src, dst, IPPROTO_UDP, ttl, 8 + len);
}

/* Build an echo request with len bytes of data. */
static inline unsigned
mk_echo(uint8_t *buf, const char *src, const char *dst, uint16_t id,
    uint16_t seq, unsigned len)
{
	uint8_t *p = buf + 20;
	uint16_t sum;

	memset(p, 0, 8);
	p[0] = ICMP4_ECHO;
	p[4] = (uint8_t)(id >> 8), p[5] = (uint8_t)id;
	p[6] = (uint8_t)(seq >> 8), p[7] = (uint8_t)seq;
	for (unsigned i = 0; i < len; i++)
		p[8 + i] = (uint8_t)(i * 13 + 1);
	sum = in_cksum_fold(in_cksum_add(p, 8 + len, 0));
	memcpy(p + 2, &sum, 2);
	return mk_ip(buf, src, dst, IPPROTO_ICMP, 64, 8 + len);
}

struct inject {
	struct tif	*in_t;
	const uint8_t	*in_data;
	unsigned	 in_len, in_n, in_piece;
	uint16_t	 in_type;
	bool		 in_bcast, in_mcast;
	uint16_t	 in_csum_flags, in_csum_start, in_csum_offset, in_segsz;
	uint32_t	 in_mark;
};

static inline void
inject_cpu(void *arg)
{
	struct inject *in = arg;
	uint8_t eh[14];
	struct mvec mv;
	struct mbuf *m;

	memcpy(eh, in->in_t->tif_mac, 6);
	if (in->in_bcast)
		memset(eh, 0xff, 6);
	if (in->in_mcast)
		memcpy(eh, "\x01\x00\x5e\x00\x00\x01", 6);
	memcpy(eh + 6, in->in_t->tif_peer, 6);
	eh[12] = (uint8_t)(in->in_type >> 8);
	eh[13] = (uint8_t)in->in_type;
	mv.mv_n = 0;
	for (unsigned i = 0; i < in->in_n; i++) {
		m = m_gethdr();
		KASSERT(m != NULL);
		KASSERT(m_append(m, eh, 14) == 0);
		KASSERT(m_append(m, in->in_data, in->in_len) == 0);
		m->m_csum_flags = in->in_csum_flags;
		m->m_csum_start = in->in_csum_start;
		m->m_csum_offset = in->in_csum_offset;
		m->m_segsz = in->in_segsz;
		m->m_mark = in->in_mark;
		mv.mv_m[mv.mv_n++] = m;
	}
	if_input_vec(in->in_t->tif_ifp, &mv);
}

/* Receive a packet, n times in one vector; link header added. */
static inline void
inject_n(struct in_test *it, struct tif *t, const void *data, unsigned len,
    unsigned n)
{
	struct inject in = { .in_t = t, .in_data = data, .in_len = len,
	    .in_n = n, .in_type = ETHERTYPE_IP };

	on_cpu(it, inject_cpu, &in);
}

static inline void
inject(struct in_test *it, struct tif *t, const void *data, unsigned len)
{

	inject_n(it, t, data, len, 1);
}

static inline void
inject_bcast(struct in_test *it, struct tif *t, const void *data, unsigned len)
{
	struct inject in = { .in_t = t, .in_data = data, .in_len = len,
	    .in_n = 1, .in_type = ETHERTYPE_IP, .in_bcast = true };

	on_cpu(it, inject_cpu, &in);
}

/* Receive a packet in a link-level multicast of its group's address. */
static inline void
inject_mcast(struct in_test *it, struct tif *t, const void *data, unsigned len)
{
	struct inject in = { .in_t = t, .in_data = data, .in_len = len,
	    .in_n = 1, .in_type = ETHERTYPE_IP, .in_mcast = true };

	on_cpu(it, inject_cpu, &in);
}

static inline void
inject_arp(struct in_test *it, struct tif *t, const struct arphdr *ar,
    unsigned len)
{
	struct inject in = { .in_t = t, .in_data = (const uint8_t *)ar,
	    .in_len = len, .in_n = 1, .in_type = ETHERTYPE_ARP,
	    .in_bcast = true };

	on_cpu(it, inject_cpu, &in);
}

static inline struct arphdr
mk_arp(uint16_t op, const uint8_t *sha, const char *spa, const char *tpa)
{
	struct arphdr ar;

	memset(&ar, 0, sizeof(ar));
	ar.ar_hrd = htons(1);
	ar.ar_pro = htons(ETHERTYPE_IP);
	ar.ar_hln = 6;
	ar.ar_pln = 4;
	ar.ar_op = be16(op);
	memcpy(ar.ar_sha, sha, 6);
	ar.ar_spa = test_hop(spa);
	ar.ar_tpa = test_hop(tpa);
	return ar;
}

/* The i-th packet sent: its IPv4 header, checked; NULL when there is none. */
static inline const struct iphdr4 *
tx_ip(const struct tif *t, unsigned i)
{
	const struct iphdr4 *ip;

	if (i >= t->tif_ntx || t->tif_tx[i].tp_data[12] != 8 ||
	    t->tif_tx[i].tp_data[13] != 0)
		return NULL;
	ip = (const struct iphdr4 *)(const void *)(t->tif_tx[i].tp_data + 14);
	KASSERT(be16(ip->ip_len) == t->tif_tx[i].tp_len - 14);
	KASSERT(in_cksum_fold(in_cksum_add(ip, ip_hlen(ip), 0)) == 0);
	return ip;
}

static inline const struct icmphdr4 *
tx_icmp(const struct tif *t, unsigned i)
{
	const struct iphdr4 *ip = tx_ip(t, i);
	const struct icmphdr4 *icmp;

	if (ip == NULL || ip->ip_p != IPPROTO_ICMP)
		return NULL;
	icmp = (const struct icmphdr4 *)(const void *)((const uint8_t *)ip +
	    ip_hlen(ip));
	if (be16(ip->ip_len) <= TIF_ROOM - 14 && (ip->ip_off &
	    htons(IP_MF | IP_OFFMASK)) == 0)
		KASSERT(in_cksum_fold(in_cksum_add(icmp, be16(ip->ip_len) -
		    ip_hlen(ip), 0)) == 0);
	return icmp;
}

static inline const struct arphdr *
tx_arp(const struct tif *t, unsigned i)
{

	if (i >= t->tif_ntx || t->tif_tx[i].tp_data[12] != 8 ||
	    t->tif_tx[i].tp_data[13] != 6)
		return NULL;
	return (const struct arphdr *)(const void *)(t->tif_tx[i].tp_data +
	    14);
}

/* Requests for tpa that were sent, in the name of spa (NULL: of any). */
static inline unsigned
arp_asked(const struct tif *t, const char *spa, const char *tpa)
{
	const struct arphdr *ar;
	unsigned n = 0;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		ar = tx_arp(t, i);
		n += ar != NULL && ar->ar_op == htons(ARP_REQUEST) &&
		    (spa == NULL || ip_is(ar->ar_spa, spa)) &&
		    ip_is(ar->ar_tpa, tpa);
	}
	return n;
}

/* Receive a UDP packet. */
static inline void
in_forward(struct in_test *it, struct tif *t, const char *src, const char *dst,
    uint8_t ttl)
{
	uint8_t buf[100];
	unsigned len;

	len = mk_udp(buf, src, dst, ttl, 20);
	inject(it, t, buf, len);
}

struct in_output {
	struct in_test	*io_it;
	const char	*io_src, *io_dst;
	int		 io_error;
};

static inline void
in_output_cpu(void *arg)
{
	struct in_output *io = arg;
	uint8_t buf[64];
	struct mbuf *m;
	unsigned len;

	len = mk_echo(buf, io->io_src, io->io_dst, 1, 1, 8);
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, buf, len) == 0);
	io->io_error = ip_output(rt_main(io->io_it->it_vn), m, 0);
}

/* Send an echo request from src ("0.0.0.0": from what is best); the errno. */
static inline int
in_output(struct in_test *it, const char *src, const char *dst)
{
	struct in_output io = { .io_it = it, .io_src = src, .io_dst = dst };

	on_cpu(it, in_output_cpu, &io);
	return io.io_error;
}

/* A ping of IPv4 in a table: ping_open(), and ping_send() from src or from what
 * is best (NULL). */
static inline int
ping_open4(struct in_test *it, uint32_t table, ping_fn *fn, void *arg,
    struct ping **p)
{
	const struct ping_how how = {
		.ph_family = &ping_inet, .ph_table = table,
	};

	return ping_open(it->it_vn, &how, fn, arg, p);
}

static inline int
ping(struct ping *p, const char *dst, const char *src, uint16_t seq,
    unsigned len, uint8_t ttl)
{
	const union neigh_addr d = neigh_addr4(test_hop(dst));
	const union neigh_addr s = neigh_addr4(src != NULL ? test_hop(src) : 0);

	return ping_send(p, &d, &s, seq, len, ttl);
}

/* --- the stack ----------------------------------------------------------- */

static const struct vnet_subsys *const in_test_subsys[] = {
	&sysctl_subsys, &rtsock_subsys, &pfil_subsys, &if_subsys,
	&route_subsys, &if_clone_subsys, &neigh_subsys, &arp_subsys,
	&inet_subsys, &nd6_subsys,
	&inet6_subsys, NULL
};

struct in_test_run {
	struct host	*ir_host;
	unsigned	 ir_ncpu;
	void		(*ir_body)(struct in_test *);
};

/* Set up two networks, each with a known neighbour .2; forwarding is on. */
static inline void
in_test_main(void *arg)
{
	struct in_test_run *ir = arg;
	struct kern_config kc;
	struct in_test *it;

	it = calloc(1, sizeof(*it));
	KASSERT(it != NULL);
	memset(&kc, 0, sizeof(kc));
	kc.kc_ncpu = ir->ir_ncpu;
	kc.kc_mbufs = 4096;
	kc.kc_subsys = in_test_subsys;
	it->it_host = ir->ir_host;
	KASSERT(kern_create(it->it_host, &kc, &it->it_kern) == 0);
	KASSERT(vnet_create_named(it->it_kern, "test", &it->it_vn) == 0);
	it->it_vn = vnet_get(it->it_kern, "test");
	tlo_attach(it);
	tif_attach(it, &it->it_a, 0);
	tif_attach(it, &it->it_b, 1);
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.0.1.1", 24) == 0);
	KASSERT(addr_add(it, it->it_b.tif_ifp, "10.0.2.1", 24) == 0);
	KASSERT(set_sysctl(it, "net.inet.ip.forwarding", 1) == 0);
	sleep_ms(it, 3000);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.1.2", it->it_a.tif_peer, 0,
	    0) == 0);
	KASSERT(neigh_req(it, RTM_ADD, NULL, "10.0.2.2", it->it_b.tif_peer, 0,
	    0) == 0);
	tif_clear(&it->it_a);
	tif_clear(&it->it_b);

	ir->ir_body(it);

	settle(it);
	if (it->it_a.tif_ifp != NULL) {
		test_if_books(it->it_a.tif_ifp);
		tif_detach(&it->it_a);
	}
	if (it->it_b.tif_ifp != NULL) {
		test_if_books(it->it_b.tif_ifp);
		tif_detach(&it->it_b);
	}
	test_if_books(it->it_lo);
	if_detach(it->it_lo);
	if_free(it->it_lo);
	vnet_destroy_held(it->it_vn);
	KASSERT(mbuf_free_count(it->it_kern) == mbuf_total(it->it_kern));
	kern_destroy(it->it_kern);
	free(it);
}

static inline void
in_on_sim(unsigned ncpu, void (*body)(struct in_test *))
{
	struct in_test_run ir = { .ir_ncpu = ncpu, .ir_body = body };

	on_seeds(2, &ir.ir_host, in_test_main, &ir);
}

/* Define the cmocka test NAME, which runs NAME_body. */
#define IN_TEST(name, ncpu)	static void name(void **state)		\
	{ (void)state; in_on_sim(ncpu, name##_body); }

#endif /* !TESTS_IN_TEST_H */
