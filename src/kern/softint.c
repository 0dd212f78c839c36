/*
 * Soft interrupts: 64 handlers a kern, one pending bit for each on every CPU.
 */

#include "kern/kern_private.h"

#include <errno.h>

#define SOFTINT_MAX	64

/* All constant from establishment on. */
struct softint {
	struct kern	*si_kern;
	unsigned	 si_bit;
	void		(*si_fn)(void *);
	void		*si_arg;
	char		 si_name[16];
};

/*
 *	st_used		slots taken; st_lock
 *	st_slot		written under st_lock, atomic; read by the CPUs
 */
struct softint_table {
	struct host_mutex st_lock;
	uint64_t	 st_used;
	struct softint	*st_slot[SOFTINT_MAX];
};

int
softint_table_create(struct kern *k)
{

	k->k_softint = kmem_zalloc(k, sizeof(*k->k_softint));
	if (k->k_softint == NULL)
		return ENOMEM;
	host_mutex_init(k->k_host, &k->k_softint->st_lock);
	return 0;
}

void
softint_table_destroy(struct kern *k)
{

	if (k->k_softint == NULL)
		return;
	KASSERT(k->k_softint->st_used == 0);
	host_mutex_destroy(k->k_host, &k->k_softint->st_lock);
	kmem_free(k, k->k_softint);
}

struct softint *
softint_establish(struct kern *k, const char *name, void (*fn)(void *),
    void *arg)
{
	struct softint_table *st = k->k_softint;
	struct softint *si;

	KASSERT(curcpu() == NULL);
	si = kmem_zalloc(k, sizeof(*si));
	if (si == NULL)
		return NULL;
	si->si_kern = k;
	si->si_fn = fn;
	si->si_arg = arg;
	for (size_t i = 0; i < sizeof(si->si_name) - 1 && name[i] != '\0'; i++)
		si->si_name[i] = name[i];

	host_mutex_lock(k->k_host, &st->st_lock);
	if (st->st_used == UINT64_MAX) {
		host_mutex_unlock(k->k_host, &st->st_lock);
		kmem_free(k, si);
		return NULL;
	}
	si->si_bit = (unsigned)__builtin_ctzll(~st->st_used);
	st->st_used |= 1ULL << si->si_bit;
	__atomic_store_n(&st->st_slot[si->si_bit], si, __ATOMIC_RELEASE);
	host_mutex_unlock(k->k_host, &st->st_lock);
	return si;
}

/* On every CPU: forget what was scheduled of a handler that is going. */
static void
clear_pending(void *arg)
{
	const struct softint *si = arg;

	curcpu()->ci_softpending &= ~(1ULL << si->si_bit);
}

void
softint_disestablish(struct softint *si)
{
	struct kern *k = si->si_kern;
	struct softint_table *st = k->k_softint;

	KASSERT(curcpu() == NULL);
	__atomic_store_n(&st->st_slot[si->si_bit], NULL, __ATOMIC_RELEASE);
	/* The bit stays taken until no CPU can have it pending. */
	kern_xcall(k, clear_pending, si);
	host_mutex_lock(k->k_host, &st->st_lock);
	st->st_used &= ~(1ULL << si->si_bit);
	host_mutex_unlock(k->k_host, &st->st_lock);
	kmem_free(k, si);
}

void
softint_schedule(struct softint *si)
{
	struct cpu *ci = curcpu();

	KASSERT(ci != NULL);
	ci->ci_softpending |= 1ULL << si->si_bit;
}

bool
softint_run(struct cpu *ci)
{
	struct softint_table *st = ci->ci_kern->k_softint;
	struct softint *si;
	uint64_t pending = ci->ci_softpending;
	unsigned bit;

	if (pending == 0)
		return false;
	ci->ci_softpending = 0;
	while (pending != 0) {
		bit = (unsigned)__builtin_ctzll(pending);
		pending &= pending - 1;
		si = __atomic_load_n(&st->st_slot[bit], __ATOMIC_ACQUIRE);
		if (si != NULL)
			si->si_fn(si->si_arg);
	}
	return true;
}
