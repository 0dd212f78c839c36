/*
 * dev: the built-in drivers, for the composer of a stack (src/stack).
 */

#ifndef DEV_DEV_H
#define DEV_DEV_H

#include <ifnet/if_clone.h>

#include "kern/vnet.h"

/*
 * Gives every vnet the built-in cloners and its lo0 (up, 127.0.0.1/8).  Its row
 * comes after all domains.
 */
extern const struct vnet_subsys dev_subsys;

extern const struct if_clone lo_cloner;
extern const struct if_clone pair_cloner;
extern const struct if_clone pg_cloner;
extern const struct if_clone tap_cloner;

#endif /* !DEV_DEV_H */
