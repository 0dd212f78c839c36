/*
 * kuser: what each user holds of what all share, and how much of it one user
 * may hold.
 *
 * An account belongs to a uid.  It counts resources that are held (clients,
 * followers, ...), which are charged and released, and it paces rates
 * (requests, bytes of pings, ...), which are spent.  Each has two limits, both
 * settings: kern.user.NAME.each of a single user, and kern.user.NAME.all of all
 * users without privilege together.  Administrators are counted but never
 * limited, so what lies above `all' is a reserve that only they can reach.
 *
 * An account exists from the first charge to the last release; a rate keeps it
 * until the account would be as good as a new one (a second).  Accounts are
 * listed under kern.usage: an administrator sees all of them, a user the own.
 *
 * Everything here is control context.
 */

#ifndef KERN_KUSER_H
#define KERN_KUSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kauth.h>

struct kern;
struct vnet;

/* Held: charged and released. */
enum kuser_resource {
	KUSER_CLIENTS,		/* connections to the control socket */
	KUSER_FOLLOWERS,	/* monitor, watch */
	KUSER_PINGS,
	KUSER_CAPTURES,		/* administrators' only: counted */
	KUSER_DUMPS,		/* listings and snapshots under way */
	KUSER_NRESOURCES
};

/* Spent, a second. */
enum kuser_rate {
	KUSER_REQUESTS,
	KUSER_PING_PACKETS,
	KUSER_PING_BYTES,
	KUSER_NRATES
};

/* A refusal in words: who, how much, and the setting that says so. */
#define KUSER_TEXT	160

/*
 * Take n of a resource for the user.  EUSERS: a limit is reached, and `why'
 * (KUSER_TEXT bytes, may be NULL) says which.  ENOMEM.
 */
int	kuser_charge(struct kern *, const struct kauth_cred *,
	    enum kuser_resource, uint64_t n, char *why);
/* Give back n, charged with the same credentials. */
void	kuser_release(struct kern *, const struct kauth_cred *,
	    enum kuser_resource, uint64_t n);

/*
 * Spend n of a rate.  A second's worth may be spent at once; more than that
 * never.  EAGAIN: too much for now, and `why' says which limit; *wait_ns, when
 * the pointer is not NULL, is how long until it would do.  ENOMEM.
 */
int	kuser_spend(struct kern *, const struct kauth_cred *, enum kuser_rate,
	    uint64_t n, uint64_t *wait_ns, char *why);

/*
 * May the user see who another one is (uid, process) where others are spoken
 * of?  Always itself; others as kern.user.visible says; administrators all.
 */
bool	kuser_may_see(struct kern *, const struct kauth_cred *, uid_t other);

/* What an account holds: 0 when there is none. */
uint64_t kuser_used(struct kern *, uid_t, enum kuser_resource);
/* How many accounts there are. */
unsigned kuser_count(struct kern *);

/* kern.c and sysctl_kern.c. */
int	kuser_create(struct kern *);	/* ENOMEM */
void	kuser_destroy(struct kern *);	/* everything was released */
int	kuser_sysctl(struct vnet *);	/* ENOMEM */

#endif /* !KERN_KUSER_H */
