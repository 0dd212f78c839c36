/*
 * Pollers: hot ones are polled each pass, cold ones wait for their
 * descriptor or for a kick.
 *
 * cp_state is atomic:
 *	HOT	on the owner's hot list
 *	KICKED	on the owner's list of kicked ones (or about to be) when not
 *		HOT; to be polled once more when HOT
 *	GONE	being removed; kicks are ignored
 * A poller that is neither HOT nor KICKED is on no list.  Descriptors stay in
 * the CPU's set all the time, so going hot and cold costs no system call.
 */

#include "kern/cpu_private.h"

#include <errno.h>

#define CP_HOT		0x1u
#define CP_KICKED	0x2u
#define CP_GONE		0x4u
/* The poller's descriptor is in the CPU's set; the owner's, and control's
 * before the poller is shared. */
#define CP_WATCHED	0x8u
/* The descriptor hung up; owner's. */
#define CP_HUP		0x10u

/* The number of empty polls after which a poller is cold. */
#define COLD_AFTER	2

static struct cpu_private *
private(const struct cpu *ci)
{

	return ci->ci_private;
}

bool
poller_kicked(const struct cpu *ci)
{

	return __atomic_load_n(&private(ci)->cpv_kicks, __ATOMIC_RELAXED) !=
	    NULL;
}

static void
make_hot(struct cpu_poller *cp)
{
	struct cpu *ci = cp->cp_cpu;

	cp->cp_idle = 0;
	cp->cp_next = ci->ci_hot;
	ci->ci_hot = cp;
}

/* Move the kicked pollers to the hot list. */
static void
take_kicks(struct cpu *ci)
{
	struct cpu_poller *cp, *next;

	if (!poller_kicked(ci))
		return;
	cp = __atomic_exchange_n(&private(ci)->cpv_kicks, NULL,
	    __ATOMIC_ACQUIRE);
	for (; cp != NULL; cp = next) {
		next = cp->cp_next;
		/* KICKED goes and HOT comes, in one step. */
		(void)__atomic_fetch_xor(&cp->cp_state, CP_KICKED | CP_HOT,
		    __ATOMIC_ACQ_REL);
		make_hot(cp);
	}
}

