/*
 * kbtree: a table of objects in the order of their keys, for the writer only.
 *
 * A key has one word of 64 bits, or three, of which the first one counts most;
 * all keys of a tree are alike.  It is a B+ tree: objects are in the leaves,
 * and an inner node has for each node below it the least key that may be there.
 * A node's keys are apart from its pointers, and the words of keys from each
 * other, so that a search touches few cache lines; both kinds of node look
 * alike.  A full node shares with its neighbours before one more is made of
 * them, and keys that come in ascending order leave full leaves: an object
 * costs 17 to 20 bytes, with keys of three words 34 to 40.
 *
 * There are no lock-free readers: the caller's lock covers every call, searches
 * too.  A key is in the tree once, and no object is NULL.
 */

#ifndef KERN_KBTREE_H
#define KERN_KBTREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/kern.h>

#define KBTREE_WORDS	3	/* of a key, at most */
#define KBTREE_NODE_WORDS 126

struct kbtree_node {
	uint64_t	 kn_count;	/* slots in use */
	/* The first words of the slots' keys, ascending; their other words;
	 * their objects or nodes. */
	uint64_t	 kn_word[KBTREE_NODE_WORDS];
	uint64_t	 kn_spare;	/* a node is 16 cache lines */
};

/* A tree with keys of one word looks at the first alone. */
struct kbtree_key {
	uint64_t	 kk_word[KBTREE_WORDS];
};

/* Every field: the caller's lock. */
struct kbtree {
	struct kern	*kt_kern;	/* constant */
	struct kbtree_node *kt_root;	/* NULL: empty */
	size_t		 kt_count;	/* objects */
	size_t		 kt_nodes;
	unsigned	 kt_height;	/* levels of nodes; the leaves' is 0 */
	uint8_t		 kt_words;	/* constant: of a key */
	uint8_t		 kt_slots;	/* constant: of a node */
};

/* Each function but kbtree_init() is called with the caller's lock held, from
 * any context; only kbtree_insert() allocates. */

/* Any: make an empty tree for keys of 1 or 3 words, without memory; never
 * fails. */
void	kbtree_init(struct kern *, struct kbtree *, unsigned words);
/* The end of a tree, which must be empty. */
void	kbtree_fini(struct kbtree *);
/* EEXIST: the key is in the tree.  ENOMEM.  The tree is unchanged then. */
int	kbtree_insert(struct kbtree *, const struct kbtree_key *, void *obj);
/* Take out the object of a key and return it, or NULL; never fails. */
void	*kbtree_remove(struct kbtree *, const struct kbtree_key *);
/* Put an object in the place of the one with this key, which is returned; NULL,
 * and nothing is changed, if the key is not in the tree. */
void	*kbtree_replace(struct kbtree *, const struct kbtree_key *, void *obj);
/* The object of this key, or NULL. */
void	*kbtree_find(const struct kbtree *, const struct kbtree_key *);
/*
 * The object of the least key that is not less than this one, and of the
 * greatest that is not greater, with its key in *found; or NULL, and *found is
 * unchanged.  `found' may be NULL, or the key that is given.
 */
void	*kbtree_from(const struct kbtree *, const struct kbtree_key *,
	    struct kbtree_key *found);
void	*kbtree_upto(const struct kbtree *, const struct kbtree_key *,
	    struct kbtree_key *found);
/* Some objects from that of kbtree_from() on, in order: as many as are beside
 * each other in memory, at most n; how many. */
unsigned kbtree_some(const struct kbtree *, const struct kbtree_key *,
	    void **objs, unsigned n);
/* The next key, for a walk with kbtree_from() during which the tree may change;
 * false: there is none after it. */
bool	kbtree_next_key(const struct kbtree *, struct kbtree_key *);
/* The memory of its nodes. */
size_t	kbtree_bytes(const struct kbtree *);

#endif /* !KERN_KBTREE_H */
