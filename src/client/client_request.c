/*
 * Requests: interfaces, settings, routes, dumps, vnets, the daemon.
 */

#include "client/client_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ifnet/ifreq.h>
#include <ifnet/ifreq_old.h>
#include <ifnet/rtmsg.h>

/* --- interface requests -------------------------------------------------- */

#define NAME(c)	{ c, #c }
static const struct {
	unsigned long	 cmd;
	const char	*name;
} ioctl_names[] = {
	NAME(SIOCSIFADDR), NAME(SIOCGIFADDR), NAME(SIOCSIFDSTADDR),
	NAME(SIOCGIFDSTADDR), NAME(SIOCSIFFLAGS), NAME(SIOCGIFFLAGS),
	NAME(SIOCGIFBRDADDR), NAME(SIOCSIFBRDADDR), NAME(SIOCGIFCONF),
	NAME(SIOCGIFNETMASK), NAME(SIOCSIFNETMASK), NAME(SIOCGIFMETRIC),
	NAME(SIOCSIFMETRIC), NAME(SIOCDIFADDR), NAME(SIOCAIFADDR),
	NAME(SIOCGIFALIAS), NAME(SIOCALIFADDR), NAME(SIOCGLIFADDR),
	NAME(SIOCDLIFADDR), NAME(SIOCSIFADDRPREF), NAME(SIOCGIFADDRPREF),
	NAME(SIOCADDMULTI), NAME(SIOCDELMULTI), NAME(SIOCGIFDLT),
	NAME(SIOCIFCREATE), NAME(SIOCIFDESTROY), NAME(SIOCIFGCLONERS),
	NAME(SIOCSIFMTU), NAME(SIOCGIFMTU), NAME(SIOCSIFCAP),
	NAME(SIOCGIFCAP), NAME(SIOCGIFDATA), NAME(SIOCZIFDATA),
	NAME(SIOCGIFDROPS), NAME(SIOCGIFINDEX), NAME(SIOCSLINKSTR),
	NAME(SIOCGLINKSTR), NAME(SIOCSIFDESCR), NAME(SIOCGIFDESCR),
	NAME(SIOCINITIFADDR), NAME(SIOCSIFNAME),
	NAME(SIOCAIFGROUP), NAME(SIOCDIFGROUP), NAME(SIOCGIFGROUP),
	NAME(SIOCGIFGMEMB), NAME(SIOCSIFVNET),
	NAME(SIOCSIFPHYADDR), NAME(SIOCSIFPHYADDR_IN6), NAME(SIOCGIFPSRCADDR),
	NAME(SIOCGIFPDSTADDR), NAME(SIOCDIFPHYADDR), NAME(SIOCSLIFPHYADDR),
	NAME(SIOCGLIFPHYADDR), NAME(SIOCSIFMEDIA), NAME(SIOCGIFMEDIA),
	NAME(SIOCSDRVSPEC), NAME(SIOCGDRVSPEC), NAME(SIOCS80211NWID),
	NAME(SIOCG80211NWID), NAME(SIOCS80211NWKEY), NAME(SIOCG80211NWKEY),
	NAME(SIOCS80211POWER), NAME(SIOCG80211POWER), NAME(SIOCS80211CHANNEL),
	NAME(SIOCG80211CHANNEL), NAME(SIOCS80211BSSID), NAME(SIOCG80211BSSID),
	NAME(SIOCS80211), NAME(SIOCG80211),
	NAME(OSIOCSIFADDR), NAME(OSIOCGIFADDR), NAME(OSIOCSIFDSTADDR),
	NAME(OSIOCGIFDSTADDR), NAME(OSIOCSIFFLAGS), NAME(OSIOCGIFFLAGS),
	NAME(OSIOCGIFBRDADDR), NAME(OSIOCSIFBRDADDR), NAME(OSIOCGIFCONF),
	NAME(OSIOCGIFNETMASK), NAME(OSIOCSIFNETMASK), NAME(OSIOCGIFMETRIC),
	NAME(OSIOCSIFMETRIC), NAME(OSIOCDIFADDR), NAME(OSIOCAIFADDR),
	NAME(OSIOCGIFALIAS), NAME(OSIOCADDMULTI), NAME(OSIOCDELMULTI),
	NAME(OSIOCSIFMEDIA), NAME(OSIOCGIFDLT), NAME(OSIOCIFDESTROY),
	NAME(OSIOCIFCREATE), NAME(OSIOCGIFMTU), NAME(OSIOCSIFMTU),
	NAME(OSIOCGIFDATA14), NAME(OSIOCGIFDATA), NAME(OSIOCZIFDATA),
};
#undef NAME

/* "SIOCSIFMTU tap0"; all records but the lists begin with a name. */
static void
describe_ioctl(char *buf, size_t size, unsigned long cmd, const void *data,
    size_t len)
{
	const char *name = "interface request";
	size_t i;

	for (i = 0; i < sizeof(ioctl_names) / sizeof(ioctl_names[0]); i++) {
		if (ioctl_names[i].cmd == cmd)
			name = ioctl_names[i].name;
	}
	if (cmd == SIOCGIFCONF || cmd == OSIOCGIFCONF ||
	    cmd == SIOCIFGCLONERS || len < IFNAMSIZ)
		(void)snprintf(buf, size, "%s", name);
	else
		(void)snprintf(buf, size, "%s: %.*s", name, IFNAMSIZ,
		    (const char *)data);
}

