/*
 * fuzz_msg: messages of the control protocol, made from fuzz input, and what
 * there is in a stack as a number.
 */

#ifndef TESTS_FUZZ_MSG_H
#define TESTS_FUZZ_MSG_H

#include "fuzz_stack.h"

#include <ifnet/ifreq_old.h>

#include "ctl/ctl_impl.h"
#include "kern/sysctl.h"
#include "net/rtsock.h"

/* A record's first two bytes. */
#define REC_OP		0xff	/* the operation; past the last: enum special */
#define REC_NOBODY	0x2000	/* from the session without rights */
#define REC_ROUGH	0x4000	/* the payload is as in the input */
#define REC_RUN		0x8000	/* then let the stack run */
#define REC_OTHER	0x1000	/* from a client of another release */

enum special { SP_RAW = CTL_OP_MAX, SP_SLEEP, SP_CLOSE, SP_FAULT };

/* --- what there is --- */

/* Of all vnets: interfaces, addresses and routes, as one number. */
static inline void
fuzz_state_add(uint64_t *sum, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++)
		*sum = (*sum ^ p[i]) * 0x100000001b3u;
}

static inline int
fuzz_state_msg(const void *msg, void *arg)
{
	uint64_t copy[RT_MSG_MAX / 8];
	struct rt_hdr *h = (struct rt_hdr *)(void *)copy;
	struct rt_msg *rtm = (struct rt_msg *)(void *)copy;

	memcpy(copy, msg, sizeof(*h));
	memcpy(copy, msg, h->rtm_len);
	h->rtm_time_ns = 0;
	if (h->rtm_type == RTM_GET || h->rtm_type == RTM_ADD) {
		rtm->rtm_expire_s = 0;
		rtm->rtm_use = 0;
	}
	/* Time passes, and an address turns out to be the only one. */
	if (h->rtm_type == RTM_NEWADDR)
		((struct ifa_msg *)(void *)copy)->ifam_flags = 0;
	fuzz_state_add(arg, copy, h->rtm_len);
	return 0;
}

static inline int
fuzz_state_if(struct ifnet *ifp, void *arg)
{

	fuzz_state_add(arg, ifp->if_xname, sizeof(ifp->if_xname));
	fuzz_state_add(arg, &ifp->if_flags, sizeof(ifp->if_flags));
	fuzz_state_add(arg, &ifp->if_mtu, sizeof(ifp->if_mtu));
	fuzz_state_add(arg, &ifp->if_capenable, sizeof(ifp->if_capenable));
	return 0;
}

static inline int
fuzz_state_vnet(struct vnet *vn, void *arg)
{

	fuzz_state_add(arg, vn->vn_name, strlen(vn->vn_name));
	KASSERT(if_foreach(vn, fuzz_state_if, arg) == 0);
	KASSERT(rtsock_dump(vn, RTS_ADDR | RTS_ROUTE, 0, fuzz_state_msg,
	    arg) == 0);
	return 0;
}

static inline uint64_t
fuzz_state(struct ifnet_stack *st)
{
	uint64_t sum = 0xcbf29ce484222325u;

	(void)vnet_foreach(st->st_kern, fuzz_state_vnet, &sum);
	return sum;
}

/* --- payloads --- */

static const uint32_t fuzz_cmds[] = {
	SIOCSIFADDR, SIOCGIFADDR, SIOCSIFDSTADDR, SIOCGIFDSTADDR,
	SIOCSIFFLAGS, SIOCGIFFLAGS, SIOCGIFBRDADDR, SIOCSIFBRDADDR,
	SIOCGIFCONF, SIOCGIFNETMASK, SIOCSIFNETMASK, SIOCGIFMETRIC,
	SIOCSIFMETRIC, SIOCDIFADDR,
	SIOCAIFADDR, SIOCGIFALIAS, SIOCALIFADDR, SIOCGLIFADDR, SIOCDLIFADDR,
	SIOCSIFADDRPREF, SIOCGIFADDRPREF,
	SIOCADDMULTI, SIOCDELMULTI, SIOCGIFDLT, SIOCIFCREATE, SIOCIFDESTROY,
	SIOCIFGCLONERS, SIOCSIFMTU, SIOCGIFMTU, SIOCSIFCAP, SIOCGIFCAP,
	SIOCGIFDATA, SIOCZIFDATA, SIOCGIFDROPS, SIOCGIFINDEX, SIOCSLINKSTR,
	SIOCGLINKSTR, SIOCSIFDESCR, SIOCGIFDESCR, SIOCINITIFADDR,
	SIOCSIFNAME, SIOCAIFGROUP, SIOCDIFGROUP, SIOCGIFGROUP, SIOCGIFGMEMB,
	SIOCSIFVNET, SIOCSIFTABLE, SIOCGIFTABLE, SIOCAIFADDR_IN6,
	SIOCDIFADDR_IN6, SIOCGIFALIAS_IN6, SIOCGIFAFLAG_IN6,
	SIOCGIFALIFETIME_IN6, SIOCGIFNETMASK_IN6, SIOCGIFDSTADDR_IN6,
};

