/*
 * The cache of path MTUs: places by a hash that nobody outside can aim at.
 */

#include "netinet/pmtu.h"

#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kern/siphash.h"
#include "kern/sysctl.h"
#include "kern/vnet.h"
#include "net/if_vnet_impl.h"
#include "net/ip_token.h"

#define SECOND	UINT64_C(1000000000)

struct pmtu_cache {
	struct kspin	 pc_lock;
	struct siphash_key pc_key;	/* constant */
	struct ip_tokens pc_tokens;	/* pc_lock */
	struct pmtu_note pc_note[PMTU_SETS][PMTU_WAYS];	/* pc_lock; pn_mtu 0:
							 * none */
};

static struct pmtu_cache *
cache_of(const struct pmtu *pm)
{

	return __atomic_load_n(&pm->pm_cache, __ATOMIC_ACQUIRE);
}

static uint64_t
now_of(const struct pmtu *pm)
{

	return kern_now(pm->pm_vnet->vn_kern);
}

static int64_t
value_of(const int64_t *setting)
{

	return __atomic_load_n(setting, __ATOMIC_RELAXED);
}

/* --- places; pc_lock ------------------------------------------------------ */

static struct pmtu_note *
set_of(struct pmtu_cache *pc, uint32_t table, const union neigh_addr *dst)
{
	const uint64_t word[3] = { dst->na_words[0], dst->na_words[1], table };

	return pc->pc_note[siphash(&pc->pc_key, word, 3) % PMTU_SETS];
}

static bool
is_live(const struct pmtu_note *pn, uint64_t now)
{

	return pn->pn_mtu != 0 && pn->pn_expire_ns > now;
}

static struct pmtu_note *
find(struct pmtu_cache *pc, uint32_t table, const union neigh_addr *dst,
    uint64_t now)
{
	struct pmtu_note *pn = set_of(pc, table, dst);

	for (unsigned i = 0; i < PMTU_WAYS; i++)
		if (is_live(&pn[i], now) && pn[i].pn_table == table &&
		    neigh_addr_equal(&pn[i].pn_dst, dst))
			return &pn[i];
	return NULL;
}

static unsigned
count(const struct pmtu_cache *pc, uint64_t now)
{
	unsigned n = 0;

	for (unsigned i = 0; i < PMTU_ENTRIES; i++)
		n += is_live(&pc->pc_note[i / PMTU_WAYS][i % PMTU_WAYS], now);
	return n;
}

/* The place for a new entry: an empty one, or the oldest of those that are
 * worth no more.  NULL: there is none. */
static struct pmtu_note *
place(struct pmtu_cache *pc, const struct pmtu_note *new, uint64_t now)
{
	struct pmtu_note *pn = set_of(pc, new->pn_table, &new->pn_dst);
	struct pmtu_note *best = NULL;

	for (unsigned i = 0; i < PMTU_WAYS; i++) {
		if (!is_live(&pn[i], now))
			return &pn[i];
		if (pn[i].pn_known && !new->pn_known)
			continue;
		if (best == NULL || pn[i].pn_known < best->pn_known ||
		    (pn[i].pn_known == best->pn_known &&
		    pn[i].pn_expire_ns < best->pn_expire_ns))
			best = &pn[i];
	}
	return best;
}

/* --- messages ------------------------------------------------------------- */

static bool
put(const struct pmtu *pm, struct pmtu_cache *pc, const struct pmtu_note *new,
    uint64_t now)
{
	const int64_t *limit = new->pn_known ? &pm->pm_hiwat : &pm->pm_lowat;
	struct pmtu_note *pn;
	bool done = false;

	kspin_lock(&pc->pc_lock);
	pn = find(pc, new->pn_table, &new->pn_dst, now);
	/* Only a time without such messages makes it larger. */
	if (pn != NULL && new->pn_mtu >= pn->pn_mtu)
		goto out;
	if (!ip_token_take(&pc->pc_tokens, now, PMTU_RATE))
		goto out;
	if (pn == NULL && count(pc, now) < (uint64_t)value_of(limit))
		pn = place(pc, new, now);
	done = pn != NULL;
	if (done) {
		*pn = *new;
		pn->pn_expire_ns = now + (uint64_t)value_of(&pm->pm_timeout) *
		    SECOND;
	}
out:
	kspin_unlock(&pc->pc_lock);
	return done;
}