struct room {
	void		*data;
	size_t		 len;
};

static void
take_record(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct room *r = arg;

	if (h->ch_error == 0 && len == sizeof(struct ctl_ioctl) + r->len)
		memcpy(r->data, (const uint8_t *)data +
		    sizeof(struct ctl_ioctl), r->len);
}

static int
do_ioctl(struct ifnet_client *c, unsigned long cmd, void *data, size_t len,
    bool has_fd, int fd, struct ifnet_error *e)
{
	struct ctl_ioctl ci = { .i_cmd = cmd };
	struct room room = { data, len };
	char what[64];
	struct client_call cc = {
		.cc_op = CTL_IOCTL, .cc_what = what,
		.cc_part = { { &ci, sizeof(ci) }, { data, len } },
		.cc_has_fd = has_fd, .cc_fd = fd,
		.cc_answer = take_record, .cc_arg = &room,
	};

	describe_ioctl(what, sizeof(what), cmd, data, len);
	return client_call(c, &cc, e);
}

int
ifnet_ioctl(struct ifnet_client *c, unsigned long cmd, void *data, size_t len,
    struct ifnet_error *e)
{

	return do_ioctl(c, cmd, data, len, false, -1, e);
}

int
ifnet_ioctl_fd(struct ifnet_client *c, unsigned long cmd, void *data,
    size_t len, int fd, struct ifnet_error *e)
{

	if (fd < 0)
		return ifnet_error_set(e, EBADF, "descriptor %d is not open",
		    fd);
	return do_ioctl(c, cmd, data, len, true, fd, e);
}

/* --- settings ------------------------------------------------------------ */

struct sysctl_room {
	struct ctl_sysctl answer;
	void		*old;
	size_t		 room;
};

static void
take_sysctl(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct sysctl_room *r = arg;

	if (len < sizeof(r->answer))
		return;
	memcpy(&r->answer, data, sizeof(r->answer));
	len -= sizeof(r->answer);
	if (h->ch_error == 0 && r->old != NULL && len <= r->room)
		memcpy(r->old, (const uint8_t *)data + sizeof(r->answer),
		    len);
}

int
ifnet_sysctl(struct ifnet_client *c, const char *name, void *old,
    size_t *oldlen, const void *new, size_t newlen, int *type, int *writable,
    struct ifnet_error *e)
{
	struct sysctl_room r;
	struct ctl_sysctl cs;
	struct client_call cc = {
		.cc_op = CTL_SYSCTL, .cc_what = name,
		.cc_part = { { &cs, sizeof(cs) }, { new, newlen } },
		.cc_answer = take_sysctl, .cc_arg = &r,
	};
	int error;

	memset(&cs, 0, sizeof(cs));
	memset(&r, 0, sizeof(r));
	if (strlen(name) >= sizeof(cs.s_name))
		return ifnet_error_set(e, ENOENT, "%s: no such name", name);
	memcpy(cs.s_name, name, strlen(name));
	r.old = old;
	r.room = old != NULL && oldlen != NULL ? *oldlen : 0;
	cs.s_oldroom = r.room > UINT32_MAX ? UINT32_MAX : (uint32_t)r.room;
	cs.s_setnew = new != NULL;
	cs.s_newlen = new != NULL ? (uint32_t)newlen : 0;
	if (new == NULL)
		cc.cc_part[1].len = 0;
	error = client_call(c, &cc, e);
	if (error != 0 && error != ENOMEM)
		return error;
	if (oldlen != NULL)
		*oldlen = r.answer.s_oldlen;
	if (type != NULL)
		*type = (int)r.answer.s_type;
	if (writable != NULL)
		*writable = (int)r.answer.s_writable;
	return error;
}

static void
take_text(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct room *r = arg;

	if (h->ch_error != 0 || r->len == 0)
		return;
	if (len >= r->len)
		len = r->len - 1;
	memcpy(r->data, data, len);
	((char *)r->data)[len] = '\0';
}

/* A request of a name whose answer is a text. */
static int
call_name(struct ifnet_client *c, unsigned op, const char *name, char *text,
    size_t size, struct ifnet_error *e)
{
	struct room room = { text, size };
	struct client_call cc = {
		.cc_op = op, .cc_what = name,
		.cc_part = { { name, strlen(name) + 1 } },
		.cc_answer = text == NULL ? NULL : take_text,
		.cc_arg = &room,
	};

	return client_call(c, &cc, e);
}

int
ifnet_sysctl_next(struct ifnet_client *c, const char *after, char *next,
    size_t size, struct ifnet_error *e)
{

	return call_name(c, CTL_SYSCTL_NEXT, after, next, size, e);
}

