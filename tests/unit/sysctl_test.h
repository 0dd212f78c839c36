/*
 * sysctl_test: settings and readings by name, as tests read and set them.
 */

#ifndef TESTS_SYSCTL_TEST_H
#define TESTS_SYSCTL_TEST_H

#include <stdbool.h>
#include <stdint.h>

#include <ifnet/kauth.h>

struct vnet;
struct vnet_subsys;

/* Settings, for a list of a kern's subsystems. */
extern const struct vnet_subsys sysctl_subsys;

/* Control, all of these: set one, as the stack or as a user; the errno. */
int	test_sysctl_set(struct vnet *, const char *name, int64_t v);
int	test_sysctl_set_as(struct vnet *, const struct kauth_cred *,
	    const char *name, int64_t v);
/* A number that a user reads; the errno. */
int	test_sysctl_get_as(struct vnet *, const struct kauth_cred *,
	    const char *name, uint64_t *v);
/* A number that is there. */
uint64_t test_sysctl(struct vnet *, const char *name);
/* A text that is there; room for 1,024 bytes. */
void	test_sysctl_text(struct vnet *, const char *name, char *text);
/* Has the name, or prefix of names, a description? */
bool	test_sysctl_described(struct vnet *, const char *name);
/* How many names below a prefix a user is told of. */
unsigned test_sysctl_below(struct vnet *, const struct kauth_cred *,
	    const char *prefix);
/* Read all there are, while others come and go; how many were met. */
unsigned test_sysctl_read_all(struct vnet *);
/* Is it the type of a number that can be set? */
bool	test_sysctl_is_int(unsigned type);

#endif /* !TESTS_SYSCTL_TEST_H */
