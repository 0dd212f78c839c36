/*
 * kuser: accounts of the shared resources that each user holds, and the limits
 * on them.
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

/* Resources that are held: charged and released. */
enum kuser_resource {
	KUSER_CLIENTS,		/* connections to the control socket */
	KUSER_FOLLOWERS,	/* monitor, watch */
	KUSER_PINGS,
	KUSER_CAPTURES,		/* administrators' only: counted */
	KUSER_DUMPS,		/* listings under way */
	KUSER_BYTES,		/* of what waits to be sent to clients */
	KUSER_NRESOURCES
};

/* Rates: amounts that are spent, with a limit per second. */
enum kuser_rate {
	KUSER_REQUESTS,
	KUSER_PING_PACKETS,
	KUSER_PING_BYTES,
	KUSER_NRATES
};

/* The size of a refusal in words: the user, the amount, and the setting that
 * limits it. */
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
 * Spend n of a rate.  The amount of a second may be spent at once, never more.
 * EAGAIN: too much for now, and `why' names the limit; *wait_ns, when the
 * pointer is not NULL, is the time until n may be spent.  ENOMEM.
 */
int	kuser_spend(struct kern *, const struct kauth_cred *, enum kuser_rate,
	    uint64_t n, uint64_t *wait_ns, char *why);

/*
 * May the user see the identity (uid, process) of another user in what history
 * and monitor tell?  The own one always; others as kern.user.visible says;
 * administrators see all.
 */
bool	kuser_may_see(struct kern *, const struct kauth_cred *, uid_t other);

/* The amount of a resource that the user holds; 0 without an account. */
uint64_t kuser_used(struct kern *, uid_t, enum kuser_resource);
/* The number of accounts. */
unsigned kuser_count(struct kern *);

/* kern.c and sysctl_kern.c. */
int	kuser_create(struct kern *);	/* ENOMEM */
void	kuser_destroy(struct kern *);	/* everything was released */
int	kuser_sysctl(struct vnet *);	/* ENOMEM */

#endif /* !KERN_KUSER_H */
