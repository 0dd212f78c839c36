/*
 * Passive references: slots in memory of the holding thread.
 *
 * A thread has chunks of 64 slots.  Only the thread writes them; a thread that
 * destroys a target reads the slots of all threads.  That is enough because the
 * target is unfindable by then and all read sections in which it was found have
 * ended: no thread can take a first reference any more.  A reference can still
 * be handed on, by taking a second one and releasing the first, while the slots
 * are read: so every thread counts its releases, and a scan during which a
 * count changed is repeated.  The count is stored behind the second reference
 * and before the first is cleared, so the repetition sees the second one.
 *
 * Should memory for a chunk be out, the reference is counted in the target
 * itself, which is slower but cannot fail.
 */

#include "kern/kern_private.h"

#include <string.h>

#define CHUNK_SLOTS	64

/*
 *	ps_target	atomic: the target; NULL: a free slot
 *	ps_file, ps_line atomic, relaxed; a report may show older ones
 *	ps_index	constant
 */
struct psref_slot {
	const struct psref_target *ps_target;
	const char	*ps_file;
	uint32_t	 ps_line;
	uint32_t	 ps_index;
};

/*
 *	pc_next		atomic; set once
 *	pc_free		a bit for each free slot; the thread's own
 *	pc_used		slots before this one have been used, the others never;
 *			atomic, written by the thread before the slot
 */
struct psref_chunk {
	struct psref_chunk *pc_next;
	uint64_t	 pc_free;
	uint32_t	 pc_used;
	struct psref_slot pc_slot[CHUNK_SLOTS];
};

/*
 *	pt_watched	how many wait for references to go; atomic
 *	pt_releases	references released; atomic, written by the thread
 */
struct psref_thread {
	struct host	*pt_host;
	uint32_t	 pt_watched;
	uint64_t	 pt_releases;
	struct psref_chunk pt_first;
};

static void
init_chunk(struct psref_chunk *pc)
{

	pc->pc_free = UINT64_MAX;
	for (uint32_t i = 0; i < CHUNK_SLOTS; i++)
		pc->pc_slot[i].ps_index = i;
}

/* The destructor at thread exit: the thread is off the host's list by now. */
static void
free_thread(void *arg)
{
	struct psref_thread *pt = arg;
	struct psref_chunk *pc, *next;
	struct host *h = pt->pt_host;

	KASSERT(pt->pt_first.pc_free == UINT64_MAX);
	for (pc = pt->pt_first.pc_next; pc != NULL; pc = next) {
		next = pc->pc_next;
		KASSERT(pc->pc_free == UINT64_MAX);
		host_free(h, pc);
	}
	host_free(h, pt);
}

static struct psref_thread *
make_thread(void)
{
	struct host_thread *t = host_curthread;
	struct psref_thread *pt;

	KASSERT(t != NULL);
	pt = host_alloc(t->ht_host, sizeof(*pt), 64);
	if (pt == NULL)
		return NULL;
	pt->pt_host = t->ht_host;
	init_chunk(&pt->pt_first);
	t->ht_kern_dtor = free_thread;
	__atomic_store_n(&t->ht_kern, pt, __ATOMIC_RELEASE);
	return pt;
}

void
psref_thread_prepare(void)
{

	if (host_curthread->ht_kern == NULL)
		(void)make_thread();
}

/* A chunk of the calling thread with a free slot, or NULL. */
static struct psref_chunk *
__attribute__((__noinline__))
find_chunk(void)
{
	struct psref_thread *pt;
	struct psref_chunk *pc, *new;

	pt = host_curthread != NULL ? host_curthread->ht_kern : NULL;
	if (pt == NULL && (pt = make_thread()) == NULL)
		return NULL;
	for (pc = &pt->pt_first; pc->pc_free == 0; pc = pc->pc_next) {
		if (pc->pc_next != NULL)
			continue;
		new = host_alloc(pt->pt_host, sizeof(*new), 64);
		if (new == NULL)
			return NULL;
		init_chunk(new);
		__atomic_store_n(&pc->pc_next, new, __ATOMIC_RELEASE);
	}
	return pc;
}

