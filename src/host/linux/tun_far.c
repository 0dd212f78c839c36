/*
 * The far side of tap devices: the Linux interface whose packets the stack
 * reads and writes.  Its owner sets it up and down, gives it an MTU and another
 * name, moves it to another network namespace, deletes it.
 *
 * One thread watches for all devices of the process.  It sleeps on one
 * rtnetlink socket for each namespace that has one of the devices, and on the
 * devices' own descriptors: a device that comes up becomes writable, which is
 * the only sign if this process has no right in its namespace.  A message only
 * triggers a query of the present state, so that a lost or unknown message does
 * no harm.
 *
 * See rtnetlink(7), and drivers/net/tun.c for the ioctls of the descriptor.
 */

#include "host/linux/impl.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#define OWN_NETNS	"/proc/thread-self/ns/net"

/* A network namespace with tap devices of this process, and in which it has
 * rights. */
struct far_netns {
	LIST_ENTRY(far_netns) fn_link;	/* far_lock */
	ino_t		 fn_ino;	/* constant */
	int		 fn_netlink;	/* constant: rtnetlink messages */
	int		 fn_dgram;	/* constant: for their ioctls */
	unsigned	 fn_refs;	/* far_lock */
};

/*
 *	constant	from linux_far_attach() on
 *	f:		far_lock
 */
struct linux_far {
	LIST_ENTRY(linux_far) lf_link;	/* f: while it is watched */
	struct host	*lf_host;	/* constant */
	int		 lf_fd;		/* constant */
	bool		 lf_handed_over; /* constant */
	struct far_netns *lf_netns;	/* f: NULL: unseen */
	ino_t		 lf_ino;	/* f: of its namespace; 0: not known */
	int		 lf_index;	/* f: in it; 0: not known */
	void		(*lf_fn)(void *); /* f: */
	void		*lf_arg;	/* f: */
	bool		 lf_up;		/* f: while listed: as of the last
					 * message about it */
	uint32_t	 lf_falls;	/* f: the times it went down */
	bool		 lf_listed;	/* f: on far_list */
	bool		 lf_dirty;	/* f: lf_fn is to be called */
	bool		 lf_busy;	/* f: lf_fn runs */
};

static pthread_mutex_t far_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t far_idle = PTHREAD_COND_INITIALIZER; /* lf_busy ended */
static LIST_HEAD(, linux_far) far_list = LIST_HEAD_INITIALIZER(far_list);
static LIST_HEAD(, far_netns) netns_list = LIST_HEAD_INITIALIZER(netns_list);

/* The watching thread, which exists while a device is watched.  far_lock; start
 * and end of it are serialised by far_thread_lock, which is taken first. */
static pthread_mutex_t far_thread_lock = PTHREAD_MUTEX_INITIALIZER;
static struct host_thread *far_thread;	/* far_thread_lock */
static unsigned far_watchers;		/* far_thread_lock */
static int far_epoll = -1, far_wake = -1;
static bool far_quit;

/* --- namespaces ----------------------------------------------------------- */

static ino_t
own_netns(void)
{
	struct stat sb;

	return stat(OWN_NETNS, &sb) == 0 ? sb.st_ino : 0;
}

struct netns_sockets {
	int		 ns_fd;		/* namespace's; -1: the own */
	int		 ns_netlink;	/* -1: could not be made */
	int		 ns_dgram;
};

static void
open_sockets(struct netns_sockets *ns)
{
	struct sockaddr_nl snl = {
		.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK,
	};

	ns->ns_dgram = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ns->ns_netlink = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, NETLINK_ROUTE);
	if (ns->ns_netlink != -1 && ns->ns_dgram != -1 &&
	    bind(ns->ns_netlink, (struct sockaddr *)&snl, sizeof(snl)) == 0)
		return;
	if (ns->ns_netlink != -1)
		close(ns->ns_netlink);
	if (ns->ns_dgram != -1)
		close(ns->ns_dgram);
	ns->ns_netlink = ns->ns_dgram = -1;
}

