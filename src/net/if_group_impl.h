/*
 * if_group: names that stand for several interfaces.
 */

#ifndef NET_IF_GROUP_IMPL_H
#define NET_IF_GROUP_IMPL_H

#include <ifnet/if.h>

/* if_group.c */
void	if_group_init(struct vnet *);
bool	if_group_valid(const char *);
/* i: SIOCAIFGROUP, SIOCDIFGROUP. */
int	if_group_ioctl(struct ifnet *, unsigned long, struct if_groupreq *);
/* Control: SIOCGIFGROUP, SIOCGIFGMEMB; datalen with the room. */
int	if_group_list(struct vnet *, unsigned long, struct if_groupreq *,
	    size_t datalen);
void	if_group_detach(struct ifnet *);	/* l: out of all of them */
/*
 * i: names of the groups it is in, at most room of them, without the first
 * `from'; how many.  The first *ndefault are those nobody put it into.
 */
unsigned if_group_names(struct ifnet *, unsigned from,
	    char (*names)[IFNAMSIZ], unsigned room, unsigned *ndefault);

#endif /* !NET_IF_GROUP_IMPL_H */
