/*
 * if_index: the index table of a vnet, and walks of all its interfaces.
 */

#ifndef NET_IF_INDEX_IMPL_H
#define NET_IF_INDEX_IMPL_H

#include <ifnet/if.h>

#include "net/if_vnet_impl.h"

/* if_index.c: l: held. */
int	if_index_alloc(struct if_vnet *, struct vnet *, struct ifnet *);
void	if_index_publish(struct if_vnet *, struct ifnet *);
void	if_index_remove(struct if_vnet *, struct ifnet *);
void	if_index_free(struct if_vnet *, struct ifnet *);
void	if_index_init(struct vnet *);
void	if_index_fini(struct vnet *);

/* Walk all interfaces with l: taken and dropped around batches; each is
 * held while fn runs.  Control.  Returns fn's first nonzero value. */
/* The first from *index on, held; *index becomes the one after it. */
struct ifnet *if_get_from(struct vnet *, unsigned *index, struct psref *);
int	if_foreach(struct vnet *, int (*fn)(struct ifnet *, void *), void *);

#endif /* !NET_IF_INDEX_IMPL_H */
