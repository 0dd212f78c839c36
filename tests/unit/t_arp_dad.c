/*
 * Duplicate address detection (RFC 5227): what is sent and when, conflicts,
 * what an address may not be used for meanwhile, starting over, and going away
 * in the middle of it.
 */

#include "in_test.h"
#include "layer_test.h"

static const uint8_t mac1[6] = { 2, 7, 7, 7, 7, 1 };
static const uint8_t mac2[6] = { 2, 7, 7, 7, 7, 2 };

static uint32_t
state_of(struct ifnet *ifp, const char *addr)
{

	return __atomic_load_n(&in_ifa(ifp, addr)->ifa_flags,
	    __ATOMIC_RELAXED) & (IFA_TENTATIVE | IFA_DUPLICATED);
}

static unsigned
probes(const struct tif *t, const char *addr)
{

	return arp_asked(t, "0.0.0.0", addr);
}

static void
no_wakeup(void *arg)
{

	(void)arg;
}

/* How often a listener was told that an address has these flags now. */
static unsigned
told(struct rt_listener *rl, uint32_t flags)
{
	union {
		struct rt_hdr	 h;
		struct ifa_msg	 ifam;
		uint8_t		 room[RT_MSG_MAX];
	} buf;
	unsigned n = 0;

	while (rt_listener_read(rl, &buf) != 0)
		n += buf.h.rtm_type == RTM_CHGADDR &&
		    buf.ifam.ifam_flags == flags;
	return n;
}

/* Time in ms until t has sent n packets. */
static unsigned
until_sent(struct in_test *it, const struct tif *t, unsigned n)
{
	unsigned ms;

	for (ms = 0; t->tif_ntx < n && ms < 5000; ms += 10)
		sleep_ms(it, 10);
	return ms;
}

/* Three probes, a second or two apart, two seconds of silence, and two
 * announcements. */
static void
check_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const struct arphdr *ar;
	struct rt_listener *rl;
	unsigned ms;

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 101) == EINVAL);
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", -1) == EINVAL);
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
	KASSERT(rt_listener_open(it->it_vn, RTS_ADDR, 1 << 20, no_wakeup, NULL,
	    &rl) == 0);
	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
	KASSERT(until_sent(it, &it->it_b, 1) <= 1100);
	for (unsigned i = 1; i < 3; i++) {
		ms = until_sent(it, &it->it_b, i + 1);
		KASSERT(ms >= 980 && ms <= 2100);
	}
	ar = tx_arp(&it->it_b, 0);
	KASSERT(ar->ar_spa == 0 && memcmp(ar->ar_sha, it->it_b.tif_mac, 6) ==
	    0 && memcmp(ar->ar_tha, "\0\0\0\0\0\0", 6) == 0);
	KASSERT(it->it_b.tif_tx[0].tp_data[0] == 0xff);
	KASSERT(probes(&it->it_b, "10.3.0.1") == 3);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
	KASSERT(told(rl, 0) == 0);
	ms = until_sent(it, &it->it_b, 4);
	KASSERT(ms >= 1980 && ms <= 2100);
	KASSERT(state_of(b, "10.3.0.1") == 0 && told(rl, 0) == 1);
	ms = until_sent(it, &it->it_b, 5);
	KASSERT(ms >= 1980 && ms <= 2100);
	sleep_ms(it, 5000);
	KASSERT(arp_asked(&it->it_b, "10.3.0.1", "10.3.0.1") == 2);
	KASSERT(it->it_b.tif_ntx == 5);
	KASSERT(ipstat(it, "arp.probes") == 3);
	/* Another mask is the same address, known or not. */
	KASSERT(addr_add(it, b, "10.4.0.1", 24) == 0);
	KASSERT(addr_add(it, b, "10.4.0.1", 16) == 0);
	KASSERT(state_of(b, "10.4.0.1") == IFA_TENTATIVE);
	KASSERT(addr_add(it, b, "10.3.0.1", 16) == 0);
	KASSERT(state_of(b, "10.3.0.1") == 0);
	sleep_ms(it, 5000);
	KASSERT(probes(&it->it_b, "10.3.0.1") == 3);
	rt_listener_close(rl);
	all_books(it);
}
IN_TEST(check, 2)

