/*
 * A sleeping lock of one word, for objects of which there may be a million and
 * whose lock two threads hardly ever want at once.  The word is the owner; a
 * thread that has to wait marks it and sleeps on the condition that all such
 * locks share.
 */

#include "kern/kern_private.h"

#define KLOCK_WAITED	((uintptr_t)1)
/* Looks at a spin lock before the processor is yielded. */
#define SPINS		1000

static inline uintptr_t
self(void)
{

	KASSERT(host_curthread != NULL);
	return (uintptr_t)host_curthread;
}

static bool
take(struct klock *kl, uintptr_t want)
{
	uintptr_t free_ = 0;

	return __atomic_compare_exchange_n(&kl->kl_owner, &free_, want, false,
	    __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Mark the lock as waited for; false: it is free by now. */
static bool
mark(struct klock *kl)
{
	uintptr_t owner = __atomic_load_n(&kl->kl_owner, __ATOMIC_RELAXED);

	while (owner != 0 && (owner & KLOCK_WAITED) == 0)
		if (__atomic_compare_exchange_n(&kl->kl_owner, &owner,
		    owner | KLOCK_WAITED, true, __ATOMIC_RELAXED,
		    __ATOMIC_RELAXED))
			break;
	return owner != 0;
}

void
klock_lock(struct kern *k, struct klock *kl)
{

	if (take(kl, self()))
		return;
	KASSERT(!klock_owned(kl));
	host_mutex_lock(k->k_host, &k->k_klock_lock);
	/* Other threads may wait as well: they are woken with the next
	 * release. */
	while (!take(kl, self() | KLOCK_WAITED))
		if (mark(kl))
			(void)host_cond_wait(k->k_host, &k->k_klock_cv,
			    &k->k_klock_lock, HOST_FOREVER);
	host_mutex_unlock(k->k_host, &k->k_klock_lock);
}

void
klock_unlock(struct kern *k, struct klock *kl)
{
	uintptr_t mine = self();

	KASSERT(klock_owned(kl));
	if (__atomic_compare_exchange_n(&kl->kl_owner, &mine, 0, false,
	    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		return;
	host_mutex_lock(k->k_host, &k->k_klock_lock);
	__atomic_store_n(&kl->kl_owner, 0, __ATOMIC_RELEASE);
	host_cond_broadcast(k->k_host, &k->k_klock_cv);
	host_mutex_unlock(k->k_host, &k->k_klock_lock);
}

bool
klock_owned(const struct klock *kl)
{

	return host_curthread != NULL && (__atomic_load_n(&kl->kl_owner,
	    __ATOMIC_RELAXED) & ~KLOCK_WAITED) == self();
}

void
kspin_wait(struct kspin *s)
{

	struct host_thread *t = host_curthread;
	unsigned spins = 0;

	/* A holder that keeps the lock for so long is not running; it may wait
	 * for this very processor. */
	do {
		while (__atomic_load_n(&s->ks_locked, __ATOMIC_RELAXED) != 0) {
			machine_relax();
			if (++spins % SPINS == 0 && t != NULL)
				host_yield(t->ht_host);
		}
	} while (__atomic_exchange_n(&s->ks_locked, 1, __ATOMIC_ACQUIRE) != 0);
}