/* Runs on a thread of its own, as a thread that has entered a namespace stays
 * in it. */
static void *
open_sockets_there(void *arg)
{
	struct netns_sockets *ns = arg;

	if (setns(ns->ns_fd, CLONE_NEWNET) == 0)
		open_sockets(ns);
	return NULL;
}

static void
netns_release(struct far_netns *fn)
{

	if (fn == NULL || --fn->fn_refs != 0)
		return;
	LIST_REMOVE(fn, fn_link);
	close(fn->fn_netlink);
	close(fn->fn_dgram);
	free(fn);
}

/* f: the namespace of this inode number, or NULL.  nsfd -1: the process's
 * own. */
static struct far_netns *
netns_acquire(ino_t ino, int nsfd)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct netns_sockets ns = { nsfd, -1, -1 };
	struct far_netns *fn;
	pthread_t id;

	LIST_FOREACH(fn, &netns_list, fn_link) {
		if (fn->fn_ino == ino) {
			fn->fn_refs++;
			return fn;
		}
	}
	fn = calloc(1, sizeof(*fn));
	if (fn == NULL)
		return NULL;
	if (nsfd == -1 || ino == own_netns())
		open_sockets(&ns);
	else if (pthread_create(&id, NULL, open_sockets_there, &ns) == 0)
		(void)pthread_join(id, NULL);
	if (ns.ns_netlink == -1) {
		free(fn);
		return NULL;
	}
	fn->fn_ino = ino;
	fn->fn_netlink = ns.ns_netlink;
	fn->fn_dgram = ns.ns_dgram;
	fn->fn_refs = 1;
	LIST_INSERT_HEAD(&netns_list, fn, fn_link);
	ev.data.ptr = fn;
	if (far_epoll != -1)
		(void)epoll_ctl(far_epoll, EPOLL_CTL_ADD, fn->fn_netlink, &ev);
	return fn;
}

/* --- asking --------------------------------------------------------------- */

/* The device's name now; ENXIO: it has been deleted. */
static int
get_name(const struct linux_far *lf, struct ifreq *ifr)
{

	memset(ifr, 0, sizeof(*ifr));
	while (ioctl(lf->lf_fd, TUNGETIFF, ifr) == -1)
		if (errno != EINTR)
			return ENXIO;
	ifr->ifr_name[IFNAMSIZ - 1] = '\0';
	return 0;
}

/* f: an ioctl on the device in its namespace; an errno. */
static int
netdev(const struct linux_far *lf, unsigned long request, struct ifreq *ifr)
{
	struct ifreq name;
	int error;

	if (lf->lf_netns == NULL)
		return EPERM;
	/* A second try is made when the device was renamed in between. */
	for (int i = 0; i < 2; i++) {
		error = get_name(lf, &name);
		if (error != 0)
			return error;
		memcpy(ifr->ifr_name, name.ifr_name, IFNAMSIZ);
		if (ioctl(lf->lf_netns->fn_dgram, request, ifr) == 0)
			return 0;
		error = errno;
		if (error != ENODEV)
			break;
	}
	return error;
}

/* f: is the device up, as far as this process may know? */
static bool
is_up(const struct linux_far *lf)
{
	struct ifreq ifr;

	return netdev(lf, SIOCGIFFLAGS, &ifr) == 0 &&
	    (ifr.ifr_flags & IFF_UP) != 0;
}

/* f */
static void
set_up(struct linux_far *lf, bool up)
{

	lf->lf_falls += lf->lf_up && !up;
	lf->lf_up = up;
}

