/*
 * Fragmentation: whatever the size and MTU, the pieces put together are the
 * packet.
 */

#include "in_test.h"

/* Put together what b sent; payload bytes. */
static unsigned
join(const struct tif *t, uint8_t *out, unsigned mtu)
{
	unsigned total = 0, off, len;
	const struct iphdr4 *ip;
	bool last = false;

	for (unsigned i = 0; i < t->tif_ntx; i++) {
		ip = tx_ip(t, i);
		KASSERT(ip != NULL && be16(ip->ip_len) <= mtu);
		off = (be16(ip->ip_off) & IP_OFFMASK) * 8u;
		len = be16(ip->ip_len) - ip_hlen(ip);
		memcpy(out + off, (const uint8_t *)ip + ip_hlen(ip), len);
		total += len;
		KASSERT(!last);
		last = (ip->ip_off & htons(IP_MF)) == 0;
		if (!last)
			KASSERT(len % 8 == 0 && len + 8 >
			    mtu - ip_hlen(ip) - 8);
		KASSERT(ip->ip_id == be16(0x1234) && ip->ip_ttl == 63);
	}
	KASSERT(last);
	return total;
}

static void
one_size(struct in_test *it, unsigned size, unsigned mtu)
{
	uint8_t buf[2000], out[2000];
	unsigned len;

	it->it_b.tif_ifp->if_mtu = mtu;
	tif_clear(&it->it_b);
	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, size);
	inject(it, &it->it_a, buf, len);
	KASSERT(join(&it->it_b, out, mtu) == len - 20);
	KASSERT(memcmp(out, buf + 20, len - 20) == 0);
}

static void
sizes_body(struct in_test *it)
{
	static const unsigned mtus[] = { 68, 69, 75, 76, 100, 576, 1000 };

	for (unsigned m = 0; m < 7; m++)
		for (unsigned size = mtus[m] - 40; size < 1400; size += 37)
			one_size(it, size, mtus[m]);
	all_books(it);
}
IN_TEST(sizes, 1)

/* Every piece has the packet's mark, and the next packet none. */
static void
mark_body(struct in_test *it)
{
	uint8_t buf[2000];
	struct inject in = { .in_t = &it->it_a, .in_data = buf, .in_n = 1,
	    .in_type = ETHERTYPE_IP, .in_mark = 7 };

	it->it_b.tif_ifp->if_mtu = 300;
	in.in_len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 1000);
	tif_clear(&it->it_b);
	on_cpu(it, inject_cpu, &in);
	KASSERT(it->it_b.tif_ntx == 4);
	for (unsigned i = 0; i < 4; i++)
		KASSERT(it->it_b.tif_tx[i].tp_mark == 7);
	in_forward(it, &it->it_b, "10.0.2.2", "10.0.1.2", 1);
	KASSERT(it->it_b.tif_ntx == 5 && it->it_b.tif_tx[4].tp_mark == 0);
	all_books(it);
}
IN_TEST(mark, 1)

/* Only options marked so are in every piece. */
static void
options_body(struct in_test *it)
{
	uint8_t buf[600];
	const struct iphdr4 *ip;

	it->it_b.tif_ifp->if_mtu = 200;
	(void)mk_ip(buf, "10.0.1.2", "10.0.2.2", 99, 64, 500);
	memset(buf + 20, 0, 500);
	buf[0] = 0x48;
	buf[20] = 0x94, buf[21] = 4;		/* router alert: copied */
	buf[24] = IPOPT_RR, buf[25] = 7, buf[26] = 4;	/* not copied */
	ip_set_cksum((struct iphdr4 *)(void *)buf);
	inject(it, &it->it_a, buf, 520);
	KASSERT(it->it_b.tif_ntx == 3);
	for (unsigned i = 0; i < 3; i++) {
		ip = tx_ip(&it->it_b, i);
		KASSERT(ip_hlen(ip) == (i == 0 ? 32 : 24));
		KASSERT(((const uint8_t *)(ip + 1))[0] == 0x94);
	}
}
IN_TEST(options, 1)

/* A fragment that is cut again keeps its place and its "more" mark. */
static void
again_body(struct in_test *it)
{
	uint8_t buf[600];
	struct iphdr4 *ip = (struct iphdr4 *)(void *)buf;
	const struct iphdr4 *o;
	unsigned at = 100;

	it->it_b.tif_ifp->if_mtu = 200;
	(void)mk_ip(buf, "10.0.1.2", "10.0.2.2", 99, 64, 400);
	memset(buf + 20, 7, 400);
	ip->ip_off = be16(IP_MF | 100);
	ip_set_cksum(ip);
	inject(it, &it->it_a, buf, 420);
	KASSERT(it->it_b.tif_ntx == 3);
	for (unsigned i = 0; i < 3; i++) {
		o = tx_ip(&it->it_b, i);
		KASSERT(be16(o->ip_off) == (IP_MF | at));
		at += (be16(o->ip_len) - 20u) / 8;
	}
	all_books(it);
}
IN_TEST(again, 1)

/* No buffers: the pieces made are freed, the packet is dropped by name. */
struct hog {
	struct in_test	*hg_it;
	struct mbuf	*hg_m[4096];
	unsigned	 hg_n;
};

static void
hog_cpu(void *arg)
{
	struct hog *hg = arg;
	struct mbuf *m;
	struct mvec mv;
	uint8_t buf[1500], eh[14];
	unsigned len;

	memcpy(eh, hg->hg_it->it_a.tif_mac, 6);
	memcpy(eh + 6, hg->hg_it->it_a.tif_peer, 6);
	eh[12] = 8, eh[13] = 0;
	len = mk_udp(buf, "10.0.1.2", "10.0.2.2", 64, 1000);
	m = m_gethdr();
	KASSERT(m != NULL && m_append(m, eh, 14) == 0 &&
	    m_append(m, buf, len) == 0);
	while ((hg->hg_m[hg->hg_n] = m_gethdr()) != NULL)
		hg->hg_n++;
	/* Leave two: too few for all the pieces. */
	m_freem(hg->hg_m[--hg->hg_n]);
	m_freem(hg->hg_m[--hg->hg_n]);
	mv.mv_n = 1;
	mv.mv_m[0] = m;
	if_input_vec(hg->hg_it->it_a.tif_ifp, &mv);
	while (hg->hg_n > 0)
		m_freem(hg->hg_m[--hg->hg_n]);
}

static void
nobuf_body(struct in_test *it)
{
	struct hog *hg;

	hg = calloc(1, sizeof(*hg));
	KASSERT(hg != NULL);
	hg->hg_it = it;
	it->it_b.tif_ifp->if_mtu = 200;
	on_cpu(it, hog_cpu, hg);
	KASSERT(drops(it->it_b.tif_ifp, DROP_OUT_NOBUF) == 1);
	KASSERT(it->it_b.tif_ntx == 0);
	all_books(it);
	free(hg);
}
IN_TEST(nobuf, 1)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(mark),
		cmocka_unit_test(options),
		cmocka_unit_test(again),
		cmocka_unit_test(nobuf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
