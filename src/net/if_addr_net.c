/*
 * The prefixes of interfaces' addresses.
 */

#include "net/if_addr_net.h"

#include "net/route.h"

static uint32_t
hash_of(const void *obj)
{
	const struct protoaddr *pa = obj;
	const struct prefix pf = pa_prefix(pa);

	return rt_prefix_hash(&pf);
}

int
if_nets_init(struct kern *k, struct if_nets *in)
{

	memset(in, 0, sizeof(*in));
	khash_init(k, &in->in_ip6, hash_of);
	return lpm_init(k, &in->in_ip4);
}

void
if_nets_fini(struct if_nets *in)
{

	KASSERT(in->in_ip6.kh_count == 0);
	khash_fini(&in->in_ip6);
	lpm_fini(&in->in_ip4);
}

/* --- IPv6 ---------------------------------------------------------------- */

/* l: one prefix of a length more, or less. */
static void
count(struct if_nets *in, unsigned len, bool more)
{
	uint64_t *word = &in->in_lens[len >> 6];
	uint64_t bit = UINT64_C(1) << (len & 63);

	in->in_count[len] += more ? 1u : -1u;
	__atomic_store_n(word, in->in_count[len] != 0 ? *word | bit :
	    *word & ~bit, __ATOMIC_RELEASE);
}

/* The next length in use below len; -1: none. */
static int
next_len(const struct if_nets *in, unsigned len)
{
	uint64_t set;

	for (unsigned w = 3; w-- > 0;) {
		if (len <= w * 64)
			continue;
		set = __atomic_load_n(&in->in_lens[w], __ATOMIC_ACQUIRE);
		if (len - w * 64 < 64)
			set &= (UINT64_C(1) << (len - w * 64)) - 1;
		if (set != 0)
			return (int)(w * 64 + 63) - __builtin_clzll(set);
	}
	return -1;
}

static struct protoaddr *
find6(const struct if_nets *in, const struct prefix *pf)
{
	struct protoaddr *pa;
	struct khash_iter it;
	struct prefix has;

	for (pa = khash_first(&in->in_ip6, rt_prefix_hash(pf), &it);
	    pa != NULL; pa = khash_next(&it)) {
		has = pa_prefix(pa);
		if (prefix_is(&has, pf))
			break;
	}
	return pa;
}

static struct protoaddr *
longest6(const struct if_nets *in, const struct prefix *pf, unsigned *len)
{
	struct prefix cut = *pf;
	struct protoaddr *pa;
	int next;

	while ((next = next_len(in, *len)) >= 0) {
		*len = (unsigned)next;
		if (*len > pf->pf_len)
			continue;
		prefix_cut(&cut, *len);
		pa = find6(in, &cut);
		if (pa != NULL)
			return pa;
	}
	return NULL;
}

/* --- IPv4 ---------------------------------------------------------------- */

/* The first address of a prefix, or NULL. */
static struct protoaddr *
lpm_pa(const struct lpm_entry *le)
{

	return le == NULL ? NULL : (struct protoaddr *)((uintptr_t)le -
	    offsetof(struct protoaddr, pa_net));
}

static struct protoaddr *
longest4(const struct if_nets *in, const struct prefix *pf, unsigned *len)
{
	uint32_t key = prefix_addr4(pf);
	struct lpm_entry *le;

	if (*len > PREFIX_BITS4 && pf->pf_len == PREFIX_BITS4) {
		le = lpm_lookup(&in->in_ip4, key);
		*len = le == NULL ? 0 : le->le_len;
		return lpm_pa(le);
	}
	while ((*len)-- > 0) {
		le = *len > pf->pf_len ? NULL : lpm_find(&in->in_ip4,
		    key & prefix_mask(*len), *len);
		if (le != NULL)
			return lpm_pa(le);
	}
	*len = 0;
	return NULL;
}

/* --- both ---------------------------------------------------------------- */

int
if_nets_insert(struct if_nets *in, struct protoaddr *pa)
{
	int error;

	if (pa->pa_family == AF_INET)
		return lpm_insert(&in->in_ip4, &pa->pa_net);
	error = khash_insert(&in->in_ip6, hash_of(pa), pa);
	if (error == 0)
		count(in, pa->pa_len, true);
	return error;
}

void
if_nets_remove(struct if_nets *in, struct protoaddr *pa)
{

	if (pa->pa_family == AF_INET) {
		lpm_remove(&in->in_ip4, &pa->pa_net);
		return;
	}
	khash_remove(&in->in_ip6, hash_of(pa), pa);
	count(in, pa->pa_len, false);
}

void
if_nets_replace(struct if_nets *in, struct protoaddr *old,
    struct protoaddr *new)
{

	if (old->pa_family == AF_INET)
		lpm_replace(&in->in_ip4, &old->pa_net, &new->pa_net);
	else
		khash_replace(&in->in_ip6, hash_of(old), old, new);
}

struct protoaddr *
if_nets_find(const struct if_nets *in, const struct prefix *pf)
{

	return pf->pf_family == AF_INET ? lpm_pa(lpm_find(&in->in_ip4,
	    prefix_addr4(pf), pf->pf_len)) : find6(in, pf);
}

struct protoaddr *
if_nets_longest(const struct if_nets *in, const struct prefix *pf,
    unsigned *len)
{

	return pf->pf_family == AF_INET ? longest4(in, pf, len) :
	    longest6(in, pf, len);
}
