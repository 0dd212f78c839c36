/*
 * The prefixes of interfaces' addresses.
 */

#include "net/if_addr_net.h"

#include "net/route.h"

static const struct if_lens *
lens_of(const struct if_nets *in, const struct prefix *pf)
{

	return &in->in_lens[pf->pf_family == AF_INET6];
}

static uint32_t
hash_of(const void *obj)
{
	const struct protoaddr *pa = obj;
	const struct prefix pf = pa_prefix(pa);

	return rt_prefix_hash(&pf);
}

void
if_nets_init(struct kern *k, struct if_nets *in)
{

	memset(in, 0, sizeof(*in));
	khash_init(k, &in->in_hash, hash_of);
}

void
if_nets_fini(struct if_nets *in)
{

	KASSERT(in->in_hash.kh_count == 0);
	khash_fini(&in->in_hash);
}

/* l: one prefix of a length more, or less. */
static void
count(struct if_nets *in, const struct prefix *pf, bool more)
{
	struct if_lens *il = &in->in_lens[pf->pf_family == AF_INET6];
	uint64_t *word = &il->il_set[pf->pf_len >> 6];
	uint64_t bit = UINT64_C(1) << (pf->pf_len & 63);

	il->il_count[pf->pf_len] += more ? 1u : -1u;
	__atomic_store_n(word, il->il_count[pf->pf_len] != 0 ? *word | bit :
	    *word & ~bit, __ATOMIC_RELEASE);
}

int
if_nets_insert(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);
	int error;

	count(in, &pf, true);
	error = khash_insert(&in->in_hash, rt_prefix_hash(&pf), pa);
	if (error != 0)
		count(in, &pf, false);
	return error;
}

void
if_nets_remove(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);

	khash_remove(&in->in_hash, rt_prefix_hash(&pf), pa);
	count(in, &pf, false);
}

void
if_nets_replace(struct if_nets *in, struct protoaddr *old,
    struct protoaddr *new)
{
	const struct prefix pf = pa_prefix(old);

	khash_replace(&in->in_hash, rt_prefix_hash(&pf), old, new);
}

struct protoaddr *
if_nets_find(const struct if_nets *in, const struct prefix *pf)
{
	struct protoaddr *pa;
	struct khash_iter it;
	struct prefix has;

	for (pa = khash_first(&in->in_hash, rt_prefix_hash(pf), &it);
	    pa != NULL; pa = khash_next(&it)) {
		has = pa_prefix(pa);
		if (prefix_is(&has, pf))
			break;
	}
	return pa;
}

/* The longest length in use below len; -1: none. */
static int
next_len(const struct if_lens *il, unsigned len)
{
	uint64_t set;

	for (unsigned w = 3; w-- > 0;) {
		if (len <= w * 64)
			continue;
		set = __atomic_load_n(&il->il_set[w], __ATOMIC_ACQUIRE);
		if (len - w * 64 < 64)
			set &= (UINT64_C(1) << (len - w * 64)) - 1;
		if (set != 0)
			return (int)(w * 64 + 63) - __builtin_clzll(set);
	}
	return -1;
}

struct protoaddr *
if_nets_longest(const struct if_nets *in, const struct prefix *pf,
    unsigned *len)
{
	const struct if_lens *il = lens_of(in, pf);
	struct prefix cut = *pf;
	struct protoaddr *pa;
	int next;

	while ((next = next_len(il, *len)) >= 0) {
		*len = (unsigned)next;
		if (*len > pf->pf_len)
			continue;
		prefix_cut(&cut, *len);
		pa = if_nets_find(in, &cut);
		if (pa != NULL)
			return pa;
	}
	return NULL;
}