int
ifnet_sysctl_descr(struct ifnet_client *c, const char *name, char *text,
    size_t size, struct ifnet_error *e)
{

	return call_name(c, CTL_SYSCTL_DESCR, name, text, size, e);
}

/* --- routes, dumps ------------------------------------------------------- */

struct route_room {
	void		*data;
	size_t		 room, len;
};

static void
take_route(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct route_room *r = arg;

	if (h->ch_error != 0)
		return;
	r->len = len;
	if (r->data != NULL && len <= r->room)
		memcpy(r->data, data, len);
}

int
ifnet_route(struct ifnet_client *c, const void *msg, size_t len, void *answer,
    size_t *answerlen, struct ifnet_error *e)
{
	struct route_room r = { answer, answerlen == NULL ? 0 : *answerlen,
	    0 };
	struct client_call cc = {
		.cc_op = CTL_ROUTE, .cc_what = "",
		.cc_part = { { msg, len } },
		.cc_answer = take_route, .cc_arg = &r,
	};
	int error;

	error = client_call(c, &cc, e);
	if (answerlen != NULL)
		*answerlen = r.len;
	if (error == 0 && answer != NULL && r.len > r.room)
		return ifnet_error_set(e, ENOMEM,
		    "the answer needs %zu bytes", r.len);
	return error;
}

struct dump {
	int		(*fn)(const void *, size_t, void *);
	void		*arg;
	int		 result;
	bool		 nonsense;
};

static void
take_messages(void *arg, const struct ctl_hdr *h, const void *data,
    size_t len)
{
	struct dump *d = arg;
	const uint8_t *p = data;
	struct rt_hdr rh;
	size_t step;

	(void)h;
	while (len > 0 && d->result == 0 && !d->nonsense) {
		if (len >= sizeof(rh))
			memcpy(&rh, p, sizeof(rh));
		if (len < sizeof(rh) || rh.rtm_len < sizeof(rh) ||
		    rh.rtm_len > len) {
			d->nonsense = true;
			return;
		}
		d->result = d->fn(p, rh.rtm_len, d->arg);
		step = (rh.rtm_len + 7u) & ~(size_t)7;
		p += step < len ? step : len;
		len -= step < len ? step : len;
	}
}

int
ifnet_dump(struct ifnet_client *c, unsigned what, const char *ifname,
    int (*fn)(const void *, size_t, void *), void *arg,
    struct ifnet_error *e)
{
	struct dump d = { fn, arg, 0, false };
	struct ctl_dump cd;
	struct client_call cc = {
		.cc_op = CTL_DUMP, .cc_what = "",
		.cc_part = { { &cd, sizeof(cd) } },
		.cc_answer = take_messages, .cc_arg = &d,
	};
	int error;

	memset(&cd, 0, sizeof(cd));
	cd.d_what = what;
	if (ifname != NULL) {
		if (strlen(ifname) >= sizeof(cd.d_ifname))
			return ifnet_error_set(e, ENXIO,
			    "%s: no such interface", ifname);
		memcpy(cd.d_ifname, ifname, strlen(ifname));
	}
	error = client_call(c, &cc, e);
	if (error == 0 && d.nonsense)
		return ifnet_error_set(e, EPROTO,
		    "ifnetd at %s sent nonsense", c->c_peer);
	return error != 0 ? error : d.result;
}

/* --- vnets, the daemon --------------------------------------------------- */

int
ifnet_vnet_create(struct ifnet_client *c, const char *name,
    struct ifnet_error *e)
{

	return call_name(c, CTL_VNET_CREATE, name, NULL, 0, e);
}

int
ifnet_vnet_destroy(struct ifnet_client *c, const char *name,
    struct ifnet_error *e)
{

	return call_name(c, CTL_VNET_DESTROY, name, NULL, 0, e);
}

struct vnet_list {
	int		(*fn)(const char *, unsigned, void *);
	void		*arg;
	int		 result;
};

static void
take_vnets(void *arg, const struct ctl_hdr *h, const void *data, size_t len)
{
	struct vnet_list *vl = arg;
	const uint8_t *p = data;
	struct ctl_vnet v;

	(void)h;
	for (; len >= sizeof(v) && vl->result == 0; len -= sizeof(v)) {
		memcpy(&v, p, sizeof(v));
		v.v_name[sizeof(v.v_name) - 1] = '\0';
		vl->result = vl->fn(v.v_name, v.v_interfaces, vl->arg);
		p += sizeof(v);
	}
}

int
ifnet_vnet_list(struct ifnet_client *c,
    int (*fn)(const char *, unsigned, void *), void *arg,
    struct ifnet_error *e)
{
	struct vnet_list vl = { fn, arg, 0 };
	struct client_call cc = {
		.cc_op = CTL_VNET_LIST, .cc_what = "",
		.cc_answer = take_vnets, .cc_arg = &vl,
	};
	int error;

	error = client_call(c, &cc, e);
	return error != 0 ? error : vl.result;
}

int
ifnet_halt(struct ifnet_client *c, struct ifnet_error *e)
{
	struct client_call cc = { .cc_op = CTL_HALT, .cc_what = "halt" };

	return client_call(c, &cc, e);
}
