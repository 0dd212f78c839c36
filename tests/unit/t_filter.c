/*
 * Packet filter rules: the first that matches decides, by direction and by
 * name, counted, in the order of numbers; changing them under traffic.
 */

#include "net_test.h"

#include <stdio.h>

#define TYPE	0x88b5

/* The first byte of the payload is below k. */
#define BELOW(k)							\
	{ { 0x30, 0, 0, 14 }, { 0x35, 1, 0, (k) },			\
	  { 0x06, 0, 0, 1 }, { 0x06, 0, 0, 0 } }

static const struct bpf_insn below2[] = BELOW(2);
static const struct bpf_insn below4[] = BELOW(4);
static const struct bpf_insn all[] = { { 0x06, 0, 0, 1 } };

static int
add(struct vnet *vn, uint32_t number, enum pfil_dir dir, const char *name,
    bool drop, const struct bpf_insn *prog, unsigned n, uint32_t *given)
{
	struct filter_rule_spec fs;
	uint32_t was;

	memset(&fs, 0, sizeof(fs));
	fs.fs_number = number;
	fs.fs_dir = dir;
	fs.fs_action = drop ? FILTER_DROP : FILTER_PASS;
	(void)snprintf(fs.fs_ifname, sizeof(fs.fs_ifname), "%s", name);
	fs.fs_text = "text";
	fs.fs_nprogs = 1;
	fs.fs_prog[0] = (struct filter_prog){ DLT_EN10MB, n, prog };
	return filter_add(vn, &fs, given != NULL ? given : &was);
}

/* CPU: tags 0 to 5 in, and out. */
static void
six_each_way(void *arg)
{
	struct etest *et = arg;
	struct mvec mv;

	for (mv.mv_n = 0; mv.mv_n < 6; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(etest_addr, etest_peer, TYPE,
		    (uint8_t)mv.mv_n, 86);
	if_input_vec(et->et_ifp, &mv);
	for (mv.mv_n = 0; mv.mv_n < 6; mv.mv_n++)
		mv.mv_m[mv.mv_n] = etest_frame(etest_peer, etest_addr, TYPE,
		    (uint8_t)mv.mv_n, 86);
	if_transmit_vec(et->et_ifp, &mv);
}

struct listing {
	unsigned	 n;
	uint32_t	 number[8];
	uint64_t	 packets[8], bytes[8];
};

static int
list_one(const struct filter_info *fi, void *arg)
{
	struct listing *l = arg;

	KASSERT(l->n < 8 && strcmp(fi->fi_text, "text") == 0);
	l->number[l->n] = fi->fi_number;
	l->packets[l->n] = fi->fi_packets;
	l->bytes[l->n++] = fi->fi_bytes;
	return 0;
}

static struct listing
listing(struct vnet *vn)
{
	struct listing l = { 0 };

	KASSERT(filter_list(vn, list_one, &l) == 0);
	return l;
}

static void
rules_body(struct vnet *vn)
{
	struct listing l;
	struct etest et;
	uint32_t number;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(et.et_ifp->if_pfil == NULL);
	KASSERT(add(vn, 0, PFIL_IN, "et0", true, below4, 4, &number) == 0);
	KASSERT(number == 10 && et.et_ifp->if_pfil != NULL);
	on_cpu(vn->vn_kern, six_each_way, &et);
	KASSERT(etest_drops(&et, DROP_FILTER_IN) == 4);
	KASSERT(et.et_nsent == 6);

	/* An earlier one lets two of them pass. */
	KASSERT(add(vn, 5, PFIL_IN, "", false, below2, 4, NULL) == 0);
	on_cpu(vn->vn_kern, six_each_way, &et);
	KASSERT(etest_drops(&et, DROP_FILTER_IN) == 6);
	l = listing(vn);
	KASSERT(l.n == 2 && l.number[0] == 5 && l.number[1] == 10);
	KASSERT(l.packets[0] == 2 && l.bytes[0] == 200);
	KASSERT(l.packets[1] == 6 && l.bytes[1] == 600);

	/* Out; what is left keeps its order. */
	KASSERT(add(vn, 0, PFIL_OUT, "et0", true, below2, 4, &number) == 0);
	KASSERT(number == 20);
	et.et_nsent = 0;
	on_cpu(vn->vn_kern, six_each_way, &et);
	KASSERT(etest_drops(&et, DROP_FILTER_OUT) == 2 && et.et_nsent == 4);
	for (unsigned i = 0; i < 4; i++)
		KASSERT(et.et_sent[i].ep_data[14] == i + 2);

	KASSERT(filter_zero(vn, 10) == 0 && filter_zero(vn, 11) == ENOENT);
	l = listing(vn);
	KASSERT(l.packets[0] == 4 && l.packets[1] == 0);
	KASSERT(filter_zero(vn, 0) == 0);
	KASSERT(listing(vn).packets[0] == 0);

	KASSERT(filter_delete(vn, 11) == ENOENT);
	KASSERT(filter_delete(vn, 0) == ENOENT);
	KASSERT(filter_delete(vn, 10) == 0 && filter_delete(vn, 10) ==
	    ENOENT);
	KASSERT(listing(vn).n == 2);
	filter_flush(vn);
	filter_flush(vn);
	KASSERT(listing(vn).n == 0 && et.et_ifp->if_pfil == NULL);
	etest_detach(&et);
}

/* CPU: frames with priority tags, and of a VLAN. */
static void
tagged_in(void *arg)
{
	static const uint8_t tags[3][10] = {
		{ 0x81, 0, 0x60, 0, TYPE >> 8, TYPE & 0xff },
		{ 0x88, 0xa8, 0x10, 0, 0x81, 0, 0xf0, 0, TYPE >> 8,
		  TYPE & 0xff },
		{ 0x81, 0, 0x60, 1, TYPE >> 8, TYPE & 0xff },
	};
	struct etest *et = arg;
	uint8_t buf[60] = { 0 };
	struct mvec mv;

	memcpy(buf, etest_addr, 6);
	memcpy(buf + 6, etest_peer, 6);
	for (mv.mv_n = 0; mv.mv_n < 3; mv.mv_n++) {
		memcpy(buf + 12, tags[mv.mv_n], sizeof(tags[0]));
		mv.mv_m[mv.mv_n] = etest_packet(buf, sizeof(buf));
	}
	if_input_vec(et->et_ifp, &mv);
}

/* A priority tag does not hide a frame: it counts as untagged. */
static void
tagged_body(struct vnet *vn)
{
	static const struct bpf_insn typed[] = {
		{ 0x28, 0, 0, 12 }, { 0x15, 0, 1, TYPE },
		{ 0x06, 0, 0, 1 }, { 0x06, 0, 0, 0 },
	};
	struct etest et;

	etest_attach(vn, &et, 0, &etest_ops, true);
	KASSERT(add(vn, 0, PFIL_IN, "", true, typed, 4, NULL) == 0);
	on_cpu(vn->vn_kern, tagged_in, &et);
	KASSERT(etest_drops(&et, DROP_FILTER_IN) == 2);
	KASSERT(etest_drops(&et, DROP_NO_PROTO) == 1);
	etest_books(&et);
	filter_flush(vn);
	etest_detach(&et);
}

/* By name; of another link type it is not about. */
static void
names_body(struct vnet *vn)
{
	struct etest et;

	KASSERT(add(vn, 0, PFIL_IN, "et1", true, all, 1, NULL) == 0);
	etest_attach(vn, &et, 0, &etest_ops, true);
	on_cpu(vn->vn_kern, six_each_way, &et);
	KASSERT(etest_drops(&et, DROP_FILTER_IN) == 0);
	etest_detach(&et);
	for (unsigned i = 0; i < 2; i++) {
		etest_attach(vn, &et, 1, &etest_ops, true);
		on_cpu(vn->vn_kern, six_each_way, &et);
		KASSERT(etest_drops(&et, DROP_FILTER_IN) == 6);
		etest_detach(&et);
	}
	KASSERT(listing(vn).packets[0] == 12);
	filter_flush(vn);
}

static void
refused_body(struct vnet *vn)
{
	static const struct bpf_insn bad[] = { { 0x05, 0, 0, 0 } };
	uint32_t number;

	KASSERT(add(vn, 7, PFIL_IN, "", true, all, 1, NULL) == 0);
	KASSERT(add(vn, 7, PFIL_OUT, "", true, all, 1, NULL) == EEXIST);
	KASSERT(add(vn, 65536, PFIL_IN, "", true, all, 1, NULL) == EINVAL);
	KASSERT(add(vn, 8, PFIL_IN, "", true, bad, 1, NULL) == EINVAL);
	KASSERT(add(vn, 8, PFIL_IN, "", true, all, 0, NULL) == EINVAL);
	KASSERT(add(vn, 0, PFIL_IN, "", true, all, 1, &number) == 0 &&
	    number == 17);
	KASSERT(add(vn, 65530, PFIL_IN, "", true, all, 1, NULL) == 0);
	KASSERT(add(vn, 0, PFIL_IN, "", true, all, 1, NULL) == ENOSPC);
	KASSERT(listing(vn).n == 3);
	/* The rest goes with the vnet. */
}

static struct etest race_et;
static bool race_stop;

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

	six_each_way(&race_et);
	if (!__atomic_load_n(&race_stop, __ATOMIC_ACQUIRE))
		cpu_work_schedule(cpu_kern(curcpu()), curcpu(), cw);
}

