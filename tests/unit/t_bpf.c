/*
 * Taps: the machine against a plain one, hostile programs, every truncation;
 * what a tap sees, in both directions; that it loses nothing without counting
 * it; and that it ends with its interface.
 */

#include "net_test.h"

#include <sched.h>

/* --- the check ------------------------------------------------------------ */

static const char *
check1(uint16_t code, uint8_t jt, uint8_t jf, uint32_t k)
{
	const struct bpf_insn prog[] = {
		{ code, jt, jf, k }, { BPF_RET | BPF_K, 0, 0, 1 },
	};

	return bpf_check(prog, 2);
}

static void
test_hostile(void **state)
{
	static struct bpf_insn big[BPF_PROG_MAX + 1];
	struct bpf_insn one = { BPF_RET | BPF_K, 0, 0, 1 };

	(void)state;
	assert_null(bpf_check(&one, 1));
	assert_non_null(bpf_check(&one, 0));
	one.code = BPF_LD | BPF_IMM;
	assert_non_null(bpf_check(&one, 1));	/* runs off its end */
	one.code = BPF_JMP | BPF_JA;
	assert_non_null(bpf_check(&one, 1));
	for (unsigned i = 0; i <= BPF_PROG_MAX; i++)
		big[i] = (struct bpf_insn){ BPF_RET | BPF_K, 0, 0, 1 };
	assert_null(bpf_check(big, BPF_PROG_MAX));
	assert_non_null(bpf_check(big, BPF_PROG_MAX + 1));

	/* Jumps: to the next is all there is. */
	assert_null(check1(BPF_JMP | BPF_JA, 0, 0, 0));
	assert_non_null(check1(BPF_JMP | BPF_JA, 0, 0, 1));
	assert_non_null(check1(BPF_JMP | BPF_JA, 0, 0, UINT32_MAX));
	assert_non_null(check1(BPF_JMP | BPF_JA, 0, 0, (uint32_t)-2));
	assert_null(check1(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 7));
	assert_non_null(check1(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 7));
	assert_non_null(check1(BPF_JMP | BPF_JGT | BPF_X, 0, 255, 7));
	assert_non_null(check1(BPF_JMP | 0x50, 0, 0, 7));
	/* Arithmetic. */
	assert_non_null(check1(BPF_ALU | BPF_DIV | BPF_K, 0, 0, 0));
	assert_non_null(check1(BPF_ALU | BPF_MOD | BPF_K, 0, 0, 0));
	assert_null(check1(BPF_ALU | BPF_DIV | BPF_X, 0, 0, 0));
	assert_non_null(check1(BPF_ALU | BPF_LSH | BPF_K, 0, 0, 32));
	assert_non_null(check1(BPF_ALU | 0xb0, 0, 0, 1));
	assert_non_null(check1(BPF_ALU | BPF_ADD | 0x100, 0, 0, 1));
	/* Memory. */
	assert_null(check1(BPF_ST, 0, 0, 15));
	assert_non_null(check1(BPF_ST, 0, 0, 16));
	assert_non_null(check1(BPF_STX, 0, 0, UINT32_MAX));
	assert_non_null(check1(BPF_LD | BPF_MEM, 0, 0, 16));
	assert_non_null(check1(BPF_LDX | BPF_MEM, 0, 0, 16));
	/* Instructions that do not exist. */
	assert_non_null(check1(BPF_LD | BPF_B | BPF_MSH, 0, 0, 0));
	assert_non_null(check1(BPF_LDX | BPF_W | BPF_ABS, 0, 0, 0));
	assert_non_null(check1(BPF_RET | BPF_X, 0, 0, 0));
	assert_non_null(check1(BPF_MISC | 0x40, 0, 0, 0));
	assert_non_null(check1(UINT16_MAX, 0, 0, 0));
}

/* --- the machine ---------------------------------------------------------- */

static uint64_t rnd_state = 88172645463325252u;

static uint32_t
rnd(void)
{

	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 7;
	rnd_state ^= rnd_state << 17;
	return (uint32_t)(rnd_state >> 16);
}