/* f: find the device's present namespace: it may have moved. */
static void
locate(struct linux_far *lf)
{
	struct far_netns *old = lf->lf_netns;
	const ino_t before = lf->lf_ino;
	struct ifreq ifr;
	struct stat sb;
	int nsfd;

	nsfd = ioctl(lf->lf_fd, TUNGETDEVNETNS);
	if (nsfd != -1 && fstat(nsfd, &sb) == 0) {
		if (lf->lf_ino != sb.st_ino) {
			lf->lf_ino = sb.st_ino;
			lf->lf_netns = netns_acquire(sb.st_ino, nsfd);
			netns_release(old);
		}
	} else if (lf->lf_ino == 0 && !lf->lf_handed_over) {
		/* A device that was opened by name was found in the process's
		 * own namespace. */
		lf->lf_ino = own_netns();
		lf->lf_netns = netns_acquire(lf->lf_ino, -1);
	}
	if (nsfd != -1)
		close(nsfd);
	if (lf->lf_ino == before)
		return;
	lf->lf_index = netdev(lf, SIOCGIFINDEX, &ifr) == 0 ?
	    ifr.ifr_ifindex : 0;
	set_up(lf, is_up(lf));
}

int
linux_far_mtu(struct linux_far *lf, uint32_t mtu)
{
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	ifr.ifr_mtu = (int)mtu;
	pthread_mutex_lock(&far_lock);
	error = netdev(lf, SIOCSIFMTU, &ifr);
	pthread_mutex_unlock(&far_lock);
	return error;
}

/* Kernels before 4.20 have no such thing; the device keeps its carrier. */
void
linux_far_carrier(struct linux_far *lf, bool on)
{
	int carrier = on;

	(void)ioctl(lf->lf_fd, TUNSETCARRIER, &carrier);
}

/* --- the thread ----------------------------------------------------------- */

/* f: mark the device of this index in a namespace; 0: all there. */
static void
mark(const struct far_netns *fn, int index)
{
	struct linux_far *lf;

	LIST_FOREACH(lf, &far_list, lf_link)
		if (lf->lf_netns == fn && (index == 0 || lf->lf_index == 0 ||
		    lf->lf_index == index))
			lf->lf_dirty = true;
}

/* f: note a device's state.  Each message counts, as a device that went down
 * may be up again when it is queried. */
static void
note(const struct far_netns *fn, const struct ifinfomsg *ifi)
{
	struct linux_far *lf;

	LIST_FOREACH(lf, &far_list, lf_link)
		if (lf->lf_netns == fn && lf->lf_index == ifi->ifi_index)
			set_up(lf, (ifi->ifi_flags & IFF_UP) != 0);
}

/* f: messages were lost. */
static void
resynchronise(const struct far_netns *fn)
{
	struct linux_far *lf;

	mark(fn, 0);
	LIST_FOREACH(lf, &far_list, lf_link)
		if (lf->lf_netns == fn)
			set_up(lf, is_up(lf));
}

static void
take_messages(const struct far_netns *fn, const void *buf, size_t len)
{
	const struct ifinfomsg *ifi;
	const struct nlmsghdr *nh;

	for (nh = buf; NLMSG_OK(nh, len); nh = NLMSG_NEXT(nh, len)) {
		if ((nh->nlmsg_type != RTM_NEWLINK &&
		    nh->nlmsg_type != RTM_DELLINK) ||
		    nh->nlmsg_len < NLMSG_LENGTH(sizeof(*ifi)))
			continue;
		ifi = NLMSG_DATA(nh);
		mark(fn, ifi->ifi_index);
		if (nh->nlmsg_type == RTM_NEWLINK)
			note(fn, ifi);
	}
}

/* f: read all waiting messages; false: there were none. */
static bool
read_netlink(struct far_netns *fn)
{
	char buf[16384] __attribute__((__aligned__(8)));
	bool any = false, lost = false;
	ssize_t n;

	for (;;) {
		n = recv(fn->fn_netlink, buf, sizeof(buf), 0);
		if (n > 0) {
			take_messages(fn, buf, (size_t)n);
			any = true;
		} else if (n == -1 && errno == ENOBUFS)
			lost = true;
		else if (n != -1 || errno != EINTR)
			break;
	}
	/* The loss is reported before the messages that are older than it, so
	 * the present state is queried after these. */
	if (lost)
		resynchronise(fn);
	return any || lost;
}

