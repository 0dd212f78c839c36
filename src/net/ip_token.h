/*
 * ip_token: limits per second, for all families.  A limit's tokens come with
 * time, a second's worth at most.
 */

#ifndef NET_IP_TOKEN_H
#define NET_IP_TOKEN_H

#include <stdbool.h>
#include <stdint.h>

struct vnet;

/* A limit per second, with as many at once at most.  The owner's lock, or one
 * CPU's. */
struct ip_tokens {
	uint64_t	 it_ns;		/* when tokens were last added */
	uint64_t	 it_tokens;	/* thousandths */
};

/* CPU: take a token of a limit per second; a limit <0 allows all, 0 none. */
bool	ip_token_take(struct ip_tokens *, uint64_t now, int64_t persec);
/* CPU: give a token back that was just taken. */
void	ip_token_give(struct ip_tokens *);
/* CPU: likewise of a limit of a vnet that its CPUs share; each has its own
 * tokens, IP_TOKENS_STRIDE apart. */
#define IP_TOKENS_STRIDE	4
bool	ip_token_take_share(const struct vnet *, struct ip_tokens *,
	    int64_t persec);

#endif /* !NET_IP_TOKEN_H */