/* Control: the task. */
static void
make(void *arg)
{
	struct pmtu *pm = arg;
	struct kern *k = pm->pm_vnet->vn_kern;
	struct pmtu_cache *pc;
	struct pmtu_note first;

	pc = kmem_zalloc(k, sizeof(*pc));
	if (pc != NULL)
		host_random(k->k_host, &pc->pc_key, sizeof(pc->pc_key));
	/* The cache is there before another message may ask for one. */
	kspin_lock(&pm->pm_lock);
	KASSERT(cache_of(pm) == NULL);
	first = pm->pm_first;
	memset(&pm->pm_first, 0, sizeof(pm->pm_first));
	if (pc != NULL)
		__atomic_store_n(&pm->pm_cache, pc, __ATOMIC_RELEASE);
	kspin_unlock(&pm->pm_lock);
	/* Without memory the next message tries again. */
	if (pc != NULL)
		(void)put(pm, pc, &first, kern_now(k));
}

bool
pmtu_heard(struct pmtu *pm, const struct pmtu_note *new)
{
	struct pmtu_cache *pc = cache_of(pm);
	bool mine;

	if (pc != NULL)
		return put(pm, pc, new, now_of(pm));
	if (value_of(new->pn_known ? &pm->pm_hiwat : &pm->pm_lowat) <= 0)
		return false;
	kspin_lock(&pm->pm_lock);
	/* Another CPU may have had the first one, and the task may be done. */
	mine = pm->pm_first.pn_mtu == 0 && cache_of(pm) == NULL;
	if (mine)
		pm->pm_first = *new;
	kspin_unlock(&pm->pm_lock);
	if (mine)
		ktask_schedule(pm->pm_vnet->vn_kern, &pm->pm_task);
	return mine;
}

unsigned
pmtu_find_slow(const struct pmtu *pm, uint32_t table,
    const union neigh_addr *dst)
{
	struct pmtu_cache *pc = cache_of(pm);
	const struct pmtu_note *pn;
	unsigned mtu;

	kspin_lock(&pc->pc_lock);
	pn = find(pc, table, dst, now_of(pm));
	mtu = pn != NULL ? pn->pn_mtu : UINT32_MAX;
	kspin_unlock(&pc->pc_lock);
	return mtu;
}

void
pmtu_flush(struct pmtu *pm)
{
	struct pmtu_cache *pc = cache_of(pm);

	if (pc == NULL)
		return;
	kspin_lock(&pc->pc_lock);
	memset(pc->pc_note, 0, sizeof(pc->pc_note));
	kspin_unlock(&pc->pc_lock);
}

void
pmtu_init(struct vnet *vn, struct pmtu *pm, int family)
{

	pm->pm_vnet = vn;
	pm->pm_family = family;
	pm->pm_hiwat = PMTU_HIWAT;
	pm->pm_lowat = PMTU_LOWAT;
	pm->pm_timeout = PMTU_TIMEOUT_S;
	pm->pm_task.kt_fn = make;
	pm->pm_task.kt_arg = pm;
}

void
pmtu_fini(struct pmtu *pm)
{

	if (pm->pm_vnet == NULL)
		return;
	ktask_cancel(pm->pm_vnet->vn_kern, &pm->pm_task);
	kmem_free(pm->pm_vnet->vn_kern, pm->pm_cache);
	pm->pm_cache = NULL;
}

/* --- the subtree ---------------------------------------------------------- */

static const char *
prefix_of(const struct pmtu *pm)
{

	return pm->pm_family == AF_INET6 ? "net.inet6.pmtu" : "net.inet.pmtu";
}