/* Neither a source, nor a destination, nor answered for. */
static void
unusable(struct in_test *it, const char *addr, const char *neigh)
{
	struct arphdr ar = mk_arp(ARP_REQUEST, mac1, neigh, addr);
	uint64_t n = drops(it->it_b.tif_ifp, DROP_IP_NOTREADY);
	uint8_t buf[100];
	unsigned len;

	tif_clear(&it->it_b);
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	len = mk_echo(buf, neigh, addr, 1, 1, 8);
	inject(it, &it->it_b, buf, len);
	KASSERT(drops(it->it_b.tif_ifp, DROP_IP_NOTREADY) == n + 1);
	KASSERT(in_output(it, addr, neigh) == EADDRNOTAVAIL);
	KASSERT(in_output(it, addr, "10.0.1.2") == EADDRNOTAVAIL);
	KASSERT(it->it_b.tif_ntx == 0);
	/* The other address of the interface takes its place. */
	KASSERT(in_output(it, "0.0.0.0", neigh) == 0);
	KASSERT(arp_asked(&it->it_b, "10.0.2.1", neigh) == 1);
	KASSERT(addr_del(it, it->it_b.tif_ifp, "10.0.2.1") == 0);
	KASSERT(in_output(it, "0.0.0.0", neigh) == EADDRNOTAVAIL);
	len = mk_udp(buf, "10.0.1.2", "10.3.0.77", 64, 20);
	tif_clear(&it->it_b);
	inject(it, &it->it_a, buf, len);
	KASSERT(arp_asked(&it->it_b, "0.0.0.0", "10.3.0.77") == 0);
	KASSERT(arp_asked(&it->it_b, addr, "10.3.0.77") == 0);
	tif_clear(&it->it_b);
}

static void
tentative_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	unusable(it, "10.3.0.1", "10.3.0.9");
	/* Not either when checks are no longer asked for: until this one has
	 * ended.  Without checks it is not tentative at all. */
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 0) == 0);
	KASSERT(in_output(it, "10.3.0.1", "10.3.0.9") == EADDRNOTAVAIL);
	sleep_ms(it, 10000);
	KASSERT(in_output(it, "10.3.0.1", "10.3.0.9") == 0);
	KASSERT(addr_add(it, b, "10.4.0.1", 24) == 0);
	KASSERT(state_of(b, "10.4.0.1") == 0);
	KASSERT(in_output(it, "10.4.0.1", "10.4.0.9") == 0);
	all_books(it);
}
IN_TEST(tentative, 1)

/* Another host has the address: found at every moment of the check, in every
 * way. */
static void
taken_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	const struct arphdr how[] = {
		mk_arp(ARP_REPLY, mac1, "10.3.0.1", "0.0.0.0"),
		mk_arp(ARP_REQUEST, mac1, "10.3.0.1", "10.3.0.1"),
		mk_arp(ARP_REQUEST, mac1, "10.3.0.1", "10.3.0.77"),
		mk_arp(ARP_REQUEST, mac1, "0.0.0.0", "10.3.0.1"),
	};
	struct rt_listener *rl;

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 2) == 0);
	KASSERT(rt_listener_open(it->it_vn, RTS_ADDR, 1 << 20, no_wakeup, NULL,
	    &rl) == 0);
	for (unsigned i = 0; i < 8; i++) {
		KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
		sleep_ms(it, i * 350);
		KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
		inject_arp(it, &it->it_b, &how[i % 4], sizeof(how[0]));
		KASSERT(state_of(b, "10.3.0.1") == IFA_DUPLICATED);
		KASSERT(told(rl, IN_IFF_DUPLICATED) == 1);
		KASSERT(strstr(sim_last_log(it->it_host), "10.3.0.1") != NULL);
		KASSERT(ipstat(it, "arp.duplicates") == i + 1);
		/* Not defended, not probed for, not announced. */
		tif_clear(&it->it_b);
		inject_arp(it, &it->it_b, &how[1], sizeof(how[0]));
		sleep_ms(it, 6000);
		KASSERT(it->it_b.tif_ntx == 0);
		/* Nor with another mask, or when there is something to tell
		 * of the others. */
		KASSERT(addr_add(it, b, "10.3.0.1", 25) == 0);
		KASSERT(state_of(b, "10.3.0.1") == IFA_DUPLICATED);
		if_ioctl_lock(b);
		KASSERT(if_set_sadl(b, mac2, 6, false) == 0);
		KASSERT(if_set_sadl(b, it->it_b.tif_mac, 6, false) == 0);
		if_ioctl_unlock(b);
		sleep_ms(it, 3000);
		KASSERT(arp_asked(&it->it_b, "10.0.2.1", "10.0.2.1") != 0);
		KASSERT(arp_asked(&it->it_b, "10.3.0.1", "10.3.0.1") == 0);
		KASSERT(told(rl, IN_IFF_DUPLICATED) == 0);
		if (i == 7)
			unusable(it, "10.3.0.1", "10.3.0.9");
		KASSERT(addr_del(it, b, "10.3.0.1") == 0);
	}
	/* A probe of this host, come back, is no conflict. */
	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	{
		struct arphdr ar = mk_arp(ARP_REQUEST, it->it_b.tif_mac,
		    "0.0.0.0", "10.3.0.1");

		inject_arp(it, &it->it_b, &ar, sizeof(ar));
	}
	sleep_ms(it, 6000);
	KASSERT(state_of(b, "10.3.0.1") == 0);
	/* Once it is ours it is defended. */
	tif_clear(&it->it_b);
	inject_arp(it, &it->it_b, &how[1], sizeof(how[0]));
	KASSERT(state_of(b, "10.3.0.1") == 0);
	KASSERT(arp_asked(&it->it_b, "10.3.0.1", "10.3.0.1") == 1);
	rt_listener_close(rl);
	all_books(it);
}
IN_TEST(taken, 1)

