/*
 * ether_impl: what the files of the Ethernet link type share.
 *
 * Addresses are compared as numbers: the six bytes, as they lie in memory, in
 * the low 48 bits.  A header is two overlapping words of eight bytes:
 * destination and the source's first two bytes, source and type.
 */

#ifndef NET_ETHER_IMPL_H
#define NET_ETHER_IMPL_H

#include <ifnet/if_ether.h>

#include <string.h>

#define ETHER_ADDR_MASK	0xffffffffffffULL
#define ETHER_GROUP	1ULL		/* the group bit, in a number */

static inline uint64_t
ether_load8(const uint8_t *p)
{
	uint64_t w;

	memcpy(&w, p, sizeof(w));
	return w;
}

static inline void
ether_store8(uint8_t *p, uint64_t w)
{

	memcpy(p, &w, sizeof(w));
}

static inline uint64_t
ether_number(const uint8_t addr[ETHER_ADDR_LEN])
{
	uint64_t n = 0;

	memcpy(&n, addr, ETHER_ADDR_LEN);
	return n;
}

/* May 14 bytes be written in front of the data as it lies? */
static inline bool
ether_has_room(struct mbuf *m)
{

	return m->m_data - m_start(m) >= ETHER_HDR_LEN && m_writable(m);
}

/* The bytes of the priority tags between the addresses of a frame and its
 * type: tags that name no VLAN, for which the frame counts as untagged.  0 also
 * of more tags than are looked at, and of a frame that ends within them. */
unsigned ether_priority_tags(const struct mbuf *);
/* CPU: take the priority tags out of received frames, in front of those who
 * look at frames as they are without. */
void	ether_untag(struct ifnet *, struct mvec *);

/* The link type's it_input, and the same counting the packets too. */
void	ether_input(struct ifnet *, struct mvec *);
void	ether_input_count(struct ifnet *, struct mvec *);
void	ether_output(struct ifnet *, int af, struct mvec *);

/* ether_group.c.  i: SIOCADDMULTI, SIOCDELMULTI: EINVAL, EAFNOSUPPORT, ENXIO,
 * ENOMEM. */
int	ether_group_ioctl(struct ifnet *, unsigned long cmd,
	    const struct sockaddr *);
/* The link type's it_detach: all groups end. */
void	ether_group_detach(struct ifnet *);

#endif /* !NET_ETHER_IMPL_H */
