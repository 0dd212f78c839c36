/*
 * rtsock: the routing socket: requests in messages, dumps, listeners.
 */

#ifndef NET_RTSOCK_H
#define NET_RTSOCK_H

#include <ifnet/if.h>
#include <ifnet/rtmsg.h>

struct llentry;
struct rtentry;
struct rt_listener;

/*
 * Control: one request (RTM_ADD, DELETE, CHANGE, GET; with RTF_LLDATA about a
 * neighbour) of exactly len bytes.  The answer, at most RT_MSG_MAX bytes, goes to `answer'
 * (RTM_GET and all that succeed; *answerlen 0 otherwise).  EPERM, EINVAL, EAFNOSUPPORT, ESRCH,
 * EEXIST, ENETUNREACH, ENOMEM.
 */
int	rtsock_request(struct vnet *, const struct kauth_cred *,
	    const void *msg, size_t len, void *answer, size_t *answerlen);

/* What a dump or a listener wants. */
#define RTS_LINK	0x01	/* interfaces: RTM_IFANNOUNCE, RTM_IFINFO */
#define RTS_ADDR	0x02
#define RTS_ROUTE	0x04
#define RTS_NEIGH	0x08
#define RTS_ALL		0x0f
#define RTS_SNAPSHOT	0x10	/* first all there is, then RTM_SNAPSHOT_END */

/*
 * Control: call fn with a message for everything of the kinds in `what'
 * (interfaces each followed by their addresses), of one interface when handle is not 0.
 * fn's first nonzero value ends it and is returned.
 */
int	rtsock_dump(struct vnet *, unsigned what, uint64_t handle,
	    int (*fn)(const void *msg, void *arg), void *arg);

/*
 * A listener: a bounded queue of its own (bytes) and gapless sequence numbers, given
 * as messages are read.  When the queue is full messages are lost for it
 * alone, and one RTM_OVERRUN record stands where they would have been.  wakeup is
 * called, in any context, when the queue stops being empty; it must not
 * call back.  Control.  ENOMEM.
 */
int	rt_listener_open(struct vnet *, unsigned what, size_t queue_bytes,
	    void (*wakeup)(void *), void *arg, struct rt_listener **);
void	rt_listener_close(struct rt_listener *);
/* The next message (RT_MSG_MAX bytes of room); 0 bytes: nothing there. */
size_t	rt_listener_read(struct rt_listener *, void *msg);

/* Announcements, after the change is visible.  Any context. */
void	rt_ifannounce(struct ifnet *, int what);	/* IFAN_* */
void	rt_ifmsg(struct ifnet *);			/* RTM_IFINFO */
void	rt_newaddrmsg(uint8_t type, struct ifaddr *);	/* RTM_*ADDR */
void	rt_routemsg(uint8_t type, const struct rtentry *);
void	rt_neighmsg(uint8_t type, const struct llentry *);

extern const struct vnet_subsys rtsock_subsys;

#endif /* !NET_RTSOCK_H */
