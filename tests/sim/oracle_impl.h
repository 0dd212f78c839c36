/*
 * oracle_impl: the insides of oracle_real, which is in three files.
 */

#ifndef TESTS_ORACLE_IMPL_H
#define TESTS_ORACLE_IMPL_H

#include "oracle_real.h"

#include "net/if_impl.h"
#include "net/rtsock.h"

/* What stands announced, as a listener would know it. */
struct mirror {
	char		 mi_text[O_NIFS + O_NADDRS + O_NROUTES][O_TEXT];
	unsigned	 mi_n;
};

union msgbuf {
	struct rt_hdr	 mb_hdr;
	struct rt_msg	 mb_rtm;
	struct if_msg	 mb_ifm;
	struct ifa_msg	 mb_ifam;
	struct if_rename_msg mb_ifrn;
	struct rt_overrun_msg mb_overrun;
	uint8_t		 mb_room[RT_MSG_MAX];
};

/* oracle_drivers.c */
extern const struct vnet_subsys *const oracle_subsys[];

/* oracle_hear.c */
uint32_t sin_host(const struct sockaddr *);
unsigned mask_len(const struct sockaddr *);
/* A message as the oracle writes it. */
void	describe(const union msgbuf *, char *);
/* Class i, a, r: interface, address, route; the text without its verb. */
void	mirror_put(struct mirror *, char class, const char *rest);
void	mirror_take(struct mirror *, char class, const char *rest);
void	mirror_hear(struct mirror *, const char *text);

#endif /* !TESTS_ORACLE_IMPL_H */
