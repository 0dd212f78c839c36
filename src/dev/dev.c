/*
 * The built-in drivers of a vnet: their cloners, and the vnet's lo0.
 */

#include "dev/dev.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include <ifnet/if_clone.h>

#include "kern/vnet.h"

static const struct if_clone *const cloners[] = {
	&lo_cloner,
	&pair_cloner,
	&pg_cloner,
	&tap_cloner,
};
#define NCLONERS	(sizeof(cloners) / sizeof(cloners[0]))

/* Create lo0, up, with 127.0.0.1/8. */
static int
dev_make_lo0(struct vnet *vnet)
{
	char name[IFNAMSIZ] = "lo0";
	struct ifaliasreq ifra;
	struct sockaddr_in *sin;
	int error;

	error = if_clone_create(vnet, name, "");
	if (error != 0)
		return error;
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, name);
	sin = (struct sockaddr_in *)&ifra.ifra_addr;
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	sin = (struct sockaddr_in *)&ifra.ifra_mask;
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(0xff000000);
	error = ifioctl(vnet, &kauth_cred_self, SIOCAIFADDR, &ifra,
	    sizeof(ifra));
	if (error != 0)
		if_clone_purge(vnet, &lo_cloner);
	return error;
}

static void
dev_fini(struct vnet *vnet)
{

	for (unsigned i = NCLONERS; i-- > 0;)
		(void)if_clone_detach(vnet, cloners[i]);
}

static int
dev_init(struct vnet *vnet)
{
	unsigned i;
	int error;

	for (i = 0; i < NCLONERS; i++) {
		error = if_clone_attach(vnet, cloners[i]);
		if (error != 0)
			goto fail;
	}
	error = dev_make_lo0(vnet);
	if (error == 0)
		return 0;
fail:
	dev_fini(vnet);
	return error;
}

const struct vnet_subsys dev_subsys = {
	.vs_name = "dev",
	.vs_init = dev_init,
	.vs_fini = dev_fini,
};
