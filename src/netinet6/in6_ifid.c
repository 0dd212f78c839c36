/*
 * in6_ifid: the interface identifier of an address that the stack makes by
 * itself, its last 64 bits: from the link-level address (modified EUI-64, RFC
 * 4291 appendix A), or, with net.inet6.ip6.stableaddr, one that is the same
 * each time in a network and tells nothing about the interface (RFC 7217).
 */

#include <errno.h>

#include "kern/sysctl.h"
#include "net/if_name_impl.h"
#include "net/if_vnet_impl.h"
#include "netinet6/in6_impl.h"

#define STABLE_NAME	"net.inet6.ip6.stableaddr"
#define SECRET_NAME	"net.inet6.ip6.stablesecret"

static bool
id_eui64(const struct ifnet *ifp, uint8_t id[8])
{
	uint64_t word = __atomic_load_n(&ifp->if_lladdr, __ATOMIC_RELAXED);
	const uint8_t *l = (const uint8_t *)&word;

	if (word == 0 || ifp->if_type != IFT_ETHER)
		return false;
	id[0] = l[0] ^ 2;
	id[1] = l[1];
	id[2] = l[2];
	id[3] = 0xff;
	id[4] = 0xfe;
	id[5] = l[3];
	id[6] = l[4];
	id[7] = l[5];
	return true;
}

bool
in6_ifid_is_reserved(const uint8_t id[8])
{
	uint64_t n;

	memcpy(&n, id, sizeof(n));
	n = be64toh(n);
	return n == 0 || (n >= UINT64_C(0xfdffffffffffff80) &&
	    n <= UINT64_C(0xfdffffffffffffff)) ||
	    n >> 24 == UINT64_C(0x02005efffe);
}

/* RFC 7217 5: the hash of the network's prefix, the interface's name, and the
 * addresses that others turned out to have, with a secret. */
static void
id_stable(const struct ifnet *ifp, const union neigh_addr *prefix,
    unsigned dad_counter, uint8_t id[8])
{
	const struct in6_vnet *i6 = ifp->if_vnet->vn_in6;
	union neigh_addr wire = *prefix;
	struct siphash_key key;
	char name[IFNAMSIZ];
	uint64_t word[4], n;

	key.sk_word[0] = __atomic_load_n(&i6->i6_stable.sk_word[0],
	    __ATOMIC_RELAXED);
	key.sk_word[1] = __atomic_load_n(&i6->i6_stable.sk_word[1],
	    __ATOMIC_RELAXED);
	/* The index of an interface is another one each time. */
	zone6_leave(wire.na_bytes);
	if_name_copy(ifp, name);
	word[0] = wire.na_words[0];
	memcpy(&word[1], name, sizeof(name));
	word[3] = dad_counter;
	do {
		n = siphash(&key, word, sizeof(word) / sizeof(word[0]));
		memcpy(id, &n, sizeof(n));
		word[3] += UINT64_C(1) << 32;
	} while (in6_ifid_is_reserved(id));
}

bool
in6_ifid(const struct ifnet *ifp, const union neigh_addr *prefix,
    unsigned dad_counter, uint8_t id[8])
{

	if (ip6_setting(&ifp->if_vnet->vn_in6->i6_stableaddr) == 0)
		return dad_counter == 0 && id_eui64(ifp, id);
	if (ifp->if_type != IFT_ETHER)
		return false;
	id_stable(ifp, prefix, dad_counter, id);
	return true;
}

/* --- settings ------------------------------------------------------------- */

static void
set_key(struct in6_vnet *i6, const struct siphash_key *key)
{

	for (unsigned i = 0; i < 2; i++)
		__atomic_store_n(&i6->i6_stable.sk_word[i], key->sk_word[i],
		    __ATOMIC_RELAXED);
}

/* The secret tells which addresses a host has elsewhere: users who may not set
 * it read 0. */
static int
secret_handler(struct vnet *vn, const char *name, void *arg,
    struct sysctl_op *op)
{
	struct in6_vnet *i6 = arg;
	struct siphash_key key;
	int64_t v = 0;
	int error;

	(void)name;
	if (kauth_authorize(vn->vn_kern, op->so_cred, KAUTH_SYSCTL_SET) == 0)
		v = ip6_setting(&i6->i6_stablesecret);
	error = sysctl_handle_int(op, &v, 0, INT64_C(1) << 62, true);
	if (error != 0 || op->so_new == NULL)
		return error;
	__atomic_store_n(&i6->i6_stablesecret, v, __ATOMIC_RELAXED);
	key = (struct siphash_key){ { (uint64_t)v, ~(uint64_t)v } };
	if (v == 0)
		host_random(vn->vn_kern->k_host, &key, sizeof(key));
	set_key(i6, &key);
	return 0;
}

int
in6_ifid_init(struct in6_vnet *i6)
{
	struct vnet *vn = i6->i6_vnet;
	struct sysctl_node nodes[] = { {
		.sn_name = STABLE_NAME,
		.sn_descr = "Make addresses of their own from a secret and not "
		    "from the link-level address, RFC 7217",
		.sn_writable = true, .sn_int = &i6->i6_stableaddr, .sn_max = 1,
	}, {
		.sn_name = SECRET_NAME,
		.sn_descr = "That secret; 0: a random one, another with each "
		    "start",
		.sn_writable = true, .sn_handler = secret_handler,
		.sn_arg = i6,
	} };
	int error = 0;

	host_random(vn->vn_kern->k_host, &i6->i6_stable,
	    sizeof(i6->i6_stable));
	for (unsigned i = 0; i < 2 && error == 0; i++)
		error = sysctl_add(vn, &nodes[i]);
	return error;
}
