/*
 * Changes that are made whole or not at all: what a client creates goes again
 * when it ends before it is done, whatever became of it meanwhile.
 */

#include "addr_test.h"
#include "client_test.h"
#include "ctl_test.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>

struct fixture {
	struct ifnet_stack *st;
	struct vnet	*vn;
	struct ifnet_client *c;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct ifnet_error e;

	assert_non_null(f);
	f->st = test_stack(1);
	f->vn = test_vnet(f->st, "default");
	(void)test_vnet(f->st, "red");
	f->c = vnet_client(f->vn, &e);
	assert_non_null(f->c);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ifnet_close(f->c);
	ifnet_stack_destroy(f->st);
	free(f);
	return 0;
}

static int
create(struct ifnet_client *c, const char *name)
{
	struct if_createreq req;
	struct ifnet_error e;

	memset(&req, 0, sizeof(req));
	strcpy(req.ifcr_name, name);
	return ifnet_ioctl(c, SIOCIFCREATE, &req, sizeof(req), &e);
}

static int
request(struct ifnet_client *c, unsigned long cmd, const char *name,
    const char *text)
{
	struct ifnet_error e;
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	strcpy(ifr.ifr_text, text);
	return ifnet_ioctl(c, cmd, &ifr, sizeof(ifr), &e);
}

struct sought {
	const char	*name;
	unsigned	 n;
};

static int
count_one(const char *name, unsigned n, void *arg)
{
	struct sought *so = arg;

	if (strcmp(name, so->name) == 0)
		so->n = n;
	return 0;
}

/* Interfaces in a vnet; UINT_MAX: there is no such vnet. */
static unsigned
interfaces(struct ifnet_client *c, const char *vnet)
{
	struct sought so = { vnet, ~0u };
	struct ifnet_error e;

	assert_int_equal(ifnet_vnet_list(c, count_one, &so, &e), 0);
	return so.n;
}

static struct ifnet_client *
other(struct fixture *f)
{
	struct ifnet_error e;
	struct ifnet_client *c = vnet_client(f->vn, &e);

	assert_non_null(c);
	return c;
}

static void
test_commit(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	unsigned before = interfaces(c, "default");
	struct ifnet_error e;
	unsigned long long n;

	assert_int_equal(ifnet_commit(c, &e), EINVAL);
	assert_int_equal(ifnet_rollback(c, &n, &e), EINVAL);
	says(e.text, "has not begun");
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(ifnet_begin(c, &e), EBUSY);
	assert_int_equal(create(c, "pair0"), 0);
	assert_int_equal(ifnet_commit(c, &e), 0);
	/* Only what comes after a new beginning goes. */
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(create(c, "pair7"), 0);
	assert_int_equal(create(c, "pair8"), 0);
	assert_int_equal(ifnet_rollback(c, &n, &e), 0);
	assert_int_equal(n, 2);
	assert_int_equal(interfaces(c, "default"), before + 1);
	ifnet_close(c);
	assert_int_equal(interfaces(f->c, "default"), before + 1);
}

/* The client ends without a word: interfaces, a vnet and its contents, a
 * batch. */
static void
test_end(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	unsigned before = interfaces(c, "default");
	struct if_createreq req[1200];
	struct ifnet_batch *b;
	struct ifnet_error e;
	size_t done;

	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(create(c, "pair0"), 0);
	assert_int_equal(ifnet_vnet_create(c, "blue", &e), 0);
	assert_int_equal(ifnet_set_vnet(c, "blue", &e), 0);
	assert_int_equal(create(c, "pair0"), 0);
	assert_int_equal(ifnet_set_vnet(c, "default", &e), 0);
	b = ifnet_batch_begin(c, &e);
	memset(req, 0, sizeof(req));
	for (unsigned i = 0; i < 1200; i++) {
		strcpy(req[i].ifcr_name, "pair");
		assert_int_equal(ifnet_batch_add_ioctl(b, SIOCIFCREATE,
		    &req[i], sizeof(req[i]), &e), 0);
	}
	assert_int_equal(ifnet_batch_run(b, &done, &e), 0);
	assert_int_equal(interfaces(c, "default"), before + 1201);
	assert_true(interfaces(c, "blue") >= 1);
	ifnet_close(c);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(interfaces(f->c, "blue"), ~0u);
}

/* Changes that others made to the interface meanwhile. */
static void
test_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	unsigned before = interfaces(c, "default");
	unsigned red = interfaces(c, "red");
	struct ifnet_error e;

	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(create(c, "pair0"), 0);
	assert_int_equal(create(c, "pair2"), 0);
	assert_int_equal(create(c, "pair4"), 0);
	assert_int_equal(create(c, "pair6"), 0);
	/* The name belongs to another interface now. */
	assert_int_equal(request(f->c, SIOCIFDESTROY, "pair0", ""), 0);
	assert_int_equal(create(f->c, "pair0"), 0);
	assert_int_equal(request(f->c, SIOCSIFNAME, "pair2", "north"), 0);
	/* Moved, by the client itself. */
	assert_int_equal(request(c, SIOCSIFVNET, "pair4", "red"), 0);
	assert_int_equal(interfaces(f->c, "red"), red + 1);
	ifnet_close(c);
	assert_int_equal(interfaces(f->c, "default"), before + 1);
	assert_int_equal(interfaces(f->c, "red"), red);
	assert_int_equal(request(f->c, SIOCGIFFLAGS, "pair0", ""), 0);
}

