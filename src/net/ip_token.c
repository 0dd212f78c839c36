/*
 * Limits per second.  A limit's tokens come with time, a second's worth at
 * most.
 */

#include "net/ip_token.h"

#include "net/if_stats_impl.h"

#define TOKEN		1000	/* thousandths, so that slow rates refill */

bool
ip_token_take(struct ip_tokens *it, uint64_t now, int64_t persec)
{
	uint64_t limit, gain;

	if (persec < 0)
		return true;
	limit = (uint64_t)persec * TOKEN;
	/* Another CPU may have been here, whose time is a little ahead. */
	if (now < it->it_ns)
		now = it->it_ns;
	if (it->it_ns == 0 || now - it->it_ns >= 1000000000u) {
		it->it_tokens = limit;
		it->it_ns = now;
	} else {
		gain = (now - it->it_ns) * (uint64_t)persec / (1000000000u /
		    TOKEN);
		if (gain != 0) {
			it->it_tokens = it->it_tokens + gain < limit ?
			    it->it_tokens + gain : limit;
			it->it_ns += gain * (1000000000u / TOKEN) /
			    (uint64_t)persec;
		}
	}
	if (it->it_tokens < TOKEN)
		return false;
	it->it_tokens -= TOKEN;
	return true;
}

bool
ip_token_take_share(const struct vnet *vn, struct ip_tokens *it,
    int64_t persec)
{
	const struct cpu *ci = net_curcpu();
	unsigned ncpu = kern_ncpu(vn->vn_kern);

	if (persec > 0)
		persec = (persec + ncpu - 1) / ncpu;
	return ip_token_take(&it[ci->ci_index * IP_TOKENS_STRIDE], ci->ci_now,
	    persec);
}

void
ip_token_give(struct ip_tokens *it)
{

	it->it_tokens += TOKEN;
}
