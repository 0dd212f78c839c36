/*
 * Interfaces and their addresses as a dump shows them.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct collect {
	struct cmd_if	*head, **tail;
	struct cmd_if	*last;		/* the one met last */
	int		 error;
};

static struct cmd_if *
collect_if(struct collect *co, uint64_t handle, const char *name,
    uint32_t index)
{
	struct cmd_if *ci;

	/* Its messages follow one another. */
	if (co->last != NULL && co->last->ci_handle == handle)
		return co->last;
	ci = calloc(1, sizeof(*ci));
	if (ci == NULL) {
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
	*ci->ci_tail = ca;
	ci->ci_tail = &ca->ca_next;
}

static int
collect_msg(const void *msg, size_t len, void *arg)
{
	const struct sockaddr *sa[RTAX_MAX];
	const struct rt_hdr *h = msg;
	const struct if_msg *im;
	struct collect *co = arg;
	struct cmd_if *ci;

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
	memset(e, 0, sizeof(*e));
	error = ifnet_dump(c, what, ifname, collect_msg, &co, e);
	if (error == 0 && ifname != NULL && co.head == NULL)
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
		free(ci);
	}
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

void
cmd_if_text(struct ifnet_client *c, const char *ifname, unsigned long cmd,
    char buf[IFDESCRSIZE + 1])
{
	struct ifreq ifr;
	struct ifnet_error e;

	memset(&ifr, 0, sizeof(ifr));
	buf[0] = '\0';
	if (cmd_ifreq(c, cmd, &ifr, ifname, &e) != 0)
		return;
	memcpy(buf, ifr.ifr_text, IFDESCRSIZE);
	buf[IFDESCRSIZE] = '\0';
}

bool
cmd_if_drops(struct ifnet_client *c, const char *ifname,
    struct ifdropreq *ifdq)
{
	struct ifnet_error e;

	memset(ifdq, 0, sizeof(*ifdq));
	(void)snprintf(ifdq->ifdq_name, sizeof(ifdq->ifdq_name), "%s",
	    ifname);
	return ifnet_ioctl(c, SIOCGIFDROPS, ifdq, sizeof(*ifdq), &e) == 0;
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

/* One answer's worth of names, behind the request. */
#define GROUP_NAMES	2048
struct group_answer {
	struct if_groupreq req;
	char		 names[GROUP_NAMES][IFNAMSIZ];
};

char
(*cmd_if_groups(struct ifnet_client *c, unsigned long cmd, const char *name,
    int *n, int *own, struct ifnet_error *e))[IFNAMSIZ]
{
	struct group_answer *ga = calloc(1, sizeof(*ga));
	char (*names)[IFNAMSIZ] = NULL, (*more)[IFNAMSIZ];
	uint32_t next = 0;

	*n = 0;
	memset(e, 0, sizeof(*e));
	do {
		if (ga == NULL)
			goto nomem;
		(void)snprintf(cmd == SIOCGIFGROUP ? ga->req.ifgr_name :
		    ga->req.ifgr_group, IFNAMSIZ, "%s", name);
		ga->req.ifgr_count = GROUP_NAMES;
		ga->req.ifgr_next = next;
		if (ifnet_ioctl(c, cmd, ga, sizeof(*ga), e) != 0)
			goto fail;
		if (ga->req.ifgr_count < 0 ||
		    ga->req.ifgr_count > GROUP_NAMES)
			break;
		more = realloc(names, ((size_t)*n +
		    (size_t)ga->req.ifgr_count + 1) * IFNAMSIZ);
		if (more == NULL)
			goto nomem;
		names = more;
		memcpy(names + *n, ga->names,
		    (size_t)ga->req.ifgr_count * IFNAMSIZ);
		*n += ga->req.ifgr_count;
		if (own != NULL)
			*own = (int)ga->req.ifgr_next;
		next = cmd == SIOCGIFGMEMB ? ga->req.ifgr_next : 0;
	} while (next != 0);
	free(ga);
	return names;
nomem:
	(void)ifnet_error_set(e, ENOMEM, "out of memory");
fail:
	free(ga);
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
