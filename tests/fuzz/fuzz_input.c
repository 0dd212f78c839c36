/*
 * Packets: frames of every kind into a router with two networks, while it is
 * reconfigured and short of buffers.  After every step both interfaces
 * account for every packet, and what they sent is well-formed.
 */

#define TIF_KEEP 64

#include "fuzz.h"

#include "../unit/in_test.h"

#define NRECORDS	48
#define NFRAMES		16
#define FRAME_MAX	4000

/* A record's first byte. */
#define REC_KIND	0x07
#define REC_B		0x08	/* on the second interface */
#define REC_SPLIT	0x10	/* in several buffers */
#define REC_OFFLOAD	0x20	/* with work left to the other side */
#define REC_WAIT	0x40	/* in one vector with the next */
#define REC_BROKEN	0x80	/* checksums as they are */

enum kind { K_RAW, K_IP, K_ICMP, K_ARP, K_SLEEP, K_CONFIG, K_FRAG, K_UDP };

struct frame {
	unsigned	 f_len, f_piece;
	bool		 f_offload;
	uint16_t	 f_csum_flags, f_csum_start, f_csum_offset, f_segsz;
	uint8_t		 f_data[FRAME_MAX];
};

struct run {
	struct in_test	*r_it;
	struct fuzz_in	*r_in;
	struct tif	*r_tif;
	unsigned	 r_nframes;
	unsigned	 r_leave;	/* K_CONFIG: buffers to leave */
	struct mbuf	*r_hog;		/* the others; m_nextpkt */
	struct frame	 r_frame[NFRAMES];
};

static struct fuzz_in *input;	/* in_test's body takes nothing else */

/* --- frames --- */

/* An address that means something here, most of the time. */
static uint32_t
addr4(struct fuzz_in *in)
{
	static const uint32_t some[] = {
		0x0a000101, 0x0a000102, 0x0a000103, 0x0a0001ff, 0x0a000100,
		0x0a000201, 0x0a000202, 0x0a000203, 0x0a0002ff, 0x0a000909,
		0xffffffff, 0xe0000001, 0xe0000005, 0x7f000001, 0,
	};
	uint8_t b = fuzz_u8(in);

	return b < sizeof(some) / sizeof(some[0]) ? htonl(some[b]) :
	    b < 0xe0 ? htonl(some[b % 9]) : fuzz_u32(in);
}

static unsigned
put_ether(struct run *r, struct frame *f, uint16_t type)
{
	uint8_t how = fuzz_u8(r->r_in), *eh = f->f_data;

	memcpy(eh, r->r_tif->tif_mac, 6);
	if ((how & 7) == 7)
		memset(eh, 0xff, 6);
	else if ((how & 7) == 6)
		memcpy(eh, "\x01\x00\x5e\x00\x00\x01", 6);
	else if ((how & 7) == 5)
		eh[5] = how;
	memcpy(eh + 6, r->r_tif->tif_peer, 6);
	if (how & 0x80)
		eh[11] = how;
	eh[12] = (uint8_t)(type >> 8);
	eh[13] = (uint8_t)type;
	return 14;
}

/* Payload at off; the frame is that long afterwards. */
static void
put_payload(struct run *r, struct frame *f, unsigned off)
{
	struct fuzz_in *in = r->r_in, part;
	unsigned pad = 0, n = fuzz_u8(in);

	/* Large packets without large inputs. */
	if (n >= 0xf0)
		pad = (n & 0xf) * 200;
	part = fuzz_part(in, pad != 0 ? 8 : n);
	memcpy(f->f_data + off, part.fi_data, part.fi_left);
	f->f_len = off + (unsigned)part.fi_left;
	if (f->f_len + pad > FRAME_MAX)
		pad = FRAME_MAX - f->f_len;
	memset(f->f_data + f->f_len, 0x5a, pad);
	f->f_len += pad;
}

