/*
 * Tap devices of the Linux host: the tun driver in tap mode, with a vnet
 * header in front of every packet.  See the kernel's
 * Documentation/networking/tuntap.rst and linux/if_tun.h.
 */

#include "host/linux/impl.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

/* Linux 6.2; older headers do not have them. */
#ifndef TUN_F_USO4
#define TUN_F_USO4	0x20
#define TUN_F_USO6	0x40
#endif

#define TUN_PATH	"/dev/net/tun"

struct host_tun {
	int		 ht_fd;
	char		 ht_name[IFNAMSIZ];
	struct linux_far *ht_far;
};

_Static_assert(sizeof(struct host_vnethdr) == 10,
    "struct host_vnethdr is the 10-byte virtio_net_hdr");

static int
ioctl_error(int fd, unsigned long request, void *arg)
{
	int rv;

	do {
		rv = ioctl(fd, request, arg);
	} while (rv == -1 && errno == EINTR);
	return rv == -1 ? errno : 0;
}

/* An interface request on the device of this name in our namespace. */
static int
netdev_ioctl(const char *name, unsigned long request, struct ifreq *ifr)
{
	int error, s;

	s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s == -1)
		return errno;
	strncpy(ifr->ifr_name, name, IFNAMSIZ - 1);
	ifr->ifr_name[IFNAMSIZ - 1] = '\0';
	error = ioctl_error(s, request, ifr);
	close(s);
	return error;
}

static bool
netdev_exists(const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	return netdev_ioctl(name, SIOCGIFINDEX, &ifr) == 0;
}

static int
netdev_up(const char *name)
{
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	error = netdev_ioctl(name, SIOCGIFFLAGS, &ifr);
	/* A device that was made beforehand may be up, and this process may
	 * lack the right to set it. */
	if (error != 0 || (ifr.ifr_flags & IFF_UP))
		return error;
	ifr.ifr_flags |= IFF_UP;
	return netdev_ioctl(name, SIOCSIFFLAGS, &ifr);
}

static int
set_offload(int fd, unsigned offload)
{
	unsigned long flags = 0;
	int error;

	if (offload & HOST_TUN_CSUM)
		flags |= TUN_F_CSUM;
	if (offload & HOST_TUN_TSO4)
		flags |= TUN_F_TSO4;
	if (offload & HOST_TUN_TSO6)
		flags |= TUN_F_TSO6;
	if (offload & HOST_TUN_TSO_ECN)
		flags |= TUN_F_TSO_ECN;
	if (offload & HOST_TUN_USO)
		flags |= TUN_F_USO4 | TUN_F_USO6;
	error = ioctl_error(fd, TUNSETOFFLOAD, (void *)flags);
	if (error == EINVAL && (offload & HOST_TUN_USO)) {
		flags &= ~(unsigned long)(TUN_F_USO4 | TUN_F_USO6);
		error = ioctl_error(fd, TUNSETOFFLOAD, (void *)flags);
	}
	return error;
}

static int
set_vnethdr(int fd)
{
	int bytes = (int)sizeof(struct host_vnethdr);

	return ioctl_error(fd, TUNSETVNETHDRSZ, &bytes);
}

/* Find or create the device, and attach a new descriptor to it. */
static int
open_by_name(const char *name, struct host_tun *t, const char **why)
{
	struct ifreq ifr;
	int error;

	if (strlen(name) >= IFNAMSIZ)
		return ENAMETOOLONG;
	t->ht_fd = open(TUN_PATH, O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (t->ht_fd == -1) {
		if (errno == EACCES) {
			*why = TUN_PATH " may not be opened by the user "
			    "ifnetd runs as (look at its owner and mode)";
			return EPERM;
		}
		if (errno != ENOENT && errno != ENODEV)
			return errno;
		*why = "the machine has no " TUN_PATH " (modprobe tun)";
		return ENXIO;
	}
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	error = ioctl_error(t->ht_fd, TUNSETIFF, &ifr);
	if (error != 0) {
		close(t->ht_fd);
		/* The kernel's errno for a device of another kind. */
		if (error == EINVAL && name[0] != '\0' &&
		    netdev_exists(name)) {
			*why = "the host has a device of this name that is no "
			    "tap (choose another with \"host NAME\")";
			error = EBUSY;
		} else if (error == EINVAL && name[0] != '\0')
			*why = "the host takes no such name for a device "
			    "(choose another with \"host NAME\")";
		else if (error == EBUSY)
			*why = "another program has this device of the host "
			    "open (choose another with \"host NAME\")";
		else if (error == EPERM)
			*why = "making the host's device needs CAP_NET_ADMIN "
			    "in the network namespace ifnetd runs in";
		return error;
	}
	memcpy(t->ht_name, ifr.ifr_name, IFNAMSIZ);
	t->ht_name[IFNAMSIZ - 1] = '\0';
	return 0;
}

/* Check that a handed-over descriptor is a usable tap device; it is not
 * changed. */
static int
check_handed_over(int fd, struct host_tun *t, const char **why)
{
	struct ifreq ifr;
	int error;

	memset(&ifr, 0, sizeof(ifr));
	error = ioctl_error(fd, TUNGETIFF, &ifr);
	if (error == EBADF)
		return EBADF;
	if (error != 0) {
		*why = "the descriptor handed over is no tun device, or none "
		    "was attached to it yet (TUNSETIFF)";
		return EINVAL;
	}
	*why = "the descriptor handed over is no tap with IFF_TAP, IFF_NO_PI "
	    "and IFF_VNET_HDR";
	if (!(ifr.ifr_flags & IFF_TAP) || !(ifr.ifr_flags & IFF_NO_PI) ||
	    !(ifr.ifr_flags & IFF_VNET_HDR))
		return EINVAL;
	t->ht_fd = fd;
	memcpy(t->ht_name, ifr.ifr_name, IFNAMSIZ);
	t->ht_name[IFNAMSIZ - 1] = '\0';
	return 0;
}

static int
set_descriptor_flags(int fd)
{
	int flags;

	flags = fcntl(fd, F_GETFL);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return errno;
	flags = fcntl(fd, F_GETFD);
	if (flags == -1 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) == -1)
		return errno;
	return 0;
}

