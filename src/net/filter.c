/*
 * Packet filter rules: a sorted list that CPUs walk and control changes.
 *
 * A vector is shown to one rule after the other, so that a rule's program and
 * counters are touched once a vector.
 */

#include "net/filter.h"

#include <errno.h>
#include <string.h>

#include "net/bpf.h"
#include "net/if_name_impl.h"
#include "net/if_stats_impl.h"

/* One CPU's counters of a rule. */
struct filter_count {
	uint64_t	 fc_packets, fc_bytes;
} __attribute__((__aligned__(64)));

/*
 *	constant	from creation
 *	f:		fv_lock
 */
struct filter_rule {
	struct filter_rule *fr_next;	/* rcu; f: */
	uint32_t	 fr_number;	/* constant */
	enum pfil_dir	 fr_dir;	/* constant */
	enum filter_action fr_action;	/* constant */
	uint32_t	 fr_mark;	/* constant */
	char		 fr_ifname[IFNAMSIZ];	/* constant; zeroes behind */
	char		*fr_text;	/* constant */
	unsigned	 fr_nprogs;	/* constant */
	struct filter_prog fr_prog[FILTER_PROGS];	/* constant */
	uint64_t	 fr_packets0, fr_bytes0;	/* f: when zeroed */
	struct filter_count *fr_count;	/* constant; one a CPU, its own */
};

struct filter_vnet {
	struct host_mutex fv_lock;	/* before pfil's */
	struct filter_rule *fv_rules;	/* rcu; fv_lock */
	struct pfil_hook fv_hook;	/* constant; in place with a rule */
};

/* --- the packet path ------------------------------------------------------ */

enum verdict { UNDECIDED, PASS, DROP };

/* The rule's program for this interface, or NULL: it is not about it. */
static const struct bpf_insn *
program(const struct filter_rule *fr, enum pfil_dir dir,
    const char name[IFNAMSIZ], uint32_t dlt)
{

	if (fr->fr_dir != dir || (fr->fr_ifname[0] != '\0' &&
	    memcmp(fr->fr_ifname, name, IFNAMSIZ) != 0))
		return NULL;
	for (unsigned i = 0; i < fr->fr_nprogs; i++)
		if (fr->fr_prog[i].fp_dlt == dlt)
			return fr->fr_prog[i].fp_insns;
	return NULL;
}

/* Let a rule decide on what is undecided, or mark it; how many it decided
 * on. */
static unsigned
judge(struct filter_rule *fr, const struct bpf_insn *prog,
    const struct mvec *mv, uint8_t *verdicts)
{
	struct filter_count *fc = &fr->fr_count[net_curcpu()->ci_index];
	uint64_t bytes = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		if (verdicts[i] != UNDECIDED ||
		    bpf_run(prog, mv->mv_m[i]) == 0)
			continue;
		if (fr->fr_action == FILTER_MARK)
			mv->mv_m[i]->m_mark = fr->fr_mark;
		else
			verdicts[i] = fr->fr_action == FILTER_DROP ? DROP :
			    PASS;
		bytes += mv->mv_m[i]->m_pktlen;
		n++;
	}
	if (n != 0) {
		cpu_stat_add(&fc->fc_packets, n);
		cpu_stat_add(&fc->fc_bytes, bytes);
	}
	return fr->fr_action == FILTER_MARK ? 0 : n;
}

static void
drop_refused(struct ifnet *ifp, struct mvec *mv, const uint8_t *verdicts,
    enum drop_reason reason)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < mv->mv_n; i++) {
		if (verdicts[i] == DROP)
			m_drop(ifp, mv->mv_m[i], reason);
		else
			mv->mv_m[kept++] = mv->mv_m[i];
	}
	mv->mv_n = kept;
}

static void
filter_packets(void *arg, struct ifnet *ifp, enum pfil_dir dir,
    struct mvec *mv)
{
	struct filter_vnet *fv = arg;
	uint8_t verdicts[MVEC_MAX] = { UNDECIDED };
	unsigned left = mv->mv_n, decided;
	const struct bpf_insn *prog;
	struct filter_rule *fr;
	bool refused = false;
	char name[IFNAMSIZ];

	if_name_copy(ifp, name);
	for (fr = __atomic_load_n(&fv->fv_rules, __ATOMIC_ACQUIRE);
	    fr != NULL && left != 0;
	    fr = __atomic_load_n(&fr->fr_next, __ATOMIC_ACQUIRE)) {
		prog = program(fr, dir, name, bpf_dlt(ifp));
		if (prog == NULL)
			continue;
		decided = judge(fr, prog, mv, verdicts);
		left -= decided;
		refused |= decided != 0 && fr->fr_action == FILTER_DROP;
	}
	if (refused)
		drop_refused(ifp, mv, verdicts, dir == PFIL_IN ?
		    DROP_FILTER_IN : DROP_FILTER_OUT);
}