static uint32_t *
shared_count(const struct psref_target *target)
{

	return &((struct psref_target *)(uintptr_t)target)->pt_shared;
}

void
psref_acquire_at(struct kern *k, struct psref *pr,
    const struct psref_target *target, const char *file, int line)
{
	struct psref_thread *pt;
	struct psref_chunk *pc;
	struct psref_slot *ps;

	(void)k;
	pr->pr_target = target;
	pt = __builtin_expect(host_curthread != NULL, 1) ?
	    host_curthread->ht_kern : NULL;
	if (__builtin_expect(pt != NULL && pt->pt_first.pc_free != 0, 1)) {
		pc = &pt->pt_first;
	} else if ((pc = find_chunk()) == NULL) {
		(void)__atomic_fetch_add(shared_count(target), 1,
		    __ATOMIC_ACQ_REL);
		pr->pr_slot = NULL;
		return;
	}
	ps = &pc->pc_slot[__builtin_ctzll(pc->pc_free)];
	pc->pc_free &= pc->pc_free - 1;
	if (__builtin_expect(ps->ps_index >= pc->pc_used, 0))
		__atomic_store_n(&pc->pc_used, ps->ps_index + 1,
		    __ATOMIC_RELAXED);
	__atomic_store_n(&ps->ps_file, file, __ATOMIC_RELAXED);
	__atomic_store_n(&ps->ps_line, (uint32_t)line, __ATOMIC_RELAXED);
	__atomic_store_n(&ps->ps_target, target, __ATOMIC_RELEASE);
	pr->pr_slot = ps;
}

/*
 * Wake the threads that wait for references.  A caller that may not sleep does
 * not take the lock; if its wakeup comes just before a waiter begins to sleep,
 * the waiter's short timeout makes up for it.
 */
static void
__attribute__((__noinline__))
wake_destroyers(struct kern *k)
{

	if (curcpu() != NULL || pserialize_in_read()) {
		host_cond_broadcast(k->k_host, &k->k_psref_cv);
		return;
	}
	host_mutex_lock(k->k_host, &k->k_psref_lock);
	host_cond_broadcast(k->k_host, &k->k_psref_cv);
	host_mutex_unlock(k->k_host, &k->k_psref_lock);
}

void
psref_release(struct kern *k, struct psref *pr)
{
	struct psref_slot *ps = pr->pr_slot;
	struct psref_thread *pt = host_curthread->ht_kern;
	struct psref_chunk *pc;

	if (ps == NULL) {
		(void)__atomic_fetch_sub(shared_count(pr->pr_target), 1,
		    __ATOMIC_ACQ_REL);
		/* The target may be gone now, but not the kern. */
		wake_destroyers(k);
		return;
	}
	KASSERT(ps->ps_target == pr->pr_target);
	/* Counted before it can be seen. */
	__atomic_store_n(&pt->pt_releases, pt->pt_releases + 1,
	    __ATOMIC_RELEASE);
	__atomic_store_n(&ps->ps_target, NULL, __ATOMIC_RELEASE);
	__asm__ volatile("" ::: "memory");
	pc = (struct psref_chunk *)(void *)((char *)(ps - ps->ps_index) -
	    offsetof(struct psref_chunk, pc_slot));
	pc->pc_free |= 1ULL << ps->ps_index;
	pr->pr_slot = NULL;
	pr->pr_target = NULL;
	if (__atomic_load_n(&pt->pt_watched, __ATOMIC_RELAXED) != 0)
		wake_destroyers(k);
}

/* How many slots of a chunk a scan reads: few threads ever hold many. */
static inline uint32_t
used_slots(const struct psref_chunk *pc)
{

	return __atomic_load_n(&pc->pc_used, __ATOMIC_ACQUIRE);
}