/* A line of ifconfig that creates, refused at its last word. */
static void
test_line(void **state)
{
	struct fixture *f = *state;
	unsigned before = interfaces(f->c, "default");
	struct ifnet_error e;

	assert_int_not_equal(vnet_command(f->vn,
	    "ifconfig pair0 create inet 10.0.0.1/24 mtu 60", &e),
	    0);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_not_equal(vnet_command(f->vn,
	    "ifconfig pair create 500 mtu 60", &e), 0);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(vnet_command(f->vn,
	    "ifconfig pair0 create mtu 1400 inet 10.0.0.1/24 up", &e), 0);
	assert_int_equal(interfaces(f->c, "default"), before + 1);
}

/* --- settings -- */

static int
run(struct ifnet_client *c, unsigned long cmd, void *record)
{
	struct ifnet_error e;

	return ifnet_ioctl(c, cmd, record, IFIOC_SIZE(cmd), &e);
}

static int
number(struct ifnet_client *c, unsigned long cmd, const char *name, int v)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	ifr.ifr_value = v;
	return run(c, cmd, &ifr);
}

static int
value(struct ifnet_client *c, unsigned long cmd, const char *name)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	assert_int_equal(run(c, cmd, &ifr), 0);
	return ifr.ifr_value;
}

static int
inet(struct ifnet_client *c, unsigned long cmd, const char *name,
    const char *addr, const char *mask)
{
	struct ifaliasreq ifra;

	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, name);
	test_addr_put(&ifra.ifra_addr, addr);
	if (mask != NULL)
		test_addr_put(&ifra.ifra_mask, mask);
	return run(c, cmd, &ifra);
}

static int
preference(struct ifnet_client *c, unsigned long cmd, const char *name,
    const char *addr, int v)
{
	struct if_addrprefreq pref;
	int error;

	memset(&pref, 0, sizeof(pref));
	strcpy(pref.ifap_name, name);
	pref.ifap_preference = v;
	test_addr_put(&pref.ifap_addr, addr);
	error = run(c, cmd, &pref);
	return cmd == SIOCGIFADDRPREF && error == 0 ? pref.ifap_preference :
	    error;
}

static int
laddr(struct ifnet_client *c, unsigned long cmd, const char *name,
    uint8_t last, unsigned flags)
{
	struct if_laddrreq iflr;
	struct sockaddr_dl sdl;

	memset(&iflr, 0, sizeof(iflr));
	memset(&sdl, 0, sizeof(sdl));
	strcpy(iflr.iflr_name, name);
	sdl.sdl_family = AF_LINK;
	sdl.sdl_alen = 6;
	sdl.sdl_data[0] = 2;
	sdl.sdl_data[5] = last;
	memcpy(&iflr.iflr_addr, &sdl, sizeof(sdl));
	iflr.iflr_flags = flags;
	iflr.iflr_prefixlen = 48;
	return run(c, cmd, &iflr);
}

/* Is it the active one? */
static bool
is_active(struct ifnet_client *c, const char *name, uint8_t last)
{
	struct if_laddrreq iflr;
	struct sockaddr_dl sdl;

	memset(&iflr, 0, sizeof(iflr));
	strcpy(iflr.iflr_name, name);
	assert_int_equal(run(c, SIOCGLIFADDR, &iflr), 0);
	memcpy(&sdl, &iflr.iflr_addr, sizeof(sdl));
	return sdl.sdl_data[0] == 2 && sdl.sdl_data[5] == last;
}

static int
group(struct ifnet_client *c, unsigned long cmd, const char *name,
    const char *text)
{
	struct if_groupreq gr;

	memset(&gr, 0, sizeof(gr));
	strcpy(gr.ifgr_name, name);
	strcpy(gr.ifgr_group, text);
	return run(c, cmd, &gr);
}

static void
expect_text(struct ifnet_client *c, unsigned long cmd, const char *name,
    const char *text)
{
	struct ifreq ifr;

	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, name);
	(void)run(c, cmd, &ifr);
	assert_string_equal(ifr.ifr_text, text);
}

/* An interface that has everything, and another without. */
static void
furnish(struct ifnet_client *c)
{

	assert_int_equal(create(c, "pair0"), 0);
	assert_int_equal(create(c, "pair2"), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1400), 0);
	assert_int_equal(number(c, SIOCSIFMETRIC, "pair0", 3), 0);
	assert_int_equal(request(c, SIOCSIFDESCR, "pair0", "uplink"), 0);
	assert_int_equal(inet(c, SIOCAIFADDR, "pair0", "10.0.0.1",
	    "255.255.255.0"), 0);
	assert_int_equal(inet(c, SIOCAIFADDR, "pair0", "10.0.1.1",
	    "255.255.0.0"), 0);
	assert_int_equal(preference(c, SIOCSIFADDRPREF, "pair0", "10.0.1.1",
	    7), 0);
	assert_int_equal(laddr(c, SIOCALIFADDR, "pair0", 1, IFLR_ACTIVE), 0);
	assert_int_equal(laddr(c, SIOCALIFADDR, "pair0", 2, 0), 0);
	assert_int_equal(group(c, SIOCAIFGROUP, "pair0", "wan"), 0);
	/* The addresses brought it up. */
	assert_int_equal(number(c, SIOCSIFFLAGS, "pair0", 0), 0);
}

