/*
 * Input of a tap device: vnet headers that are right, nearly right or lies, in
 * front of frames of which the same is true, through the real driver and a
 * router.  Packets that come out at the other device are well formed, their
 * vnet headers are true of them, and the books balance after each.
 */

#include "fuzz_stack.h"

#include <errno.h>

#include "netinet/ip_var.h"

#define NRECORDS	24
#define FRAME_MAX	65535
#define ETHER_MTU	1500

/* A record's first byte. */
#define REC_B		0x01	/* from the second device */
#define REC_KIND	0x06
#define REC_ROUGH	0x08	/* the vnet header is as in the input */
#define REC_PATCH	0x10	/* some bytes are others */
#define REC_WAIT	0x20	/* in one go with the next */
#define REC_LARGE	0x40	/* a segment of many packets */
#define REC_CONFIG	0x80	/* not a packet: something is changed */

enum kind { K_RAW, K_UDP = 2, K_TCP = 4, K_ICMP = 6 };

/* The header's ten bytes leave no gap. */
struct packet {
	struct host_vnethdr pk_vh;
	uint8_t		 pk_data[FRAME_MAX];
};
_Static_assert(offsetof(struct packet, pk_data) == sizeof(struct host_vnethdr),
    "a packet is as the device has it");

static struct packet pkt;

struct run {
	struct host	*r_host;
	struct fuzz_in	*r_in;
	struct ifnet_stack *r_stack;
	struct vnet	*r_vn;
	uint8_t		 r_mac[2][6];
};

static const char *const devices[] = { "tap0", "other" };

static void
command(struct run *r, const char *line)
{
	char *output = NULL;
	struct ifnet_error e;

	(void)vnet_command_output(r->r_vn, line, &output, &e);
	free(output);
}

