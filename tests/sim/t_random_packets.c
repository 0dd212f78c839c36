/*
 * Packets at random: three routers in a ring of pairs, each with simulated
 * taps, are sent frames while their interfaces come and go, go up and down and
 * change addresses, neighbours and routes, some with several ways, and while
 * allocations fail.  At every rest each interface accounts for every packet,
 * each vnet does so for all it ever had, and what the pairs sent was received;
 * at the end nothing is left.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/if_clone.h>

#include "../unit/addr_test.h"
#include "ctl/ctl.h"
#include "host/sim/sim.h"
#include "kern/sysctl.h"
#include "net/if_index_impl.h"
#include "net/if_stats_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"
#include "netinet/ip_var.h"
#include "stack/stack_impl.h"

#define PHASES	60
#define STEPS	20		/* of a phase */
#define NVNETS	3
#define NPAIRS	4		/* pair0 .. of each vnet */
#define NTAPS	2
#define FRAME_MAX 2500
#define VNETHDR	sizeof(struct host_vnethdr)

struct model {
	struct host	*m_host;
	struct ifnet_stack *m_stack;
	struct vnet	*m_vnet[NVNETS];
	unsigned	 m_put, m_got, m_enomem;
	uint64_t	 m_forwarded, m_passed;	/* at the last rest */
	struct books {
		uint64_t b_pair_out, b_pair_in;	/* packets, of all vnets */
		uint64_t b_forwarded;
	}		 m_books;	/* then, of those there were */
};

static unsigned
pick(struct model *m, unsigned n)
{

	return (unsigned)(sim_random(m->m_host) % n);
}

/* Requests may fail in any way that is an answer. */
static void
answered(struct model *m, int error)
{

	KASSERT(error >= 0);
	if (error == ENOMEM)
		m->m_enomem++;
}

static void
pick_name(struct model *m, unsigned v, char name[IFNAMSIZ])
{

	memset(name, 0, IFNAMSIZ);
	if (pick(m, 3) == 0)
		(void)snprintf(name, IFNAMSIZ, "tap%u",
		    v * NTAPS + pick(m, NTAPS));
	else
		(void)snprintf(name, IFNAMSIZ, "pair%u", pick(m, NPAIRS));
}

/* The number of an address after 10.0.0.0: 10.X.0.Y, few of them. */
static unsigned
pick_place(struct model *m)
{

	return pick(m, 6) << 16 | pick(m, 6);
}

/* An address, as in packets and routes. */
static uint32_t
pick_addr(struct model *m)
{

	return test_hop_plus("10.0.0.0", pick_place(m));
}

/* --- changes --- */

static void
op_create(struct model *m, unsigned v)
{
	char name[IFNAMSIZ], params[64] = "";

	pick_name(m, v, name);
	if (name[0] == 'p')
		(void)snprintf(params, sizeof(params), "peer v%u:pair%u",
		    pick(m, NVNETS), pick(m, NPAIRS));
	answered(m, if_clone_create(m->m_vnet[v], name, params));
}

static void
op_destroy(struct model *m, unsigned v)
{
	char name[IFNAMSIZ];

	pick_name(m, v, name);
	answered(m, if_clone_destroy(m->m_vnet[v], name));
}

static void
op_flags(struct model *m, unsigned v)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	pick_name(m, v, ifr.ifr_name);
	ifr.ifr_flags = pick(m, 4) != 0 ? IFF_UP : 0;
	answered(m, ifioctl(m->m_vnet[v], &kauth_cred_self, SIOCSIFFLAGS,
	    &ifr, sizeof(ifr)));
}

static void
op_mtu(struct model *m, unsigned v)
{
	static const int mtus[] = { 68, 300, 1500, 9000, 65521 };
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	pick_name(m, v, ifr.ifr_name);
	ifr.ifr_mtu = mtus[pick(m, 5)];
	answered(m, ifioctl(m->m_vnet[v], &kauth_cred_self, SIOCSIFMTU, &ifr,
	    sizeof(ifr)));
}

static void
op_addr(struct model *m, unsigned v)
{
	struct ifaliasreq ifra;
	union test_addr a;

	memset(&ifra, 0, sizeof(ifra));
	pick_name(m, v, ifra.ifra_name);
	a = test_addr_plus("10.0.0.0", pick_place(m));
	memcpy(&ifra.ifra_addr, &a, TEST_SALEN);
	a = test_mask(&a.sa, 16);
	memcpy(&ifra.ifra_mask, &a, TEST_SALEN);
	answered(m, ifioctl(m->m_vnet[v], &kauth_cred_self,
	    pick(m, 3) != 0 ? SIOCAIFADDR : SIOCDIFADDR, &ifra,
	    sizeof(ifra)));
}