/* The thread's first slot with a reference on it, or NULL. */
static struct psref_slot *
find_slot(struct psref_thread *pt, const struct psref_target *target)
{
	struct psref_chunk *pc;
	uint32_t used;

	for (pc = &pt->pt_first; pc != NULL;
	    pc = __atomic_load_n(&pc->pc_next, __ATOMIC_ACQUIRE)) {
		used = used_slots(pc);
		for (uint32_t i = 0; i < used; i++) {
			if (__atomic_load_n(&pc->pc_slot[i].ps_target,
			    __ATOMIC_ACQUIRE) == target)
				return &pc->pc_slot[i];
		}
	}
	return NULL;
}

bool
psref_held(struct kern *k, const struct psref_target *target)
{
	struct psref_thread *pt;

	(void)k;
	pt = host_curthread != NULL ? host_curthread->ht_kern : NULL;
	if (pt != NULL && find_slot(pt, target) != NULL)
		return true;
	return __atomic_load_n(shared_count(target), __ATOMIC_ACQUIRE) != 0;
}

/* The state of a scan for references to a target. */
struct psref_scan {
	const struct psref_target *sc_target;
	uint64_t	 sc_releases;
	bool		 sc_found;
};

/* The holders of references to a target, for the log. */
#define HOLDERS_MAX	32

struct psref_holders {
	const struct psref_target *ph_target;
	unsigned	 ph_n;		/* also holders beyond the array */
	struct psref_holder {
		char		 ph_thread[16];
		const char	*ph_file;
		uint32_t	 ph_line;
	}		 ph_holder[HOLDERS_MAX];
};

static struct psref_thread *
thread_state(struct host_thread *t)
{

	return __atomic_load_n((struct psref_thread **)(void *)&t->ht_kern,
	    __ATOMIC_ACQUIRE);
}

static bool
watch_one(struct host_thread *t, void *arg)
{
	struct psref_thread *pt = thread_state(t);

	(void)arg;
	if (pt != NULL)
		(void)__atomic_fetch_add(&pt->pt_watched, 1, __ATOMIC_RELAXED);
	return true;
}

/* A thread that began after the scan did not have its count raised; the count
 * never goes below 0. */