/* The same bytes in buffers of `piece' each (the last one takes the rest). */
static const struct mbuf *
chain(struct mbuf *m, unsigned max, uint8_t *data, unsigned len,
    unsigned piece)
{
	unsigned off = 0, part, n = 0;

	do {
		part = n + 1 == max || len - off < piece ? len - off : piece;
		memset(&m[n], 0, sizeof(m[n]));
		m[n].m_data = data + off;
		m[n].m_len = part;
		if (n > 0)
			m[n - 1].m_next = &m[n];
		off += part;
		n++;
	} while (off < len);
	m[0].m_pktlen = len;
	return m;
}

/* Big-endian bytes of a flat packet, or false. */
static bool
flat(const uint8_t *p, unsigned len, uint64_t off, unsigned n, uint32_t *v)
{

	if (off + n > len)
		return false;
	for (*v = 0; n > 0; n--)
		*v = (*v << 8) + p[off++];
	return true;
}

/* The machine once more, by the letter, on a flat packet. */
static uint32_t
plain(const struct bpf_insn *prog, const uint8_t *p, unsigned len)
{
	uint32_t a = 0, x = 0, mem[16] = { 0 }, v;
	const struct bpf_insn *i;

	for (i = prog; ; i++) {
		v = (i->code & 8) ? x : i->k;
		switch (i->code) {
		case 0x20: if (!flat(p, len, i->k, 4, &a)) return 0; break;
		case 0x28: if (!flat(p, len, i->k, 2, &a)) return 0; break;
		case 0x30: if (!flat(p, len, i->k, 1, &a)) return 0; break;
		case 0x40: if (!flat(p, len, (uint64_t)x + i->k, 4, &a))
				return 0;
			break;
		case 0x48: if (!flat(p, len, (uint64_t)x + i->k, 2, &a))
				return 0;
			break;
		case 0x50: if (!flat(p, len, (uint64_t)x + i->k, 1, &a))
				return 0;
			break;
		case 0xb1: if (!flat(p, len, i->k, 1, &x)) return 0;
			x = (x % 16) * 4;
			break;
		case 0x80: a = len; break;
		case 0x81: x = len; break;
		case 0x00: a = i->k; break;
		case 0x01: x = i->k; break;
		case 0x60: a = mem[i->k]; break;
		case 0x61: x = mem[i->k]; break;
		case 0x02: mem[i->k] = a; break;
		case 0x03: mem[i->k] = x; break;
		case 0x04: case 0x0c: a += v; break;
		case 0x14: case 0x1c: a -= v; break;
		case 0x24: case 0x2c: a *= v; break;
		case 0x34: case 0x3c: if (v == 0) return 0; a /= v; break;
		case 0x94: case 0x9c: if (v == 0) return 0; a %= v; break;
		case 0x44: case 0x4c: a |= v; break;
		case 0x54: case 0x5c: a &= v; break;
		case 0xa4: case 0xac: a ^= v; break;
		case 0x64: case 0x6c: a = v < 32 ? a << v : 0; break;
		case 0x74: case 0x7c: a = v < 32 ? a >> v : 0; break;
		case 0x84: a = 0 - a; break;
		case 0x05: i += i->k; break;
		case 0x15: case 0x1d: i += a == v ? i->jt : i->jf; break;
		case 0x25: case 0x2d: i += a > v ? i->jt : i->jf; break;
		case 0x35: case 0x3d: i += a >= v ? i->jt : i->jf; break;
		case 0x45: case 0x4d: i += (a & v) != 0 ? i->jt : i->jf;
			break;
		case 0x06: return i->k;
		case 0x16: return a;
		case 0x07: x = a; break;
		case 0x87: a = x; break;
		default: fail_msg("code %#x was let through", i->code);
		}
	}
}

/* "tcp dst port 23" on Ethernet, as libpcap compiles it for IPv4. */
static const struct bpf_insn telnet[] = {
	{ 0x28, 0, 0, 12 }, { 0x15, 0, 8, 0x0800 }, { 0x30, 0, 0, 23 },
	{ 0x15, 0, 6, 6 }, { 0x28, 0, 0, 20 }, { 0x45, 4, 0, 0x1fff },
	{ 0xb1, 0, 0, 14 }, { 0x48, 0, 0, 16 }, { 0x15, 0, 1, 23 },
	{ 0x06, 0, 0, 262144 }, { 0x06, 0, 0, 0 },
};
#define NTELNET	(sizeof(telnet) / sizeof(telnet[0]))

