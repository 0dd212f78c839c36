/*
 * trust: may a file decide what this process does?
 *
 * Configuration and drivers are obeyed, so they must come from root or from the
 * user whose process this is: no other user may have written or replaced the
 * file, or be able to do so before it is read.
 */

#ifndef HOST_TRUST_H
#define HOST_TRUST_H

#include <stddef.h>

/*
 * Any thread: is the file, and is every directory on the way to it, by links
 * too, root's or the effective user's, and writable for no other user?  A
 * directory with the sticky bit passes, since others can replace nothing in it
 * but symbolic links of their own, which are refused, and so does a file that
 * the process's own group may write.  A pipe or terminal that is open already
 * (/dev/stdin, /dev/fd/N) has no way to it and is judged by itself.
 *
 * 0; or an errno, EPERM when it is not to be trusted, with the reason as a
 * sentence in `why' that names the file or directory.
 */
int	trust_file(const char *path, char *why, size_t whylen);

/* As trust_file(), of the way only, to a file that need not exist; a symbolic
 * link that has its name is not followed. */
int	trust_way(const char *path, char *why, size_t whylen);

#endif /* !HOST_TRUST_H */