static bool
unwatch_one(struct host_thread *t, void *arg)
{
	struct psref_thread *pt = thread_state(t);
	uint32_t n;

	(void)arg;
	if (pt == NULL)
		return true;
	n = __atomic_load_n(&pt->pt_watched, __ATOMIC_RELAXED);
	while (n > 0 && !__atomic_compare_exchange_n(&pt->pt_watched, &n,
	    n - 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		continue;
	return true;
}

static bool
sum_releases(struct host_thread *t, void *arg)
{
	struct psref_thread *pt = thread_state(t);
	struct psref_scan *sc = arg;

	if (pt != NULL)
		sc->sc_releases += __atomic_load_n(&pt->pt_releases,
		    __ATOMIC_ACQUIRE);
	return true;
}

static bool
scan_one(struct host_thread *t, void *arg)
{
	struct psref_thread *pt = thread_state(t);
	struct psref_scan *sc = arg;

	if (pt == NULL || find_slot(pt, sc->sc_target) == NULL)
		return true;
	sc->sc_found = true;
	return false;
}

/* Is there a reference? */
static bool
scan(struct host *h, struct psref_scan *sc, struct psref_target *target)
{
	uint64_t before;

	do {
		sc->sc_target = target;
		sc->sc_found = false;
		sc->sc_releases = 0;
		host_thread_foreach(h, sum_releases, sc);
		before = sc->sc_releases;
		if (__atomic_load_n(&target->pt_shared, __ATOMIC_ACQUIRE) != 0)
			return true;
		host_thread_foreach(h, scan_one, sc);
		if (sc->sc_found)
			return true;
		sc->sc_releases = 0;
		host_thread_foreach(h, sum_releases, sc);
	} while (sc->sc_releases != before ||
	    __atomic_load_n(&target->pt_shared, __ATOMIC_ACQUIRE) != 0);
	return false;
}

static bool
list_holders(struct host_thread *t, void *arg)
{
	struct psref_thread *pt = thread_state(t);
	struct psref_holders *ph = arg;
	struct psref_holder *one;
	struct psref_chunk *pc;
	struct psref_slot *ps;
	uint32_t used;

	for (pc = pt == NULL ? NULL : &pt->pt_first; pc != NULL;
	    pc = __atomic_load_n(&pc->pc_next, __ATOMIC_ACQUIRE)) {
		used = used_slots(pc);
		for (uint32_t i = 0; i < used; i++) {
			ps = &pc->pc_slot[i];
			if (__atomic_load_n(&ps->ps_target,
			    __ATOMIC_ACQUIRE) != ph->ph_target ||
			    ph->ph_n++ >= HOLDERS_MAX)
				continue;
			one = &ph->ph_holder[ph->ph_n - 1];
			memcpy(one->ph_thread, t->ht_name,
			    sizeof(one->ph_thread));
			one->ph_file = __atomic_load_n(&ps->ps_file,
			    __ATOMIC_RELAXED);
			one->ph_line = __atomic_load_n(&ps->ps_line,
			    __ATOMIC_RELAXED);
		}
	}
	return true;
}

/* Log every reference there is now, with its thread and the line that took
 * it. */
static void
report(struct kern *k, const struct psref_target *target, const char *what)
{
	struct psref_holders ph = { .ph_target = target };
	uint32_t counted = __atomic_load_n(&target->pt_shared,
	    __ATOMIC_ACQUIRE);

	/* Holders are collected under the lock of the list of threads, and
	 * logged after it is released. */
	host_thread_foreach(k->k_host, list_holders, &ph);
	for (unsigned i = 0; i < ph.ph_n && i < HOLDERS_MAX; i++)
		klog(k, KLOG_WARNING, "%s: cannot be destroyed yet: "
		    "thread %s holds a reference since %s:%u", what,
		    ph.ph_holder[i].ph_thread, ph.ph_holder[i].ph_file,
		    ph.ph_holder[i].ph_line);
	if (ph.ph_n > HOLDERS_MAX)
		klog(k, KLOG_WARNING, "%s: cannot be destroyed yet: %u more "
		    "references are held", what, ph.ph_n - HOLDERS_MAX);
	if (counted != 0)
		klog(k, KLOG_WARNING, "%s: cannot be destroyed yet: "
		    "%u counted references are held", what, counted);
}

void
psref_target_destroy(struct kern *k, struct psref_target *target,
    const char *what)
{
	struct host *h = k->k_host;
	struct psref_scan sc;
	uint64_t wait_ns = NS_PER_MS, logged;

	KASSERT(curcpu() == NULL && !pserialize_in_read());
	KASSERT(!psref_target_destroying(target));
	__atomic_store_n(&target->pt_destroying, 1, __ATOMIC_RELEASE);
	wait_for_readers(h);
	if (!scan(h, &sc, target))
		return;

	host_thread_foreach(h, watch_one, NULL);
	/* Every thread has passed a barrier when this is done. */
	wait_for_readers(h);
	logged = host_clock(h);
	host_mutex_lock(h, &k->k_psref_lock);
	while (scan(h, &sc, target)) {
		if (host_clock(h) - logged >= NS_PER_SEC) {
			report(k, target, what);
			logged += NS_PER_SEC;
		}
		/* The timeout is short at first, in case a wakeup was
		 * missed. */
		(void)host_cond_wait(h, &k->k_psref_cv, &k->k_psref_lock,
		    wait_ns);
		wait_ns = wait_ns * 2 < NS_PER_SEC ? wait_ns * 2 : NS_PER_SEC;
	}
	host_mutex_unlock(h, &k->k_psref_lock);
	host_thread_foreach(h, unwatch_one, NULL);
}
