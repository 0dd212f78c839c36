/*
 * A whole stack: which subsystems a vnet has and in which order they are set
 * up, and the calls of <ifnet/stack.h> that create, run and destroy it.
 */

#include "stack/stack_impl.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "ctl/ctl.h"
#include "dev/dev.h"
#include "kern/sysctl.h"
#include "net/bpf.h"
#include "net/filter.h"
#include "net/if_vnet_impl.h"
#include "net/neigh_cache.h"
#include "net/pfil.h"
#include "net/route.h"
#include "net/rtsock.h"
#include "netinet/in_var.h"
#include "netinet6/in6_var.h"
#include "netinet6/nd6.h"

#define MBUFS_DEFAULT		16384
#define BUSY_POLL_DEFAULT_US	50
#define NS_PER_US		1000u
#define NS_PER_MS		1000000u

/*
 * The subsystems of a vnet, in the order in which they need each other:
 * settings first, because all have some; listeners before the subsystems that
 * announce; hooks before the interfaces that they are called for; domains after
 * the layer they register with; drivers, whose interfaces use all of them,
 * last.
 */
static const struct vnet_subsys *const subsystems[] = {
	&sysctl_subsys,
	&rtsock_subsys,
	&pfil_subsys,
	&bpf_subsys,
	&filter_subsys,
	&if_subsys,
	&if_compat_subsys,
	&route_subsys,
	&if_clone_subsys,
	&neigh_subsys,
	&arp_subsys,
	&inet_subsys,
	&nd6_subsys,
	&inet6_subsys,
	&dev_subsys,
	NULL
};

/* kern's k_vnet_revoke: end every watch of a vnet that is being destroyed. */
static void
revoke(struct vnet *vn)
{
	struct ifnet_stack *st = vnet_stack(vn);

	st->st_ctl_revoke(vn);
	stack_ping_revoke(st, vn);
}

static void
translate_config(struct host *h, const struct ifnet_stack_config *sc,
    struct kern_config *kc)
{
	unsigned us;

	us = sc->busy_poll_us != 0 ? sc->busy_poll_us : BUSY_POLL_DEFAULT_US;
	memset(kc, 0, sizeof(*kc));
	kc->kc_ncpu = sc->ncpu;
	kc->kc_mbufs = sc->mbufs != 0 ? sc->mbufs : MBUFS_DEFAULT;
	/* A pinned worker cannot leave a core that it shares with others: pin
	 * only where there are enough cores. */
	kc->kc_pin = sc->ncpu < host_ncpu(h);
	kc->kc_busy_poll_ns = (uint64_t)us * NS_PER_US;
	kc->kc_subsys = subsystems;
}

static void
apply_config(struct kern *k, const struct ifnet_stack_config *sc)
{

	if (sc->admin_gid > 0)
		kauth_set_admin_group(k, (gid_t)sc->admin_gid);
	__atomic_store_n(&k->k_log_level, sc->log_level != 0 ?
	    sc->log_level : KLOG_NOTICE, __ATOMIC_RELAXED);
}

struct ifnet_stack *
ifnet_stack_create(const struct ifnet_stack_config *sc, struct ifnet_error *e)
{
	static const struct ifnet_stack_config defaults;
	struct ifnet_stack *st;
	struct kern_config kc;
	struct host *h;
	int error = ENOMEM;

	if (sc == NULL)
		sc = &defaults;
	if (sc->ncpu > CPU_MAX) {
		(void)ifnet_error_set(e, EINVAL, "no stack with %u CPUs: at "
		    "most %u can be asked for", sc->ncpu, CPU_MAX);
		return NULL;
	}
	h = sc->host != NULL ? sc->host : host_linux();
	if (host_thread_attach(h) == NULL ||
	    (st = host_alloc(h, sizeof(*st), 0)) == NULL)
		goto fail;
	st->st_host = h;
	translate_config(h, sc, &kc);
	error = kern_create(h, &kc, &st->st_kern);
	if (error != 0)
		goto fail_stack;
	apply_config(st->st_kern, sc);
	st->st_kern->k_stack = st;
	error = ctl_init(st->st_kern);
	if (error != 0)
		goto fail_kern;
	host_mutex_init(h, &st->st_lock);
	LIST_INIT(&st->st_pings);
	LIST_INIT(&st->st_locals);
	st->st_ctl_revoke = st->st_kern->k_vnet_revoke;
	st->st_kern->k_vnet_revoke = revoke;
	return st;

fail_kern:
	kern_destroy(st->st_kern);
fail_stack:
	host_free(h, st);
fail:
	(void)ifnet_error_set(e, error, "no stack with %u CPUs and %u packet "
	    "buffers: %s", sc->ncpu, sc->mbufs != 0 ? sc->mbufs :
	    MBUFS_DEFAULT, strerror(error));
	return NULL;
}