/* --- rules ---------------------------------------------------------------- */

static void
rule_free(struct kern *k, struct filter_rule *fr)
{

	for (unsigned i = 0; i < fr->fr_nprogs; i++)
		kmem_free(k, (void *)(uintptr_t)fr->fr_prog[i].fp_insns);
	kmem_free(k, fr->fr_text);
	host_free(k->k_host, fr->fr_count);
	kmem_free(k, fr);
}

static int
copy_prog(struct kern *k, struct filter_rule *fr,
    const struct filter_prog *from)
{
	size_t size = from->fp_ninsns * sizeof(*from->fp_insns);
	struct bpf_insn *insns;

	const char *why = bpf_check(from->fp_insns, from->fp_ninsns);

	if (why != NULL)
		return kern_refuse(EINVAL, "the filter's program %s", why);
	insns = kmem_zalloc(k, size);
	if (insns == NULL)
		return ENOMEM;
	memcpy(insns, from->fp_insns, size);
	fr->fr_prog[fr->fr_nprogs] = *from;
	fr->fr_prog[fr->fr_nprogs++].fp_insns = insns;
	return 0;
}

static int
rule_create(struct kern *k, const struct filter_rule_spec *fs,
    struct filter_rule **frp)
{
	size_t textlen = strlen(fs->fs_text) + 1;
	struct filter_rule *fr;
	int error = ENOMEM;

	if (fs->fs_number > FILTER_NUMBER_MAX || fs->fs_nprogs == 0 ||
	    fs->fs_nprogs > FILTER_PROGS || textlen > FILTER_TEXT_MAX)
		return kern_refuse(EINVAL, "a rule has a number up to %d, a "
		    "text of less than %d characters and a program or two",
		    FILTER_NUMBER_MAX, FILTER_TEXT_MAX);
	fr = kmem_zalloc(k, sizeof(*fr));
	if (fr == NULL)
		return ENOMEM;
	fr->fr_number = fs->fs_number;
	fr->fr_dir = fs->fs_dir;
	fr->fr_action = fs->fs_action;
	fr->fr_mark = fs->fs_mark;
	memcpy(fr->fr_ifname, fs->fs_ifname,
	    strnlen(fs->fs_ifname, IFNAMSIZ - 1));
	fr->fr_text = kmem_zalloc(k, textlen);
	fr->fr_count = host_alloc(k->k_host, kern_ncpu(k) *
	    sizeof(*fr->fr_count), 64);
	if (fr->fr_text == NULL || fr->fr_count == NULL)
		goto fail;
	memcpy(fr->fr_text, fs->fs_text, textlen);
	for (unsigned i = 0; i < fs->fs_nprogs; i++) {
		error = copy_prog(k, fr, &fs->fs_prog[i]);
		if (error != 0)
			goto fail;
	}
	*frp = fr;
	return 0;
fail:
	rule_free(k, fr);
	return error;
}

/* f: where a rule of the number is or would be; 0: behind the last, and its
 * number is chosen. */
static int
find_place(struct filter_vnet *fv, uint32_t *number,
    struct filter_rule ***place)
{
	struct filter_rule **p = &fv->fv_rules;
	uint32_t last = 0;

	for (; *p != NULL; p = &(*p)->fr_next) {
		if (*number != 0 && (*p)->fr_number >= *number)
			break;
		last = (*p)->fr_number;
	}
	*place = p;
	if (*number != 0)
		return *p != NULL && (*p)->fr_number == *number ? EEXIST : 0;
	if (last > FILTER_NUMBER_MAX - FILTER_STEP)
		return kern_refuse(ENOSPC, "no number is left behind the last "
		    "rule; give one");
	*number = last + FILTER_STEP;
	return 0;
}

int
filter_add(struct vnet *vn, const struct filter_rule_spec *fs,
    uint32_t *number)
{
	struct filter_vnet *fv = vn->vn_filter;
	struct host *h = vn->vn_kern->k_host;
	struct filter_rule *fr = NULL, **place;
	int error;

	error = rule_create(vn->vn_kern, fs, &fr);
	if (error != 0)
		return error;
	host_mutex_lock(h, &fv->fv_lock);
	error = find_place(fv, &fr->fr_number, &place);
	if (error == EEXIST)
		(void)kern_refuse(EEXIST, "there is a rule %u (filter list "
		    "shows all)", fr->fr_number);
	if (error == 0 && fv->fv_rules == NULL)
		error = pfil_add_hook(vn, &fv->fv_hook);
	if (error == 0) {
		*number = fr->fr_number;
		fr->fr_next = *place;
		__atomic_store_n(place, fr, __ATOMIC_RELEASE);
	}
	host_mutex_unlock(h, &fv->fv_lock);
	if (error != 0)
		rule_free(vn->vn_kern, fr);
	return error;
}

static int
no_rule(uint32_t number)
{

	return kern_refuse(ENOENT, "there is no rule %u (filter list shows "
	    "all)", number);
}

