/*
 * mcast_report: when what is told of groups (RFC 3810 6, RFC 3376 5, and, for
 * queriers of older versions, RFC 2710 4, RFC 2236 3).
 *
 * All state of this file is under mv_spin.  Messages are made after it is
 * released, in the CPU's read section, in which no group is freed.
 */

#include "net/mcast.h"

#include <stddef.h>

#include "net/if_vnet_impl.h"
#include "net/zone6.h"

/* Timers that are handled in one run. */
#define RUN_BATCH	256

/* A message that a timer says to send. */
struct telling {
	struct mcast_if	*t_if;		/* NULL: nothing */
	struct mcast_group *t_group;	/* NULL: all of them */
	unsigned	 t_slot;
	enum mcast_version t_version;
	enum mcast_what	 t_what;
};

bool
mcast_is_silent(unsigned slot, const union neigh_addr *na)
{
	static const union neigh_addr nodes = {
		.na_bytes = { 0xff, 2, [15] = 1 },
	};
	union neigh_addr wire = *na;

	if (slot == DOM_SLOT_INET)
		return na->na_4 == htonl(INADDR_ALLHOSTS_GROUP);
	/* RFC 3810 6: scopes 0 and 1, and all nodes. */
	if (zone6_mcast_scope(na->na_bytes) < 2)
		return true;
	zone6_leave(wire.na_bytes);
	return neigh_addr_equal(&wire, &nodes);
}

/* Can reports be sent by the interface? */
static bool
works(const struct ifnet *ifp)
{

	return (if_flags_get(ifp) & (IFF_UP | IFF_RUNNING | IFF_MULTICAST |
	    IFF_LOOPBACK)) == (IFF_UP | IFF_RUNNING | IFF_MULTICAST) &&
	    !if_is_deactivated(ifp) && __atomic_load_n(&ifp->if_link_state,
	    __ATOMIC_RELAXED) != LINK_STATE_DOWN;
}

static uint64_t
random_ns(struct mcast_vnet *mv, uint64_t max)
{

	mv->mv_seed += UINT64_C(0x9e3779b97f4a7c15);
	return max == 0 ? 0 : ((uint64_t)khash_u64(mv->mv_seed) << 32 |
	    khash_u64(~mv->mv_seed)) % max;
}

enum mcast_version
mcast_version(const struct mcast_fam *mf, uint64_t now)
{

	if (now < mf->mf_old_ns[MCAST_OLDEST])
		return MCAST_OLDEST;
	return now < mf->mf_old_ns[MCAST_OLD] ? MCAST_OLD : MCAST_NEW;
}

static struct mcast_fam *
fam_of(struct mcast_group *mg)
{

	return &mg->mg_if->mi_fam[mg->mg_slot];
}

static void
put(struct mcast_vnet *mv, struct mcast_timer *mt, uint64_t now, uint64_t ns)
{

	wheel_take(&mv->mv_wheel, &mt->mt_link);
	(void)wheel_put(&mv->mv_wheel, &mt->mt_link, now, ns);
}

/* --- changes -------------------------------------------------------------- */

/* s: how often a change is told.  Of leaving, older versions say it once. */
static uint8_t
times(const struct mcast_fam *mf, bool joined, uint64_t now)
{

	return joined || mcast_version(mf, now) == MCAST_NEW ?
	    mf->mf_robust : 1;
}

bool
mcast_changed(struct mcast_vnet *mv, struct mcast_group *mg, bool joined)
{
	struct ifnet *ifp = mg->mg_if->mi_ifp;
	uint64_t now = kern_now(mg->mg_kern);
	bool told, ended;

	kspin_lock(&mv->mv_spin);
	wheel_take(&mv->mv_wheel, &mg->mg_timer.mt_link);
	told = works(ifp) && !mcast_is_silent(mg->mg_slot, &mg->mg_addr);
	mg->mg_flags &= (uint8_t)~(MG_ANSWER | MG_UNSENT);
	mg->mg_left = 0;
	if (told) {
		mg->mg_left = times(fam_of(mg), joined, now);
		mg->mg_flags |= MG_UNSENT;
		put(mv, &mg->mg_timer, now, 0);
	}
	ended = (mg->mg_flags & MG_ENDED) != 0;
	kspin_unlock(&mv->mv_spin);
	/* reap() removes what is on its list. */
	return told || ended;
}

void
mcast_if_up(struct ifnet *ifp, unsigned slot)
{
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_vnet *mv;
	struct mcast_fam *mf;
	uint64_t now;

	if (mi == NULL)
		return;
	mv = ifp->if_vnet->vn_mcast;
	mf = &mi->mi_fam[slot];
	now = kern_now(mi->mi_kern);
	kspin_lock(&mv->mv_spin);
	if (!mi->mi_gone && works(ifp)) {
		mf->mf_left = mf->mf_robust;
		mf->mf_unsent = true;
		put(mv, &mf->mf_change, now, 0);
	}
	kspin_unlock(&mv->mv_spin);
}