static void
put16(uint8_t *p, unsigned v)
{

	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* --- in ------------------------------------------------------------------- */

static void
put_l4(unsigned kind, struct iphdr4 *ip, unsigned len)
{
	uint8_t *l4 = pkt.pk_data + 34;
	unsigned n = len - 34;

	ip->ip_p = kind == K_UDP ? IPPROTO_UDP : kind == K_TCP ? IPPROTO_TCP :
	    IPPROTO_ICMP;
	memset(l4, 0, 20);
	put16(l4, 1024);
	put16(l4 + 2, 9);
	if (kind == K_UDP)
		put16(l4 + 4, n > 65535 ? 65535 : n);
	else if (kind == K_TCP) {
		l4[12] = 5 << 4;
		l4[13] = 0x18;
	} else
		l4[0] = 8;
}

/* A frame of the kind; its length. */
static unsigned
put_frame(struct run *r, uint8_t rec, unsigned from)
{
	static const uint32_t dst[2][4] = {
		{ 0x0a000202, 0x0a000101, 0x0a0001ff, 0x0a000203 },
		{ 0x0a000102, 0x0a000201, 0xffffffff, 0xe0000001 },
	};
	struct iphdr4 *ip = (struct iphdr4 *)(void *)(pkt.pk_data + 14);
	struct fuzz_in *in = r->r_in;
	unsigned payload = fuzz_u8(in), how = fuzz_u8(in), len;

	if (rec & REC_LARGE)
		payload = payload * 256 + how;
	len = 14 + 20 + 20 + payload;
	if (len > FRAME_MAX)
		len = FRAME_MAX;
	memset(pkt.pk_data, 0x5a, len);
	memcpy(pkt.pk_data, r->r_mac[from], 6);
	memcpy(pkt.pk_data + 6, "\2\0\0\0\0", 5);
	pkt.pk_data[11] = (uint8_t)(0x77 + from);
	put16(pkt.pk_data + 12, ETHERTYPE_IP);
	memset(ip, 0, sizeof(*ip));
	ip->ip_vhl = 0x45;
	put16((uint8_t *)&ip->ip_len, len - 14);
	ip->ip_off = how & 0x80 ? 0 : htons(IP_DF);
	ip->ip_ttl = 64;
	ip->ip_src = htonl(from == 0 ? 0x0a000102 : 0x0a000202);
	ip->ip_dst = htonl(dst[from][how & 3]);
	put_l4(rec & REC_KIND, ip, len);
	ip_set_cksum(ip);
	return len;
}

static void
put_header(struct run *r, uint8_t rec, unsigned len)
{
	struct host_vnethdr *vh = &pkt.pk_vh;
	unsigned kind = rec & REC_KIND;
	uint8_t how;

	memset(vh, 0, sizeof(*vh));
	if (rec & REC_ROUGH) {
		(void)fuzz_bytes(r->r_in, vh, sizeof(*vh));
		return;
	}
	if (kind == K_RAW || kind == K_ICMP)
		return;
	vh->vh_flags = HOST_VH_NEEDS_CSUM;
	vh->vh_csum_start = 34;
	vh->vh_csum_offset = kind == K_TCP ? 16 : 6;
	if (len <= 14 + ETHER_MTU)
		return;
	how = fuzz_u8(r->r_in);
	vh->vh_gso_type = kind == K_TCP ? HOST_VH_GSO_TCPV4 :
	    HOST_VH_GSO_UDP_L4;
	vh->vh_gso_size = how & 1 ? 1448 : 1 + how * 8;
	vh->vh_hdr_len = kind == K_TCP ? 54 : 42;
}

static void
put_packet(struct run *r, uint8_t rec)
{
	struct fuzz_in *in = r->r_in, part;
	unsigned from = rec & REC_B, len;
	size_t at;

	if ((rec & REC_KIND) == K_RAW) {
		part = fuzz_part(in, fuzz_u8(in));
		len = (unsigned)part.fi_left;
		(void)fuzz_bytes(&part, pkt.pk_data, len);
	} else
		len = put_frame(r, rec, from);
	put_header(r, rec, len);
	if (rec & REC_PATCH)
		for (unsigned n = 1 + (fuzz_u8(in) & 7); n > 0 && len > 0;
		    n--) {
			at = fuzz_u8(in) % len;
			pkt.pk_data[at] = fuzz_u8(in);
		}
	/* The last record can end before its header does. */
	at = sizeof(pkt.pk_vh) + len;
	if (in->fi_left == 0 && len == 0)
		at = 1 + pkt.pk_vh.vh_flags % sizeof(pkt.pk_vh);
	(void)sim_tun_put(r->r_host, devices[from], &pkt, at);
}

/* --- out ------------------------------------------------------------------ */

static void
check_header(const struct host_vnethdr *vh, unsigned len)
{
	unsigned gso = vh->vh_gso_type & ~(unsigned)HOST_VH_GSO_ECN;

	KASSERT((vh->vh_flags & ~(HOST_VH_NEEDS_CSUM | HOST_VH_DATA_VALID)) ==
	    0);
	if (vh->vh_flags & HOST_VH_NEEDS_CSUM)
		KASSERT(vh->vh_csum_start >= 34 && (unsigned)vh->vh_csum_start +
		    vh->vh_csum_offset + 2 <= len);
	if (gso == HOST_VH_GSO_NONE)
		return;
	KASSERT(gso == HOST_VH_GSO_TCPV4 || gso == HOST_VH_GSO_TCPV6 ||
	    gso == HOST_VH_GSO_UDP_L4);
	KASSERT(vh->vh_flags & HOST_VH_NEEDS_CSUM);
	KASSERT(vh->vh_gso_size != 0 && vh->vh_hdr_len > vh->vh_csum_start);
}

static void
check_out(unsigned len)
{
	const struct iphdr4 *ip =
	    (const struct iphdr4 *)(const void *)(pkt.pk_data + 14);
	unsigned hlen;

	check_header(&pkt.pk_vh, len);
	if (len < 34 || pkt.pk_data[12] != 8 || pkt.pk_data[13] != 0)
		return;
	hlen = ip_hlen(ip);
	KASSERT(ip->ip_vhl >> 4 == 4 && hlen >= 20 && 14 + hlen <= len);
	KASSERT(ntohs(ip->ip_len) >= hlen &&
	    (unsigned)ntohs(ip->ip_len) + 14 <= len);
	KASSERT(in_cksum_fold(in_cksum_add(ip, hlen, 0)) == 0);
	if (pkt.pk_vh.vh_gso_type == HOST_VH_GSO_NONE)
		KASSERT(len <= 14 + ETHER_MTU);
}

static void
check(struct run *r)
{
	size_t len;

	for (unsigned i = 0; i < 8; i++)
		ifnet_stack_run(r->r_stack);
	for (unsigned i = 0; i < 2; i++)
		for (;;) {
			len = sizeof(pkt);
			if (sim_tun_get(r->r_host, devices[i], &pkt, &len) !=
			    0)
				break;
			check_out((unsigned)(len - sizeof(pkt.pk_vh)));
		}
	KASSERT(fuzz_books_vnet(r->r_vn, NULL) == 0);
}

static void
configure(struct run *r, uint8_t rec)
{
	static const char *const lines[] = {
		"ifconfig tap0 down", "ifconfig tap0 up",
		"ifconfig tap1 mtu 576", "ifconfig tap1 mtu 1500",
		"ifconfig tap1 -tso4 -udp4csum", "ifconfig tap1 tso4 udp4csum",
		"ifconfig tap1 -tcp4csum", "ifconfig tap1 tcp4csum",
		"ifconfig tap1 down", "ifconfig tap1 up",
		"arp -d 10.0.2.2", "arp -s 10.0.2.2 02:00:00:00:00:78",
	};
	unsigned n = sizeof(lines) / sizeof(lines[0]);
	uint8_t what = rec & 0x7f;

	if (what < n)
		command(r, lines[what]);
	else if (what < 64)
		sim_set_faults(r->r_host, 0, (what - n) * 10000);
	else if (what < 68)
		(void)sim_tun_kill(r->r_host, devices[what & 1]);
	else
		host_sleep(r->r_host, (what - 68) * 50000000ull);
}

static void
set_up(struct run *r)
{
	struct ifnet *ifp;

	command(r, "ifconfig tap0 create");
	command(r, "ifconfig tap1 create host other");
	command(r, "ifconfig tap0 inet 10.0.1.1/24 up");
	command(r, "ifconfig tap1 inet 10.0.2.1/24 up");
	command(r, "sysctl -w net.inet.ip.forwarding=1");
	command(r, "arp -s 10.0.1.2 02:00:00:00:00:77");
	command(r, "arp -s 10.0.2.2 02:00:00:00:00:78");
	for (unsigned i = 0; i < 2; i++) {
		pserialize_read_enter();
		ifp = ifunit(r->r_vn, i == 0 ? "tap0" : "tap1");
		KASSERT(ifp != NULL);
		memcpy(r->r_mac[i], if_sadl(ifp)->sdl_data, 6);
		pserialize_read_exit();
	}
	check(r);
}

static void
run(struct host *h, void *arg)
{
	struct run r = { .r_host = h, .r_in = arg };
	uint8_t rec;

	r.r_stack = fuzz_stack_create(h);
	r.r_vn = vnet_create(r.r_stack, "v", NULL);
	KASSERT(r.r_vn != NULL);
	set_up(&r);
	for (unsigned i = 0; i < NRECORDS && r.r_in->fi_left > 0; i++) {
		rec = fuzz_u8(r.r_in);
		if (rec & REC_CONFIG)
			configure(&r, rec);
		else
			put_packet(&r, rec);
		if (!(rec & REC_WAIT))
			check(&r);
	}
	sim_set_faults(h, 0, 0);
	check(&r);
	fuzz_stack_destroy(r.r_stack);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };

	fuzz_on_sim(run, &in);
	return 0;
}