int
filter_delete(struct vnet *vn, uint32_t number)
{
	struct filter_vnet *fv = vn->vn_filter;
	struct host *h = vn->vn_kern->k_host;
	struct filter_rule *fr = NULL, **place;

	host_mutex_lock(h, &fv->fv_lock);
	if (number != 0 && find_place(fv, &number, &place) == EEXIST) {
		fr = *place;
		__atomic_store_n(place, fr->fr_next, __ATOMIC_RELEASE);
		if (fv->fv_rules == NULL)
			pfil_remove_hook(vn, &fv->fv_hook);
	}
	host_mutex_unlock(h, &fv->fv_lock);
	if (fr == NULL)
		return no_rule(number);
	pserialize_perform(vn->vn_kern);
	rule_free(vn->vn_kern, fr);
	return 0;
}

void
filter_flush(struct vnet *vn)
{
	struct filter_vnet *fv = vn->vn_filter;
	struct host *h = vn->vn_kern->k_host;
	struct filter_rule *fr, *next;

	host_mutex_lock(h, &fv->fv_lock);
	fr = fv->fv_rules;
	__atomic_store_n(&fv->fv_rules, NULL, __ATOMIC_RELEASE);
	/* Waits until nobody is at the rules. */
	if (fr != NULL)
		pfil_remove_hook(vn, &fv->fv_hook);
	host_mutex_unlock(h, &fv->fv_lock);
	for (; fr != NULL; fr = next) {
		next = fr->fr_next;
		rule_free(vn->vn_kern, fr);
	}
}

static void
count(struct kern *k, const struct filter_rule *fr, uint64_t *packets,
    uint64_t *bytes)
{

	*packets = *bytes = 0;
	for (unsigned i = 0; i < kern_ncpu(k); i++) {
		*packets += __atomic_load_n(&fr->fr_count[i].fc_packets,
		    __ATOMIC_RELAXED);
		*bytes += __atomic_load_n(&fr->fr_count[i].fc_bytes,
		    __ATOMIC_RELAXED);
	}
}

int
filter_zero(struct vnet *vn, uint32_t number)
{
	struct filter_vnet *fv = vn->vn_filter;
	struct host *h = vn->vn_kern->k_host;
	int error = number == 0 ? 0 : ENOENT;
	struct filter_rule *fr;

	host_mutex_lock(h, &fv->fv_lock);
	for (fr = fv->fv_rules; fr != NULL; fr = fr->fr_next) {
		if (number != 0 && fr->fr_number != number)
			continue;
		count(vn->vn_kern, fr, &fr->fr_packets0, &fr->fr_bytes0);
		error = 0;
	}
	host_mutex_unlock(h, &fv->fv_lock);
	return error == ENOENT ? no_rule(number) : error;
}

int
filter_list(struct vnet *vn, int (*fn)(const struct filter_info *, void *),
    void *arg)
{
	struct filter_vnet *fv = vn->vn_filter;
	struct host *h = vn->vn_kern->k_host;
	struct filter_rule *fr;
	struct filter_info fi;
	int result = 0;

	host_mutex_lock(h, &fv->fv_lock);
	for (fr = fv->fv_rules; fr != NULL && result == 0; fr = fr->fr_next) {
		fi.fi_number = fr->fr_number;
		fi.fi_dir = fr->fr_dir;
		fi.fi_action = fr->fr_action;
		fi.fi_mark = fr->fr_mark;
		memcpy(fi.fi_ifname, fr->fr_ifname, sizeof(fi.fi_ifname));
		fi.fi_text = fr->fr_text;
		count(vn->vn_kern, fr, &fi.fi_packets, &fi.fi_bytes);
		fi.fi_packets -= fr->fr_packets0;
		fi.fi_bytes -= fr->fr_bytes0;
		result = fn(&fi, arg);
	}
	host_mutex_unlock(h, &fv->fv_lock);
	return result;
}

static int
filter_init(struct vnet *vn)
{
	struct filter_vnet *fv;

	fv = kmem_zalloc(vn->vn_kern, sizeof(*fv));
	if (fv == NULL)
		return ENOMEM;
	host_mutex_init(vn->vn_kern->k_host, &fv->fv_lock);
	fv->fv_hook.ph_packets = filter_packets;
	fv->fv_hook.ph_arg = fv;
	vn->vn_filter = fv;
	return 0;
}

static void
filter_fini(struct vnet *vn)
{
	struct filter_vnet *fv = vn->vn_filter;

	filter_flush(vn);
	host_mutex_destroy(vn->vn_kern->k_host, &fv->fv_lock);
	kmem_free(vn->vn_kern, fv);
	vn->vn_filter = NULL;
}

const struct vnet_subsys filter_subsys = {
	.vs_name = "filter",
	.vs_init = filter_init,
	.vs_fini = filter_fini,
};
