/*
 * ip6_init: IPv6's packet path in a vnet: its beginning and its end.
 */

#include <errno.h>

#include "netinet/reass.h"
#include "netinet6/ip6_var.h"

static int
ip6_alloc(struct vnet *vn)
{
	struct kern *k = vn->vn_kern;
	struct ip6_vnet *i6;

	i6 = kmem_zalloc(k, sizeof(*i6));
	if (i6 == NULL)
		return ENOMEM;
	i6->i6_cpu = host_alloc(k->k_host, kern_ncpu(k) * sizeof(*i6->i6_cpu),
	    64);
	if (i6->i6_cpu == NULL) {
		kmem_free(k, i6);
		return ENOMEM;
	}
	i6->i6_hlim = IP6_HLIM;
	i6->i6_autoflow = 1;
	i6->i6_errppslimit = 100;
	i6->i6_maxfragpackets = 200;
	i6->i6_maxfrags = 2048;
	host_random(k->k_host, &i6->i6_secret, sizeof(i6->i6_secret));
	pmtu_init(vn, &i6->i6_pmtu, AF_INET6);
	vn->vn_ip6 = i6;
	return 0;
}

static void
ip6_free(struct vnet *vn)
{
	struct ip6_vnet *i6 = vn->vn_ip6;

	pmtu_fini(&i6->i6_pmtu);
	vn->vn_ip6 = NULL;
	host_free(vn->vn_kern->k_host, i6->i6_cpu);
	kmem_free(vn->vn_kern, i6);
}

int
ip6_init(struct vnet *vn)
{
	int error;

	error = ip6_alloc(vn);
	if (error != 0)
		return error;
	error = ip6_reass_init(vn);
	if (error != 0)
		goto fail_reass;
	error = icmp6_init(vn);
	if (error != 0)
		goto fail_icmp;
	error = ip6_local_init(vn);
	if (error != 0)
		goto fail_local;
	error = ip6_sysctl_init(vn);
	if (error != 0)
		goto fail_sysctl;
	return 0;

fail_sysctl:
	ip_ifq_fini(&vn->vn_ip6->i6_ifq);
fail_local:
	icmp6_fini(vn);
fail_icmp:
	ip6_reass_fini(vn);
fail_reass:
	ip6_free(vn);
	return error;
}

void
ip6_fini(struct vnet *vn)
{

	ip_ifq_fini(&vn->vn_ip6->i6_ifq);
	icmp6_fini(vn);
	ip6_reass_fini(vn);
	ip6_free(vn);
}

void
ip6_sweep(struct ifnet *ifp)
{
	struct ip6_vnet *i6 = ifp->if_vnet->vn_ip6;

	ip_ifq_sweep(&i6->i6_ifq, ifp);
	reass_sweep(i6->i6_reass, ifp);
}