static void
op_route(struct model *m, unsigned v)
{
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	ri.ri_len = pick(m, 5) * 8;
	ri.ri_dst.na_4 = pick_addr(m) & in_mask(ri.ri_len);
	ri.ri_gw.na_4 = pick_addr(m);
	ri.ri_flags = RTF_GATEWAY;
	if (pick(m, 3) != 0)
		answered(m, rt_add(m->m_vnet[v], &ri));
	else
		answered(m, rt_delete(m->m_vnet[v], &ri));
}

/* One more way of a route, one less, or the route with all of them. */
static void
op_way(struct model *m, unsigned v)
{
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	ri.ri_len = 8 + pick(m, 2) * 8;
	ri.ri_dst.na_4 = pick_addr(m) & in_mask(ri.ri_len);
	ri.ri_flags = RTF_GATEWAY;
	ri.ri_given = RTV_METRIC | RTV_LATER;
	ri.ri_metric = 1;
	ri.ri_weight = (uint16_t)pick(m, 3);
	ri.ri_gw.na_4 = pick(m, 8) != 0 ? pick_addr(m) : 0;
	if (ri.ri_gw.na_4 != 0 && pick(m, 3) != 0) {
		ri.ri_given |= RTV_MPATH;
		answered(m, rt_add_way(m->m_vnet[v], &ri));
	} else
		answered(m, rt_delete(m->m_vnet[v], &ri));
}

/* A neighbour that is known without being asked, or is not any more. */
static void
op_neigh(struct model *m, unsigned v)
{
	static const uint8_t lladdr[ETHER_ADDR_LEN] = { 2, 0, 0, 0, 0, 1 };
	union {
		struct rt_msg	 rtm;
		uint8_t		 room[RT_MSG_MAX];
	} msg, answer;
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct sockaddr_dl sdl = { .sdl_family = AF_LINK,
	    .sdl_alen = sizeof(lladdr) };
	size_t len = sizeof(answer);

	memset(&msg, 0, sizeof(msg));
	msg.rtm.rtm_h.rtm_len = sizeof(msg.rtm);
	msg.rtm.rtm_h.rtm_version = RTM_VERSION;
	msg.rtm.rtm_h.rtm_type = pick(m, 2) == 0 ? RTM_ADD : RTM_DELETE;
	msg.rtm.rtm_flags = RTF_LLDATA | RTF_HOST | RTF_STATIC;
	sin.sin_addr.s_addr = pick_addr(m);
	memcpy(sdl.sdl_data, lladdr, sizeof(lladdr));
	KASSERT(rt_msg_add(&msg, RTA_DST, (struct sockaddr *)&sin));
	KASSERT(rt_msg_add(&msg, RTA_GATEWAY, (struct sockaddr *)&sdl));
	answered(m, rtsock_request(m->m_vnet[v], &kauth_cred_self, &msg,
	    msg.rtm.rtm_h.rtm_len, &answer, &len));
}

/* --- packets --- */

/* The address of the router's end, so that it takes the frame. */
static bool
lladdr_of(struct vnet *vn, const char *name, uint8_t lladdr[ETHER_ADDR_LEN])
{
	struct ifnet *ifp;

	pserialize_read_enter();
	ifp = ifunit(vn, name);
	if (ifp != NULL)
		memcpy(lladdr, if_sadl(ifp)->sdl_data, ETHER_ADDR_LEN);
	pserialize_read_exit();
	return ifp != NULL;
}

static unsigned
make_arp(struct model *m, uint8_t *p)
{
	uint32_t spa = pick_addr(m), tpa = pick_addr(m);

	memcpy(p, "\0\1\x08\0\6\4\0\1\2\0\0\0\0", 13);
	p[7] = (uint8_t)(1 + pick(m, 2));
	p[13] = (uint8_t)pick(m, 3);
	memcpy(p + 14, &spa, 4);
	memset(p + 18, 0, 6);
	memcpy(p + 24, &tpa, 4);
	return 28;
}

