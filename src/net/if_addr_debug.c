/*
 * Debug builds: where the references on addresses were taken.  A reference
 * does not say whose it is when it is dropped, so an address that is still
 * referenced is reported with every place that ever took one.
 */

#include "net/if_addr_impl.h"
#include "net/if_vnet_impl.h"

#ifdef IFNET_DEBUG

struct ifa_note {
	LIST_ENTRY(ifa_note) in_link;
	const struct ifaddr *in_ifa;
	const struct ifnet *in_ifp;
	const char	*in_file;
	int		 in_line;
	unsigned	 in_count;	/* references taken there */
};

static unsigned
bucket_of(const struct ifaddr *ifa)
{

	return khash_u64((uintptr_t)ifa) % IFA_NOTE_BUCKETS;
}

void
ifa_debug_ref(struct ifaddr *ifa, const char *file, int line)
{
	struct if_vnet *ifv = ifa->ifa_ifp->if_vnet->vn_if;
	struct kern *k = if_kern(ifa->ifa_ifp);
	unsigned b = bucket_of(ifa);
	struct ifa_note *in, *new;

	/* Without memory there is one place less to name. */
	new = kmem_zalloc(k, sizeof(*new));
	kspin_lock(&ifv->ifv_note_lock);
	LIST_FOREACH(in, &ifv->ifv_notes[b], in_link)
		if (in->in_ifa == ifa && in->in_file == file &&
		    in->in_line == line)
			break;
	if (in == NULL && new != NULL) {
		in = new;
		new = NULL;
		in->in_ifa = ifa;
		in->in_ifp = ifa->ifa_ifp;
		in->in_file = file;
		in->in_line = line;
		LIST_INSERT_HEAD(&ifv->ifv_notes[b], in, in_link);
	}
	if (in != NULL)
		in->in_count++;
	kspin_unlock(&ifv->ifv_note_lock);
	kmem_free(k, new);
}

void
ifa_debug_free(struct ifaddr *ifa)
{
	struct if_vnet *ifv = ifa->ifa_ifp->if_vnet->vn_if;
	struct kern *k = if_kern(ifa->ifa_ifp);
	LIST_HEAD(, ifa_note) gone = LIST_HEAD_INITIALIZER(gone);
	struct ifa_note *in, *next;
	unsigned b = bucket_of(ifa);

	kspin_lock(&ifv->ifv_note_lock);
	for (in = LIST_FIRST(&ifv->ifv_notes[b]); in != NULL; in = next) {
		next = LIST_NEXT(in, in_link);
		if (in->in_ifa != ifa)
			continue;
		LIST_REMOVE(in, in_link);
		LIST_INSERT_HEAD(&gone, in, in_link);
	}
	kspin_unlock(&ifv->ifv_note_lock);
	while ((in = LIST_FIRST(&gone)) != NULL) {
		LIST_REMOVE(in, in_link);
		kmem_free(k, in);
	}
}

unsigned
ifa_debug_check(struct ifnet *ifp)
{
	struct if_vnet *ifv = ifp->if_vnet->vn_if;
	const struct ifaddr *last = NULL;
	struct ifa_note *in, copy;
	unsigned n = 0, seen, skip;

	for (unsigned b = 0; b < IFA_NOTE_BUCKETS; b++) {
		for (skip = 0;; skip++) {
			seen = 0;
			kspin_lock(&ifv->ifv_note_lock);
			LIST_FOREACH(in, &ifv->ifv_notes[b], in_link)
				if (in->in_ifp == ifp && seen++ == skip)
					break;
			if (in != NULL)
				copy = *in;
			kspin_unlock(&ifv->ifv_note_lock);
			if (in == NULL)
				break;
			if (copy.in_ifa != last)
				n++;
			last = copy.in_ifa;
			if_klog(ifp, KLOG_ERR, "an address is still referenced "
			    "after detach; %u references were taken at %s:%d",
			    copy.in_count, copy.in_file, copy.in_line);
		}
	}
	return n;
}

#endif /* IFNET_DEBUG */