void
mcast_if_down(struct ifnet *ifp, unsigned slot)
{
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_vnet *mv;
	struct mcast_fam *mf;

	if (mi == NULL)
		return;
	mv = ifp->if_vnet->vn_mcast;
	mf = &mi->mi_fam[slot];
	kspin_lock(&mv->mv_spin);
	wheel_take(&mv->mv_wheel, &mf->mf_answer.mt_link);
	wheel_take(&mv->mv_wheel, &mf->mf_change.mt_link);
	mf->mf_left = 0;
	mf->mf_unsent = false;
	/* Other routers may be there when it is up again.  Groups' own timers
	 * find the interface down, and say nothing. */
	memset(mf->mf_old_ns, 0, sizeof(mf->mf_old_ns));
	mf->mf_robust = MCAST_ROBUST;
	kspin_unlock(&mv->mv_spin);
}

/* --- queries -------------------------------------------------------------- */

/* s: a group is to answer within so many ns. */
static void
answer_group(struct mcast_vnet *mv, struct mcast_group *mg, uint64_t now,
    uint64_t max)
{
	uint64_t due;

	/* A change that is being told is an answer. */
	if (mg->mg_refs == 0 || mg->mg_left != 0 ||
	    mcast_is_silent(mg->mg_slot, &mg->mg_addr))
		return;
	due = now + random_ns(mv, max);
	if ((mg->mg_flags & MG_ANSWER) != 0 && mg->mg_due_ns <= due)
		return;
	mg->mg_flags |= MG_ANSWER;
	mg->mg_due_ns = due;
	put(mv, &mg->mg_timer, now, due - now);
}

/* s: */
static void
answer_all(struct mcast_vnet *mv, struct mcast_fam *mf, uint64_t now,
    uint64_t max)
{
	struct mcast_group *mg;
	uint64_t due;

	if (mcast_version(mf, now) != MCAST_NEW) {
		/* A report for each group: they come within a second at the
		 * fastest, and again once all of them have come. */
		if (now < mf->mf_answer_ns)
			return;
		if (max < MCAST_NS)
			max = MCAST_NS;
		mf->mf_answer_ns = now + max;
		for (mg = __atomic_load_n(&LIST_FIRST(&mf->mf_groups),
		    __ATOMIC_CONSUME); mg != NULL; mg = __atomic_load_n(
		    &LIST_NEXT(mg, mg_link), __ATOMIC_CONSUME))
			answer_group(mv, mg, now, max);
		return;
	}
	due = now + random_ns(mv, max);
	if (wheel_has(&mf->mf_answer.mt_link) && mf->mf_answer_ns <= due)
		return;
	mf->mf_answer_ns = due;
	put(mv, &mf->mf_answer, now, due - now);
}

/* s: what a query says of the querier (RFC 3810 8.2.1, 9.12; RFC 3376
 * 7.2.1). */
static void
note_querier(struct mcast_vnet *mv, struct mcast_fam *mf,
    const struct mcast_query *mq, uint64_t now)
{
	enum mcast_version before = mcast_version(mf, now);
	uint64_t interval = mq->mq_interval_ns;

	if (mq->mq_version == MCAST_NEW) {
		mf->mf_robust = mq->mq_robust == 0 ? MCAST_ROBUST :
		    mq->mq_robust;
		return;
	}
	if (interval == 0)
		interval = MCAST_QI_NS;
	mf->mf_old_ns[mq->mq_version] = now + mf->mf_robust * interval +
	    mq->mq_delay_ns;
	if (mcast_version(mf, now) == before)
		return;
	/* Answers in another version's form are not wanted any more. */
	wheel_take(&mv->mv_wheel, &mf->mf_answer.mt_link);
	mf->mf_answer_ns = 0;
}

/* s: is a query within the limit?  Each kind has its own, so that nobody keeps
 * a router from hearing of all groups by asking for one. */
static bool
query_taken(struct ifnet *ifp, struct mcast_fam *mf, bool general,
    uint64_t now)
{

	return ip_token_take(general ? &mf->mf_general : &mf->mf_specific, now,
	    __atomic_load_n(&ifp->if_vnet->vn_if->ifv_maxqueries,
	    __ATOMIC_RELAXED));
}