/* The header in front of what is there from `off' (its length) on. */
static void
put_ip(struct run *r, struct frame *f, unsigned hlen, uint8_t proto,
    uint8_t rec, const uint8_t head[8])
{
	struct iphdr4 *ip = (struct iphdr4 *)(void *)(f->f_data + 14);
	struct fuzz_in *in = r->r_in;

	ip->ip_vhl = (uint8_t)(0x40 | hlen / 4);
	ip->ip_tos = 0;
	ip->ip_len = be16((uint16_t)(f->f_len - 14 - (head[0] & 8 ?
	    head[1] : 0)));
	ip->ip_id = be16(head[2] & 3);
	ip->ip_off = 0;
	if ((rec & REC_KIND) == K_FRAG)
		ip->ip_off = be16((uint16_t)((head[3] & 0x80 ? IP_MF : 0) |
		    (head[3] & 0x7f) | (head[4] > 250 ? 0x1f00 : 0)));
	else if (head[0] & 16)
		ip->ip_off = be16(IP_DF);
	ip->ip_ttl = head[5] & 1 ? 64 : head[5] >> 1;
	ip->ip_p = proto;
	ip->ip_src = addr4(in);
	ip->ip_dst = addr4(in);
	if (rec & REC_BROKEN)
		ip->ip_sum = 0;
	else
		ip_set_cksum(ip);
}

static void
make_ip(struct run *r, struct frame *f, uint8_t rec)
{
	static const uint8_t protos[] = { IPPROTO_UDP, IPPROTO_ICMP,
	    IPPROTO_TCP, 99 };
	unsigned hlen = 20, kind = rec & REC_KIND, l4;
	struct fuzz_in *in = r->r_in;
	uint8_t head[8], proto;
	uint16_t sum;

	(void)fuzz_bytes(in, head, sizeof(head));
	(void)put_ether(r, f, ETHERTYPE_IP);
	if (head[0] & 1) {
		hlen += (head[0] >> 5) * 4;
		(void)fuzz_bytes(in, f->f_data + 34, hlen - 20);
	}
	l4 = 14 + hlen;
	put_payload(r, f, l4);
	proto = kind == K_ICMP ? IPPROTO_ICMP : kind == K_UDP ? IPPROTO_UDP :
	    protos[head[6] & 3];
	if (kind == K_ICMP && f->f_len >= l4 + 8 && !(rec & REC_BROKEN)) {
		memset(f->f_data + l4 + 2, 0, 2);
		sum = in_cksum_fold(in_cksum_add(f->f_data + l4, f->f_len - l4,
		    0));
		memcpy(f->f_data + l4 + 2, &sum, 2);
	}
	put_ip(r, f, hlen, proto, rec, head);
	f->f_csum_start = (uint16_t)l4;
}

static void
make_arp(struct run *r, struct frame *f)
{
	struct fuzz_in *in = r->r_in;
	struct arphdr ar;
	uint8_t how = fuzz_u8(in);

	(void)put_ether(r, f, ETHERTYPE_ARP);
	ar = mk_arp(how & 1 ? ARP_REQUEST : ARP_REPLY, r->r_tif->tif_peer,
	    "0.0.0.0", "0.0.0.0");
	ar.ar_spa = addr4(in);
	ar.ar_tpa = addr4(in);
	if (how & 2)
		(void)fuzz_bytes(in, ar.ar_sha, 6);
	if (how & 4)
		(void)fuzz_bytes(in, &ar, 8);
	memcpy(f->f_data + 14, &ar, sizeof(ar));
	f->f_len = 14 + (unsigned)sizeof(ar) - (how & 8 ? how >> 4 : 0);
}

/* State that a driver may have let pass: see tap_rx_offload(). */
static void
make_offload(struct run *r, struct frame *f)
{
	struct fuzz_in *in = r->r_in;
	uint8_t how = fuzz_u8(in);

	f->f_csum_flags = how & 1 ? M_CSUM_VALID | M_CSUM_PARTIAL : 0;
	if (how & 2 || f->f_csum_start < 14)
		f->f_csum_start = 14 + fuzz_u8(in);
	f->f_csum_offset = how & 4 ? 16 : how & 8 ? 6 : fuzz_u8(in);
	if (f->f_csum_start + f->f_csum_offset + 2u > f->f_len)
		f->f_csum_flags = 0;
	if (f->f_csum_flags == 0 || (how & 0x30) == 0)
		return;
	f->f_csum_flags |= (how & 0x30) == 0x10 ? M_TSO4 :
	    (how & 0x30) == 0x20 ? M_USO : M_TSO6;
	if (how & 0x40)
		f->f_csum_flags |= M_TSO_ECN;
	f->f_segsz = fuzz_u8(in) * (how & 0x80 ? 16 : 1);
	if (f->f_segsz == 0)
		f->f_segsz = 1;
}