/* Requests of the highest quarter: in older layouts, and only for drivers. */
static const uint32_t fuzz_cmds_more[] = {
	OSIOCSIFADDR, OSIOCGIFADDR, OSIOCSIFDSTADDR, OSIOCGIFDSTADDR,
	OSIOCSIFFLAGS, OSIOCGIFFLAGS, OSIOCGIFBRDADDR, OSIOCSIFBRDADDR,
	OSIOCGIFCONF, OSIOCGIFNETMASK, OSIOCSIFNETMASK, OSIOCGIFMETRIC,
	OSIOCSIFMETRIC, OSIOCDIFADDR, OSIOCAIFADDR, OSIOCGIFALIAS,
	OSIOCADDMULTI, OSIOCDELMULTI, OSIOCSIFMEDIA, OSIOCGIFDLT,
	OSIOCIFDESTROY, OSIOCIFCREATE, OSIOCGIFMTU, OSIOCSIFMTU,
	OSIOCGIFDATA14, OSIOCGIFDATA, OSIOCZIFDATA,
	SIOCSIFPHYADDR, SIOCDIFPHYADDR, SIOCSIFMEDIA, SIOCGIFMEDIA,
	SIOCSDRVSPEC, SIOCGDRVSPEC, SIOCS80211NWID, SIOCS80211, SIOCG80211,
	OOSIOCGIFADDR, OOSIOCGIFDSTADDR, OOSIOCGIFBRDADDR, OOSIOCGIFCONF,
	OOSIOCGIFNETMASK,
	SIOCSPGSTREAM, SIOCGPGSTREAM, SIOCGPGSTAT, SIOCAPGPACKETS,
};
#define FUZZ_CMDS_MORE	0xc0

static inline uint32_t
fuzz_cmd(uint8_t how)
{

	return how < FUZZ_CMDS_MORE ? fuzz_cmds[how % (sizeof(fuzz_cmds) /
	    sizeof(fuzz_cmds[0]))] : fuzz_cmds_more[(how - FUZZ_CMDS_MORE) %
	    (sizeof(fuzz_cmds_more) / sizeof(fuzz_cmds_more[0]))];
}

/* Short ones of an old record. */
static inline void
fuzz_fill_old(struct fuzz_in *in, uint8_t *rec, size_t size)
{
	uint8_t sa[64];

	for (size_t off = IFNAMSIZ; off + sizeof(struct sockaddr) <= size;
	    off += sizeof(struct sockaddr)) {
		memset(sa, 0, sizeof(sa));
		(void)fuzz_sockaddr(in, sa, sizeof(sa));
		memcpy(rec + off, sa, sizeof(struct sockaddr));
	}
}

/* Addresses at the places where a record has them. */
static inline void
fuzz_fill_addrs(struct fuzz_in *in, uint32_t cmd, uint8_t *rec, size_t size)
{
	size_t off = IFNAMSIZ;

	if (cmd == SIOCALIFADDR || cmd == SIOCGLIFADDR || cmd == SIOCDLIFADDR)
		off = offsetof(struct if_laddrreq, iflr_addr);
	else if (cmd == SIOCSIFADDRPREF || cmd == SIOCGIFADDRPREF)
		off = offsetof(struct if_addrprefreq, ifap_addr);
	for (; off + sizeof(struct sockaddr_storage) <= size;
	    off += sizeof(struct sockaddr_storage))
		(void)fuzz_sockaddr(in, rec + off, 64);
}

