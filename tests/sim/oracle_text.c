/*
 * The oracle's announcements, as text.
 */

#include "oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include <ifnet/rtmsg.h>
void
o_text_if(char *t, const char *verb, uint64_t handle, const char *name,
    bool up, int link, unsigned mtu)
{

	(void)snprintf(t, O_TEXT, "%s %llx %s %s link %d mtu %u", verb,
	    (unsigned long long)handle, name, up ? "up" : "down", link, mtu);
}

void
o_text_rename(char *t, uint64_t handle, const char *old, const char *new_)
{

	(void)snprintf(t, O_TEXT, "rename %llx %s %s",
	    (unsigned long long)handle, old, new_);
}

void
o_text_addr(char *t, const char *verb, uint64_t handle, uint32_t addr,
    unsigned len, uint32_t dst)
{

	(void)snprintf(t, O_TEXT, "%s %x/%u dst %x of %llx", verb, addr, len,
	    dst, (unsigned long long)handle);
}

void
o_text_lladdr(char *t, const char *verb, uint64_t handle, uint8_t last)
{

	(void)snprintf(t, O_TEXT, "%s link:%x@%llx", verb, last,
	    (unsigned long long)handle);
}

void
o_text_route(char *t, const char *verb, unsigned table, uint32_t dst,
    unsigned len, uint64_t handle, uint32_t flags, uint32_t metric,
    uint32_t gw, uint32_t ifa)
{
	char own[16] = "own";

	if ((flags & (RTF_LOCAL | RTF_CONNECTED | RTF_BROADCAST)) == 0)
		(void)snprintf(own, sizeof(own), "%u", metric);
	flags &= RTF_UP | RTF_GATEWAY | RTF_HOST | RTF_LOCAL | RTF_CONNECTED |
	    RTF_BROADCAST | RTF_STATIC;
	(void)snprintf(t, O_TEXT, "%s t%u.%x/%u:%s flags %x gw %x from %x by "
	    "%llx", verb, table, dst, len, own, flags, gw, ifa,
	    (unsigned long long)handle);
}

char *
o_event(struct oracle *o)
{

	if (o->o_nevents == O_NEVENTS)
		abort();
	return o->o_event[o->o_nevents++];
}

void
o_event_if(struct oracle *o, const char *verb, const struct o_if *oi)
{

	o_text_if(o_event(o), verb, oi->oi_handle, oi->oi_name, oi->oi_up,
	    oi->oi_link, oi->oi_mtu);
}

void
o_event_addr(struct oracle *o, const char *verb, const struct o_addr *oa)
{

	o_text_addr(o_event(o), verb, oa->oa_if->oi_handle, oa->oa_addr,
	    oa->oa_len, oa->oa_dst);
}

void
o_event_lladdr(struct oracle *o, const char *verb, const struct o_if *oi,
    uint8_t last)
{

	o_text_lladdr(o_event(o), verb, oi->oi_handle, last);
}

void
o_text_ways(char *t, const char *verb, unsigned table, uint32_t dst,
    unsigned len, uint32_t metric)
{

	(void)snprintf(t, O_TEXT, "%s t%u.%x/%u:%u ways", verb, table, dst,
	    len, metric);
}

void
o_text_of(char *t, const char *verb, const struct o_route *ort, bool used)
{
	const struct o_way *ow = &ort->or_way[0];

	if (ort->or_nways > 1)
		o_text_ways(t, verb, ort->or_table, ort->or_dst, ort->or_len,
		    ort->or_metric);
	else
		o_text_route(t, verb, ort->or_table, ort->or_dst, ort->or_len,
		    ow->ow_if != NULL ? ow->ow_if->oi_handle : 0,
		    ort->or_flags | (used && ow->ow_if != NULL ? RTF_UP : 0),
		    ort->or_metric, ow->ow_gw, ow->ow_addr != NULL ?
		    ow->ow_addr->oa_addr : 0);
}

void
o_event_route(struct oracle *o, const char *verb, const struct o_route *ort,
    bool used)
{

	o_text_of(o_event(o), verb, ort, used);
}