void
poller_ready(struct cpu_poller *cp, unsigned events)
{
	unsigned state = __atomic_load_n(&cp->cp_state, __ATOMIC_ACQUIRE);

	if (events & HOST_POLL_HUP)
		state = __atomic_or_fetch(&cp->cp_state, CP_HUP,
		    __ATOMIC_ACQ_REL);
	do {
		if (state & (CP_HOT | CP_KICKED | CP_GONE))
			return;
	} while (!__atomic_compare_exchange_n(&cp->cp_state, &state,
	    state | CP_HOT, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	make_hot(cp);
}

/*
 * A descriptor that hung up and has nothing more would be ready for ever; its
 * driver learned of it by polling, so the descriptor is not watched any more.
 */
static void
unwatch_dead(struct cpu_poller *cp)
{
	unsigned state = __atomic_load_n(&cp->cp_state, __ATOMIC_RELAXED);

	if ((state & (CP_HUP | CP_WATCHED)) != (CP_HUP | CP_WATCHED))
		return;
	host_poller_del(cp->cp_cpu->ci_kern->k_host, cp->cp_cpu->ci_poller,
	    cp->cp_fd);
	(void)__atomic_fetch_and(&cp->cp_state, ~(CP_HUP | CP_WATCHED),
	    __ATOMIC_ACQ_REL);
}

/* false: the poller was kicked meanwhile and stays hot. */
static bool
make_cold(struct cpu_poller *cp)
{
	unsigned state = __atomic_load_n(&cp->cp_state, __ATOMIC_ACQUIRE);

	do {
		if (state & CP_KICKED) {
			(void)__atomic_fetch_and(&cp->cp_state, ~CP_KICKED,
			    __ATOMIC_ACQ_REL);
			cp->cp_idle = 0;
			return false;
		}
	} while (!__atomic_compare_exchange_n(&cp->cp_state, &state,
	    state & ~CP_HOT, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	return true;
}

bool
poller_run(struct cpu *ci)
{
	struct cpu_poller *cp, *next, **cpp;
	struct cpu_stage_stats *ss = &ci->ci_stage[STAGE_POLL];
	bool worked = false;
	unsigned n;

	take_kicks(ci);
	/* A poller that always has something would keep the CPU for ever. */
	if (__atomic_load_n(&ci->ci_stop, __ATOMIC_RELAXED))
		return false;
	for (cpp = &ci->ci_hot; (cp = *cpp) != NULL;) {
		ci->ci_stage_mark = machine_clock();
		ci->ci_stage_cur = STAGE_POLL;
		cpu_stat_add(&ci->ci_polls, 1);
		n = cp->cp_poll(cp, MVEC_MAX);
		if (n > 0) {
			worked = true;
			cp->cp_idle = 0;
			cpu_stat_add(&ss->ss_packets, n);
			cpu_stat_add(&ss->ss_calls, 1);
			(void)cpu_stage_switch(ci, STAGE_LOCAL);
		} else if (++cp->cp_idle >= COLD_AFTER) {
			unwatch_dead(cp);
			/* A poller that is cold may be put on the other list by
			 * a kick, so its link is read first. */
			next = cp->cp_next;
			if (make_cold(cp)) {
				*cpp = next;
				continue;
			}
		}
		cpp = &cp->cp_next;
	}
	ci->ci_stage_mark = machine_clock();
	ci->ci_stage_cur = STAGE_LOCAL;
	return worked;
}

static struct cpu *
least_loaded(struct kern *k)
{
	struct cpu *best = k->k_cpu[0];

	for (unsigned i = 1; i < k->k_ncpu; i++) {
		if (__atomic_load_n(&k->k_cpu[i]->ci_npollers,
		    __ATOMIC_RELAXED) < __atomic_load_n(&best->ci_npollers,
		    __ATOMIC_RELAXED))
			best = k->k_cpu[i];
	}
	return best;
}

int
cpu_poller_add(struct kern *k, struct cpu *ci, struct cpu_poller *cp)
{
	int error;

	KASSERT(curcpu() == NULL);
	if (ci == NULL)
		ci = least_loaded(k);
	cp->cp_cpu = ci;
	cp->cp_next = NULL;
	cp->cp_idle = 0;
	__atomic_store_n(&cp->cp_state, cp->cp_fd == -1 ? 0 : CP_WATCHED,
	    __ATOMIC_RELEASE);
	(void)__atomic_fetch_add(&ci->ci_npollers, 1, __ATOMIC_RELAXED);
	if (cp->cp_fd == -1) {
		cpu_poller_kick(cp);
		return 0;
	}
	error = host_poller_add(k->k_host, ci->ci_poller, cp->cp_fd,
	    HOST_POLL_IN, cp);
	if (error != 0)
		(void)__atomic_fetch_sub(&ci->ci_npollers, 1,
		    __ATOMIC_RELAXED);
	return error;
}

/* On the poller's CPU: take the poller off all lists. */
static void
remove_here(void *arg)
{
	struct cpu_poller *cp = arg, **cpp;
	struct cpu *ci = cp->cp_cpu;
	unsigned state;

	state = __atomic_fetch_or(&cp->cp_state, CP_GONE, __ATOMIC_ACQ_REL);
	/* A kick that has begun will put the poller on the list; wait for
	 * that. */
	while ((state & (CP_KICKED | CP_HOT)) == CP_KICKED) {
		take_kicks(ci);
		state = __atomic_load_n(&cp->cp_state, __ATOMIC_ACQUIRE);
	}
	for (cpp = &ci->ci_hot; *cpp != NULL; cpp = &(*cpp)->cp_next) {
		if (*cpp == cp) {
			*cpp = cp->cp_next;
			break;
		}
	}
	if (state & CP_WATCHED)
		host_poller_del(ci->ci_kern->k_host, ci->ci_poller, cp->cp_fd);
}

void
cpu_poller_remove(struct kern *k, struct cpu_poller *cp)
{
	struct cpu *ci = cp->cp_cpu;

	KASSERT(curcpu() == NULL && ci->ci_kern == k);
	cpu_call(ci, remove_here, cp);
	(void)__atomic_fetch_sub(&ci->ci_npollers, 1, __ATOMIC_RELAXED);
}

void
cpu_poller_kick(struct cpu_poller *cp)
{
	struct cpu *ci = cp->cp_cpu;
	struct cpu_poller *head;
	unsigned state;

	state = __atomic_load_n(&cp->cp_state, __ATOMIC_ACQUIRE);
	do {
		if (state & (CP_KICKED | CP_GONE))
			return;
	} while (!__atomic_compare_exchange_n(&cp->cp_state, &state,
	    state | CP_KICKED, false, __ATOMIC_SEQ_CST, __ATOMIC_ACQUIRE));
	if (state & CP_HOT)
		return;
	head = __atomic_load_n(&private(ci)->cpv_kicks, __ATOMIC_RELAXED);
	do {
		cp->cp_next = head;
	} while (!__atomic_compare_exchange_n(&private(ci)->cpv_kicks, &head,
	    cp, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	cpu_notify(ci);
}
