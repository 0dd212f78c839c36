/*
 * Interfaces and their addresses as a dump shows them.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct collect {
	struct cmd_if	*head, **tail;
	struct cmd_if	*last;		/* interface met last */
	bool		 detail;
	int		 error;
};

static struct cmd_if *
collect_if(struct collect *co, uint64_t handle, const char *name,
    uint32_t index)
{
	struct cmd_if *ci;

	/* All messages of an interface follow one another. */
	if (co->last != NULL && co->last->ci_handle == handle)
		return co->last;
	ci = calloc(1, sizeof(*ci));
	if (ci != NULL && co->detail)
		ci->ci_detail = calloc(1, sizeof(*ci->ci_detail));
	if (ci == NULL || (co->detail && ci->ci_detail == NULL)) {
		free(ci);
		co->error = ENOMEM;
		return NULL;
	}
	memcpy(ci->ci_name, name, IFNAMSIZ);
	ci->ci_name[IFNAMSIZ - 1] = '\0';
	ci->ci_handle = handle;
	ci->ci_index = index;
	ci->ci_tail = &ci->ci_addrs;
	*co->tail = ci;
	co->tail = &ci->ci_next;
	co->last = ci;
	return ci;
}

static void
copy_sa(struct sockaddr_storage *ss, const struct sockaddr *sa)
{
	size_t len;

	if (sa == NULL)
		return;
	len = rt_sa_size(sa->sa_family);
	if (len != 0 && len <= sizeof(*ss))
		memcpy(ss, sa, len);
}

static void
collect_addr(struct collect *co, const struct ifa_msg *m,
    const struct sockaddr *const sa[RTAX_MAX])
{
	struct cmd_if *ci;
	struct cmd_addr *ca;

	ci = collect_if(co, m->ifam_handle, m->ifam_name, m->ifam_index);
	if (ci == NULL)
		return;
	ca = calloc(1, sizeof(*ca));
	if (ca == NULL) {
		co->error = ENOMEM;
		return;
	}
	copy_sa(&ca->ca_addr, sa[5]);	/* RTA_IFA */
	copy_sa(&ca->ca_mask, sa[2]);	/* RTA_NETMASK */
	copy_sa(&ca->ca_dst, sa[7]);	/* RTA_BRD */
	ca->ca_flags = m->ifam_flags;
	ca->ca_vltime = m->ifam_vltime;
	ca->ca_pltime = m->ifam_pltime;
	*ci->ci_tail = ca;
	ci->ci_tail = &ca->ca_next;
}

/* Make room for n more groups, and move the drops behind them. */
static bool
grow_detail(struct cmd_detail *cd, unsigned groups, unsigned drops)
{
	void *p;

	p = realloc(cd->cd_groups, (cd->cd_ngroups + groups + 1) *
	    sizeof(*cd->cd_groups));
	if (p == NULL)
		return false;
	cd->cd_groups = p;
	p = realloc(cd->cd_drops, (cd->cd_ndrops + drops + 1) *
	    sizeof(*cd->cd_drops));
	if (p == NULL)
		return false;
	cd->cd_drops = p;
	return true;
}

static void
collect_detail(struct collect *co, const void *msg, size_t len)
{
	const struct if_detail_msg *m;
	struct cmd_detail *cd;
	struct if_detail id;
	struct cmd_if *ci;

	if (rt_detail_check(msg, len, &id) != 0)
		return;
	m = id.id_msg;
	ci = collect_if(co, m->ifdm_handle, m->ifdm_name, m->ifdm_index);
	if (ci == NULL)
		return;
	cd = ci->ci_detail;
	if (!grow_detail(cd, m->ifdm_ngroups, m->ifdm_ndrops)) {
		co->error = ENOMEM;
		return;
	}
	if (!m->ifdm_more) {
		memcpy(cd->cd_descr, id.id_descr, m->ifdm_descrlen);
		memcpy(cd->cd_linkstr, id.id_linkstr, m->ifdm_linkstrlen);
		cd->cd_table = m->ifdm_table;
		cd->cd_caps = m->ifdm_capabilities;
		cd->cd_capenable = m->ifdm_capenable;
		cd->cd_ndefault = m->ifdm_ndefault;
	}
	memcpy(cd->cd_groups + cd->cd_ngroups, id.id_groups,
	    m->ifdm_ngroups * sizeof(*cd->cd_groups));
	cd->cd_ngroups += m->ifdm_ngroups;
	memcpy(cd->cd_drops + cd->cd_ndrops, id.id_drops,
	    m->ifdm_ndrops * sizeof(*cd->cd_drops));
	cd->cd_ndrops += m->ifdm_ndrops;
}

static int
collect_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_hdr *h = msg;
	const struct if_msg *im;
	struct collect *co = arg;
	struct cmd_if *ci;

	if (h->rtm_type == RTM_IFDETAIL) {
		collect_detail(co, msg, len);
		return co->error;
	}
	if (rt_msg_check(msg, len, sa) != 0)
		return 0;
	switch (h->rtm_type) {
	case RTM_IFINFO:
	case RTM_IFANNOUNCE:
		im = msg;
		ci = collect_if(co, im->ifm_handle, im->ifm_name,
		    im->ifm_index);
		if (ci != NULL) {
			ci->ci_flags = im->ifm_flags;
			ci->ci_data = im->ifm_data;
			copy_sa(&ci->ci_lladdr, sa[4]);	/* RTA_IFP */
		}
		break;
	case RTM_NEWADDR:
		collect_addr(co, msg, sa);
		break;
	default:
		break;
	}
	return co->error;
}