static void
telnet_frame(uint8_t *p, unsigned port)
{

	memset(p, 0, 60);
	p[12] = 8;
	p[14] = 0x46;
	p[23] = 6;
	p[14 + 24 + 2] = (uint8_t)(port >> 8);
	p[14 + 24 + 3] = (uint8_t)port;
}

static void
test_truncated(void **state)
{
	struct mbuf m[64];
	uint8_t p[60];

	(void)state;
	assert_null(bpf_check(telnet, NTELNET));
	for (unsigned len = 0; len <= sizeof(p); len++)
		for (unsigned piece = 1; piece <= sizeof(p); piece++) {
			telnet_frame(p, 23);
			assert_int_equal(bpf_run(telnet, chain(m, 64, p, len,
			    piece)), len >= 42 ? 262144 : 0);
			telnet_frame(p, 24);
			assert_int_equal(bpf_run(telnet, chain(m, 64, p, len,
			    piece)), 0);
		}
}

static void
random_insn(struct bpf_insn *i, unsigned left)
{
	static const uint16_t codes[] = {
		0x20, 0x28, 0x30, 0x40, 0x48, 0x50, 0xb1, 0x80, 0x81, 0x00,
		0x01, 0x60, 0x61, 0x02, 0x03, 0x04, 0x0c, 0x14, 0x1c, 0x24,
		0x2c, 0x34, 0x3c, 0x94, 0x9c, 0x44, 0x4c, 0x54, 0x5c, 0xa4,
		0xac, 0x64, 0x6c, 0x74, 0x7c, 0x84, 0x05, 0x15, 0x1d, 0x25,
		0x2d, 0x35, 0x3d, 0x45, 0x4d, 0x06, 0x16, 0x07, 0x87,
	};
	unsigned n = sizeof(codes) / sizeof(codes[0]);

	i->code = rnd() % 200 == 0 ? (uint16_t)rnd() : codes[rnd() % n];
	i->jt = (uint8_t)(rnd() % (left + 1));
	i->jf = (uint8_t)(rnd() % (left + 1));
	i->k = rnd() % 8 == 0 ? rnd() : rnd() % 24;
}

static void
test_random(void **state)
{
	struct bpf_insn prog[12];
	struct mbuf m[64];
	unsigned n, len, valid = 0;
	uint8_t p[64];

	(void)state;
	for (unsigned round = 0; round < 300000; round++) {
		n = 1 + rnd() % 11;
		for (unsigned i = 0; i < n; i++)
			random_insn(&prog[i], n - i);
		prog[n - 1] = (struct bpf_insn){ 0x16, 0, 0, 0 };
		if (bpf_check(prog, n) != NULL)
			continue;
		valid++;
		len = rnd() % 65;
		for (unsigned i = 0; i < len; i++)
			p[i] = (uint8_t)rnd();
		assert_int_equal(bpf_run(prog, chain(m, 64, p, len,
		    1 + rnd() % 64)), plain(prog, p, len));
	}
	assert_true(valid > 10000);
}

/* --- taps ----------------------------------------------------------------- */

struct tap {
	struct bpf_tap	*t_tap;
	unsigned	 t_woken;
	uint8_t		 t_buf[65536];
	size_t		 t_len, t_off;
	uint64_t	 t_last_ns;
};

static void
tap_wakeup(void *arg)
{
	struct tap *t = arg;

	__atomic_fetch_add(&t->t_woken, 1, __ATOMIC_RELAXED);
}

static int
tap_open(struct vnet *vn, const char *name, unsigned dirs, uint32_t snaplen,
    const struct bpf_insn *prog, unsigned n, struct tap *t)
{
	struct bpf_config bc = {
		.bc_dirs = dirs, .bc_snaplen = snaplen,
		.bc_ring = BPF_RING_MIN, .bc_dlt = DLT_EN10MB,
		.bc_prog = prog, .bc_ninsns = n, .bc_wakeup = tap_wakeup,
		.bc_arg = t,
	};

	memset(t, 0, sizeof(*t));
	return bpf_open(vn, name, &bc, &t->t_tap);
}