static void
name_of(const struct pmtu *pm, const struct pmtu_note *pn,
    char name[SYSCTL_NAMESIZE])
{
	char text[INET6_ADDRSTRLEN], table[16] = "";

	(void)inet_ntop(pm->pm_family, &pn->pn_dst, text, sizeof(text));
	if (pn->pn_table != 0)
		(void)snprintf(table, sizeof(table), "@%u", pn->pn_table);
	(void)snprintf(name, SYSCTL_NAMESIZE, "%s.%s%s", prefix_of(pm), text,
	    table);
}

/* false: it is no name of an entry. */
static bool
name_parse(const struct pmtu *pm, const char *name, struct pmtu_note *pn)
{
	const char *text = name + strlen(prefix_of(pm)) + 1;
	const char *at = strchr(text, '@');
	size_t len = at != NULL ? (size_t)(at - text) : strlen(text);
	char addr[INET6_ADDRSTRLEN], again[SYSCTL_NAMESIZE];
	unsigned long table = 0;

	memset(pn, 0, sizeof(*pn));
	if (len >= sizeof(addr))
		return false;
	memcpy(addr, text, len);
	addr[len] = '\0';
	if (at != NULL)
		table = strtoul(at + 1, NULL, 10);
	if (inet_pton(pm->pm_family, addr, &pn->pn_dst) != 1 ||
	    table > UINT32_MAX)
		return false;
	pn->pn_table = (uint32_t)table;
	/* An entry has one name. */
	name_of(pm, pn, again);
	return strcmp(again, name) == 0;
}

static int
tree_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct pmtu *pm = arg;
	struct pmtu_cache *pc = cache_of(pm);
	struct pmtu_note key, *pn;
	int64_t v = 0;
	int error;

	(void)vn;
	if (pc == NULL || !name_parse(pm, name, &key))
		return ENOENT;
	kspin_lock(&pc->pc_lock);
	pn = find(pc, key.pn_table, &key.pn_dst, now_of(pm));
	if (pn != NULL)
		v = pn->pn_mtu;
	kspin_unlock(&pc->pc_lock);
	if (v == 0)
		return ENOENT;
	error = sysctl_handle_int(op, &v, 0, 0, true);
	if (error != 0 || op->so_new == NULL)
		return error;
	kspin_lock(&pc->pc_lock);
	pn = find(pc, key.pn_table, &key.pn_dst, now_of(pm));
	if (pn != NULL)
		pn->pn_mtu = 0;
	kspin_unlock(&pc->pc_lock);
	return 0;
}

static int
tree_next(struct vnet *vn, void *arg, const char *after,
    char next[SYSCTL_NAMESIZE])
{
	struct pmtu *pm = arg;
	struct pmtu_cache *pc = cache_of(pm);
	struct pmtu_note set[PMTU_WAYS];
	char name[SYSCTL_NAMESIZE], best[SYSCTL_NAMESIZE] = "";
	uint64_t now = now_of(pm);

	(void)vn;
	for (unsigned i = 0; pc != NULL && i < PMTU_SETS; i++) {
		kspin_lock(&pc->pc_lock);
		memcpy(set, pc->pc_note[i], sizeof(set));
		kspin_unlock(&pc->pc_lock);
		for (unsigned j = 0; j < PMTU_WAYS; j++) {
			if (!is_live(&set[j], now))
				continue;
			name_of(pm, &set[j], name);
			if (strcmp(name, after) > 0 && (best[0] == '\0' ||
			    strcmp(name, best) < 0))
				memcpy(best, name, sizeof(best));
		}
	}
	if (best[0] == '\0')
		return ENOENT;
	memcpy(next, best, sizeof(best));
	return 0;
}

static const char *
tree_descr(const char *name)
{

	(void)name;
	return "Bytes that packets from here have on the path there, as "
	    "routers told; 0 forgets it";
}

struct sysctl_virtual
pmtu_tree(struct pmtu *pm)
{

	return (struct sysctl_virtual){
		.sv_prefix = prefix_of(pm), .sv_handler = tree_handler,
		.sv_next = tree_next, .sv_descr = tree_descr, .sv_arg = pm,
	};
}