static inline size_t
fuzz_fill_ioctl(struct fuzz_in *in, uint8_t *buf)
{
	uint8_t how = fuzz_u8(in);
	uint64_t cmd = fuzz_cmd(how);
	size_t size = IFIOC_SIZE(cmd), extra = 0;
	struct ctl_ioctl ci = {
		.i_cmd = cmd, .i_len = (uint32_t)size,
		.i_stride = sizeof(struct ifreq),
	};
	uint8_t *rec = buf + sizeof(ci);
	struct if_clonereq cr;
	struct ifconf ifc;

	memcpy(buf, &ci, sizeof(ci));
	memset(rec, 0, size);
	if (cmd == SIOCGIFCONF || cmd == OSIOCGIFCONF ||
	    cmd == OOSIOCGIFCONF) {
		ifc.ifc_len = (int16_t)fuzz_u16(in);
		extra = ifc.ifc_len > 0 ? (size_t)ifc.ifc_len : 0;
		memcpy(rec, &ifc, sizeof(ifc));
	} else if (cmd == SIOCIFGCLONERS) {
		cr.ifcr_total = fuzz_u8(in);
		cr.ifcr_count = (int8_t)fuzz_u8(in);
		extra = cr.ifcr_count > 0 ?
		    (size_t)cr.ifcr_count * IFNAMSIZ : 0;
		memcpy(rec, &cr, sizeof(cr));
	} else {
		fuzz_ifname(in, (char *)rec);
		if (how >= FUZZ_CMDS_MORE && (fuzz_u8(in) & 1) != 0)
			fuzz_fill_old(in, rec, size);
		else if (fuzz_u8(in) & 1)
			fuzz_fill_addrs(in, (uint32_t)cmd, rec, size);
		else
			(void)fuzz_bytes(in, rec + IFNAMSIZ, size - IFNAMSIZ <
			    64 ? size - IFNAMSIZ : 64);
	}
	memset(rec + size, 0, extra);
	return sizeof(ci) + size + extra;
}

/* A name of the tree: the n-th, where there are as many. */
static inline void
fuzz_nth_name(struct ifnet_stack *st, unsigned n, char name[SYSCTL_NAMESIZE])
{
	struct vnet *vn = vnet_get(st->st_kern, "");
	char next[SYSCTL_NAMESIZE];

	memset(name, 0, SYSCTL_NAMESIZE);
	if (vn == NULL)
		return;
	for (n %= 128; sysctl_next(vn, name, next) == 0 && n > 0; n--)
		memcpy(name, next, sizeof(next));
	vnet_put(vn);
}

static inline size_t
fuzz_fill_sysctl(struct ifnet_stack *st, struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_sysctl cs;
	int64_t v;

	memset(&cs, 0, sizeof(cs));
	_Static_assert(sizeof(cs.s_name) >= SYSCTL_NAMESIZE, "names fit");
	fuzz_nth_name(st, fuzz_u8(in), cs.s_name);
	cs.s_oldroom = fuzz_u16(in);
	cs.s_setnew = fuzz_u8(in) & 1;
	v = (int16_t)fuzz_u16(in);
	memcpy(buf, &cs, sizeof(cs));
	memcpy(buf + sizeof(cs), &v, sizeof(v));
	return sizeof(cs) + (cs.s_setnew ? sizeof(v) : 0);
}

static inline size_t
fuzz_fill_dump(struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_dump d;

	memset(&d, 0, sizeof(d));
	d.d_what = fuzz_u8(in);
	if (d.d_what & 0x40)
		fuzz_ifname(in, d.d_ifname);
	d.d_what &= 0x1f;
	memcpy(buf, &d, sizeof(d));
	return sizeof(d);
}

static inline size_t
fuzz_fill_ping(struct fuzz_in *in, unsigned op, uint8_t *buf)
{
	struct ctl_ping_send ps;
	struct ctl_ping p;

	if (op == CTL_PING_BEGIN) {
		p.p_dst = fuzz_addr4(in);
		p.p_src = fuzz_u8(in) & 1 ? fuzz_addr4(in) : 0;
		memcpy(buf, &p, sizeof(p));
		return sizeof(p);
	}
	memset(&ps, 0, sizeof(ps));
	ps.ps_seq = fuzz_u8(in);
	ps.ps_bytes = fuzz_u16(in);
	ps.ps_ttl = fuzz_u8(in);
	memcpy(buf, &ps, sizeof(ps));
	return sizeof(ps);
}

/* Instructions of a filter: one that is right, or whatever there is. */
static inline unsigned
fuzz_fill_insns(struct fuzz_in *in, unsigned n, uint8_t *buf)
{
	static const uint16_t codes[] = { 0x30, 0x28, 0x20, 0x15, 0x35, 0x54,
	    0x06, 0xb1 };
	struct ctl_insn insn;

	for (unsigned i = 0; i < n; i++) {
		uint8_t how = fuzz_u8(in);

		memset(&insn, 0, sizeof(insn));
		insn.in_code = how & 0x80 ? fuzz_u8(in) : codes[how & 7];
		insn.in_jt = how >> 3 & 3;
		insn.in_jf = how >> 5 & 3;
		insn.in_k = how & 4 ? fuzz_u8(in) : 0;
		if (i == n - 1 && !(how & 0x80))
			insn.in_code = 0x06;
		memcpy(buf + i * sizeof(insn), &insn, sizeof(insn));
	}
	return n * (unsigned)sizeof(insn);
}

