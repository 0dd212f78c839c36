/*
 * rtmsg_fit: routing messages of an end of another release.
 *
 * Each message says how long the record at its head is (rtm_hdrlen); what
 * follows the record is found by that.
 */

#ifndef PROTO_RTMSG_FIT_H
#define PROTO_RTMSG_FIT_H

#include <ifnet/rtmsg.h>

/* Before a message leaves: its record is as long as this build has it. */
void	rt_msg_stamp(void *msg);
/*
 * A message of len bytes as this build would have it: in place when it is,
 * else made in room (RT_MSG_MAX bytes, aligned to 8).  *out is where it is.
 * 0; EINVAL: its lengths make no sense; EPROTONOSUPPORT: a version or type
 * that is not known here; E2BIG: made, but a field or address that is not
 * known here was left out.
 */
int	rt_msg_fit(const void *msg, size_t len, void *room, const void **out);

#endif /* !PROTO_RTMSG_FIT_H */
