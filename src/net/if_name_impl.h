/*
 * if_name: names of interfaces: the table of a vnet, what a name may look like,
 * renaming.
 */

#ifndef NET_IF_NAME_IMPL_H
#define NET_IF_NAME_IMPL_H

#include <ifnet/if.h>

#include "net/if_vnet_impl.h"

/* if_name.c: l: held. */
void	if_name_init(struct vnet *);
int	if_name_insert(struct if_vnet *, struct ifnet *);
void	if_name_remove(struct if_vnet *, struct ifnet *);
/* "tap3" -> 3 and the length of "tap"; EINVAL. */
int	if_name_split(const char *name, unsigned *unit, size_t *baselen);
/* 1 to 15 letters, digits, - _ . with a letter among them, not - in front, and
 * neither "any" nor "help". */
bool	if_name_valid(const char *name);

/* Control: refuse a name, in words: EINVAL (no interface can have it), ENXIO
 * (none has it), EEXIST (an interface has it). */
int	if_name_refuse(const char *name);
int	if_name_unknown(const char *name);
int	if_name_taken(const char *name);
/* Any: the number that all of the text is; false: it is none, or too big. */
bool	if_name_number(const char *text, unsigned *n);
/* Any: its name, whole whatever happens to it. */
void	if_name_copy(const struct ifnet *, char name[IFNAMSIZ]);
/* l: give it another valid name: a lookup finds it by one of the two at every
 * moment, and by one alone.  EEXIST, EINVAL, ENOMEM. */
int	if_name_change(struct if_vnet *, struct ifnet *, const char *);
/* if_rename.c: i: SIOCSIFNAME; announced when it can be found so. */
int	if_rename(struct ifnet *, const char *);
/* Like ifunit(), for a name not digits, and finding deactivated ones too. */
struct ifnet *if_name_lookup(struct if_vnet *, const char *name);

#endif /* !NET_IF_NAME_IMPL_H */