static void
expect_furnished(struct ifnet_client *c)
{
	struct ifaliasreq ifra;

	assert_int_equal(value(c, SIOCGIFMTU, "pair0"), 1400);
	assert_int_equal(value(c, SIOCGIFMETRIC, "pair0"), 3);
	assert_int_equal(value(c, SIOCGIFFLAGS, "pair0") & IFF_UP, 0);
	expect_text(c, SIOCGIFDESCR, "pair0", "uplink");
	expect_text(c, SIOCGIFDESCR, "pair2", "");
	assert_int_equal(preference(c, SIOCGIFADDRPREF, "pair0", "10.0.1.1",
	    0), 7);
	assert_int_equal(preference(c, SIOCGIFADDRPREF, "pair0", "10.0.0.1",
	    0), 0);
	assert_int_equal(preference(c, SIOCGIFADDRPREF, "pair0", "10.0.9.1",
	    0), EADDRNOTAVAIL);
	memset(&ifra, 0, sizeof(ifra));
	strcpy(ifra.ifra_name, "pair0");
	test_addr_put(&ifra.ifra_addr, "10.0.1.1");
	assert_int_equal(run(c, SIOCGIFALIAS, &ifra), 0);
	assert_true(test_addr_is((struct sockaddr *)&ifra.ifra_mask,
	    "255.255.0.0"));
	assert_true(is_active(c, "pair0", 1));
	assert_int_equal(laddr(c, SIOCALIFADDR, "pair0", 2, 0), EEXIST);
	assert_int_equal(group(c, SIOCAIFGROUP, "pair0", "wan"), EEXIST);
	assert_int_equal(group(c, SIOCDIFGROUP, "pair0", "lan"), ENOENT);
}

/* Every kind of setting, once and again, of two interfaces. */
static void
change_all(struct ifnet_client *c)
{

	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1300), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1200), 0);
	assert_int_equal(number(c, SIOCSIFMETRIC, "pair0", 9), 0);
	assert_int_equal(number(c, SIOCSIFFLAGS, "pair0", IFF_UP), 0);
	assert_int_equal(request(c, SIOCSIFDESCR, "pair0", "other"), 0);
	assert_int_equal(request(c, SIOCSIFDESCR, "pair2", "new"), 0);
	assert_int_equal(inet(c, SIOCDIFADDR, "pair0", "10.0.1.1", NULL), 0);
	assert_int_equal(inet(c, SIOCAIFADDR, "pair0", "10.0.1.1",
	    "255.0.0.0"), 0);
	assert_int_equal(inet(c, SIOCAIFADDR, "pair0", "10.0.9.1",
	    "255.255.255.0"), 0);
	assert_int_equal(preference(c, SIOCSIFADDRPREF, "pair0", "10.0.0.1",
	    4), 0);
	assert_int_equal(laddr(c, SIOCALIFADDR, "pair0", 3, IFLR_ACTIVE), 0);
	assert_int_equal(laddr(c, SIOCDLIFADDR, "pair0", 2, 0), 0);
	assert_int_equal(laddr(c, SIOCDLIFADDR, "pair0", 1, 0), 0);
	assert_int_equal(group(c, SIOCDIFGROUP, "pair0", "wan"), 0);
	assert_int_equal(group(c, SIOCAIFGROUP, "pair0", "lan"), 0);
	assert_int_equal(request(c, SIOCSIFNAME, "pair0", "north"), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "north", 1100), 0);
}

static void
test_settings(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	unsigned long long n;

	furnish(f->c);
	assert_int_equal(ifnet_begin(c, &e), 0);
	change_all(c);
	assert_int_equal(ifnet_rollback(c, &n, &e), 0);
	assert_int_equal(n, 0);
	expect_furnished(f->c);
	/* The client ends; what was refused is not undone. */
	assert_int_equal(ifnet_begin(c, &e), 0);
	change_all(c);
	assert_int_equal(number(c, SIOCSIFMTU, "north", 60), EINVAL);
	assert_int_equal(group(c, SIOCAIFGROUP, "north", "lan"), EEXIST);
	assert_int_equal(inet(c, SIOCDIFADDR, "north", "10.7.7.7", NULL),
	    EADDRNOTAVAIL);
	ifnet_close(c);
	expect_furnished(f->c);
	/* The change is completed. */
	c = other(f);
	assert_int_equal(ifnet_begin(c, &e), 0);
	change_all(c);
	assert_int_equal(ifnet_commit(c, &e), 0);
	ifnet_close(c);
	assert_int_equal(value(f->c, SIOCGIFMTU, "north"), 1100);
}

