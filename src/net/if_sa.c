/*
 * Socket addresses in the records of requests.
 */

#include "net/domain.h"
#include "net/if_ioctl_impl.h"

#include <errno.h>
#include <string.h>

int
if_sa_refuse(int error, int family)
{

	return kern_refuse(error, "no protocol of the address's family (%d) "
	    "is built in", family);
}

int
if_sa_size(struct vnet *vn, const struct sockaddr *sa, size_t *len)
{
	const struct domain *dom;

	*len = sizeof(struct sockaddr_dl);
	if (sa->sa_family != AF_LINK) {
		dom = domain_find(vn, sa->sa_family);
		if (dom == NULL)
			return if_sa_refuse(EAFNOSUPPORT, sa->sa_family);
		*len = dom->dom_salen;
	}
	return 0;
}

int
if_sa_put(struct vnet *vn, void *to, size_t room, const struct sockaddr *sa)
{
	size_t len;
	int error;

	error = if_sa_size(vn, sa, &len);
	if (error != 0)
		return error;
	if (len > room)
		return kern_refuse(EFBIG, "the address does not fit into the "
		    "record of the request");
	memcpy(to, sa, len);
	memset((char *)to + len, 0, room - len);
	return 0;
}

int
ifreq_setaddr(struct vnet *vn, struct ifreq *ifr, const struct sockaddr *sa)
{

	return if_sa_put(vn, &ifr->ifr_ifru, sizeof(ifr->ifr_ifru), sa);
}
