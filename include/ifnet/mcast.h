/*
 * mcast: joining and leaving multicast groups, for programs that embed a stack
 * and for drivers.
 *
 * An interface receives the packets of the groups that it has joined.  Routers
 * and bridges of the link are told of them by MLD (RFC 3810) or IGMP (RFC
 * 3376), and a driver that filters multicast (if_ops mcastop) as well.  Joins
 * are counted: what joined a group leaves it, once for each time.
 *
 * Every interface has joined all hosts (224.0.0.1, ff02::1) and the groups that
 * its IPv6 addresses need, without being asked.
 *
 * Memberships are the interface's: they end with it, and stay here when it
 * moves to another vnet, where it begins without.
 */

#ifndef IFNET_MCAST_H
#define IFNET_MCAST_H

#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct ifnet;
struct vnet;

/*
 * Control: join a group, or leave one that was joined, on the interface of a
 * handle (if_handle).  The group is a sockaddr_in, or a sockaddr_in6, whose
 * sin6_scope_id, where its scope needs one, is the interface's index or 0.
 *
 * EINVAL: not a group; ENXIO: there is no such interface (any more);
 * EADDRNOTAVAIL: leaving a group that is not joined, or an interface that has
 * no groups; ENOBUFS: more than net.multicast.maxgroups or .maxtotal; ENOMEM;
 * or the driver's error.
 */
int	mcast_join(struct vnet *, uint64_t handle,
	    const struct sockaddr *group);
int	mcast_leave(struct vnet *, uint64_t handle,
	    const struct sockaddr *group);
/* Likewise, for the driver of an attached interface, or with its ioctl lock. */
int	mcast_join_if(struct ifnet *, const struct sockaddr *group);
int	mcast_leave_if(struct ifnet *, const struct sockaddr *group);

#pragma GCC visibility pop

#ifdef __cplusplus
}
#endif

#endif /* !IFNET_MCAST_H */
