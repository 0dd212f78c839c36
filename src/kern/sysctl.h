/*
 * sysctl: named settings and readings, "net.inet.ip.forwarding".
 *
 * Every vnet has a tree; its static nodes are registered by the subsystems.
 * A virtual subtree answers for all names below its prefix without a node
 * for any of them: it is asked for one name, or for the name after one, so a
 * million interfaces cost no memory here.
 */

#ifndef KERN_SYSCTL_H
#define KERN_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kauth.h>

struct vnet;

#define SYSCTL_NAMESIZE	128	/* with the NUL */
#define SYSCTL_STRSIZE	1024	/* longest string value, with the NUL */

enum sysctl_type {
	SYSCTL_INT = 1,		/* int64_t, shown as a number */
	SYSCTL_QUAD,		/* uint64_t */
	SYSCTL_STRING,		/* NUL-terminated */
	SYSCTL_OPAQUE		/* bytes */
};

/*
 * One access.  For a read, the value goes to so_old, at most *so_oldlen bytes
 * of it, and *so_oldlen becomes the length of the whole value (ENOMEM when it
 * did not fit).  so_new is NULL for a read.  Handlers use the helpers below.
 */
struct sysctl_op {
	void		*so_old;
	size_t		*so_oldlen;
	const void	*so_new;
	size_t		 so_newlen;
	const struct kauth_cred *so_cred;
	enum sysctl_type so_type;	/* set by the handler */
	bool		 so_writable;	/* set by the handler or the node */
	int64_t		 so_min, so_max; /* a writable SYSCTL_INT: its range */
	const char	*so_why;	/* why it was refused, the constant
					 * end of a sentence; NULL: errno's */
};

typedef int sysctl_handler(struct vnet *, const char *name, void *arg,
    struct sysctl_op *);

/*
 * A static node.  With sn_int set and no handler, an int64 limited to
 * [sn_min, sn_max] (out of it: EINVAL), stored and loaded atomically.
 */
struct sysctl_node {
	const char	*sn_name;	/* full name; constant storage */
	const char	*sn_descr;	/* one line */
	bool		 sn_writable;
	int64_t		*sn_int;
	int64_t		 sn_min, sn_max;
	sysctl_handler	*sn_handler;
	void		*sn_arg;
};

/* Control.  EEXIST, ENOMEM. */
int	sysctl_add(struct vnet *, const struct sysctl_node *);

/*
 * A virtual subtree below "prefix." (a full name, without the dot).
 *	sv_handler	as for a node, with the full name; ENOENT: no such name
 *	sv_next		writes the first full name after `after' (a full name
 *			below the prefix, which need not exist any more, or ""
 *			for the first); ENOENT at the end
 */
struct sysctl_virtual {
	const char	*sv_prefix;
	sysctl_handler	*sv_handler;
	int		(*sv_next)(struct vnet *, void *arg, const char *after,
			    char next[SYSCTL_NAMESIZE]);
	void		*sv_arg;
	/*
	 * Writes the first full name below `prefix' (a name with further names
	 * behind a dot, "net.interfaces.lo0"); ENOENT: there is none.  NULL:
	 * the subtree is small, and its names are searched one by one.
	 */
	int		(*sv_below)(struct vnet *, void *arg,
			    const char *prefix, char next[SYSCTL_NAMESIZE]);
	/* One line on a name, or on a prefix of names; NULL: no such name. */
	const char	*(*sv_descr)(const char *name);
};
/* Control: register a virtual subtree; the struct is copied, its strings are
 * not.  EEXIST, ENOMEM. */
int	sysctl_add_virtual(struct vnet *, const struct sysctl_virtual *);

/* A description of the names below a prefix. */
struct sysctl_tree {
	const char	*st_prefix;	/* full name; constant storage */
	const char	*st_descr;	/* one line */
};
/* Control: describe n prefixes, in constant storage.  EEXIST, ENOMEM. */
int	sysctl_add_trees(struct vnet *, const struct sysctl_tree *, unsigned n);

/* Helpers for handlers: return a value, and take a new one; EINVAL for a new
 * value of the wrong size.  A NULL new pointer leaves *v alone. */
int	sysctl_out(struct sysctl_op *, const void *, size_t);
int	sysctl_handle_int(struct sysctl_op *, int64_t *v, int64_t min,
	    int64_t max, bool writable);
int	sysctl_handle_quad_ro(struct sysctl_op *, uint64_t v);
int	sysctl_handle_string_ro(struct sysctl_op *, const char *);

/*
 * Control: read and write a value by name.  ENOENT (no such name), EPERM,
 * EACCES (read-only), EINVAL, ENOMEM (old buffer too small; *oldlen is the
 * length needed).  old and oldlen may be NULL; new is NULL for a read.  *type
 * is set when not NULL.
 */
int	sysctl_request(struct vnet *, const struct kauth_cred *,
	    const char *name, void *old, size_t *oldlen, const void *new,
	    size_t newlen, enum sysctl_type *type, bool *writable);
/* As sysctl_request(), with all fields of an access: the caller sets so_cred,
 * and so_old, so_oldlen, so_new, so_newlen as wanted; the rest is set on
 * return. */
int	sysctl_access(struct vnet *, const char *name, struct sysctl_op *);
/*
 * The first name after `after' ("": the first of all) in the whole tree;
 * after a prefix, the first of the names below it.  ENOENT at the end.  Names
 * come grouped by prefix.
 */
int	sysctl_next(struct vnet *, const char *after,
	    char next[SYSCTL_NAMESIZE]);
/* One line on a name, or on the names below a prefix; NULL: there is
 * neither. */
const char *sysctl_descr(struct vnet *, const char *name);
/* Is it a subtree, even if it has no names just now? */
bool	sysctl_is_tree(struct vnet *, const char *name);

extern const struct vnet_subsys sysctl_subsys;

#endif /* !KERN_SYSCTL_H */