void
ifnet_stack_destroy(struct ifnet_stack *st)
{
	struct vnet *vn;
	struct host *h;

	if (st == NULL)
		return;
	h = st->st_host;
	(void)host_thread_attach(h);
	/* After this, no detach has to wait for a CPU. */
	kern_park(st->st_kern);
	while ((vn = vnet_get(st->st_kern, "")) != NULL)
		vnet_destroy_held(vn);
	stack_locals_end(st);
	ctl_fini(st->st_kern);
	kern_destroy(st->st_kern);
	host_mutex_destroy(h, &st->st_lock);
	host_free(h, st);
}

int
ifnet_stack_fd(struct ifnet_stack *st)
{

	return st->st_kern->k_threaded ? -1 : kern_fd(st->st_kern);
}

int
ifnet_stack_timeout_ms(struct ifnet_stack *st)
{
	uint64_t ns;

	if (st->st_kern->k_threaded)
		return -1;
	ns = kern_timeout_ns(st->st_kern);
	if (ns == HOST_FOREVER)
		return -1;
	/* The timeout is rounded up, or the caller would spin for its last
	 * part. */
	ns = ns / NS_PER_MS + (ns % NS_PER_MS != 0);
	return ns > INT_MAX ? INT_MAX : (int)ns;
}

void
ifnet_stack_run(struct ifnet_stack *st)
{

	(void)host_thread_attach(st->st_host);
	if (!st->st_kern->k_threaded)
		kern_run(st->st_kern);
}

/* --- vnets --------------------------------------------------------------- */

int
stack_vnet_error(const char *name, int error, struct ifnet_error *e)
{

	if (error == EEXIST)
		return ifnet_error_set(e, error, "a vnet named %s exists",
		    name);
	if (error == EINVAL)
		return ifnet_error_set(e, error, "\"%.40s\" cannot name a "
		    "vnet: a name is 1 to %d letters, digits, - _ .", name,
		    VNET_NAMESIZE - 1);
	return ifnet_error_set(e, error, "the vnet %s cannot be created: %s",
	    name, strerror(error));
}

struct vnet *
vnet_create(struct ifnet_stack *st, const char *name, struct ifnet_error *e)
{
	struct vnet *vn;
	int error = ENOMEM;

	if (host_thread_attach(st->st_host) != NULL)
		error = vnet_create_owned(st->st_kern, name, &vn);
	if (error != 0) {
		(void)stack_vnet_error(name, error, e);
		return NULL;
	}
	return vn;
}

void
vnet_destroy(struct vnet *vn)
{
	struct kern *k;

	if (vn == NULL)
		return;
	k = vn->vn_kern;
	(void)host_thread_attach(k->k_host);
	/* vnet_destroy_held() consumes a reference; the program's pointer has
	 * none. */
	host_mutex_lock(k->k_host, &k->k_vnet_lock);
	vn->vn_refs++;
	host_mutex_unlock(k->k_host, &k->k_vnet_lock);
	vnet_destroy_held(vn);
}

struct vnet *
vnet_lookup(struct ifnet_stack *st, const char *name)
{
	struct vnet *vn;

	(void)host_thread_attach(st->st_host);
	vn = vnet_get(st->st_kern, name);
	if (vn != NULL)
		vnet_put(vn);
	return vn;
}