static inline size_t
fuzz_fill_tap(struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_tap t;
	uint8_t how = fuzz_u8(in);

	memset(&t, 0, sizeof(t));
	fuzz_ifname(in, t.t_ifname);
	t.t_dirs = how & 3;
	t.t_snaplen = how & 4 ? fuzz_u8(in) : 0;
	t.t_ring = how & 8 ? (uint32_t)fuzz_u8(in) << 12 : 0;
	t.t_dlt = how & 16 ? fuzz_u8(in) : 1;
	t.t_ninsns = how >> 5;
	memcpy(buf, &t, sizeof(t));
	return sizeof(t) + fuzz_fill_insns(in, t.t_ninsns, buf + sizeof(t));
}

static inline size_t
fuzz_fill_filter(struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_filter f;
	uint8_t how = fuzz_u8(in);
	size_t len = sizeof(f);

	memset(&f, 0, sizeof(f));
	f.f_number = how & 4 ? fuzz_u8(in) : 0;
	f.f_dir = 1 + (how & 1);
	f.f_action = how >> 1 & 3;
	f.f_mark = how;
	f.f_nprogs = how & 8 ? fuzz_u8(in) & 3 : 1;
	if (how & 16)
		fuzz_ifname(in, f.f_ifname);
	for (unsigned i = 0; i < f.f_nprogs && i < CTL_FILTER_PROGS; i++) {
		f.f_prog[i].dlt = i == 0 ? 1 : 12;
		f.f_prog[i].ninsns = how >> 5;
		len += fuzz_fill_insns(in, how >> 5, buf + len);
	}
	memcpy(buf, &f, sizeof(f));
	buf[len++] = 'x';
	buf[len++] = '\0';
	return len;
}

static inline size_t
fuzz_fill_hello(uint8_t *buf, unsigned version)
{
	struct ctl_hello hello = {
		.h_version = version, .h_oldest = version,
	};

	memcpy(buf, &hello, sizeof(hello));
	return sizeof(hello);
}

static const char *const fuzz_vnet_names[] = { "", "v", "w", "x" };

static inline size_t
fuzz_fill_rule(struct fuzz_in *in, uint8_t *buf)
{
	struct ctl_rule r;
	uint8_t how = fuzz_u8(in);
	uint32_t addr;

	memset(&r, 0, sizeof(r));
	r.r_number = how & 1 ? fuzz_u8(in) : 0;
	r.r_family = how & 2 ? AF_INET : 0;
	r.r_srclen = how & 2 ? fuzz_u8(in) % 40 : 0;
	r.r_dstlen = how & 4 ? fuzz_u8(in) % 40 : 0;
	addr = fuzz_addr4(in);
	memcpy(r.r_src, &addr, sizeof(addr));
	memcpy(r.r_dst, &addr, sizeof(addr));
	r.r_action = how >> 3 & 3;
	r.r_table = how >> 5;
	r.r_mark = r.r_markmask = how & 8;
	if (how & 16)
		fuzz_ifname(in, r.r_ifname);
	memcpy(buf, &r, sizeof(r));
	return sizeof(r);
}