/* Given while the interface is not ready, checked when it is; and again when
 * it was down, whatever had been found out. */
static void
ready_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;
	struct arphdr ar = mk_arp(ARP_REPLY, mac1, "10.3.0.1", "0.0.0.0");

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 1) == 0);
	/* An address brings it up. */
	in_up(b, false);
	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	in_up(b, false);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
	sleep_ms(it, 3000);
	KASSERT(it->it_b.tif_ntx == 0);
	in_up(b, true);
	sleep_ms(it, 1100);
	KASSERT(probes(&it->it_b, "10.3.0.1") == 1 &&
	    probes(&it->it_b, "10.0.2.1") == 1);
	inject_arp(it, &it->it_b, &ar, sizeof(ar));
	sleep_ms(it, 5000);
	KASSERT(state_of(b, "10.3.0.1") == IFA_DUPLICATED);
	KASSERT(state_of(b, "10.0.2.1") == 0);
	in_up(b, false);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
	KASSERT(state_of(b, "10.0.2.1") == IFA_TENTATIVE);
	in_up(b, true);
	sleep_ms(it, 6000);
	KASSERT(state_of(b, "10.3.0.1") == 0);
	KASSERT(state_of(b, "10.0.2.1") == 0);

	/* The driver stops by itself in the middle of it. */
	in_up(b, false);
	in_up(b, true);
	if_flags_update(b, 0, IFF_RUNNING);
	tif_clear(&it->it_b);
	sleep_ms(it, 6000);
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);
	if_flags_update(b, IFF_RUNNING, 0);

	/* Without checks: announced as soon as it is ready, never before. */
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 0) == 0);
	if_link_state_change(b, LINK_STATE_DOWN);
	settle(it);
	KASSERT(addr_add(it, b, "10.4.0.1", 24) == 0);
	sleep_ms(it, 1000);
	KASSERT(state_of(b, "10.4.0.1") == 0);
	KASSERT(arp_asked(&it->it_b, "10.4.0.1", "10.4.0.1") == 0);
	if_link_state_change(b, LINK_STATE_UP);
	sleep_ms(it, 10);
	KASSERT(state_of(b, "10.4.0.1") == 0);
	KASSERT(arp_asked(&it->it_b, "10.4.0.1", "10.4.0.1") == 1);
	/* An interface that speaks no ARP, or does no more, has nothing to
	 * find out. */
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
	in_up(b, false);
	KASSERT(state_of(b, "10.4.0.1") == IFA_TENTATIVE);
	if_flags_update(b, IFF_NOARP, 0);
	in_up(b, true);
	KASSERT(state_of(b, "10.4.0.1") == 0);
	in_up(b, false);
	KASSERT(state_of(b, "10.4.0.1") == 0);
	if_flags_update(b, 0, IFF_NOARP);
	in_up(b, true);
	KASSERT(addr_add(it, it->it_lo, "127.0.0.1", 8) == 0);
	KASSERT(state_of(it->it_lo, "127.0.0.1") == 0);
	KASSERT(addr_del(it, it->it_lo, "127.0.0.1") == 0);
	all_books(it);
}
IN_TEST(ready, 2)

