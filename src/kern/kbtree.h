/*
 * kbtree: a table of objects in the order of a 64-bit key, for the writer only.
 *
 * It is a B+ tree: objects are in the leaves, and an inner node has for each
 * node below it the least key that may be there.  A node's keys are apart from
 * its pointers, so that a search touches few cache lines, and both kinds of
 * node look alike.  A full node shares with its neighbours before one more is
 * made of them, and keys that come in ascending order leave full leaves: an
 * object costs 17 to 20 bytes.
 *
 * There are no lock-free readers: the caller's lock covers every call, searches
 * too.  A key is in the tree once, and no object is NULL.
 */

#ifndef KERN_KBTREE_H
#define KERN_KBTREE_H

#include <stddef.h>
#include <stdint.h>

#include <ifnet/kern.h>

#define KBTREE_SLOTS	63	/* of a node */

struct kbtree_node {
	uint64_t	 kn_count;	/* slots in use */
	uint64_t	 kn_key[KBTREE_SLOTS];	/* ascending */
	void		*kn_ptr[KBTREE_SLOTS];	/* objects or nodes */
	uint64_t	 kn_spare;	/* a node is 16 cache lines */
};

/* Every field: the caller's lock. */
struct kbtree {
	struct kern	*kt_kern;	/* constant */
	struct kbtree_node *kt_root;	/* NULL: empty */
	size_t		 kt_count;	/* objects */
	size_t		 kt_nodes;
	unsigned	 kt_height;	/* levels of nodes; the leaves' is 0 */
};

/* Each function but kbtree_init() is called with the caller's lock held, from
 * any context; only kbtree_insert() allocates. */

/* Any: make an empty tree, without memory; never fails. */
void	kbtree_init(struct kern *, struct kbtree *);
/* The end of a tree, which must be empty. */
void	kbtree_fini(struct kbtree *);
/* EEXIST: the key is in the tree.  ENOMEM.  The tree is unchanged then. */
int	kbtree_insert(struct kbtree *, uint64_t key, void *obj);
/* Take out the object of a key and return it, or NULL; never fails. */
void	*kbtree_remove(struct kbtree *, uint64_t key);
/* Put an object in the place of the one with this key, which is returned; NULL,
 * and nothing is changed, if the key is not in the tree. */
void	*kbtree_replace(struct kbtree *, uint64_t key, void *obj);
/* The object of this key, or NULL. */
void	*kbtree_find(const struct kbtree *, uint64_t key);
/* The object of the least key that is not less than this one, and of the
 * greatest that is not greater, with its key in *found; or NULL, and *found is
 * unchanged.  `found' may be NULL. */
void	*kbtree_from(const struct kbtree *, uint64_t key, uint64_t *found);
void	*kbtree_upto(const struct kbtree *, uint64_t key, uint64_t *found);
/*
 * A walk in order, some objects at a time: copy up to `max' objects and their
 * keys, from the least key that is not less than this one on, and return how
 * many; 0 when there are none.  It may be fewer than there are: the walk goes
 * on from the last key plus one, and ends after UINT64_MAX.  The tree may
 * change between two calls.
 */
unsigned kbtree_some(const struct kbtree *, uint64_t key, uint64_t *keys,
	    void **objs, unsigned max);
/* The memory of its nodes. */
size_t	kbtree_bytes(const struct kbtree *);

#endif /* !KERN_KBTREE_H */