static unsigned
make_ip(struct model *m, uint8_t *p)
{
	struct iphdr4 *ip = (struct iphdr4 *)(void *)p;
	unsigned len = 28 + pick(m, pick(m, 4) == 0 ? 2000 : 100);
	uint16_t sum;

	memset(p, 0, len);
	ip->ip_vhl = 0x45;
	ip->ip_len = be16((uint16_t)len);
	ip->ip_id = be16((uint16_t)pick(m, 4));
	if (pick(m, 6) == 0)
		ip->ip_off = be16((uint16_t)(pick(m, 2) * IP_MF |
		    pick(m, 4) * 8));
	else if (pick(m, 4) == 0)
		ip->ip_off = be16(IP_DF);
	ip->ip_ttl = pick(m, 8) == 0 ? 1 : 64;
	ip->ip_p = pick(m, 2) ? IPPROTO_ICMP : IPPROTO_UDP;
	ip->ip_src = pick_addr(m);
	ip->ip_dst = pick(m, 16) == 0 ? 0xffffffff : pick_addr(m);
	if (ip->ip_p == IPPROTO_ICMP) {
		p[20] = pick(m, 4) != 0 ? ICMP4_ECHO : (uint8_t)pick(m, 20);
		sum = in_cksum_fold(in_cksum_add(p + 20, len - 20, 0));
		memcpy(p + 22, &sum, 2);
	}
	ip_set_cksum(ip);
	return len;
}

/* One frame from outside, now and then a broken one. */
static void
op_frame(struct model *m, unsigned v)
{
	uint8_t buf[VNETHDR + FRAME_MAX] __attribute__((__aligned__(8)));
	uint8_t packet[FRAME_MAX] __attribute__((__aligned__(8)));
	uint8_t *eh = buf + VNETHDR;
	char name[IFNAMSIZ];
	unsigned len, arp = pick(m, 4) == 0;
	int error;

	(void)snprintf(name, sizeof(name), "tap%u", v * NTAPS +
	    pick(m, NTAPS));
	memset(buf, 0, VNETHDR + 14);
	if (!lladdr_of(m->m_vnet[v], name, eh))
		return;
	if (arp || pick(m, 16) == 0)
		memset(eh, 0xff, 6);
	memcpy(eh + 6, "\2\0\0\0\0\1", 6);
	eh[12] = 8;
	eh[13] = arp ? 6 : 0;
	/* Built apart: behind a link header no word would begin. */
	len = arp ? make_arp(m, packet) : make_ip(m, packet);
	memcpy(eh + 14, packet, len);
	len += 14;
	if (pick(m, 10) == 0)
		eh[pick(m, len)] ^= (uint8_t)(1u << pick(m, 8));
	if (pick(m, 20) == 0)
		len = pick(m, len) + 1;
	error = sim_tun_put(m->m_host, name, buf, VNETHDR + len);
	KASSERT(error == 0 || error == ENOBUFS || error == ENXIO);
	m->m_put += error == 0;
}

static void
op_frames(struct model *m, unsigned v)
{

	for (unsigned n = 1 + pick(m, 20); n > 0; n--)
		op_frame(m, v);
}

/* Take the packets that came out of the taps. */
static void
op_drain(struct model *m, unsigned v)
{
	static uint8_t buf[VNETHDR + 70000];
	char name[IFNAMSIZ];
	size_t len;

	for (unsigned t = 0; t < NTAPS; t++) {
		(void)snprintf(name, sizeof(name), "tap%u", v * NTAPS + t);
		for (;; m->m_got++) {
			len = sizeof(buf);
			if (sim_tun_get(m->m_host, name, buf, &len) != 0)
				break;
		}
	}
}

static void
op_rest(struct model *m, unsigned v)
{

	(void)v;
	host_sleep(m->m_host, (uint64_t)pick(m, 3000) * 1000000);
}

/* --- the books --- */

static uint64_t
drops_of(const struct if_counters *ic, bool output)
{
	uint64_t n = 0;

	for (int i = 0; i < DROP_NREASONS; i++)
		if (drop_is_output((enum drop_reason)i) == output)
			n += ic->ic_drop[i];
	return n;
}

static void
balance(const struct if_counters *ic, uint64_t iqueued, uint64_t oqueued)
{
	const uint64_t *s = ic->ic_stat;

	KASSERT(s[IF_STAT_IPACKETS] == s[IF_STAT_DELIVERED] +
	    s[IF_STAT_FORWARDED] + drops_of(ic, false) + iqueued);
	KASSERT(s[IF_STAT_OFFERED] == s[IF_STAT_OPACKETS] +
	    drops_of(ic, true) + oqueued);
}

static int
check_if(struct ifnet *ifp, void *arg)
{
	struct books *b = arg;
	struct if_data d;

	if_stats_get(ifp, &d);
	KASSERT(d.ifi_ipackets == d.ifi_delivered + d.ifi_forwarded +
	    d.ifi_idrops + d.ifi_iqueued);
	KASSERT(d.ifi_offered == d.ifi_opackets + d.ifi_odrops +
	    d.ifi_oqueued);
	if (strncmp(ifp->if_xname, "pair", 4) == 0) {
		b->b_pair_out += d.ifi_opackets;
		b->b_pair_in += d.ifi_ipackets;
	}
	b->b_forwarded += d.ifi_forwarded;
	return 0;
}

