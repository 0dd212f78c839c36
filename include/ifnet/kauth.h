/*
 * kauth: who may do what.  Every request carries the credentials of its
 * caller; one function judges.
 */

#ifndef IFNET_KAUTH_H
#define IFNET_KAUTH_H

#include <sys/types.h>

#include <stdbool.h>

#pragma GCC visibility push(default)

struct kern;

#define KAUTH_NGROUPS	32

struct kauth_cred {
	uid_t		 kc_uid;
	gid_t		 kc_gid;
	pid_t		 kc_pid;	/* 0: this process */
	unsigned	 kc_ngroups;
	gid_t		 kc_groups[KAUTH_NGROUPS];
};

/* May do everything: the process itself (config file, embedding program). */
extern const struct kauth_cred kauth_cred_self;

enum kauth_action {
	KAUTH_INTERFACE_GET,	/* everyone */
	KAUTH_INTERFACE_SET,	/* everyone: harmless per-socket settings */
	KAUTH_INTERFACE_SETPRIV,
	KAUTH_ROUTE_SET,
	KAUTH_SYSCTL_SET,
	KAUTH_RAW_SEND,		/* ping; everyone, within a user's limits */
	KAUTH_VNET_ADMIN,	/* create, destroy vnets */
	KAUTH_HALT,
	KAUTH_NET_CAPTURE,	/* see packets */
	KAUTH_FILTER_SET,	/* packet filter rules */
	KAUTH_RESERVE,		/* more than a user's share of what is shared */
	KAUTH_INTERFACE_GETPRIV, /* keys, and what only a driver knows */
	KAUTH_NOBODY		/* from outside, not even the process itself */
};

/*
 * 0 or EPERM.  The default policy allows the privileged actions to uid 0, to
 * the uid that started the stack, and to the administrators' group when
 * one is set.  Any context.
 */
int	kauth_authorize(struct kern *, const struct kauth_cred *,
	    enum kauth_action);

/* Control, before the stack is in use.  (gid_t)-1: none. */
void	kauth_set_admin_group(struct kern *, gid_t);

#pragma GCC visibility pop

#endif /* !IFNET_KAUTH_H */