static void
make_frame(struct run *r, uint8_t rec)
{
	struct frame *f = &r->r_frame[r->r_nframes++];
	struct fuzz_in part;

	memset(f, 0, offsetof(struct frame, f_data));
	switch (rec & REC_KIND) {
	case K_RAW:
		part = fuzz_part(r->r_in, fuzz_u8(r->r_in));
		memcpy(f->f_data, part.fi_data, part.fi_left);
		f->f_len = (unsigned)part.fi_left;
		break;
	case K_ARP:
		make_arp(r, f);
		break;
	default:
		make_ip(r, f, rec);
		break;
	}
	if (rec & REC_SPLIT)
		f->f_piece = 1 + fuzz_u8(r->r_in);
	if (rec & REC_OFFLOAD)
		make_offload(r, f);
}

/* --- giving them to the router --- */

/* One buffer a piece; NULL when there are none left. */
static struct mbuf *
frame_mbuf(const struct frame *f)
{
	struct mbuf *head = NULL, **tail = &head, *m;
	unsigned off = 0, n;

	do {
		n = f->f_len - off;
		if (f->f_piece != 0 && n > f->f_piece)
			n = f->f_piece;
		if (n > 1500)
			n = 1500;
		m = m_gethdr();
		if (m == NULL) {
			if (head != NULL)
				m_freem(head);
			return NULL;
		}
		memcpy(m->m_data, f->f_data + off, n);
		m->m_len = n;
		*tail = m;
		tail = &m->m_next;
		off += n;
	} while (off < f->f_len);
	head->m_pktlen = f->f_len;
	head->m_csum_flags = f->f_csum_flags;
	head->m_csum_start = f->f_csum_flags != 0 ? f->f_csum_start : 0;
	head->m_csum_offset = f->f_csum_flags != 0 ? f->f_csum_offset : 0;
	head->m_segsz = f->f_segsz;
	return head;
}

static void
give_cpu(void *arg)
{
	struct run *r = arg;
	struct mvec mv;
	struct mbuf *m;

	mv.mv_n = 0;
	for (unsigned i = 0; i < r->r_nframes; i++) {
		m = frame_mbuf(&r->r_frame[i]);
		if (m != NULL)
			mv.mv_m[mv.mv_n++] = m;
	}
	if_input_vec(r->r_tif->tif_ifp, &mv);
}

static void
check_sent(struct tif *t)
{

	for (unsigned i = 0; i < t->tif_ntx && i < TIF_KEEP; i++)
		(void)tx_ip(t, i);
	tif_clear(t);
}

static void
check(struct run *r)
{

	all_books(r->r_it);
	check_sent(&r->r_it->it_a);
	check_sent(&r->r_it->it_b);
}

static void
give(struct run *r)
{

	if (r->r_nframes != 0)
		on_cpu(r->r_it, give_cpu, r);
	r->r_nframes = 0;
	check(r);
}

/* --- everything else --- */

static void
hog_cpu(void *arg)
{
	struct run *r = arg;
	struct mbuf *m;

	while ((m = r->r_hog) != NULL) {
		r->r_hog = m->m_nextpkt;
		m->m_nextpkt = NULL;
		m_freem(m);
	}
	while (r->r_leave != 0 && mbuf_free_count(r->r_it->it_kern) >
	    r->r_leave - 1 && (m = m_gethdr()) != NULL) {
		m->m_nextpkt = r->r_hog;
		r->r_hog = m;
	}
}

static void
set_flags(struct run *r, int flags)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, r->r_tif->tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr_flags = flags;
	(void)ifioctl(r->r_it->it_vn, &kauth_cred_self, SIOCSIFFLAGS, &ifr,
	    sizeof(ifr));
}