/* f: read all waiting messages in another thread than the one that tells the
 * watchers, which would then sleep on. */
static void
catch_up(struct far_netns *fn)
{
	const uint64_t one = 1;

	if (read_netlink(fn) && far_wake != -1)
		(void)!write(far_wake, &one, sizeof(one));
}

/* Is the device up?  Judged by its descriptor: a device that is down takes no
 * packets. */
static bool
writable(const struct linux_far *lf)
{
	struct pollfd pfd = { .fd = lf->lf_fd, .events = POLLOUT };

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

void
linux_far_get(struct linux_far *lf, struct host_tun_far *tf)
{
	struct ifreq ifr;
	bool up;

	memset(tf, 0, sizeof(*tf));
	if (get_name(lf, &ifr) != 0) {
		tf->tf_flags = HOST_TUN_GONE;
		return;
	}
	memcpy(tf->tf_name, ifr.ifr_name, sizeof(tf->tf_name));
	/* The descriptor is polled in any case: that makes the device report
	 * its next change. */
	up = writable(lf);
	pthread_mutex_lock(&far_lock);
	tf->tf_netns = lf->lf_ino;
	if (lf->lf_ino != own_netns())
		tf->tf_flags |= HOST_TUN_AWAY;
	if (lf->lf_netns != NULL && lf->lf_listed) {
		catch_up(lf->lf_netns);
		up = lf->lf_up;
	} else if (lf->lf_netns != NULL)
		up = is_up(lf);
	tf->tf_falls = lf->lf_falls;
	if (netdev(lf, SIOCGIFMTU, &ifr) == 0)
		tf->tf_mtu = (uint32_t)ifr.ifr_mtu;
	else
		tf->tf_flags |= HOST_TUN_UNSEEN;
	pthread_mutex_unlock(&far_lock);
	if (up)
		tf->tf_flags |= HOST_TUN_UP;
}

/* f: handle an event, whose pointer is a namespace or a device, if that still
 * exists. */
static void
take_event(void *ptr)
{
	struct far_netns *fn;
	struct linux_far *lf;
	uint64_t count;

	if (ptr == NULL) {
		(void)!read(far_wake, &count, sizeof(count));
		return;
	}
	LIST_FOREACH(fn, &netns_list, fn_link)
		if (fn == ptr) {
			(void)read_netlink(fn);
			return;
		}
	LIST_FOREACH(lf, &far_list, lf_link)
		if (lf == ptr)
			lf->lf_dirty = true;
}

/* f: call the watchers of marked devices; the lock is released meanwhile. */
static void
tell_dirty(void)
{
	struct linux_far *lf;

again:
	LIST_FOREACH(lf, &far_list, lf_link) {
		if (!lf->lf_dirty)
			continue;
		lf->lf_dirty = false;
		lf->lf_busy = true;
		locate(lf);
		pthread_mutex_unlock(&far_lock);
		lf->lf_fn(lf->lf_arg);
		pthread_mutex_lock(&far_lock);
		lf->lf_busy = false;
		pthread_cond_broadcast(&far_idle);
		goto again;
	}
}

static void
far_main(void *arg)
{
	struct epoll_event ev[16];
	int n;

	(void)arg;
	pthread_mutex_lock(&far_lock);
	while (!far_quit) {
		pthread_mutex_unlock(&far_lock);
		n = epoll_wait(far_epoll, ev, 16, -1);
		pthread_mutex_lock(&far_lock);
		for (int i = 0; i < n; i++)
			take_event(ev[i].data.ptr);
		tell_dirty();
	}
	pthread_mutex_unlock(&far_lock);
}

/* far_thread_lock. */
static int
thread_start(struct host *h)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct far_netns *fn;
	int error;

	far_epoll = epoll_create1(EPOLL_CLOEXEC);
	far_wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (far_epoll == -1 || far_wake == -1 ||
	    epoll_ctl(far_epoll, EPOLL_CTL_ADD, far_wake, &ev) == -1) {
		error = errno;
		goto fail;
	}
	pthread_mutex_lock(&far_lock);
	far_quit = false;
	LIST_FOREACH(fn, &netns_list, fn_link) {
		ev.data.ptr = fn;
		(void)epoll_ctl(far_epoll, EPOLL_CTL_ADD, fn->fn_netlink, &ev);
	}
	pthread_mutex_unlock(&far_lock);
	error = linux_thread_create(h, "ifnet-far", -1, far_main, NULL,
	    &far_thread);
	if (error == 0)
		return 0;
fail:
	if (far_epoll != -1)
		close(far_epoll);
	if (far_wake != -1)
		close(far_wake);
	far_epoll = far_wake = -1;
	return error;
}

