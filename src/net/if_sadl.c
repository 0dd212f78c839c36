/*
 * Link-level addresses: the active one, the factory one, and others held in
 * reserve.  Readers load if_dl once and have address and sockaddr together,
 * old or new.
 */

#include "net/if_addr_impl.h"
#include "net/if_attach_impl.h"
#include "net/if_history_impl.h"
#include "net/if_sadl_impl.h"
#include "net/if_vnet_impl.h"
#include "net/route.h"
#include "net/rtsock.h"

#include <errno.h>

struct sadl_told;

struct sadl_ifaddr {
	struct ifaddr	 si_ifa;	/* first */
	struct sockaddr_dl si_sdl;
	struct sadl_told *si_told;	/* i: */
};

static struct sockaddr_dl *
ifa_sdl(const struct ifaddr *ifa)
{

	return (struct sockaddr_dl *)ifa->ifa_addr;
}

static void
sadl_free(struct ifaddr *ifa)
{
	struct sadl_ifaddr *si = (struct sadl_ifaddr *)ifa;

	KASSERT(si->si_told == NULL);
	kslab_free(if_kern(ifa->ifa_ifp), si, sizeof(*si));
}

/* A link-level address in the interface's list, not active. */
static struct ifaddr *
if_dl_create(struct ifnet *ifp, const void *lladdr, unsigned len)
{
	struct sadl_ifaddr *si;

	si = kslab_alloc(if_kern(ifp), sizeof(*si));
	if (si == NULL)
		return NULL;
	si->si_sdl.sdl_family = AF_LINK;
	si->si_sdl.sdl_type = ifp->if_type;
	si->si_sdl.sdl_index = ifp->if_index;
	si->si_sdl.sdl_alen = (uint8_t)len;
	memcpy(si->si_sdl.sdl_data, lladdr, len);
	si->si_ifa.ifa_addr = (struct sockaddr *)&si->si_sdl;
	si->si_ifa.ifa_free = sadl_free;
	if (ifa_insert(ifp, &si->si_ifa) != 0) {
		kslab_free(if_kern(ifp), si, sizeof(*si));
		return NULL;
	}
	return &si->si_ifa;
}

/* --- announcing ----------------------------------------------------------- */

/*
 * The active one is told of with the interface; the others are addresses like
 * any, from when they can be found until they cannot.  They are few, and
 * what the routing socket keeps of an address is large: each has a copy of
 * itself for that, made before anything can no longer fail.
 */
struct sadl_told {
	struct protoaddr st_proto;	/* first */
	struct sockaddr_dl st_sdl;
	struct kern	*st_kern;
};

static void
told_free(struct ifaddr *ifa)
{
	struct sadl_told *st = (struct sadl_told *)ifa;

	kmem_free(st->st_kern, st);
}

/* i: so that it can be told of; ENOMEM. */
static int
told_reserve(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct sadl_ifaddr *si = (struct sadl_ifaddr *)ifa;
	struct sadl_told *st;

	if (si->si_told != NULL)
		return 0;
	st = kmem_zalloc(if_kern(ifp), sizeof(*st));
	if (st == NULL)
		return ENOMEM;
	st->st_kern = if_kern(ifp);
	st->st_proto.pa_ifa.ifa_ifp = ifp;
	st->st_proto.pa_ifa.ifa_addr = (struct sockaddr *)&st->st_sdl;
	st->st_proto.pa_ifa.ifa_free = told_free;
	st->st_proto.pa_ifa.ifa_refcnt = 1;
	si->si_told = st;
	return 0;
}