static int
configure(struct host_tun *t, unsigned offload, bool handed_over)
{
	int error;

	error = set_vnethdr(t->ht_fd);
	if (error == 0)
		error = set_offload(t->ht_fd, offload);
	if (error != 0)
		return error;
	return handed_over ? set_descriptor_flags(t->ht_fd) :
	    netdev_up(t->ht_name);
}

int
linux_tun_open(struct host *h, const struct host_tun_config *tc,
    struct host_tun **tp)
{
	struct host_tun *t;
	bool handed_over = tc->tc_fd >= 0;
	const char *why = NULL;
	int error;

	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return ENOMEM;
	if (handed_over)
		error = check_handed_over(tc->tc_fd, t, &why);
	else
		error = open_by_name(tc->tc_name, t, &why);
	if (error != 0)
		goto fail_free;
	error = configure(t, tc->tc_offload, handed_over);
	if (error != 0)
		goto fail_close;
	t->ht_far = linux_far_attach(h, t->ht_fd, handed_over);
	if (t->ht_far == NULL) {
		error = ENOMEM;
		goto fail_close;
	}
	*tp = t;
	return 0;

fail_close:
	if (!handed_over)
		close(t->ht_fd);
fail_free:
	free(t);
	if (tc->tc_why != NULL)
		*tc->tc_why = why;
	return error;
}

void
linux_tun_close(struct host *h, struct host_tun *t)
{

	(void)h;
	if (t == NULL)
		return;
	linux_far_detach(t->ht_far);
	close(t->ht_fd);
	free(t);
}

int
linux_tun_fd(struct host *h, struct host_tun *t)
{

	(void)h;
	return t->ht_fd;
}

int
linux_tun_offload(struct host *h, struct host_tun *t, unsigned offload)
{

	(void)h;
	return set_offload(t->ht_fd, offload);
}

const char *
linux_tun_name(struct host *h, struct host_tun *t)
{

	(void)h;
	return t->ht_name;
}

int
linux_tun_watch(struct host *h, struct host_tun *t, void (*fn)(void *),
    void *arg)
{

	(void)h;
	return linux_far_watch(t->ht_far, fn, arg);
}

/* A poll that finds the device down makes it wake the watcher when it comes
 * up. */
bool
linux_tun_takes(struct host *h, struct host_tun *t)
{
	struct pollfd pfd = { .fd = t->ht_fd, .events = POLLOUT };

	(void)h;
	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLOUT) != 0;
}

void
linux_tun_far(struct host *h, struct host_tun *t, struct host_tun_far *tf)
{

	(void)h;
	linux_far_get(t->ht_far, tf);
}

int
linux_tun_mtu(struct host *h, struct host_tun *t, uint32_t mtu)
{

	(void)h;
	return linux_far_mtu(t->ht_far, mtu);
}

void
linux_tun_carrier(struct host *h, struct host_tun *t, bool on)
{

	(void)h;
	linux_far_carrier(t->ht_far, on);
}

ssize_t
linux_tun_recv(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{
	ssize_t got;

	(void)h;
	got = readv(t->ht_fd, iov, n);
	return got == -1 ? -errno : got;
}

ssize_t
linux_tun_send(struct host *h, struct host_tun *t, const struct iovec *iov,
    int n)
{
	ssize_t sent;

	(void)h;
	sent = writev(t->ht_fd, iov, n);
	return sent == -1 ? -errno : sent;
}