/* far_thread_lock. */
static void
thread_stop(struct host *h)
{
	const uint64_t one = 1;

	pthread_mutex_lock(&far_lock);
	far_quit = true;
	pthread_mutex_unlock(&far_lock);
	(void)!write(far_wake, &one, sizeof(one));
	linux_thread_join(h, far_thread);
	pthread_mutex_lock(&far_lock);
	close(far_epoll);
	close(far_wake);
	far_epoll = far_wake = -1;
	pthread_mutex_unlock(&far_lock);
}

/* --- devices -------------------------------------------------------------- */

struct linux_far *
linux_far_attach(struct host *h, int fd, bool handed_over)
{
	struct linux_far *lf;

	lf = calloc(1, sizeof(*lf));
	if (lf == NULL)
		return NULL;
	lf->lf_host = h;
	lf->lf_fd = fd;
	lf->lf_handed_over = handed_over;
	pthread_mutex_lock(&far_lock);
	locate(lf);
	pthread_mutex_unlock(&far_lock);
	return lf;
}

int
linux_far_watch(struct linux_far *lf, void (*fn)(void *), void *arg)
{
	struct epoll_event ev = { .events = EPOLLOUT | EPOLLET };
	int error = 0;

	pthread_mutex_lock(&far_thread_lock);
	if (far_watchers == 0)
		error = thread_start(lf->lf_host);
	if (error == 0)
		far_watchers++;
	pthread_mutex_unlock(&far_thread_lock);
	if (error != 0)
		return error;
	pthread_mutex_lock(&far_lock);
	lf->lf_fn = fn;
	lf->lf_arg = arg;
	lf->lf_listed = true;
	/* Messages of the past are about a state that is queried now. */
	if (lf->lf_netns != NULL)
		catch_up(lf->lf_netns);
	lf->lf_up = is_up(lf);
	LIST_INSERT_HEAD(&far_list, lf, lf_link);
	ev.data.ptr = lf;
	(void)epoll_ctl(far_epoll, EPOLL_CTL_ADD, lf->lf_fd, &ev);
	pthread_mutex_unlock(&far_lock);
	return 0;
}

void
linux_far_detach(struct linux_far *lf)
{
	bool listed;

	if (lf == NULL)
		return;
	pthread_mutex_lock(&far_lock);
	listed = lf->lf_listed;
	if (listed) {
		while (lf->lf_busy)
			(void)pthread_cond_wait(&far_idle, &far_lock);
		LIST_REMOVE(lf, lf_link);
		(void)epoll_ctl(far_epoll, EPOLL_CTL_DEL, lf->lf_fd, NULL);
	}
	netns_release(lf->lf_netns);
	pthread_mutex_unlock(&far_lock);
	free(lf);
	if (!listed)
		return;
	pthread_mutex_lock(&far_thread_lock);
	if (--far_watchers == 0)
		thread_stop(host_linux());
	pthread_mutex_unlock(&far_thread_lock);
}