/* The link: DOWN ends a check, UP begins it, also when nobody knew. */
static void
link_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 3) == 0);
	KASSERT(b->if_link_state == LINK_STATE_UNKNOWN);
	KASSERT(state_of(b, "10.0.2.1") == 0);
	if_link_state_change(b, LINK_STATE_UP);
	settle(it);
	KASSERT(state_of(b, "10.0.2.1") == IFA_TENTATIVE);
	sleep_ms(it, 2200);
	KASSERT(probes(&it->it_b, "10.0.2.1") >= 1);

	if_link_state_change(b, LINK_STATE_DOWN);
	settle(it);
	tif_clear(&it->it_b);
	KASSERT(addr_add(it, b, "10.3.0.1", 24) == 0);
	sleep_ms(it, 6000);
	KASSERT(it->it_b.tif_ntx == 0);
	KASSERT(state_of(b, "10.0.2.1") == IFA_TENTATIVE);
	KASSERT(state_of(b, "10.3.0.1") == IFA_TENTATIVE);

	if_link_state_change(b, LINK_STATE_UP);
	sleep_ms(it, 10000);
	KASSERT(probes(&it->it_b, "10.0.2.1") == 3 &&
	    probes(&it->it_b, "10.3.0.1") == 3);
	KASSERT(state_of(b, "10.0.2.1") == 0 && state_of(b, "10.3.0.1") == 0);
	KASSERT(arp_asked(&it->it_b, "10.0.2.1", "10.0.2.1") == 2);
	all_books(it);
}
IN_TEST(link, 1)

/* Many at once are all checked; going away in the middle leaves nothing. */
static void
many_body(struct in_test *it)
{
	struct wheel *w = &it->it_vn->vn_arp->av_annwheel;
	struct ifnet *b = it->it_b.tif_ifp;
	char a[16];

	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 2) == 0);
	for (unsigned i = 0; i < 700; i++) {
		(void)snprintf(a, sizeof(a), "10.9.%u.%u", i / 200,
		    1 + i % 200);
		KASSERT(addr_add(it, b, a, 16) == 0);
	}
	KASSERT(w->w_count == 700);
	sleep_ms(it, 9000);
	KASSERT(w->w_count == 0 && !callout_pending(&w->w_callout));
	KASSERT(ipstat(it, "arp.probes") == 1400);
	for (unsigned i = 0; i < 700; i++) {
		(void)snprintf(a, sizeof(a), "10.9.%u.%u", i / 200,
		    1 + i % 200);
		KASSERT(state_of(b, a) == 0);
	}

	in_up(b, false);
	in_up(b, true);
	sleep_ms(it, 700);
	for (unsigned i = 0; i < 700; i += 2) {
		(void)snprintf(a, sizeof(a), "10.9.%u.%u", i / 200,
		    1 + i % 200);
		KASSERT(addr_del(it, b, a) == 0);
		if (i % 50 == 0)
			sleep_ms(it, 100);
	}
	KASSERT(w->w_count != 0 && w->w_count <= 351);
	test_if_books(b);
	tif_detach(&it->it_b);
	KASSERT(w->w_count == 0);
	sleep_ms(it, 5000);
	/* The vnet goes while another one is being checked. */
	KASSERT(addr_add(it, it->it_a.tif_ifp, "10.3.0.1", 24) == 0);
}
IN_TEST(many, 2)

/* --- at random ------------------------------------------------------------ */

#define NRANDOM	12

struct chance {
	struct in_test	*ch_it;
	char		 ch_addr[NRANDOM][16];
	bool		 ch_there[NRANDOM];
	uint32_t	 ch_stop;
};

static unsigned
pick(struct in_test *it, unsigned n)
{

	return (unsigned)(sim_random(it->it_host) % n);
}

