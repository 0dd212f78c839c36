/*
 * The life of a struct kern.
 */

#include "kern/kern_private.h"
#include "kern/cpu_job.h"
#include "kern/ktask.h"
#include "kern/kturn.h"
#include "kern/kuser.h"

#include <errno.h>
#include <unistd.h>

/* Undo kern_create() as far as it got; CPUs and reclaim are stopped. */
/* An unprivileged client that asks for nothing is disconnected after it. */
#define CLIENT_IDLE_S	3600

static void
kern_free(struct kern *k)
{
	struct host *h = k->k_host;

	for (unsigned i = 0; i < k->k_ncpu; i++)
		cpu_destroy(k, i);
	KASSERT(k->k_nsoftints == 0);
	mbuf_pool_destroy(k);
	khash_fini(&k->k_vnet_names);
	kslab_destroy(k);
	cpu_job_destroy(k);
	kturn_destroy(k);
	kuser_destroy(k);
	host_cond_destroy(h, &k->k_done_cv);
	host_mutex_destroy(h, &k->k_done_lock);
	host_mutex_destroy(h, &k->k_xcall_lock);
	host_mutex_destroy(h, &k->k_module_lock);
	host_cond_destroy(h, &k->k_vnet_cv);
	host_mutex_destroy(h, &k->k_vnet_lock);
	host_cond_destroy(h, &k->k_klock_cv);
	host_mutex_destroy(h, &k->k_klock_lock);
	host_cond_destroy(h, &k->k_psref_cv);
	host_mutex_destroy(h, &k->k_psref_lock);
	host_free(h, k);
}

static struct kern *
kern_alloc(struct host *h, const struct kern_config *kc)
{
	struct kern *k;

	k = host_alloc(h, sizeof(*k), 64);
	if (k == NULL)
		return NULL;
	k->k_host = h;
	k->k_config = *kc;
	k->k_threaded = kc->kc_ncpu > 0;
	k->k_ncpu = k->k_threaded ? kc->kc_ncpu : 1;
	/* The process's own identity is no part of the host: it never fails
	 * and is the same in a simulation. */
	k->k_uid = geteuid();
	k->k_admin_gid = (gid_t)-1;
	k->k_log_level = KLOG_INFO;
	k->k_vnet_nextid = VNET_ID_FIRST;
	TAILQ_INIT(&k->k_vnets);
	vnet_names_init(k);
	k->k_share[MBUF_SHARE_LOCAL].ms_percent = 25;
	k->k_share[MBUF_SHARE_FRAGMENTS].ms_percent = 25;
	k->k_share[MBUF_SHARE_NEIGHBOURS].ms_percent = 12;
	k->k_share[MBUF_SHARE_PINGS].ms_percent = 25;
	host_mutex_init(h, &k->k_klock_lock);
	host_cond_init(h, &k->k_klock_cv);
	host_mutex_init(h, &k->k_psref_lock);
	host_cond_init(h, &k->k_psref_cv);
	host_mutex_init(h, &k->k_vnet_lock);
	host_cond_init(h, &k->k_vnet_cv);
	host_mutex_init(h, &k->k_module_lock);
	host_mutex_init(h, &k->k_xcall_lock);
	host_mutex_init(h, &k->k_done_lock);
	host_cond_init(h, &k->k_done_cv);
	return k;
}

int
kern_create(struct host *h, const struct kern_config *kc, struct kern **kp)
{
	struct kern *k;
	unsigned started = 0;
	int error;

	if (kc->kc_ncpu > CPU_MAX || kc->kc_mbufs == 0)
		return EINVAL;
	if (host_thread_attach(h) == NULL)
		return ENOMEM;
	k = kern_alloc(h, kc);
	if (k == NULL)
		return ENOMEM;
	error = kslab_create(k);
	if (error != 0)
		goto fail;
	k->k_client_idle_s = CLIENT_IDLE_S;
	error = kuser_create(k);
	if (error != 0)
		goto fail;
	error = kturn_create(k);
	if (error != 0)
		goto fail;
	error = cpu_job_create(k);
	if (error != 0)
		goto fail;
	error = mbuf_pool_create(k);
	if (error != 0)
		goto fail;
	for (unsigned i = 0; i < k->k_ncpu; i++) {
		error = cpu_create(k, i);
		if (error != 0)
			goto fail;
	}
	error = reclaim_create(k);
	if (error != 0)
		goto fail;
	error = ktask_create(k);
	if (error != 0)
		goto fail_reclaim;
	for (; k->k_threaded && started < k->k_ncpu; started++) {
		error = cpu_start(k->k_cpu[started]);
		if (error != 0)
			goto fail_stop;
	}
	*kp = k;
	return 0;

fail_stop:
	while (started > 0)
		cpu_stop(k->k_cpu[--started]);
	ktask_destroy(k);
fail_reclaim:
	reclaim_destroy(k);
fail:
	kern_free(k);
	return error;
}

void
kern_park(struct kern *k)
{

	KASSERT(curcpu() == NULL);
	if (!k->k_threaded)
		return;
	/* Deferred functions may need the CPUs: run them first. */
	kern_defer_barrier(k);
	for (unsigned i = 0; i < k->k_ncpu; i++)
		cpu_stop(k->k_cpu[i]);
	ktask_stop(k);
	reclaim_stop(k);
	k->k_threaded = false;
}

void
kern_destroy(struct kern *k)
{
	unsigned lost;

	KASSERT(curcpu() == NULL);
	KASSERT(TAILQ_EMPTY(&k->k_vnets));
	/* Deferred functions may need the CPUs: run them first. */
	kern_defer_barrier(k);
	if (!k->k_threaded)
		kern_run(k);
	if (k->k_modules_unload != NULL)
		k->k_modules_unload(k);
	kern_park(k);
	kern_run(k);
	ktask_destroy(k);
	reclaim_destroy(k);
	lost = mbuf_total(k) - mbuf_free_count(k);
	if (lost != 0)
		klog(k, KLOG_ERR, "%u packet buffers were never freed", lost);
	kern_free(k);
}

/* The wall clock was set if its offset from the monotonic clock changes by more
 * than this. */
#define CLOCK_STEP_NS	1000000
/* The longest time between two readings of a clock; more means that the thread
 * was interrupted. */
#define CLOCK_READ_NS	100000

uint64_t
kern_wall_offset(struct kern *k)
{
	uint64_t old = __atomic_load_n(&k->k_wall_offset, __ATOMIC_RELAXED);
	uint64_t before, after, offset = old;

	for (int i = 0; i < 3; i++) {
		before = host_clock(k->k_host);
		offset = host_wallclock(k->k_host) - before;
		after = host_clock(k->k_host);
		if (after - before < CLOCK_READ_NS)
			break;
	}
	if (old != 0 && offset - old + CLOCK_STEP_NS <= 2 * CLOCK_STEP_NS)
		return old;
	if (__atomic_compare_exchange_n(&k->k_wall_offset, &old, offset,
	    false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return offset;
	return old;
}