/* The old requests, of the first address. */
static void
test_first_address(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	struct ifreq ifr;

	furnish(f->c);
	assert_int_equal(ifnet_begin(c, &e), 0);
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "pair0");
	test_addr_put(&ifr.ifr_space, "10.9.0.1");
	assert_int_equal(run(c, SIOCSIFADDR, &ifr), 0);
	test_addr_put(&ifr.ifr_space, "255.255.255.252");
	assert_int_equal(run(c, SIOCSIFNETMASK, &ifr), 0);
	assert_int_equal(preference(c, SIOCGIFADDRPREF, "pair0", "10.0.0.1",
	    0), EADDRNOTAVAIL);
	ifnet_close(c);
	expect_furnished(f->c);
	assert_int_equal(preference(f->c, SIOCGIFADDRPREF, "pair0", "10.9.0.1",
	    0), EADDRNOTAVAIL);
	/* An interface that came up with its first address. */
	c = other(f);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(inet(c, SIOCAIFADDR, "pair2", "10.9.0.1", NULL), 0);
	assert_int_not_equal(value(c, SIOCGIFFLAGS, "pair2") & IFF_UP, 0);
	ifnet_close(c);
	assert_int_equal(value(f->c, SIOCGIFFLAGS, "pair2") & IFF_UP, 0);
}

/* A moved interface comes back, and interfaces of others stay theirs. */
static void
test_moved(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	unsigned before, red = interfaces(c, "red");
	struct ifnet_error e;

	furnish(f->c);
	before = interfaces(c, "default");
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair2", 1300), 0);
	assert_int_equal(request(c, SIOCSIFVNET, "pair2", "red"), 0);
	assert_int_equal(ifnet_set_vnet(c, "red", &e), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair2", 1200), 0);
	/* Gone meanwhile, and another one has its name. */
	assert_int_equal(ifnet_set_vnet(c, "default", &e), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1300), 0);
	assert_int_equal(request(f->c, SIOCIFDESTROY, "pair0", ""), 0);
	assert_int_equal(create(f->c, "pair0"), 0);
	ifnet_close(c);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(interfaces(f->c, "red"), red);
	assert_int_equal(value(f->c, SIOCGIFMTU, "pair2"), 1500);
	assert_int_equal(value(f->c, SIOCGIFMTU, "pair0"), 1500);
}

/* A line of ifconfig about an interface that is there, refused at the end. */
static void
test_settings_line(void **state)
{
	struct fixture *f = *state;
	struct ifnet_error e;

	furnish(f->c);
	assert_int_not_equal(vnet_command(f->vn, "ifconfig pair0 up "
	    "descr other 10.0.9.1/24 alias preference 3 group lan "
	    "inet 10.0.8.1/24 mtu 60", &e), 0);
	expect_furnished(f->c);
	assert_int_equal(vnet_command(f->vn, "ifconfig pair0 10.0.9.1/24 "
	    "preference 2 up", &e), 0);
	assert_int_equal(preference(f->c, SIOCGIFADDRPREF, "pair0", "10.0.9.1",
	    0), 2);
	assert_int_equal(preference(f->c, SIOCGIFADDRPREF, "pair0", "10.0.0.1",
	    0), EADDRNOTAVAIL);
}

/* --- routes, neighbours, settings, filters -- */

static int
capture(struct ifnet_client *c, const char *line, char *out, size_t size)
{
	struct ifnet_error e;
	char *text;
	int error;

	error = test_client_try(c, line, &text, &e);
	(void)snprintf(out, size, "%s", error == 0 ? text : e.text);
	free(text);
	return error;
}

static int
say(struct ifnet_client *c, const char *line)
{
	char text[512];
	int error = capture(c, line, text, sizeof(text));

	return error;
}

/* All that a change may touch, as text. */
static void
shown(struct ifnet_client *c, char *all, size_t size)
{
	static const char *const lines[] = {
		"route -n show", "arp -an", "sysctl net.inet.ip.forwarding",
		"sysctl net.inet.arp.moves", "filter list", "ifconfig -a",
	};
	size_t used = 0;
	char *p;

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(capture(c, lines[i], all + used,
		    size - used), 0);
		used += strlen(all + used);
	}
	/* The seconds pass meanwhile. */
	for (p = all; (p = strstr(p, "expires in ")) != NULL; p += 11)
		memset(p + 11, '9', strspn(p + 11, "0123456789"));
	assert_true(used + 1 < size);
}

static const char *const setup_lines[] = {
	"ifconfig pair0 create 10.0.0.1/24 up",
	"ifconfig pair2 create 10.2.0.1/24 up",
	/* Two addresses alike: a source is no name of an interface. */
	"ifconfig pair4 create 10.4.0.1/32",
	"ifconfig pair6 create 10.4.0.1/32",
	"route add 10.9.0.0/16 10.0.0.254",
	"route add 10.10.0.0/16 10.0.0.253 -mtu 1300 -ifa 10.2.0.1",
	"route add 10.11.0.1 -interface pair2",
	"route add 10.12.0.0/16 127.0.0.1 -blackhole",
	"route add 10.14.0.0/16 10.0.0.5 -metric 5",
	"route add 10.14.0.0/16 10.2.0.6 -metric 6 -proto bgp",
	"route add 10.14.0.0/16 10.0.0.7 -metric 7",
	"route add 10.0.0.0/24 10.2.0.6 -metric 9",
	"route add -table 7 10.17.0.0/16 10.2.0.6",
	"arp -s 10.0.0.7 02:00:00:00:00:07",
	"arp -s 10.0.0.8 02:00:00:00:00:08 temp",
	"filter add 10 in pair0 drop icmp",
};