bool
mcast_query(struct ifnet *ifp, unsigned slot, const struct mcast_query *mq)
{
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_group *mg = NULL;
	struct mcast_vnet *mv;
	struct mcast_fam *mf;
	bool taken = true;
	uint64_t now;

	/* Without groups there is nothing to answer, or to limit. */
	if (mi == NULL || !works(ifp))
		return true;
	mv = ifp->if_vnet->vn_mcast;
	mf = &mi->mi_fam[slot];
	now = kern_now(mi->mi_kern);
	kspin_lock(&mv->mv_spin);
	if (mi->mi_gone)
		goto out;
	/* A group that is not joined here has no answer to limit. */
	if (!mq->mq_general &&
	    (mg = mcast_find(mi, slot, &mq->mq_group)) == NULL)
		goto out;
	taken = query_taken(ifp, mf, mq->mq_general, now);
	if (!taken)
		goto out;
	note_querier(mv, mf, mq, now);
	if (mq->mq_general) {
		answer_all(mv, mf, now, mq->mq_delay_ns);
		goto out;
	}
	/* An answer for all groups that comes soon enough is one. */
	if (!(wheel_has(&mf->mf_answer.mt_link) &&
	    mf->mf_answer_ns <= now + mq->mq_delay_ns))
		answer_group(mv, mg, now, mq->mq_delay_ns);
out:
	kspin_unlock(&mv->mv_spin);
	return taken;
}

void
mcast_heard(struct ifnet *ifp, unsigned slot, const union neigh_addr *na)
{
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_group *mg;
	struct mcast_vnet *mv;
	uint64_t now;

	if (mi == NULL || (mg = mcast_find(mi, slot, na)) == NULL)
		return;
	mv = ifp->if_vnet->vn_mcast;
	now = kern_now(mi->mi_kern);
	kspin_lock(&mv->mv_spin);
	/* RFC 2710 4, RFC 2236 3; the newest versions report all the same. */
	if (mg->mg_refs != 0 && !mi->mi_gone &&
	    mcast_version(fam_of(mg), now) != MCAST_NEW) {
		wheel_take(&mv->mv_wheel, &mg->mg_timer.mt_link);
		mg->mg_left = 0;
		mg->mg_flags &= (uint8_t)~(MG_ANSWER | MG_UNSENT | MG_LAST);
	}
	kspin_unlock(&mv->mv_spin);
}

/* --- sending -------------------------------------------------------------- */

/* CPU, read section, no lock. */
static void
tell(const struct telling *t)
{
	struct ifnet *ifp = t->t_if->mi_ifp;
	const struct domain *dom = ifp->if_vnet->vn_if->ifv_domain[t->t_slot];
	union neigh_addr batch[MCAST_BATCH];
	const struct mcast_group *mg;
	unsigned n = 0;

	if (dom == NULL || dom->dom_mcast_report == NULL)
		return;
	if (t->t_group != NULL) {
		dom->dom_mcast_report(ifp, t->t_version, t->t_what,
		    &t->t_group->mg_addr, 1, false);
		return;
	}
	for (mg = __atomic_load_n(&LIST_FIRST(&t->t_if->mi_fam[t->t_slot].
	    mf_groups), __ATOMIC_CONSUME); mg != NULL; mg = __atomic_load_n(
	    &LIST_NEXT(mg, mg_link), __ATOMIC_CONSUME)) {
		if (__atomic_load_n(&mg->mg_refs, __ATOMIC_RELAXED) == 0 ||
		    mcast_is_silent(t->t_slot, &mg->mg_addr))
			continue;
		batch[n++] = mg->mg_addr;
		if (n == MCAST_BATCH) {
			dom->dom_mcast_report(ifp, t->t_version, t->t_what,
			    batch, n, false);
			n = 0;
		}
	}
	dom->dom_mcast_report(ifp, t->t_version, t->t_what, batch, n, true);
}

/* s: all was told of a group that was left. */
static void
group_ended(struct mcast_vnet *mv, struct mcast_group *mg)
{

	if ((mg->mg_flags & MG_ENDED) != 0)
		return;
	mg->mg_flags |= MG_ENDED;
	mg->mg_ended = mv->mv_ended;
	mv->mv_ended = mg;
	ktask_schedule(mg->mg_kern, &mv->mv_task);
}

/* s: a group's timer was taken off the wheel. */
static void
group_due(struct mcast_vnet *mv, struct mcast_group *mg, uint64_t now,
    struct telling *t)
{
	struct mcast_fam *mf = fam_of(mg);
	bool member = mg->mg_refs != 0, says;