static void
set_mtu(struct run *r, int mtu)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	memcpy(ifr.ifr_name, r->r_tif->tif_ifp->if_xname, IFNAMSIZ);
	ifr.ifr_mtu = mtu;
	(void)ifioctl(r->r_it->it_vn, &kauth_cred_self, SIOCSIFMTU, &ifr,
	    sizeof(ifr));
}

static void
set_route(struct run *r, uint8_t how)
{
	struct rt_info ri;

	memset(&ri, 0, sizeof(ri));
	ri.ri_dst.na_4 = addr4(r->r_in);
	ri.ri_len = (how >> 2) % 33;
	ri.ri_dst.na_4 &= in_mask(ri.ri_len);
	ri.ri_gw.na_4 = htonl(how & 1 ? 0x0a000102 : 0x0a000202);
	if (how & 2) {
		(void)rt_delete(r->r_it->it_vn, &ri);
		return;
	}
	ri.ri_flags = fuzz_u8(r->r_in) == 1 ? RTF_REJECT : RTF_GATEWAY;
	ri.ri_mtu = fuzz_u8(r->r_in) & 1 ? 300 : 0;
	(void)rt_add(r->r_it->it_vn, &ri);
}

static void
configure(struct run *r)
{
	static const char *const addrs[] = { "10.0.1.1", "10.0.2.1",
	    "10.0.1.3", "10.9.9.9" };
	uint8_t what = fuzz_u8(r->r_in), how = fuzz_u8(r->r_in);
	struct in_test *it = r->r_it;

	if (what & 8)
		sim_fail_alloc(it->it_host, 1 + (what >> 4));
	switch (what & 7) {
	case 0:
		set_flags(r, how & 1 ? IFF_UP | (how & 2 ? IFF_NOARP : 0) : 0);
		break;
	case 1:
		set_mtu(r, how & 1 ? 1500 : how & 2 ? 65535 : 68 + how);
		break;
	case 2:
		(void)addr_add(it, r->r_tif->tif_ifp, addrs[how & 3],
		    how & 4 ? 24 : how >> 3);
		break;
	case 3:
		(void)addr_del(it, r->r_tif->tif_ifp, addrs[how & 3]);
		break;
	case 4:
		set_route(r, how);
		break;
	case 5:
		(void)set_sysctl(it, "net.inet.ip.forwarding", how & 1);
		break;
	case 6:
		r->r_leave = how;
		on_cpu(it, hog_cpu, r);
		break;
	default:
		(void)neigh_req(it, how & 1 ? RTM_ADD : RTM_DELETE, NULL,
		    how & 2 ? "10.0.1.2" : "10.0.2.3", how & 1 ?
		    r->r_tif->tif_peer : NULL, how & 4 ? RTF_ANNOUNCE : 0,
		    how & 8 ? how : 0);
		break;
	}
	sim_fail_alloc(it->it_host, 0);
	settle(it);
}

static void
record(struct run *r)
{
	uint8_t rec = fuzz_u8(r->r_in);
	struct tif *tif;

	tif = rec & REC_B ? &r->r_it->it_b : &r->r_it->it_a;
	if (tif != r->r_tif)
		give(r);
	r->r_tif = tif;
	switch (rec & REC_KIND) {
	case K_SLEEP:
		give(r);
		sleep_ms(r->r_it, fuzz_u8(r->r_in) * 250);
		check(r);
		break;
	case K_CONFIG:
		give(r);
		configure(r);
		check(r);
		break;
	default:
		make_frame(r, rec);
		if (!(rec & REC_WAIT) || r->r_nframes == NFRAMES)
			give(r);
		break;
	}
}

static void
body(struct in_test *it)
{
	struct run *r;

	r = calloc(1, sizeof(*r));
	KASSERT(r != NULL);
	r->r_it = it;
	r->r_in = input;
	r->r_tif = &it->it_a;
	for (unsigned i = 0; i < NRECORDS && input->fi_left > 0; i++)
		record(r);
	give(r);
	r->r_leave = 0;
	on_cpu(it, hog_cpu, r);
	free(r);
}

static void
run(struct host *h, void *arg)
{
	struct in_test_run ir = { .ir_host = h, .ir_ncpu = 1,
	    .ir_body = body };

	input = arg;
	in_test_main(&ir);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
