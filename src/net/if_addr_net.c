/*
 * The prefixes of interfaces' addresses.
 */

#include "net/if_addr_net.h"

#include <errno.h>
#include <stddef.h>

#include "net/route.h"

static struct if_lens *
lens_of(struct if_nets *in, const struct prefix *pf)
{

	return &in->in_lens[pf->pf_family == AF_INET6];
}

/* The address that a number stands for; 0 is none. */
static struct protoaddr *
numbered(const struct if_nets *in, uint32_t number)
{
	const struct nexthop *nh;

	if (number == 0)
		return NULL;
	nh = __atomic_load_n(&__atomic_load_n(&in->in_numbers.nt_nh,
	    __ATOMIC_CONSUME)[number], __ATOMIC_CONSUME);
	return (struct protoaddr *)((uintptr_t)nh -
	    offsetof(struct protoaddr, pa_nh));
}

static uint32_t
hash_of(const void *obj)
{
	const struct protoaddr *pa = obj;
	const struct prefix pf = pa_prefix(pa);

	return rt_prefix_hash(&pf);
}

struct if_nets *
if_nets_create(struct kern *k)
{
	struct if_nets *in = kmem_zalloc(k, sizeof(*in));

	if (in == NULL)
		return NULL;
	khash_init(k, &in->in_hash, hash_of);
	return in;
}

void
if_nets_destroy(struct if_nets *in)
{
	struct kern *k = in->in_hash.kh_kern;

	KASSERT(in->in_hash.kh_count == 0);
	for (unsigned i = 0; i < 2; i++)
		if (in->in_lens[i].il_has_fib)
			fib_fini(&in->in_lens[i].il_fib);
	if (in->in_numbers.nt_nh != NULL)
		nh_table_fini(&in->in_numbers);
	khash_fini(&in->in_hash);
	kmem_free(k, in);
}

/* l: one prefix of a length more, or less. */
static void
count(struct if_nets *in, const struct prefix *pf, bool more)
{
	struct if_lens *il = lens_of(in, pf);
	uint64_t *word = &il->il_set[pf->pf_len >> 6];
	uint64_t bit = UINT64_C(1) << (pf->pf_len & 63);

	il->il_count[pf->pf_len] += more ? 1u : -1u;
	__atomic_store_n(word, il->il_count[pf->pf_len] != 0 ? *word | bit :
	    *word & ~bit, __ATOMIC_RELEASE);
}

/* --- the forwarding tables; l: ------------------------------------------- */

/* An address, the first of its prefix, is in its family's. */
static int
fib_enter(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);
	int error;

	pa->pa_net = nh_number_get(&in->in_numbers, &pa->pa_nh);
	if (pa->pa_net == 0)
		return ENOMEM;
	error = fib_add(&lens_of(in, &pf)->il_fib, &pf, pa->pa_net);
	if (error != 0) {
		nh_number_put(&in->in_numbers, pa->pa_net);
		pa->pa_net = 0;
	}
	return error;
}

/* Not any more; the shorter prefixes that are in the hash are in it, too. */
static void
fib_leave(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);
	const struct protoaddr *cover;
	unsigned len = pf.pf_len;

	cover = if_nets_longest(in, &pf, &len);
	fib_remove(&lens_of(in, &pf)->il_fib, &pf, cover == NULL ? 0 :
	    cover->pa_net, cover == NULL ? 0 : len);
	nh_number_put(&in->in_numbers, pa->pa_net);
	pa->pa_net = 0;
}

/* Call fn for all prefixes of a family and a length, until it fails. */
static int
each_of(struct if_nets *in, uint8_t family, unsigned len,
    int (*fn)(struct if_nets *, struct protoaddr *))
{
	struct protoaddr *pa;
	size_t pos = 0;
	int error = 0;

	while (error == 0 && (pa = khash_walk(&in->in_hash, &pos)) != NULL)
		if (pa->pa_family == family && pa->pa_len == len)
			error = fn(in, pa);
	return error;
}

static int
leave_one(struct if_nets *in, struct protoaddr *pa)
{

	if (pa->pa_net != 0)
		fib_leave(in, pa);
	return 0;
}

/* The family's has all prefixes of the hash from now on, the short ones first,
 * so that what covers a prefix is in it.  ENOMEM: there is none. */
static int
fib_begin(struct if_nets *in, uint8_t family)
{
	struct if_lens *il = &in->in_lens[family == AF_INET6];
	struct kern *k = in->in_hash.kh_kern;
	int error, len;

	error = in->in_numbers.nt_nh != NULL ? 0 :
	    nh_table_init(k, &in->in_numbers);
	if (error == 0)
		error = fib_init(k, &il->il_fib, family == AF_INET6);
	if (error != 0)
		return error;
	for (len = 0; len <= PREFIX_BITS6 && error == 0; len++)
		if (il->il_count[len] != 0)
			error = each_of(in, family, (unsigned)len, fib_enter);
	if (error != 0) {
		while (len-- > 0)
			if (il->il_count[len] != 0)
				(void)each_of(in, family, (unsigned)len,
				    leave_one);
		fib_fini(&il->il_fib);
		return error;
	}
	__atomic_store_n(&il->il_has_fib, true, __ATOMIC_RELEASE);
	return 0;
}

int
if_nets_insert(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);
	struct if_lens *il = lens_of(in, &pf);
	int error;

	error = khash_insert(&in->in_hash, rt_prefix_hash(&pf), pa);
	if (error != 0)
		return error;
	count(in, &pf, true);
	if (il->il_has_fib)
		error = fib_enter(in, pa);
	else if (in->in_hash.kh_count >= IF_NETS_FEW)
		error = fib_begin(in, pf.pf_family);
	if (error != 0) {
		khash_remove(&in->in_hash, rt_prefix_hash(&pf), pa);
		count(in, &pf, false);
	}
	return error;
}

void
if_nets_remove(struct if_nets *in, struct protoaddr *pa)
{
	const struct prefix pf = pa_prefix(pa);

	if (lens_of(in, &pf)->il_has_fib)
		fib_leave(in, pa);
	khash_remove(&in->in_hash, rt_prefix_hash(&pf), pa);
	count(in, &pf, false);
}

void
if_nets_replace(struct if_nets *in, struct protoaddr *old,
    struct protoaddr *new)
{
	const struct prefix pf = pa_prefix(old);

	new->pa_net = old->pa_net;
	if (new->pa_net != 0)
		nh_number_set(&in->in_numbers, new->pa_net, &new->pa_nh);
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

/* The longest prefix of an address. */
static struct protoaddr *
longest(const struct if_nets *in, const struct if_lens *il,
    const struct prefix *addr)
{
	union neigh_addr na;
	uint32_t number;

	if (addr->pf_family == AF_INET)
		number = fib4_lookup(&il->il_fib, prefix_addr4(addr));
	else {
		prefix_addr6(addr, &na);
		number = fib6_lookup(&il->il_fib, na.na_bytes);
	}
	return numbered(in, number);
}

struct protoaddr *
if_nets_longest(const struct if_nets *in, const struct prefix *pf,
    unsigned *len)
{
	const struct if_lens *il = &in->in_lens[pf->pf_family == AF_INET6];
	struct prefix cut = *pf;
	struct protoaddr *pa;
	int next;

	if (*len > pf->pf_len && pf->pf_len == prefix_bits(pf) &&
	    __atomic_load_n(&il->il_has_fib, __ATOMIC_ACQUIRE)) {
		pa = longest(in, il, pf);
		*len = pa == NULL ? 0 : pa->pa_len;
		return pa;
	}
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