/* i: it is not active, and room was reserved. */
static void
tell(struct ifnet *ifp, struct ifaddr *ifa)
{
	struct sadl_ifaddr *si = (struct sadl_ifaddr *)ifa;

	if (ifp->if_state == IFS_ALLOCATED || (ifa->ifa_flags & IFA_TOLD) != 0)
		return;
	KASSERT(si->si_told != NULL);
	(void)__atomic_or_fetch(&ifa->ifa_flags, IFA_TOLD, __ATOMIC_RELAXED);
	si->si_told->st_sdl = si->si_sdl;
	rt_newaddrmsg(RTM_NEWADDR, &si->si_told->st_proto.pa_ifa);
}

static void
take_back(struct ifaddr *ifa)
{
	struct sadl_ifaddr *si = (struct sadl_ifaddr *)ifa;
	struct sadl_told *st = si->si_told;

	if (st == NULL)
		return;
	if (ifa->ifa_flags & IFA_TOLD)
		rt_newaddrmsg(RTM_DELADDR, &st->st_proto.pa_ifa);
	(void)__atomic_and_fetch(&ifa->ifa_flags, (uint16_t)~IFA_TOLD,
	    __ATOMIC_RELAXED);
	si->si_told = NULL;
	ifa_unref(&st->st_proto.pa_ifa);
}

static void
sadl_remove(struct ifnet *ifp, struct ifaddr *ifa)
{

	if (ifp->if_hwdl == ifa)
		ifp->if_hwdl = NULL;
	ifa_ref(ifa);
	ifa_remove(ifp, ifa);
	take_back(ifa);
	ifa_unref(ifa);
}

/* Make it the active one, and tell who depends on it. */
static void
if_activate_sadl(struct ifnet *ifp, struct ifaddr *ifa)
{
	const struct sockaddr_dl *sdl = ifa_sdl(ifa);
	const struct domain *dom;
	uint64_t word = 0;

	if (ifp->if_dl == ifa)
		return;
	for (unsigned i = 0; i < 6 && i < sdl->sdl_alen; i++)
		word |= (uint64_t)sdl->sdl_data[i] << (8 * i);
	__atomic_store_n(&ifp->if_dl, ifa, __ATOMIC_RELEASE);
	__atomic_store_n(&ifp->if_lladdr, word, __ATOMIC_RELAXED);
	if (ifp->if_state != IFS_ATTACHED)
		return;
	if_history_addr(ifp, IFHIST_ADDR_ADD, ifa);
	take_back(ifa);
	rt_ifmsg(ifp);
	for (int i = 0; i < DOM_SLOT_MAX; i++) {
		dom = ifp->if_vnet->vn_if->ifv_domain[i];
		if (dom != NULL && dom->dom_lladdr_changed != NULL)
			dom->dom_lladdr_changed(ifp);
	}
}

struct ifaddr *
if_sadl_find(struct ifnet *ifp, const void *lladdr, unsigned len)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (ifa->ifa_addr->sa_family == AF_LINK &&
		    ifa_sdl(ifa)->sdl_alen == len &&
		    memcmp(ifa_sdl(ifa)->sdl_data, lladdr, len) == 0)
			break;
	return ifa;
}

int
if_set_sadl(struct ifnet *ifp, const void *lladdr, unsigned len, bool factory)
{
	struct ifaddr *ifa, *old = ifp->if_dl;

	KASSERT(ifp->if_state == IFS_ALLOCATED || if_ioctl_locked(ifp));
	if (len > SDL_DATALEN || !lladdr_is_station(lladdr, len))
		return EINVAL;
	ifa = if_sadl_find(ifp, lladdr, len);
	/* The address that was active, when it stays. */
	if (old != NULL && old == ifp->if_hwdl && !factory && old != ifa &&
	    told_reserve(ifp, old) != 0)
		return ENOMEM;
	if (ifa == NULL)
		ifa = if_dl_create(ifp, lladdr, len);
	if (ifa == NULL)
		return ENOMEM;
	if (factory)
		ifp->if_hwdl = ifa;
	if_activate_sadl(ifp, ifa);
	/* The address that was active goes, unless it is the factory one. */
	if (old == NULL || old == ifa)
		return 0;
	if (old != ifp->if_hwdl)
		sadl_remove(ifp, old);
	else
		tell(ifp, old);
	return 0;
}

