/*
 * rtmsg_fit: routing messages between two releases.
 *
 * Each message says how long the record at its head is (rtm_hdrlen); the data
 * behind the record is found by that.
 */

#ifndef PROTO_RTMSG_FIT_H
#define PROTO_RTMSG_FIT_H

#include <ifnet/rtmsg.h>

/* Set rtm_hdrlen of a message that is about to be sent to the length of this
 * build. */
void	rt_msg_stamp(void *msg);
/*
 * Convert a message of len bytes to the layout of this build: *out is the
 * message itself when it has that layout, else a copy in room (RT_MSG_MAX
 * bytes, aligned to 8). 0; EINVAL: its lengths are inconsistent;
 * EPROTONOSUPPORT: an unknown version or type; E2BIG: converted, but an unknown
 * field or address was left out.
 */
int	rt_msg_fit(const void *msg, size_t len, void *room, const void **out);

#endif /* !PROTO_RTMSG_FIT_H */