/* Each changes something, or deletes it, or makes something new. */
static const char *const change_lines[] = {
	"route add default 10.0.0.9",
	"route change default 10.0.0.10",
	"route delete default",
	"route delete 10.9.0.0/16",
	"route add 10.9.0.0/16 10.2.0.9",
	"route change 10.10.0.0/16 10.2.0.5 -mtu 1000",
	"route delete 10.11.0.1",
	"route delete 10.12.0.0/16",
	"route add 10.13.0.0/16 -interface pair6",
	"route replace 10.14.0.0/16 10.2.0.15 -metric 5 -proto ospf",
	"route replace 10.14.0.0/16 10.2.0.14 -metric 4",
	"route delete 10.14.0.0/16 10.2.0.6",
	"route change 10.14.0.0/16 10.2.0.17 -metric 7 -mtu 900",
	"route delete 10.14.0.0/16",
	"route add 10.14.0.0/16 10.2.0.18",
	"route delete 10.0.0.0/24 -metric 9",
	"route add 10.15.0.0/16 10.2.0.18",
	"route flush -table 7",
	"route flush",
	"route add 10.13.0.0/16 -interface pair6",
	"arp -d 10.0.0.7",
	"arp -s 10.0.0.7 02:00:00:00:00:17",
	"arp -s 10.0.0.9 02:00:00:00:00:09",
	"arp -d 10.0.0.8",
	"sysctl -w net.inet.ip.forwarding=1",
	"sysctl -w net.inet.arp.moves=3",
	"sysctl -w net.inet.arp.moves=0",
	"filter add 20 out pair2 drop 'tcp port 23'",
	"filter add in any pass udp",
};

static void
test_routes(void **state)
{
	static char before[16384], after[16384], none[16384];
	struct fixture *f = *state;
	struct ifnet_error e;
	struct ifnet_client *c;

	for (size_t i = 0; i < sizeof(setup_lines) / sizeof(setup_lines[0]);
	    i++)
		assert_int_equal(say(f->c, setup_lines[i]), 0);
	shown(f->c, before, sizeof(before));
	/* Rolled back, the client gone, and completed. */
	for (int round = 0; round < 3; round++) {
		c = other(f);
		assert_int_equal(ifnet_begin(c, &e), 0);
		for (size_t i = 0; i < sizeof(change_lines) /
		    sizeof(change_lines[0]); i++)
			assert_int_equal(say(c, change_lines[i]), 0);
		/* Refused lines are not undone. */
		assert_int_not_equal(say(c, "route add 10.13.0.0/16 10.0.0.2"),
		    0);
		assert_int_not_equal(say(c, "route delete 10.77.0.0/16"), 0);
		assert_int_not_equal(say(c, "sysctl -w net.inet.arp.moves=9"),
		    0);
		assert_int_not_equal(say(c, "filter add 20 in any drop ip"),
		    0);
		shown(f->c, after, sizeof(after));
		assert_string_not_equal(before, after);
		if (round == 0)
			assert_int_equal(ifnet_rollback(c, NULL, &e), 0);
		else if (round == 2)
			assert_int_equal(ifnet_commit(c, &e), 0);
		ifnet_close(c);
		shown(f->c, none, sizeof(none));
		assert_string_equal(none, round == 2 ? after : before);
	}
}

/* A source that was not asked for stays so: a route that comes back follows
 * its gateway, and does not go with that address. */
