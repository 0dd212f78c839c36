/*
 * if_link: the link state of an interface, and the queue of its changes.
 */

#ifndef NET_IF_LINK_IMPL_H
#define NET_IF_LINK_IMPL_H

#include <ifnet/if.h>

/* if_link.c */
/* if_linkq_flags */
#define IFLQ_PENDING	0x1	/* on the list */
#define IFLQ_DEAD	0x2	/* detached: takes no more */
#define IFLQ_LAST	0x4	/* dead, and item 0 is the last there was */
#define IFLQ_REPORTED	0x8	/* the state above IFLQ_SHIFT is valid */
#define IFLQ_SHIFT	6	/* as last reported, told or not */
#define IFLQ_MAX	8
int	if_link_init(struct vnet *);
void	if_link_fini(struct vnet *);
void	if_link_detach(struct ifnet *);
/* The link state of a detached interface, with every change reported to it. */
int	if_link_last(const struct ifnet *);
uint64_t if_link_lost(struct vnet *);	/* changes lost so far */
uint8_t	if_operstate(const struct ifnet *);	/* IF_OPER_*; any */
#define IF_HOLDDOWN_MAX	60000	/* ms */
/* i: a link that went down is up again only after so long in one piece; 0:
 * at once.  ENOMEM. */
int	if_link_set_holddown(struct ifnet *, uint32_t ms);
uint32_t if_link_holddown(const struct ifnet *);	/* any */
void	if_link_counts(struct ifnet *, uint64_t *coalesced, uint64_t *lost);
/* When nobody is left who could hold it down: waits. */
void	if_link_hold_detach(struct ifnet *);

#endif /* !NET_IF_LINK_IMPL_H */