/* The next record and its bytes, or NULL. */
static const uint8_t *
tap_next(struct tap *t, struct bpf_rec *rec)
{
	const uint8_t *p;

	if (t->t_off == t->t_len) {
		t->t_off = 0;
		t->t_len = bpf_read(t->t_tap, t->t_buf, sizeof(t->t_buf));
		if (t->t_len == 0)
			return NULL;
	}
	memcpy(rec, t->t_buf + t->t_off, sizeof(*rec));
	/* Whichever CPU saw them. */
	KASSERT(rec->br_time_ns >= t->t_last_ns);
	t->t_last_ns = rec->br_time_ns;
	p = t->t_buf + t->t_off + sizeof(*rec);
	t->t_off += sizeof(*rec) + ((rec->br_caplen + 7) & ~7u);
	KASSERT(t->t_off <= t->t_len);
	return p;
}

static unsigned
tap_count(struct tap *t)
{
	struct bpf_rec rec;
	unsigned n = 0;

	while (tap_next(t, &rec) != NULL)
		n++;
	return n;
}

#define TYPE	0x88b5

/* CPU: one frame of each of five tags in, out the two last. */
static void
five_in_two_out(void *arg)
{
	struct etest *et = arg;
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 5; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(etest_addr, etest_peer, TYPE,
		    (uint8_t)mv.mv_n, 100);
	if_input_vec(et->et_ifp, &mv);
	for (mv.mv_n = 0; mv.mv_n < 2; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(etest_peer, etest_addr, TYPE,
		    (uint8_t)(mv.mv_n + 5), 100);
	if_transmit_vec(et->et_ifp, &mv);
}

static void
sees_body(struct vnet *vn)
{
	/* The third byte of the payload is 3. */
	static const struct bpf_insn third[] = {
		{ 0x30, 0, 0, 16 }, { 0x15, 0, 1, 3 }, { 0x06, 0, 0, 20 },
		{ 0x06, 0, 0, 0 },
	};
	static struct tap all, in, out, three;
	struct bpf_stats bs;
	struct bpf_rec rec;
	struct etest et;
	const uint8_t *p;
	uint64_t last = 0;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(et.et_ifp->if_bpf == NULL);
	KASSERT(tap_open(vn, "et0", BPF_IN | BPF_OUT, 0, NULL, 0, &all) == 0);
	KASSERT(tap_open(vn, "et0", BPF_IN, 60, NULL, 0, &in) == 0);
	KASSERT(tap_open(vn, "et0", BPF_OUT, 0, NULL, 0, &out) == 0);
	KASSERT(tap_open(vn, "et0", BPF_IN | BPF_OUT, 0, third, 4, &three) ==
	    0);
	on_cpu(vn->vn_kern, five_in_two_out, &et);

	for (unsigned i = 0; i < 7; i++) {
		p = tap_next(&all, &rec);
		KASSERT(p != NULL && p[14] == i && rec.br_len == 114);
		KASSERT(rec.br_caplen == 114);
		KASSERT(rec.br_flags == (i < 5 ? BPF_IN : BPF_OUT));
		/* A vector is seen at once, the next one after it, though
		 * the clock stands still in a pass. */
		KASSERT(i == 5 ? rec.br_time_ns > last :
		    i == 0 || rec.br_time_ns == last);
		last = rec.br_time_ns;
	}
	KASSERT(tap_next(&all, &rec) == NULL && all.t_woken >= 1);
	KASSERT(tap_next(&in, &rec) != NULL && rec.br_caplen == 60 &&
	    rec.br_len == 114);
	KASSERT(tap_count(&in) == 4);
	KASSERT(tap_next(&out, &rec) != NULL && rec.br_time_ns == last);
	KASSERT(tap_count(&out) == 1);
	p = tap_next(&three, &rec);
	KASSERT(p != NULL && p[16] == 3 && rec.br_caplen == 20);
	KASSERT(tap_next(&three, &rec) == NULL);
	bpf_stats(three.t_tap, &bs);
	KASSERT(bs.bs_received == 7 && bs.bs_filtered == 6 &&
	    bs.bs_dropped == 0);

	bpf_close(all.t_tap);
	bpf_close(in.t_tap);
	bpf_close(three.t_tap);
	KASSERT(et.et_ifp->if_bpf != NULL);
	bpf_stop(out.t_tap);
	KASSERT(et.et_ifp->if_bpf == NULL);
	KASSERT(bpf_state(out.t_tap) == BPF_STOPPED);
	bpf_close(out.t_tap);
	etest_detach(&et);
}

/* CPU: a frame for us, two for another station, one for everybody. */
static void
foreign_in(void *arg)
{
	static const uint8_t other[6] = { 2, 0, 0, 0, 0, 9 };
	static const uint8_t everybody[6] = { 255, 255, 255, 255, 255, 255 };
	const uint8_t *dst[4] = { etest_addr, other, other, everybody };
	struct etest *et = arg;
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 4; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(dst[mv.mv_n], etest_peer, TYPE,
		    (uint8_t)mv.mv_n, 100);
	if_input_vec(et->et_ifp, &mv);
}

/* Frames for other stations are seen in promiscuous mode alone, whoever asked
 * for that. */
static void
foreign_body(struct vnet *vn)
{
	static struct tap t;
	struct etest et;
	struct bpf_stats bs;
	struct bpf_rec rec;
	const uint8_t *p;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(tap_open(vn, "et0", BPF_IN, 0, NULL, 0, &t) == 0);
	on_cpu(vn->vn_kern, foreign_in, &et);
	p = tap_next(&t, &rec);
	KASSERT(p != NULL && p[14] == 0);
	p = tap_next(&t, &rec);
	KASSERT(p != NULL && p[14] == 3);
	KASSERT(tap_next(&t, &rec) == NULL);
	bpf_stats(t.t_tap, &bs);
	KASSERT(bs.bs_received == 2);
	KASSERT(ifpromisc(et.et_ifp, true) == 0);
	on_cpu(vn->vn_kern, foreign_in, &et);
	KASSERT(tap_count(&t) == 4);
	KASSERT(ifpromisc(et.et_ifp, false) == 0);
	on_cpu(vn->vn_kern, foreign_in, &et);
	KASSERT(tap_count(&t) == 2);
	KASSERT(etest_drops(&et, DROP_ETHER_NOT_OURS) == 6);
	bpf_close(t.t_tap);
	etest_detach(&et);
}

/* Promiscuous mode: counted, and given back however a capture ends. */
static void
promisc_body(struct vnet *vn)
{
	static struct tap t[3];
	struct etest et;
	struct bpf_config bc = {
		.bc_dirs = BPF_IN, .bc_promisc = true,
		.bc_ring = BPF_RING_MIN, .bc_dlt = DLT_EN10MB,
		.bc_wakeup = tap_wakeup,
	};

	etest_attach(vn, &et, 0, &etest_ops, true);
	for (unsigned i = 0; i < 2; i++) {
		bc.bc_arg = &t[i];
		KASSERT(bpf_open(vn, "et0", &bc, &t[i].t_tap) == 0);
		KASSERT((if_flags_get(et.et_ifp) & IFF_PROMISC) != 0);
	}
	/* A capture that does not ask for promiscuous mode changes nothing. */
	KASSERT(tap_open(vn, "et0", BPF_IN, 0, NULL, 0, &t[2]) == 0);
	bpf_stop(t[0].t_tap);
	bpf_stop(t[0].t_tap);
	bpf_close(t[0].t_tap);
	KASSERT((if_flags_get(et.et_ifp) & IFF_PROMISC) != 0);
	bpf_close(t[1].t_tap);
	KASSERT((if_flags_get(et.et_ifp) & IFF_PROMISC) == 0);
	KASSERT(et.et_ifp->if_pcount == 0);
	bpf_close(t[2].t_tap);
	/* A capture that is refused. */
	bc.bc_dlt = DLT_RAW;
	KASSERT(bpf_open(vn, "et0", &bc, &t[0].t_tap) == EPROTOTYPE);
	KASSERT((if_flags_get(et.et_ifp) & IFF_PROMISC) == 0);
	/* The interface goes first. */
	bc.bc_dlt = DLT_EN10MB;
	bc.bc_arg = &t[0];
	KASSERT(bpf_open(vn, "et0", &bc, &t[0].t_tap) == 0);
	etest_detach(&et);
	KASSERT(bpf_state(t[0].t_tap) == BPF_DETACHED);
	bpf_close(t[0].t_tap);
}

static void
refused_body(struct vnet *vn)
{
	static const struct bpf_insn endless[] = { { 0x05, 0, 0, ~0u } };
	static struct tap t;
	struct etest et;
	struct bpf_config bc = { .bc_dirs = BPF_IN, .bc_dlt = DLT_RAW };

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(tap_open(vn, "et1", BPF_IN, 0, NULL, 0, &t) == ENXIO);
	KASSERT(tap_open(vn, "et0", 0, 0, NULL, 0, &t) == EINVAL);
	KASSERT(tap_open(vn, "et0", 4, 0, NULL, 0, &t) == EINVAL);
	KASSERT(tap_open(vn, "et0", BPF_IN, BPF_SNAPLEN_MAX + 1, NULL, 0,
	    &t) == EINVAL);
	KASSERT(tap_open(vn, "et0", BPF_IN, 0, endless, 1, &t) == EINVAL);
	KASSERT(bpf_open(vn, "et0", &bc, &t.t_tap) == EPROTOTYPE);
	bc.bc_dlt = DLT_EN10MB;
	bc.bc_ring = BPF_RING_MIN - 1;
	KASSERT(bpf_open(vn, "et0", &bc, &t.t_tap) == EINVAL);
	KASSERT(et.et_ifp->if_bpf == NULL);
	etest_detach(&et);
}

/* A tap that is not read until the end: packets kept and packets lost are
 * all. */
static void
slow_body(struct vnet *vn)
{
	static struct tap t;
	struct bpf_stats bs;
	struct etest et;
	unsigned n, woken;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(tap_open(vn, "et0", BPF_IN | BPF_OUT, 0, NULL, 0, &t) == 0);
	for (unsigned i = 0; i < 200; i++)
		on_cpu(vn->vn_kern, five_in_two_out, &et);
	woken = t.t_woken;
	KASSERT(woken == 1);
	bpf_stats(t.t_tap, &bs);
	KASSERT(bs.bs_received == 1400 && bs.bs_dropped > 0);
	n = tap_count(&t);
	KASSERT(n + bs.bs_dropped == 1400 && n > 0);
	/* There is room again, round the end of the ring, and it is told. */
	for (unsigned i = 0; i < 1000; i++) {
		on_cpu(vn->vn_kern, five_in_two_out, &et);
		KASSERT(tap_count(&t) == 7);
	}
	KASSERT(t.t_woken > woken);
	bpf_close(t.t_tap);
	etest_detach(&et);
}

static void
detach_body(struct vnet *vn)
{
	static struct tap a, b;
	struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(tap_open(vn, "et0", BPF_IN, 0, NULL, 0, &a) == 0);
	KASSERT(tap_open(vn, "et0", BPF_OUT, 0, NULL, 0, &b) == 0);
	on_cpu(vn->vn_kern, five_in_two_out, &et);
	a.t_woken = b.t_woken = 0;
	etest_detach(&et);
	KASSERT(a.t_woken == 1 && b.t_woken == 1);
	KASSERT(bpf_state(a.t_tap) == BPF_DETACHED);
	/* Packets that the tap saw are not lost, and stopping it changes
	 * nothing. */
	bpf_stop(a.t_tap);
	KASSERT(bpf_state(a.t_tap) == BPF_DETACHED);
	KASSERT(tap_count(&a) == 5 && tap_count(&b) == 2);
	bpf_close(a.t_tap);
	bpf_close(b.t_tap);
}

/*
 * An interface that moves to another vnet ends its taps where it was: whoever
 * captures there may have no business with the other one.  There it can be
 * captured anew.
 */
static void
three_raw_out(void *arg)
{
	struct etest *et = arg;
	uint8_t v4[20] = { 0x45 };
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 3; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_packet(v4, sizeof(v4));
	if_output_vec(et->et_ifp, TEST_AF, &mv);
}

static void
keep_still(struct ifnet *ifp, enum if_vmove_step step)
{
	struct etest *et = ifp->if_softc;

	if (step == IF_VMOVE_RESUME) {
		et->et_ifp = ifp;
		if_flags_update(ifp, IFF_RUNNING, 0);
	}
}

static const struct if_ops moved_ops = {
	.transmit = etest_transmit,
	.ioctl = ifioctl_common,
	.vmove = keep_still,
};

static void
moved_body(struct vnet *vn)
{
	static struct tap old, new;
	struct vnet *to;
	struct etest et;

	KASSERT(vnet_create_named(vn->vn_kern, "to", &to) == 0);
	KASSERT(vnet_get(vn->vn_kern, "to") == to);
	etest_attach(vn, &et, 0, &moved_ops, false);
	et.et_ifp->if_dlt = DLT_EN10MB;		/* what tap_open() asks for */
	KASSERT(tap_open(vn, "et0", BPF_OUT, 0, NULL, 0, &old) == 0);
	on_cpu(vn->vn_kern, three_raw_out, &et);
	old.t_woken = 0;
	KASSERT(test_vmove(et.et_ifp, to) == 0);
	KASSERT(et.et_ifp->if_vnet == to && et.et_ifp->if_bpf == NULL);
	KASSERT(bpf_state(old.t_tap) == BPF_DETACHED && old.t_woken == 1);
	on_cpu(vn->vn_kern, three_raw_out, &et);
	KASSERT(et.et_nsent == 6 && tap_count(&old) == 3);
	KASSERT(tap_open(vn, "et0", BPF_OUT, 0, NULL, 0, &new) == ENXIO);
	KASSERT(tap_open(to, "et0", BPF_OUT, 0, NULL, 0, &new) == 0);
	on_cpu(vn->vn_kern, three_raw_out, &et);
	KASSERT(tap_count(&new) == 3 && tap_count(&old) == 0);
	bpf_close(old.t_tap);
	bpf_close(new.t_tap);
	etest_detach(&et);
	vnet_destroy_held(to);
}

static void
test_moved(void **state)
{

	(void)state;
	net_on_linux(0, moved_body);
	net_on_sim(2, moved_body);
}

static void
test_sees(void **state)
{

	(void)state;
	net_on_sim(2, sees_body);
	net_on_sim(0, sees_body);
	net_on_linux(2, sees_body);
}

static void
test_promisc(void **state)
{

	(void)state;
	net_on_sim(1, promisc_body);
}

static void
test_foreign(void **state)
{

	(void)state;
	net_on_sim(1, foreign_body);
}

static void
test_refused(void **state)
{

	(void)state;
	net_on_sim(1, refused_body);
}

static void
test_slow(void **state)
{

	(void)state;
	net_on_linux(1, slow_body);
}

static void
test_detach(void **state)
{

	(void)state;
	net_on_sim(2, detach_body);
	net_on_linux(2, detach_body);
}

/* --- all at once ---------------------------------------------------------- */

struct race {
	struct etest	 r_et;
	struct cpu_work	 r_work[2];
	bool		 r_stop;
};
static struct race race;

/* Remembers nothing: two CPUs call at once. */
static int
quiet_transmit(struct ifnet *ifp, struct mvec *mv)
{

	if_stat_add_vec(ifp, IF_STAT_OUT, mv);
	mvec_free(mv);
	return 0;
}

static const struct if_ops quiet_ops = {
	.transmit = quiet_transmit,
	.ioctl = ether_ioctl,
};

static void
race_traffic(struct cpu_work *cw)
{

	five_in_two_out(&race.r_et);
	if (!__atomic_load_n(&race.r_stop, __ATOMIC_ACQUIRE))
		cpu_work_schedule(cpu_kern(curcpu()), curcpu(), cw);
}

/* Taps come and go while both CPUs have packets. */
static void
race_body(struct vnet *vn)
{
	static struct tap t;
	struct kern *k = vn->vn_kern;
	struct bpf_stats bs;
	unsigned n;

	memset(&race, 0, sizeof(race));
	etest_attach(vn, &race.r_et, 0, &quiet_ops, true);
	for (unsigned i = 0; i < 2; i++) {
		race.r_work[i].cw_fn = race_traffic;
		cpu_work_schedule(k, kern_cpu(k, i), &race.r_work[i]);
	}
	for (unsigned i = 0; i < 300; i++) {
		KASSERT(tap_open(vn, "et0", BPF_IN | BPF_OUT, 0, telnet,
		    i % 2 == 0 ? 0 : NTELNET, &t) == 0);
		n = 0;
		do {
			n += tap_count(&t);
			bpf_stats(t.t_tap, &bs);
			(void)sched_yield();
		} while (bs.bs_received < 70);
		bpf_stop(t.t_tap);
		n += tap_count(&t);
		bpf_stats(t.t_tap, &bs);
		KASSERT(n == bs.bs_received - bs.bs_filtered -
		    bs.bs_dropped);
		bpf_close(t.t_tap);
	}
	__atomic_store_n(&race.r_stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 3; i++)
		kern_xcall(k, net_nothing, NULL);
	etest_detach(&race.r_et);
}

static void
test_race(void **state)
{

	(void)state;
	net_on_linux(2, race_body);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sees),
		cmocka_unit_test(test_promisc),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_slow),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_moved),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
