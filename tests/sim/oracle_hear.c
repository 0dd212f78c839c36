/*
 * The oracle's companion: announcements as text, and what somebody knows who
 * heard them all.
 */

#include "oracle_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

union test_addr
o_sa(uint32_t n)
{

	return test_addr_plus("0.0.0.0", n);
}

uint32_t
o_sa_n(const struct sockaddr *sa)
{

	return sa == NULL || sa->sa_family != TEST_AF ? 0 :
	    test_addr_minus(sa, "0.0.0.0");
}

unsigned
mask_len(const struct sockaddr *sa)
{

	return sa == NULL ? 32 : (unsigned)__builtin_popcount(o_sa_n(sa));
}

void
describe(const union msgbuf *mb, char *t)
{
	static const char *const route_verb[] = { NULL, "add", "delete",
	    "change", "add" };
	const struct if_msg *m = &mb->mb_ifm;
	const struct sockaddr *sa[RTAX_MAX];

	KASSERT(rt_msg_check(mb, mb->mb_hdr.rtm_len, sa) == 0);
	switch (mb->mb_hdr.rtm_type) {
	case RTM_IFANNOUNCE:
	case RTM_IFINFO:
		o_text_if(t, mb->mb_hdr.rtm_type == RTM_IFINFO ? "info" :
		    m->ifm_what == IFAN_ARRIVAL ? "arrive" : "depart",
		    m->ifm_handle, m->ifm_name, (m->ifm_flags & IFF_UP) != 0,
		    (int)m->ifm_data.ifi_link_state,
		    (unsigned)m->ifm_data.ifi_mtu);
		break;
	case RTM_IFRENAME:
		o_text_rename(t, mb->mb_ifrn.ifrn_handle,
		    mb->mb_ifrn.ifrn_oldname, mb->mb_ifrn.ifrn_name);
		break;
	case RTM_NEWADDR:
	case RTM_DELADDR:
		if (sa[5]->sa_family == AF_LINK) {
			o_text_lladdr(t, mb->mb_hdr.rtm_type == RTM_NEWADDR ?
			    "newaddr" : "deladdr", mb->mb_ifam.ifam_handle,
			    (uint8_t)((const struct sockaddr_dl *)
			    (const void *)sa[5])->sdl_data[5]);
			break;
		}
		o_text_addr(t, mb->mb_hdr.rtm_type == RTM_NEWADDR ?
		    "newaddr" : "deladdr", mb->mb_ifam.ifam_handle,
		    o_sa_n(sa[5]), mask_len(sa[2]), o_sa_n(sa[7]));
		break;
	case RTM_CHGADDR:
		(void)snprintf(t, O_TEXT, "~");
		break;
	case RTM_ADD:
	case RTM_DELETE:
	case RTM_CHANGE:
	case RTM_GET:		/* in a dump */
		if ((mb->mb_rtm.rtm_given & RTV_MPATH) != 0) {
			o_text_ways(t, route_verb[mb->mb_hdr.rtm_type],
			    mb->mb_rtm.rtm_table, o_sa_n(sa[0]),
			    mask_len(sa[2]), mb->mb_rtm.rtm_metric);
			break;
		}
		o_text_route(t, route_verb[mb->mb_hdr.rtm_type],
		    mb->mb_rtm.rtm_table, o_sa_n(sa[0]), mask_len(sa[2]),
		    mb->mb_rtm.rtm_ifhandle,
		    mb->mb_rtm.rtm_flags, mb->mb_rtm.rtm_metric,
		    o_sa_n(sa[1]), o_sa_n(sa[5]));
		break;
	default:
		(void)snprintf(t, O_TEXT, "message of type %u",
		    mb->mb_hdr.rtm_type);
	}
}

/* Everything that an object's texts have in common: "/24" is a key's too. */
static size_t
key_len(const char *t)
{

	return strcspn(t, " ");
}

void
mirror_put(struct mirror *mi, char class, const char *rest)
{

	(void)snprintf(mi->mi_text[mi->mi_n++], O_TEXT, "%c %s", class,
	    rest);
}

void
mirror_take(struct mirror *mi, char class, const char *rest)
{
	size_t n = key_len(rest);
	char *t;

	for (unsigned i = 0; i < mi->mi_n; i++) {
		t = mi->mi_text[i];
		if (t[0] == class && strncmp(t + 2, rest, n + 1) == 0) {
			memmove(t, t + O_TEXT,
			    (--mi->mi_n - i) * sizeof(mi->mi_text[0]));
			return;
		}
	}
	fprintf(stderr, "oracle: taken back without having been there: %s\n",
	    rest);
	abort();
}

static void
mirror_rename(struct mirror *mi, const char *rest)
{
	char handle[20], old[O_NAMESIZE], new_[O_NAMESIZE], state[O_TEXT];
	size_t n = key_len(rest);
	char *t;

	KASSERT(sscanf(rest, "%19s %15s %15s", handle, old, new_) == 3);
	for (unsigned i = 0; i < mi->mi_n; i++) {
		t = mi->mi_text[i];
		if (t[0] != 'i' || strncmp(t + 2, rest, n + 1) != 0)
			continue;
		KASSERT(strncmp(t + 2 + n + 1, old, strlen(old)) == 0);
		(void)snprintf(state, sizeof(state), "%s",
		    t + 2 + n + 1 + strlen(old));
		(void)snprintf(t, O_TEXT, "i %s %s%.60s", handle, new_, state);
	}
}

void
mirror_hear(struct mirror *mi, const char *t)
{
	const char *rest = strchr(t, ' ') + 1;
	char class = strstr(t, "addr ") != NULL ? 'a' :
	    t[0] == 'a' && t[1] == 'd' ? 'r' :
	    t[0] == 'd' && t[2] == 'l' ? 'r' :
	    t[0] == 'c' ? 'r' : 'i';

	switch (t[0]) {
	case 'r':
		mirror_rename(mi, rest);
		break;
	case 'i':	/* info */
	case 'c':	/* change */
		mirror_take(mi, class, rest);
		mirror_put(mi, class, rest);
		break;
	case 'a':	/* arrive, add */
	case 'n':	/* newaddr */
		mirror_put(mi, class, rest);
		break;
	default:	/* depart, delete, deladdr */
		mirror_take(mi, class, rest);
	}
}