	t->t_version = mcast_version(mf, now);
	says = works(mg->mg_if->mi_ifp) && (mg->mg_left != 0 ||
	    (mg->mg_flags & MG_ANSWER) != 0);
	t->t_what = !member ? MCAST_LEFT : mg->mg_left != 0 ? MCAST_JOINED :
	    MCAST_IS;
	/* Leaving is told in IGMPv2 and MLDv1 by who reported last, and in
	 * IGMPv1 by nobody. */
	if (!member && t->t_version != MCAST_NEW &&
	    (t->t_version == MCAST_OLDEST || (mg->mg_flags & MG_LAST) == 0))
		says = false;
	if (says) {
		t->t_if = mg->mg_if;
		t->t_group = mg;
		t->t_slot = mg->mg_slot;
		mg->mg_flags |= MG_LAST;
	} else
		mg->mg_left = 0;
	mg->mg_flags &= (uint8_t)~(MG_ANSWER | MG_UNSENT);
	if (mg->mg_left != 0)
		mg->mg_left--;
	if (mg->mg_left != 0)
		put(mv, &mg->mg_timer, now, random_ns(mv, t->t_version ==
		    MCAST_NEW ? MCAST_URI_NS : MCAST_OLDURI_NS));
	else if (!member)
		group_ended(mv, mg);
}

/* s: the timer of all groups of a family: an answer, or that they are
 * joined. */
static void
all_due(struct mcast_vnet *mv, struct mcast_if *mi, unsigned slot, bool change,
    uint64_t now, struct telling *t)
{
	struct mcast_fam *mf = &mi->mi_fam[slot];

	if (!works(mi->mi_ifp)) {
		mf->mf_left = 0;
		mf->mf_unsent = false;
		return;
	}
	t->t_if = mi;
	t->t_group = NULL;
	t->t_slot = slot;
	t->t_version = mcast_version(mf, now);
	t->t_what = change ? MCAST_JOINED : MCAST_IS;
	if (!change)
		return;
	mf->mf_unsent = false;
	if (mf->mf_left != 0 && --mf->mf_left != 0)
		put(mv, &mf->mf_change, now, random_ns(mv, t->t_version ==
		    MCAST_NEW ? MCAST_URI_NS : MCAST_OLDURI_NS));
}

/* s: what to send for a timer that was due. */
static struct telling
timer_due(struct mcast_vnet *mv, struct wheel_link *wl, uint64_t now)
{
	struct mcast_timer *mt = (struct mcast_timer *)(void *)wl;
	struct telling t = { .t_if = NULL };
	struct mcast_if *mi;
	size_t off;

	if (mt->mt_kind == MCAST_T_GROUP) {
		group_due(mv, (struct mcast_group *)(void *)((char *)mt -
		    offsetof(struct mcast_group, mg_timer)), now, &t);
		return t;
	}
	off = mt->mt_kind == MCAST_T_CHANGE ?
	    offsetof(struct mcast_fam, mf_change) :
	    offsetof(struct mcast_fam, mf_answer);
	mi = (struct mcast_if *)(void *)((char *)mt - off -
	    offsetof(struct mcast_if, mi_fam) -
	    mt->mt_slot * sizeof(struct mcast_fam));
	all_due(mv, mi, mt->mt_slot, mt->mt_kind == MCAST_T_CHANGE, now, &t);
	return t;
}

void
mcast_run(void *arg)
{
	struct mcast_vnet *mv = arg;
	uint64_t now = kern_now(mv->mv_vnet->vn_kern);
	struct wheel_link *wl;
	struct telling t;

	kspin_lock(&mv->mv_spin);
	for (unsigned n = 0; n < RUN_BATCH; n++) {
		wl = wheel_due(&mv->mv_wheel, now);
		if (wl == NULL)
			break;
		t = timer_due(mv, wl, now);
		if (t.t_if == NULL)
			continue;
		kspin_unlock(&mv->mv_spin);
		tell(&t);
		kspin_lock(&mv->mv_spin);
	}
	wheel_arm(&mv->mv_wheel, now);
	kspin_unlock(&mv->mv_spin);
}

void
mcast_tell_now(struct ifnet *ifp, unsigned slot, const union neigh_addr *na)
{
	struct telling t = { .t_if = NULL };
	struct mcast_if *mi = mcast_if_of(ifp);
	struct mcast_group *mg;
	struct mcast_vnet *mv;
	struct mcast_fam *mf;
	uint64_t now;

	if (mi == NULL || (mg = mcast_find(mi, slot, na)) == NULL)
		return;
	mv = ifp->if_vnet->vn_mcast;
	mf = &mi->mi_fam[slot];
	now = kern_now(mi->mi_kern);
	kspin_lock(&mv->mv_spin);
	if (mi->mi_gone) {
		kspin_unlock(&mv->mv_spin);
		return;
	}
	if (mf->mf_unsent) {
		wheel_take(&mv->mv_wheel, &mf->mf_change.mt_link);
		all_due(mv, mi, slot, true, now, &t);
	} else if ((mg->mg_flags & MG_UNSENT) != 0) {
		wheel_take(&mv->mv_wheel, &mg->mg_timer.mt_link);
		group_due(mv, mg, now, &t);
	}
	kspin_unlock(&mv->mv_spin);
	if (t.t_if != NULL)
		tell(&t);
}