int
if_sadl_copy(struct ifnet *ifp, const struct ifnet *from)
{
	const struct sockaddr_dl *sdl;
	struct ifaddr *ifa, *copy;

	KASSERT(ifp->if_state == IFS_ALLOCATED);
	TAILQ_FOREACH(ifa, &from->if_addrlist, ifa_list) {
		if (ifa->ifa_addr->sa_family != AF_LINK)
			continue;
		sdl = ifa_sdl(ifa);
		copy = if_dl_create(ifp, sdl->sdl_data, sdl->sdl_alen);
		if (copy == NULL)
			return ENOMEM;
		if (ifa == from->if_hwdl)
			ifp->if_hwdl = copy;
		if (ifa == from->if_dl)
			if_activate_sadl(ifp, copy);
		else if (told_reserve(ifp, copy) != 0)
			return ENOMEM;
	}
	return 0;
}

const struct sockaddr_dl *
if_sadl(const struct ifnet *ifp)
{
	struct ifaddr *ifa;

	ifa = __atomic_load_n(&ifp->if_dl, __ATOMIC_CONSUME);
	return ifa == NULL ? NULL : ifa_sdl(ifa);
}

/* Addresses given before the interface had an index. */
void
if_sadl_attach(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		ifa_sdl(ifa)->sdl_index = ifp->if_index;
}

void
if_sadl_announce(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
		if (ifa->ifa_addr->sa_family == AF_LINK && ifa != ifp->if_dl)
			tell(ifp, ifa);
}

void
if_sadl_detach(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	__atomic_store_n(&ifp->if_dl, NULL, __ATOMIC_RELEASE);
	while ((ifa = TAILQ_FIRST(&ifp->if_addrlist)) != NULL)
		sadl_remove(ifp, ifa);
}

void
if_free_sadl(struct ifnet *ifp)
{
	struct ifaddr *ifa;

	ifp->if_dl = ifp->if_hwdl = NULL;
	while ((ifa = TAILQ_FIRST(&ifp->if_addrlist)) != NULL) {
		TAILQ_REMOVE(&ifp->if_addrlist, ifa, ifa_list);
		take_back(ifa);
		ifa_unref(ifa);
	}
}

/* --- requests ----------------------------------------------------------- */

/* Do the first `bits' of two addresses agree? */
static bool
bits_equal(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	uint8_t mask = (uint8_t)(0xff00 >> (bits % 8));

	return memcmp(a, b, bits / 8) == 0 && (bits % 8 == 0 ||
	    ((a[bits / 8] ^ b[bits / 8]) & mask) == 0);
}

static int
no_such_address(const struct ifnet *ifp)
{

	return kern_refuse(EADDRNOTAVAIL, "%s has no such link-level address",
	    ifp->if_xname);
}

static int
laddr_get(struct ifnet *ifp, struct if_laddrreq *iflr)
{
	struct sockaddr_dl *want = (struct sockaddr_dl *)&iflr->iflr_addr;
	struct ifaddr *ifa = ifp->if_dl;

	if ((iflr->iflr_flags & IFLR_PREFIX) != 0) {
		if (want->sdl_family != AF_LINK ||
		    iflr->iflr_prefixlen > want->sdl_alen * 8u ||
		    want->sdl_alen > SDL_DATALEN)
			return kern_refuse(EINVAL, "not a prefix of a "
			    "link-level address");
		TAILQ_FOREACH(ifa, &ifp->if_addrlist, ifa_list)
			if (ifa->ifa_addr->sa_family == AF_LINK &&
			    ifa_sdl(ifa)->sdl_alen >= want->sdl_alen &&
			    bits_equal(ifa_sdl(ifa)->sdl_data, want->sdl_data,
			    iflr->iflr_prefixlen))
				break;
	} else if ((iflr->iflr_flags & IFLR_FACTORY) != 0) {
		ifa = ifp->if_hwdl;
	}
	if (ifa == NULL)
		return no_such_address(ifp);
	memset(&iflr->iflr_addr, 0, sizeof(iflr->iflr_addr));
	memset(&iflr->iflr_dstaddr, 0, sizeof(iflr->iflr_dstaddr));
	memcpy(&iflr->iflr_addr, ifa_sdl(ifa), sizeof(struct sockaddr_dl));
	iflr->iflr_prefixlen = ifa_sdl(ifa)->sdl_alen * 8u;
	iflr->iflr_flags = (ifa == ifp->if_dl ? IFLR_ACTIVE : 0) |
	    (ifa == ifp->if_hwdl ? IFLR_FACTORY : 0);
	return 0;
}