static void
test_source(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	char text[4096];

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(say(f->c, "ifconfig pair0 10.0.0.2/24 alias"), 0);
	assert_int_equal(say(f->c, "route add 10.9.0.0/16 10.0.0.254"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(say(c, "route delete 10.9.0.0/16"), 0);
	ifnet_close(c);
	assert_int_equal(say(f->c, "ifconfig pair0 10.0.0.1 delete"), 0);
	assert_int_equal(capture(f->c, "route -n show", text, sizeof(text)),
	    0);
	says(text, "10.9.0.0/16");
}

/* A route with several ways has them again, with their weights. */
static void
test_ways(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	char text[4096];

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(say(f->c, "route add -mpath 10.9.0.0/16 10.0.0.5 "
	    "-weight 2"), 0);
	assert_int_equal(say(f->c, "route add -mpath 10.9.0.0/16 10.0.0.6"),
	    0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(capture(c, "route -n flush", text, sizeof(text)), 0);
	assert_string_equal(text, "10.9.0.0/16          10.0.0.5"
	    "             done\n10.9.0.0/16          10.0.0.6"
	    "             done\n");
	assert_int_equal(capture(c, "route -n flush", text, sizeof(text)), 0);
	assert_string_equal(text, "");
	assert_int_equal(ifnet_rollback(c, NULL, &e), 0);
	assert_int_equal(capture(f->c, "route -n show", text, sizeof(text)),
	    0);
	says(text, "10.0.0.5           UGS         -        0      -  pair0 "
	    "weight 2");
	says(text, "10.0.0.6           UGS         -        0      -  pair0");
	ifnet_close(c);
}

/* Changes of others meanwhile are theirs. */
static void
test_routes_meanwhile(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	char text[4096];

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(say(c, "route add 10.9.0.0/16 10.0.0.254"), 0);
	assert_int_equal(say(c, "route add 10.8.0.0/16 10.0.0.254"), 0);
	assert_int_equal(say(c, "filter add 30 in any drop icmp"), 0);
	assert_int_equal(say(f->c, "route change 10.9.0.0/16 10.0.0.9"), 0);
	assert_int_equal(say(f->c, "route delete 10.8.0.0/16"), 0);
	assert_int_equal(say(f->c, "filter delete 30"), 0);
	ifnet_close(c);
	assert_int_equal(capture(f->c, "route -n show", text, sizeof(text)),
	    0);
	says(text, "10.0.0.9 ");
	assert_null(strstr(text, "10.8.0.0"));
	/* Its interface went, and the vnet. */
	c = other(f);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(say(c, "route add 10.8.0.0/16 10.0.0.254"), 0);
	assert_int_equal(say(c, "-n red sysctl -w net.inet.ip.forwarding=1"),
	    0);
	assert_int_equal(say(f->c, "ifconfig pair0 destroy"), 0);
	ifnet_close(c);
}

/* Interfaces that a change destroys are destroyed with its end. */
static void
test_destroyed(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	unsigned before;
	struct ifnet_error e;

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(say(f->c, "ifconfig pair2 create"), 0);
	before = interfaces(f->c, "default");
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair0", ""), 0);
	assert_int_equal(request(c, SIOCSIFNAME, "pair2", "north"), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "north", ""), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "nosuch", ""), ENXIO);
	/* pair0 is there until then. */
	assert_int_equal(interfaces(f->c, "default"), before);
	/* The change's own goes at once. */
	assert_int_equal(create(c, "pair8"), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair8", ""), 0);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(ifnet_rollback(c, NULL, &e), 0);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(request(f->c, SIOCGIFFLAGS, "pair2", ""), 0);

	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair0", ""), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair2", ""), 0);
	/* Another interface has the name by then. */
	assert_int_equal(request(f->c, SIOCIFDESTROY, "pair2", ""), 0);
	assert_int_equal(create(f->c, "pair2"), 0);
	assert_int_equal(ifnet_commit(c, &e), 0);
	assert_int_equal(request(f->c, SIOCGIFFLAGS, "pair0", ""), ENXIO);
	assert_int_equal(request(f->c, SIOCGIFFLAGS, "pair2", ""), 0);
	/* A client that is gone destroys nothing. */
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair2", ""), 0);
	ifnet_close(c);
	assert_int_equal(request(f->c, SIOCGIFFLAGS, "pair2", ""), 0);
}

/* An interface that is made beside the one asked for goes with it. */
static void
test_beside(void **state)
{
	struct fixture *f = *state;
	unsigned before = interfaces(f->c, "default");
	unsigned red = interfaces(f->c, "red");
	struct ifnet_client *c = other(f);
	struct if_createreq req;
	struct ifnet_error e;

	assert_int_not_equal(say(f->c, "ifconfig pair0 create peer red:pair7 "
	    "mtu 60"), 0);
	assert_int_equal(interfaces(f->c, "red"), red);
	assert_int_equal(ifnet_begin(c, &e), 0);
	for (int i = 0; i < 40; i++) {
		memset(&req, 0, sizeof(req));
		(void)snprintf(req.ifcr_name, sizeof(req.ifcr_name), "pair%d",
		    i);
		(void)snprintf(req.ifcr_params, sizeof(req.ifcr_params),
		    "peer %spair%d", i % 2 == 0 ? "red:" : "", i + 100);
		assert_int_equal(run(c, SIOCIFCREATE, &req), 0);
	}
	assert_int_equal(interfaces(f->c, "default"), before + 60);
	assert_int_equal(interfaces(f->c, "red"), red + 20);
	/* The far end is the change's own as well. */
	assert_int_equal(number(c, SIOCSIFMTU, "pair101", 1300), 0);
	ifnet_close(c);
	assert_int_equal(interfaces(f->c, "default"), before);
	assert_int_equal(interfaces(f->c, "red"), red);
}

/* A destruction that is refused at the end: nothing is done. */
static void
test_not_destroyed(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;

	assert_int_equal(create(f->c, "pair0"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1300), 0);
	assert_int_equal(create(c, "pair2"), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "lo0", ""), 0);
	assert_int_equal(request(c, SIOCIFDESTROY, "pair0", ""), 0);
	assert_int_equal(ifnet_commit(c, &e), EPERM);
	says(e.text, "lo0 cannot be destroyed");
	says(e.text, "nothing of the change is done");
	assert_int_equal(value(c, SIOCGIFMTU, "pair0"), 1500);
	assert_int_equal(request(c, SIOCGIFFLAGS, "pair2", ""), ENXIO);
	assert_int_equal(ifnet_commit(c, &e), EINVAL);
	ifnet_close(c);
}