/*
 * At rest: no frame is on its way.  `same': no interface came or went since
 * the last time.
 */
static void
check(struct model *m, bool same)
{
	struct books b = { 0 };

	host_sleep(m->m_host, 50000000);
	for (int v = 0; v < NVNETS; v++) {
		KASSERT(if_foreach(m->m_vnet[v], check_if, &b) == 0);
		/* Nothing of those that are gone is queued anywhere. */
		balance(&m->m_vnet[v]->vn_if->ifv_gone, 0, 0);
	}
	if (same) {
		KASSERT(b.b_pair_out - m->m_books.b_pair_out ==
		    b.b_pair_in - m->m_books.b_pair_in);
		m->m_passed += b.b_pair_in - m->m_books.b_pair_in;
		m->m_forwarded += b.b_forwarded - m->m_books.b_forwarded;
	}
	m->m_books = b;
}

/* --- a run --- */

static void
step(struct model *m, bool same)
{
	static void (*const ops[])(struct model *, unsigned) = {
		op_create, op_create, op_destroy,
#define NCHANGES	3		/* the above */
		op_frames, op_frames, op_frames, op_frames, op_frames,
		op_flags, op_mtu, op_addr, op_addr, op_addr, op_route,
		op_route, op_way, op_way, op_way, op_neigh, op_neigh,
		op_drain, op_rest,
	};
	const unsigned nops = sizeof(ops) / sizeof(ops[0]);
	unsigned first = same ? NCHANGES : 0;

	ops[first + pick(m, nops - first)](m, pick(m, NVNETS));
}

static void
begin(struct model *m)
{
	struct ifnet_stack_config sc;
	int64_t on = 1;
	char name[16];

	memset(&sc, 0, sizeof(sc));
	sc.ncpu = 2;
	sc.mbufs = 600;
	sc.host = m->m_host;
	m->m_stack = ifnet_stack_create(&sc, NULL);
	KASSERT(m->m_stack != NULL);
	for (int v = 0; v < NVNETS; v++) {
		(void)snprintf(name, sizeof(name), "v%d", v);
		m->m_vnet[v] = vnet_create(m->m_stack, name, NULL);
		KASSERT(m->m_vnet[v] != NULL);
		KASSERT(sysctl_request(m->m_vnet[v], &kauth_cred_self,
		    "net.inet.ip.forwarding", NULL, NULL, &on, sizeof(on),
		    NULL, NULL) == 0);
		for (int i = 0; i < 12; i++) {
			op_create(m, (unsigned)v);
			op_addr(m, (unsigned)v);
		}
	}
}

static void
run_main(void *arg)
{
	struct model *m = arg;
	struct kern *k;

	begin(m);
	k = m->m_stack->st_kern;
	sim_set_faults(m->m_host, 20000, 5000);
	for (int phase = 0; phase < PHASES; phase++) {
		for (int i = 0; i < STEPS; i++)
			step(m, phase % 2 == 1);
		check(m, phase % 2 == 1);
	}
	sim_set_faults(m->m_host, 0, 0);
	for (int v = 0; v < NVNETS; v++)
		vnet_destroy(m->m_vnet[v]);
	kern_defer_barrier(k);
	KASSERT(mbuf_free_count(k) == mbuf_total(k));
	ifnet_stack_destroy(m->m_stack);
	KASSERT(m->m_put > PHASES);
}

/* Packets that were forwarded and that went through pairs. */
static uint64_t
run_seed(uint64_t seed)
{
	struct sim_config sc = { .sc_seed = seed, .sc_quiet = true };
	struct model m;

	memset(&m, 0, sizeof(m));
	m.m_host = sim_create(&sc);
	assert_non_null(m.m_host);
	print_message("seed %llu\n", (unsigned long long)seed);
	assert_int_equal(sim_run(m.m_host, run_main, &m), 0);
	assert_int_equal(sim_allocated(m.m_host), 0);
	sim_destroy(m.m_host);
	return m.m_forwarded < m.m_passed ? m.m_forwarded : m.m_passed;
}

static void
test_seeds(void **state)
{
	const char *one = getenv("SEED"), *many = getenv("SEEDS");
	uint64_t n = many != NULL ? strtoull(many, NULL, 0) : 10, travelled;

	(void)state;
	if (one != NULL) {
		(void)run_seed(strtoull(one, NULL, 0));
		return;
	}
	travelled = 0;
	for (uint64_t seed = 1; seed <= n; seed++)
		travelled += run_seed(seed);
	/* The runs did what they are for. */
	assert_true(travelled > 50 * n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_seeds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