int
cmd_iflist_get(struct ifnet_client *c, const char *ifname, unsigned what,
    struct cmd_if **listp, struct ifnet_error *e)
{
	struct collect co;
	int error;

	memset(&co, 0, sizeof(co));
	co.tail = &co.head;
	co.detail = (what & IFNET_DETAIL) != 0;
	memset(e, 0, sizeof(*e));
	error = ifnet_dump(c, what, ifname, collect_msg, &co, e);
	if (error == 0 && ifname != NULL && co.head == NULL &&
	    (what & IFNET_GROUP) == 0)
		error = ifnet_error_set(e, ENXIO,
		    "there is no interface %s", ifname);
	if (co.error != 0)
		error = ifnet_error_set(e, co.error, "out of memory");
	if (error != 0) {
		cmd_iflist_free(co.head);
		co.head = NULL;
	}
	*listp = co.head;
	return error;
}

void
cmd_iflist_free(struct cmd_if *ci)
{
	struct cmd_if *next;
	struct cmd_addr *ca, *canext;

	for (; ci != NULL; ci = next) {
		next = ci->ci_next;
		for (ca = ci->ci_addrs; ca != NULL; ca = canext) {
			canext = ca->ca_next;
			free(ca);
		}
		if (ci->ci_detail != NULL) {
			free(ci->ci_detail->cd_groups);
			free(ci->ci_detail->cd_drops);
			free(ci->ci_detail);
		}
		free(ci);
	}
}

bool
cmd_if_is_kind(const struct cmd_if *ci, const char *kind)
{
	const struct cmd_detail *cd = ci->ci_detail;

	for (unsigned i = 0; i < cd->cd_ndefault; i++)
		if (strcmp(cd->cd_groups[i], kind) == 0)
			return true;
	return false;
}

const struct sockaddr_dl *
cmd_if_lladdr(const struct cmd_if *ci)
{
	const struct sockaddr_dl *sdl =
	    (const struct sockaddr_dl *)&ci->ci_lladdr;

	return sdl->sdl_family != AF_LINK || sdl->sdl_alen == 0 ||
	    sdl->sdl_alen > SDL_DATALEN ? NULL : sdl;
}

int
cmd_ifreq(struct ifnet_client *c, unsigned long cmd, struct ifreq *ifr,
    const char *ifname, struct ifnet_error *e)
{

	(void)snprintf(ifr->ifr_name, sizeof(ifr->ifr_name), "%s", ifname);
	memset(e, 0, sizeof(*e));
	return ifnet_ioctl(c, cmd, ifr, sizeof(*ifr), e);
}

char
(*cmd_cloners(struct ifnet_client *c, int *n, struct ifnet_error *e))[IFNAMSIZ]
{
	struct {
		struct if_clonereq req;
		char	names[64][IFNAMSIZ];
	} *r;
	char (*names)[IFNAMSIZ];
	int i;

	memset(e, 0, sizeof(*e));
	r = calloc(1, sizeof(*r));
	names = calloc(64, IFNAMSIZ);
	if (r == NULL || names == NULL) {
		(void)ifnet_error_set(e, ENOMEM, "out of memory");
		goto fail;
	}
	r->req.ifcr_count = 64;
	if (ifnet_ioctl(c, SIOCIFGCLONERS, r, sizeof(*r), e) != 0)
		goto fail;
	*n = r->req.ifcr_count < 0 ? 0 :
	    r->req.ifcr_count > 64 ? 64 : r->req.ifcr_count;
	for (i = 0; i < *n; i++) {
		memcpy(names[i], r->names[i], IFNAMSIZ);
		names[i][IFNAMSIZ - 1] = '\0';
	}
	free(r);
	return names;
fail:
	free(r);
	free(names);
	return NULL;
}

void
cmd_complete_words(const char *const *words, cmd_add_fn *add, void *arg)
{

	for (; *words != NULL; words++)
		add(arg, *words);
}

void
cmd_complete_if(struct cmd_ctx *ctx, cmd_add_fn *add, void *arg)
{
	struct cmd_if *list, *ci;
	struct ifnet_error e;

	if (ctx->cc_client == NULL || cmd_iflist_get(ctx->cc_client, NULL,
	    IFNET_LINK, &list, &e) != 0)
		return;
	for (ci = list; ci != NULL; ci = ci->ci_next)
		add(arg, ci->ci_name);
	cmd_iflist_free(list);
}

void
cmd_complete_cloner(struct cmd_ctx *ctx, cmd_add_fn *add, void *arg)
{
	char (*names)[IFNAMSIZ];
	struct ifnet_error e;
	int i, n;

	if (ctx->cc_client == NULL ||
	    (names = cmd_cloners(ctx->cc_client, &n, &e)) == NULL)
		return;
	for (i = 0; i < n; i++)
		add(arg, names[i]);
	free(names);
}

bool
cmd_create_words(struct cmd_ctx *ctx, const char *ifname, char *text,
    size_t size)
{
	char name[64];
	size_t len = strlen(ifname), n = size - 1;
	char *p;

	while (len > 0 && ifname[len - 1] >= '0' && ifname[len - 1] <= '9')
		len--;
	(void)snprintf(name, sizeof(name), "net.link.cloner.%.*s", (int)len,
	    ifname);
	if (ctx->cc_client == NULL || ifnet_sysctl(ctx->cc_client, name, text,
	    &n, NULL, 0, NULL, NULL, NULL) != 0 || n >= size)
		return false;
	text[n] = '\0';
	/* Replace each "; " by a newline. */
	while ((p = strstr(text, "; ")) != NULL) {
		*p = '\n';
		memmove(p + 1, p + 2, strlen(p + 2) + 1);
	}
	return true;
}