/* Requests that cannot be undone are refused in words, unless the change made
 * their object. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifdatareq ifdr;
	struct ifnet_error e;
	struct ifreq ifr;

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(say(f->c, "filter add 10 in any drop icmp"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(create(c, "pair2"), 0);
	memset(&ifdr, 0, sizeof(ifdr));
	strcpy(ifdr.ifdr_name, "pair0");
	assert_int_equal(ifnet_ioctl(c, SIOCZIFDATA, &ifdr, sizeof(ifdr), &e),
	    EOPNOTSUPP);
	says(e.text, "SIOCZIFDATA cannot be undone");
	strcpy(ifdr.ifdr_name, "pair2");
	assert_int_equal(ifnet_ioctl(c, SIOCZIFDATA, &ifdr, sizeof(ifdr), &e),
	    0);
	memset(&ifr, 0, sizeof(ifr));
	strcpy(ifr.ifr_name, "pair0");
	assert_int_equal(ifnet_ioctl(c, SIOCSIFMEDIA, &ifr, sizeof(ifr), &e),
	    EOPNOTSUPP);
	says(e.text, "SIOCSIFMEDIA cannot be undone");
	assert_int_equal(ifnet_ioctl(c, IFIOC_WR(250, struct ifreq), &ifr,
	    sizeof(ifr), &e), EOPNOTSUPP);
	says(e.text, "only a driver knows");
	assert_int_equal(say(c, "filter delete 10"), EOPNOTSUPP);
	assert_int_equal(say(c, "filter flush"), EOPNOTSUPP);
	assert_int_equal(say(c, "route delete 10.0.0.0/24"), EOPNOTSUPP);
	assert_int_equal(say(c, "route change 10.0.0.0/24 -reject"),
	    EOPNOTSUPP);
	assert_int_equal(ifnet_halt(c, &e), EOPNOTSUPP);
	says(e.text, "cannot be undone");
	assert_int_equal(ifnet_vnet_create(c, "blue", &e), 0);
	assert_int_equal(ifnet_vnet_create(f->c, "green", &e), 0);
	assert_int_equal(ifnet_vnet_destroy(c, "green", &e), EOPNOTSUPP);
	says(e.text, "cannot be undone");
	assert_int_equal(ifnet_vnet_destroy(c, "blue", &e), 0);
	/* The change goes on. */
	assert_int_equal(number(c, SIOCSIFMTU, "pair0", 1300), 0);
	assert_int_equal(ifnet_commit(c, &e), 0);
	assert_int_equal(value(c, SIOCGIFMTU, "pair0"), 1300);
	ifnet_close(c);
}