static void
race_body(struct vnet *vn)
{
	struct cpu_work work[2] = { 0 };
	struct kern *k = vn->vn_kern;

	race_stop = false;
	etest_attach(vn, &race_et, 0, &quiet_ops, true);
	for (unsigned i = 0; i < 2; i++) {
		work[i].cw_fn = race_traffic;
		cpu_work_schedule(k, kern_cpu(k, i), &work[i]);
	}
	for (unsigned i = 0; i < 200; i++) {
		KASSERT(add(vn, 20, PFIL_IN, "et0", true, below4, 4, NULL) ==
		    0);
		KASSERT(add(vn, 10, PFIL_OUT, "", true, below2, 4, NULL) ==
		    0);
		KASSERT(filter_zero(vn, 0) == 0);
		(void)listing(vn);
		if (i % 2 == 0) {
			filter_flush(vn);
			continue;
		}
		KASSERT(filter_delete(vn, 20) == 0);
		KASSERT(filter_delete(vn, 10) == 0);
	}
	__atomic_store_n(&race_stop, true, __ATOMIC_RELEASE);
	for (unsigned i = 0; i < 3; i++)
		kern_xcall(k, net_nothing, NULL);
	etest_detach(&race_et);
}

static void
test_rules(void **state)
{

	(void)state;
	net_on_sim(2, rules_body);
	net_on_sim(0, rules_body);
	net_on_linux(2, rules_body);
}

static void
test_tagged(void **state)
{

	(void)state;
	net_on_sim(1, tagged_body);
}

static void
test_names(void **state)
{

	(void)state;
	net_on_sim(1, names_body);
}

static void
test_refused(void **state)
{

	(void)state;
	net_on_sim(1, refused_body);
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
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_tagged),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_race),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