static inline size_t
fuzz_fill_payload(struct ifnet_stack *st, struct fuzz_in *in, unsigned op,
    uint8_t *buf)
{
	const char *name;

	switch (op) {
	case CTL_IOCTL:
		return fuzz_fill_ioctl(in, buf);
	case CTL_SYSCTL:
		return fuzz_fill_sysctl(st, in, buf);
	case CTL_SYSCTL_NEXT:
	case CTL_SYSCTL_DESCR:
		fuzz_nth_name(st, fuzz_u8(in), (char *)buf);
		return strlen((char *)buf) + 1;
	case CTL_ROUTE:
		return fuzz_rtmsg(in, buf);
	case CTL_DUMP:
	case CTL_FOLLOW:
		return fuzz_fill_dump(in, buf);
	case CTL_VNET_CREATE:
	case CTL_VNET_DESTROY:
		name = fuzz_vnet_names[fuzz_u8(in) & 3];
		strcpy((char *)buf, name);
		return strlen(name) + 1;
	case CTL_HISTORY:
		memset(buf, 0, sizeof(struct ctl_history));
		if (fuzz_u8(in) & 1)
			fuzz_ifname(in, (char *)buf);
		return sizeof(struct ctl_history);
	case CTL_TAP_OPEN:
		return fuzz_fill_tap(in, buf);
	case CTL_FILTER_ADD:
		return fuzz_fill_filter(in, buf);
	case CTL_FILTER_DELETE:
	case CTL_FILTER_ZERO:
		memset(buf, 0, sizeof(struct ctl_rule_number));
		buf[0] = fuzz_u8(in);
		return sizeof(struct ctl_rule_number);
	case CTL_RULE_ADD:
		return fuzz_fill_rule(in, buf);
	case CTL_RULE_DELETE:
		memset(buf, 0, sizeof(struct ctl_rule_number));
		buf[0] = fuzz_u8(in);
		return sizeof(struct ctl_rule_number);
	case CTL_PING_BEGIN:
	case CTL_PING_SEND:
		return fuzz_fill_ping(in, op, buf);
	case CTL_HELLO:
		return fuzz_fill_hello(buf, 1 + (fuzz_u8(in) & 3));
	default:
		return 0;
	}
}

/* --- messages --- */

static inline size_t
fuzz_put_header(struct fuzz_in *in, unsigned op, uint64_t seq, uint8_t *msg,
    size_t len)
{
	struct ctl_hdr h;

	memset(&h, 0, sizeof(h));
	h.ch_magic = CTL_MAGIC;
	h.ch_len = (uint32_t)(sizeof(h) + len);
	h.ch_op = (uint16_t)op;
	h.ch_seq = seq;
	strcpy(h.ch_vnet, fuzz_vnet_names[fuzz_u8(in) & 3]);
	memcpy(msg, &h, sizeof(h));
	return sizeof(h) + len;
}

/*
 * A record of len bytes behind room for its header: the struct of the
 * operation, and data.  From a client of another release the struct is longer
 * or shorter.
 */
static inline size_t
fuzz_put_rec(struct fuzz_in *in, unsigned rec, uint8_t *payload, size_t len)
{
	const struct ctl_op_def *od = ctl_op_find(rec & REC_OP);
	size_t nfixed = od != NULL && len >= od->od_size ? od->od_size : 0;
	uint8_t *p = payload + sizeof(struct ctl_rec), how;
	struct ctl_rec rc;

	if (rec & REC_OTHER) {
		how = fuzz_u8(in);
		if (how & 1) {
			memmove(p + nfixed + 8, p + nfixed, len - nfixed);
			memset(p + nfixed, how >> 1 & 1, 8);
			nfixed += 8;
			len += 8;
		} else if (nfixed >= 8) {
			memmove(p + nfixed - 8, p + nfixed, len - nfixed);
			nfixed -= 8;
			len -= 8;
		}
	}
	rc = proto_rec_head(nfixed, len - nfixed);
	memcpy(payload, &rc, sizeof(rc));
	return rc.rc_len;
}

static inline unsigned
fuzz_rec(struct fuzz_in *in)
{
	unsigned op = fuzz_u8(in);

	return op | (unsigned)fuzz_u8(in) << 8;
}

/* One message in CTL_MSG_MAX bytes at msg. */
static inline size_t
fuzz_message(struct ifnet_stack *st, struct fuzz_in *in, unsigned rec,
    uint64_t seq, uint8_t *msg, unsigned depth)
{
	unsigned op = rec & REC_OP, n;
	uint8_t *payload = msg + sizeof(struct ctl_hdr);
	struct fuzz_in part;
	size_t len = 0;

	if (op == CTL_BATCH && !(rec & REC_ROUGH) && depth == 0) {
		for (n = fuzz_u8(in) & 7; n > 0; n--) {
			len = (len + 7) & ~(size_t)7;
			if (len > CTL_MSG_MAX / 2)
				break;
			len += fuzz_message(st, in, fuzz_rec(in), seq,
			    payload + len, 1);
		}
	} else if (rec & REC_ROUGH) {
		part = fuzz_part(in, fuzz_u16(in) % 4096);
		len = part.fi_left;
		memcpy(payload, part.fi_data, len);
	} else
		len = fuzz_fill_payload(st, in, op,
		    payload + sizeof(struct ctl_rec));
	if (op != CTL_BATCH && !(rec & REC_ROUGH))
		len = fuzz_put_rec(in, rec, payload, len);
	return fuzz_put_header(in, op, seq, msg, len);
}

#endif /* !TESTS_FUZZ_MSG_H */