/* Another host, which now and then has one of the addresses. */
static void
stranger(void *arg)
{
	struct chance *ch = arg;
	struct in_test *it = ch->ch_it;
	struct arphdr ar;
	const char *a;

	while (!__atomic_load_n(&ch->ch_stop, __ATOMIC_ACQUIRE)) {
		a = ch->ch_addr[pick(it, NRANDOM)];
		ar = mk_arp(pick(it, 2) ? ARP_REQUEST : ARP_REPLY, mac1,
		    pick(it, 2) ? "0.0.0.0" : a, a);
		inject_arp(it, &it->it_b, &ar, sizeof(ar));
		host_sleep(it->it_host, pick(it, 2000) * 1000000ull);
	}
}

static void
random_step(struct chance *ch)
{
	struct in_test *it = ch->ch_it;
	struct ifnet *b = it->it_b.tif_ifp;
	unsigned i = pick(it, NRANDOM);

	switch (pick(it, 12)) {
	case 0:
		in_up(b, pick(it, 2));
		break;
	case 1:
		if_link_state_change(b, (int)pick(it, 3));
		break;
	case 2:
		KASSERT(set_sysctl(it, "net.inet.ip.dad_count", pick(it, 3)) ==
		    0);
		break;
	case 3:
		if (ch->ch_there[i])
			KASSERT(addr_add(it, b, ch->ch_addr[i],
			    16 + pick(it, 9)) == 0);
		break;
	default:
		if (ch->ch_there[i])
			KASSERT(addr_del(it, b, ch->ch_addr[i]) == 0);
		else
			KASSERT(addr_add(it, b, ch->ch_addr[i], 24) == 0);
		ch->ch_there[i] = !ch->ch_there[i];
		break;
	}
	if (pick(it, 3) == 0)
		host_sleep(it->it_host, pick(it, 1500) * 1000000ull);
}

/* A random run: in the end each address is this host's or another's, and the
 * wheel stands still. */
static void
chance_body(struct in_test *it)
{
	struct wheel *w = &it->it_vn->vn_arp->av_annwheel;
	struct ifnet *b = it->it_b.tif_ifp;
	struct chance *ch;
	struct host_thread *t;

	ch = calloc(1, sizeof(*ch));
	KASSERT(ch != NULL);
	ch->ch_it = it;
	for (unsigned i = 0; i < NRANDOM; i++)
		(void)snprintf(ch->ch_addr[i], sizeof(ch->ch_addr[i]),
		    "10.%u.0.%u", 20 + i / 4, 1 + i);
	KASSERT(set_sysctl(it, "net.inet.ip.dad_count", 2) == 0);
	KASSERT(host_thread_create(it->it_host, "stranger", -1, stranger, ch,
	    &t) == 0);
	for (unsigned step = 0; step < 600; step++)
		random_step(ch);
	__atomic_store_n(&ch->ch_stop, 1, __ATOMIC_RELEASE);
	host_thread_join(it->it_host, t);
	in_up(b, true);
	if_link_state_change(b, LINK_STATE_UP);
	sleep_ms(it, 15000);
	for (unsigned i = 0; i < NRANDOM; i++)
		if (ch->ch_there[i])
			KASSERT(state_of(b, ch->ch_addr[i]) !=
			    IFA_TENTATIVE);
		else
			KASSERT(in_ifa(b, ch->ch_addr[i]) == NULL);
	KASSERT(w->w_count == 0 && !callout_pending(&w->w_callout));
	free(ch);
	all_books(it);
}
IN_TEST(chance, 2)

/* When there is something to find out. */
static void
do_dad_body(struct in_test *it)
{
	struct ifnet *b = it->it_b.tif_ifp;

	KASSERT(test_checks_addresses(b));
	KASSERT(!test_checks_addresses(it->it_lo));
	if_flags_update(b, 0, IFF_RUNNING);
	KASSERT(!test_checks_addresses(b));
	if_flags_update(b, IFF_RUNNING, 0);
	b->if_type = IFT_FAITH;
	KASSERT(!test_checks_addresses(b));
	b->if_type = IFT_ETHER;
	in_up(b, false);
	KASSERT(!test_checks_addresses(b));
	in_up(b, true);
	KASSERT(test_checks_addresses(b));
}
IN_TEST(do_dad, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check),
		cmocka_unit_test(tentative),
		cmocka_unit_test(taken),
		cmocka_unit_test(ready),
		cmocka_unit_test(link),
		cmocka_unit_test(many),
		cmocka_unit_test(chance),
		cmocka_unit_test(do_dad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
