/*
 * if_module: a driver as a file of its own, loaded when it is first asked for.
 *
 * `ifconfig foo0 create', where nobody knows a "foo", loads if_foo.so, which
 * says what it is in one constant:
 *
 *	IFNET_MODULE(foo, &foo_cloner, NULL, NULL);
 *
 * Its functions then serve every vnet that asks.  It is unloaded with the last
 * of the stack, when every interface is gone.
 */

#ifndef IFNET_IF_MODULE_H
#define IFNET_IF_MODULE_H

#include <ifnet/if_clone.h>

/* Grows when something here, or in what a driver uses, changes its meaning. */
#define IFNET_MODULE_ABI	2

/*
 * The symbol that a module exports, under the name ifnet_module.
 *
 * im_init runs once after loading, in control context, and may refuse with an
 * errno; im_fini before unloading, when every vnet is gone, and leaves nothing
 * of the module where it could still be called (pollers, callouts, soft
 * interrupts).  Both may be NULL.
 */
struct ifnet_module {
	uint32_t	 im_abi;	/* IFNET_MODULE_ABI; stays first */
	uint32_t	 im_ifnet_bytes; /* what it was compiled with: */
	uint32_t	 im_mbuf_bytes;
	uint32_t	 im_ndrops;	/* drop reasons are numbers */
	const char	*im_name;	/* as in if_NAME.so */
	const struct if_clone *im_cloner; /* of that name */
	int		(*im_init)(struct kern *);
	void		(*im_fini)(struct kern *);
};

/* The one thing that has to be visible outside, whatever the flags say. */
#define IFNET_MODULE(name, cloner, init, fini)				\
	extern const struct ifnet_module ifnet_module			\
	    __attribute__((__visibility__("default")));			\
	const struct ifnet_module ifnet_module = {			\
		IFNET_MODULE_ABI, sizeof(struct ifnet),			\
		sizeof(struct mbuf), DROP_NREASONS,			\
		#name, cloner, init, fini				\
	}

#endif /* !IFNET_IF_MODULE_H */
