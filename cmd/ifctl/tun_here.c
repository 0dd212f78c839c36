/*
 * A tap device in this process's own network namespace, to be handed over
 * to the daemon, which may be in another one.  Linux only, and apart from the
 * rest because the host's <net/if.h> is needed.
 */

#include <sys/ioctl.h>
#include <sys/socket.h>

#include <net/if.h>
#include <linux/if_tun.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ifctl.h"

static int
bring_up(struct ifreq *ifr)
{
	int error = 0, s;

	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return errno;
	if (ioctl(s, SIOCGIFFLAGS, ifr) != 0) {
		error = errno;
	} else {
		ifr->ifr_flags |= IFF_UP;
		if (ioctl(s, SIOCSIFFLAGS, ifr) != 0)
			error = errno;
	}
	(void)close(s);
	return error;
}

static const char *
advice(int error)
{

	switch (error) {
	case EPERM:
	case EACCES:
		return " (this needs CAP_NET_ADMIN in the network namespace)";
	case EBUSY:
		return " (another process has this device open; \"host NAME\" "
		    "chooses another name)";
	case ENOENT:
	case ENODEV:
	case ENXIO:
		return " (the machine has no tun driver: modprobe tun)";
	default:
		return "";
	}
}

int
tun_open_here(const char *name, char *devname, struct ifnet_error *e)
{
	struct ifreq ifr;
	int error, fd;

	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) {
		error = errno;
		(void)ifnet_error_set(e, error, "/dev/net/tun: %s%s",
		    strerror(error), error == EACCES || error == EPERM ?
		    " (look at its owner and mode)" : advice(error));
		return -1;
	}
	memset(&ifr, 0, sizeof(ifr));
	(void)snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	ifr.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &ifr) != 0) {
		error = errno;
		(void)ifnet_error_set(e, error, "TUNSETIFF %s: %s%s", name,
		    strerror(error), error != EINVAL ? advice(error) :
		    if_nametoindex(name) != 0 ? " (the host has a "
		    "device of this name that is no tap; \"host NAME\" chooses "
		    "another name)" : " (the host takes no such name for a "
		    "device; \"host NAME\" chooses another name)");
		goto fail;
	}
	(void)snprintf(devname, IFNAMSIZ, "%s", ifr.ifr_name);
	error = bring_up(&ifr);
	if (error != 0) {
		(void)ifnet_error_set(e, error, "%s: cannot be brought up: "
		    "%s%s", devname, strerror(error), advice(error));
		goto fail;
	}
	return fd;
fail:
	(void)close(fd);
	return -1;
}