static int
laddr_add(struct ifnet *ifp, const struct if_laddrreq *iflr)
{
	const struct sockaddr_dl *sdl =
	    (const struct sockaddr_dl *)&iflr->iflr_addr;
	const bool active = (iflr->iflr_flags & IFLR_ACTIVE) != 0;
	struct ifaddr *ifa, *reserve, *old = ifp->if_dl;
	bool is_new;

	if (!lladdr_is_station(sdl->sdl_data, sdl->sdl_alen))
		return kern_refuse(EINVAL, "not an address an interface of "
		    "this kind can have: of all zeros, or a group's");
	ifa = if_sadl_find(ifp, sdl->sdl_data, sdl->sdl_alen);
	is_new = ifa == NULL;
	if (!is_new && !active)
		return kern_refuse(EEXIST, "%s has this address already",
		    ifp->if_xname);
	if (is_new)
		ifa = if_dl_create(ifp, sdl->sdl_data, sdl->sdl_alen);
	if (ifa == NULL)
		return ENOMEM;
	/* Whichever of the two will not be the active one. */
	reserve = active ? old : ifa;
	if (active && old == ifa)
		return 0;
	if (reserve != NULL && told_reserve(ifp, reserve) != 0) {
		if (is_new)
			sadl_remove(ifp, ifa);
		return ENOMEM;
	}
	if (active)
		if_activate_sadl(ifp, ifa);
	if (reserve != NULL)
		tell(ifp, reserve);
	return 0;
}

int
if_laddr_ioctl(struct ifnet *ifp, unsigned long cmd, void *data)
{
	struct if_laddrreq *iflr = data;
	const struct sockaddr_dl *sdl =
	    (const struct sockaddr_dl *)&iflr->iflr_addr;
	struct ifaddr *ifa;

	/* An address of another family is for its protocol to answer. */
	if (sdl->sdl_family != AF_LINK && sdl->sdl_family != 0)
		return ENOTTY;
	if (cmd == SIOCGLIFADDR)
		return laddr_get(ifp, iflr);
	if (ifp->if_addrlen == 0)
		return kern_refuse(EOPNOTSUPP, "%s has no link-level "
		    "addresses", ifp->if_xname);
	if (sdl->sdl_family != AF_LINK || sdl->sdl_alen != ifp->if_addrlen)
		return kern_refuse(EINVAL, "not an address an interface of "
		    "this kind can have: it has %u bytes, and not %u",
		    ifp->if_addrlen, sdl->sdl_alen);
	if (cmd == SIOCALIFADDR)
		return laddr_add(ifp, iflr);
	ifa = if_sadl_find(ifp, sdl->sdl_data, sdl->sdl_alen);
	if (ifa == NULL)
		return no_such_address(ifp);
	if (ifa == ifp->if_dl)
		return kern_refuse(EBUSY, "it is the active address; make "
		    "another one active first");
	if (ifa == ifp->if_hwdl)
		return kern_refuse(EBUSY, "it is the address the interface "
		    "was made with, which stays");
	sadl_remove(ifp, ifa);
	return 0;
}
