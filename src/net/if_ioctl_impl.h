/*
 * if_ioctl: what answers a request to an interface, and addresses in records.
 */

#ifndef NET_IF_IOCTL_IMPL_H
#define NET_IF_IOCTL_IMPL_H

#include <ifnet/if.h>

/* if_text.c: i: SIOC[GS]IFDESCR, SIOC[GS]LINKSTR. */
int	if_text_ioctl(struct ifnet *, unsigned long, struct ifreq *);

/* if_conf.c: SIOCGIFCONF, with records of a name and addrlen bytes.  EINVAL. */
int	if_conf(struct vnet *, void *data, size_t datalen, size_t addrlen);

/* if_ioctl_common.c: i: SIOCSIFMTU.  EINVAL; ENETRESET: it is another one. */
int	if_mtu_set(struct ifnet *, int32_t);

/* if_table.c: i: SIOCSIFTABLE.  EINVAL, ENOSPC, ENOMEM; EEXIST: an address is
 * another interface's there.  Nothing is changed then. */
int	if_table_set(struct ifnet *, int32_t number);

/* if_sa.c: EFBIG, EAFNOSUPPORT. */
int	ifreq_setaddr(struct vnet *, struct ifreq *, const struct sockaddr *);
/* Refuse an address, in words, for its family, of which no protocol is built
 * in; returns the errno. */
int	if_sa_refuse(int error, int family);
/* Bytes of an address of its family.  EAFNOSUPPORT. */
int	if_sa_size(struct vnet *, const struct sockaddr *, size_t *len);
/* An address into `room' bytes, zeroes behind.  EAFNOSUPPORT, EFBIG. */
int	if_sa_put(struct vnet *, void *to, size_t room,
	    const struct sockaddr *);
/* if_cap.c: i: SIOCSIFCAP.  EINVAL; ENETRESET: others are enabled, and the
 * interface is up. */
int	if_cap_set(struct ifnet *, const struct ifcapreq *);
/* if_csum_tx as these IFCAP_* make it: what the packet path asks.  The driver's
 * own bits are kept. */
uint32_t if_csum_tx(const struct ifnet *, uint64_t capenable);

#endif /* !NET_IF_IOCTL_IMPL_H */