/* Capabilities are as before. */
static void
test_capabilities(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifcapreq was, cap;
	struct ifnet_error e;

	assert_int_equal(create(f->c, "pair0"), 0);
	memset(&was, 0, sizeof(was));
	strcpy(was.ifcr_name, "pair0");
	assert_int_equal(run(f->c, SIOCGIFCAP, &was), 0);
	assert_int_not_equal(was.ifcr_capabilities, 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	cap = was;
	cap.ifcr_capenable = was.ifcr_capenable != 0 ? 0 :
	    was.ifcr_capabilities;
	assert_int_equal(run(c, SIOCSIFCAP, &cap), 0);
	assert_int_equal(run(c, SIOCGIFCAP, &cap), 0);
	assert_int_not_equal(cap.ifcr_capenable, was.ifcr_capenable);
	ifnet_close(c);
	assert_int_equal(run(f->c, SIOCGIFCAP, &cap), 0);
	assert_int_equal(cap.ifcr_capenable, was.ifcr_capenable);
}

/* A request that is refused leaves no note: nothing is undone for it, and it
 * takes no room. */
static void
test_refused_leaves_nothing(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	char text[4096];
	int64_t v = 9;

	assert_int_equal(say(f->c, "ifconfig pair0 create 10.0.0.1/24"), 0);
	assert_int_equal(say(f->c, "route add 10.9.0.0/16 10.0.0.254"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_not_equal(say(c, "route change 10.9.0.0/16 10.99.0.1"), 0);
	assert_int_equal(say(c, "sysctl -w net.inet.ip.forwarding=1"), 0);
	assert_int_equal(say(f->c, "route delete 10.9.0.0/16"), 0);
	for (unsigned n = 0; n < 500000; n++)
		assert_int_equal(ifnet_sysctl(c, "net.inet.ip.forwarding",
		    NULL, NULL, &v, sizeof(v), NULL, NULL, &e), EINVAL);
	assert_int_equal(say(c, "sysctl -w net.inet.ip.forwarding=0"), 0);
	ifnet_close(c);
	assert_int_equal(capture(f->c, "route -n show", text, sizeof(text)),
	    0);
	assert_null(strstr(text, "10.9.0.0"));
}

/* Streams of a packet generator come back as they were; starting and stopping
 * cannot be undone, so it is no part of a change. */
static void
test_streams(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	char before[4096], after[4096];

	assert_int_equal(say(f->c, "ifconfig pg0 create dst 10.1.0.1"), 0);
	assert_int_equal(say(f->c, "pg set pg0 5 dst 10.5.0.1 ttl 7"), 0);
	assert_int_equal(capture(f->c, "pg show", before, sizeof(before)), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	assert_int_equal(say(c, "pg set pg0 1 dst 10.1.0.2"), 0);
	assert_int_equal(say(c, "pg set pg0 3 dst 10.3.0.1"), 0);
	assert_int_equal(say(c, "pg delete pg0 5"), 0);
	assert_int_equal(say(c, "pg set pg0 3 dst 10.3.0.2 size 90"), 0);
	assert_int_equal(say(c, "pg set pg0 5 dst 10.5.0.9"), 0);
	assert_int_not_equal(say(c, "pg delete pg0 6"), 0);
	assert_int_not_equal(say(c, "pg set pg0 6 dst x"), 0);
	assert_int_equal(capture(c, "pg start pg0", after, sizeof(after)),
	    EOPNOTSUPP);
	says(after, "SIOCSPGSTREAM cannot be undone");
	ifnet_close(c);
	assert_int_equal(capture(f->c, "pg show", after, sizeof(after)), 0);
	assert_string_equal(after, before);
}

/* A change has a size; what is behind it is refused, and the rest stays
 * undoable. */
static void
test_too_large(void **state)
{
	struct fixture *f = *state;
	struct ifnet_client *c = other(f);
	struct ifnet_error e;
	int64_t v;
	int error = 0;
	unsigned n;

	assert_int_equal(create(f->c, "pair0"), 0);
	assert_int_equal(ifnet_begin(c, &e), 0);
	for (n = 0; error == 0 && n < 10000000; n++) {
		v = n % 2;
		error = ifnet_sysctl(c, "net.inet.ip.forwarding", NULL, NULL,
		    &v, sizeof(v), NULL, NULL, &e);
	}
	assert_int_equal(error, ENOBUFS);
	says(e.text, "the change is too large");
	says(e.text, "commit it in parts");
	assert_true(n > 100000);
	assert_int_equal(create(c, "pair2"), ENOBUFS);
	says(e.text, "the change is too large");
	assert_int_equal(ifnet_commit(c, &e), 0);
	ifnet_close(c);
}

/* --- over a socket -------------------------------------------------------- */

static int
dial(const struct test_server *ts)
{
	struct sockaddr_un sun;
	uint8_t msg[256];
	ssize_t n = (ssize_t)build_hello(msg);
	int fd;

	memset(&sun, 0, sizeof(sun));
	sun.sun_family = AF_UNIX;
	strcpy(sun.sun_path, ts->ts_path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)),
	    0);
	assert_int_equal(send(fd, msg, (size_t)n, 0), n);
	assert_int_equal(send(fd, msg, build_raw(msg, CTL_BEGIN, "", NULL, 0),
	    0), sizeof(struct ctl_hdr));
	return fd;
}

/* A batch of creates, as large as a message. */
static size_t
batch(uint8_t *msg)
{
	static uint8_t payload[CTL_MSG_MAX];
	struct {
		struct ctl_ioctl ci;
		struct if_createreq req;
	} rq;
	size_t len = 0;

	memset(&rq, 0, sizeof(rq));
	rq.ci.i_cmd = SIOCIFCREATE;
	rq.ci.i_len = sizeof(rq.req);
	strcpy(rq.req.ifcr_name, "pair");
	while (len + 512 < CTL_MSG_MAX - sizeof(struct ctl_hdr))
		len += proto_padded(build(payload + len, CTL_IOCTL, "", &rq,
		    sizeof(rq)));
	return build_raw(msg, CTL_BATCH, "", payload, len);
}

/* The socket is closed at any point: between messages, with answers unread,
 * while a batch is carried out. */
static void
test_socket(void **state)
{
	static uint8_t msg[CTL_MSG_MAX], in[CTL_MSG_MAX];
	struct fixture *f = *state;
	unsigned before = interfaces(f->c, "default");
	size_t len = batch(msg);
	struct test_server ts;
	struct ifnet_client *c;
	unsigned went = 0;
	int fd;

	test_server_start(&ts, f->st, 0);
	for (int round = 0; round < 24; round++) {
		fd = dial(&ts);
		for (int i = 0; i < round % 4; i++)
			assert_int_equal(send(fd, msg, len, 0), len);
		/* The greeting's, and those that are there by then. */
		for (int i = 0; i < round % 5 && i < round % 4 + 2; i++)
			assert_true(recv(fd, in, sizeof(in), 0) > 0);
		went += interfaces(f->c, "default") > before;
		close(fd);
	}
	/* Some had created something by the time they went. */
	assert_true(went > 0);
	/* Everything they asked for has been done, and undone. */
	c = test_connect(&ts);
	for (int i = 0; i < 20000 && interfaces(c, "default") != before; i++)
		(void)poll(NULL, 0, 1);
	assert_int_equal(interfaces(c, "default"), before);
	ifnet_close(c);
	test_server_stop(&ts);
	assert_int_equal(interfaces(f->c, "default"), before);
}

/* The server stops in the middle of one. */
static void
test_server_stops(void **state)
{
	static uint8_t msg[CTL_MSG_MAX];
	struct fixture *f = *state;
	unsigned before = interfaces(f->c, "default");
	size_t len = batch(msg);
	struct test_server ts;
	int fd;

	test_server_start(&ts, f->st, 0);
	fd = dial(&ts);
	assert_int_equal(send(fd, msg, len, 0), len);
	test_server_stop(&ts);
	close(fd);
	assert_int_equal(interfaces(f->c, "default"), before);
}

int
main(void)
{
#define T(t)	cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_commit), T(test_end), T(test_meanwhile), T(test_line),
		T(test_settings), T(test_first_address), T(test_moved),
		T(test_settings_line), T(test_routes), T(test_source),
		T(test_ways),
		T(test_routes_meanwhile), T(test_destroyed),
		T(test_not_destroyed), T(test_beside), T(test_refused),
		T(test_too_large), T(test_capabilities),
		T(test_refused_leaves_nothing), T(test_streams),
		T(test_socket), T(test_server_stops),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
