/*
 * command_impl: functions that the subcommands share: messages, option words,
 * numbers and addresses, and the state of interfaces as a client sees it.
 * Private to src/command.
 */

#ifndef COMMAND_COMMAND_IMPL_H
#define COMMAND_COMMAND_IMPL_H

#include <sys/queue.h>

#include <netinet/in.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ifnet/ifreq.h>
#include <ifnet/rtmsg.h>

#include "command/command.h"
#include "command/json.h"

/* Room for any address or prefix as text. */
#define CMD_TEXTSIZE	96

typedef void cmd_add_fn(void *, const char *);

extern const struct command command_ifconfig, command_route, command_arp,
    command_ndp,
    command_netstat, command_sysctl, command_ping, command_ping6,
    command_traceroute, command_traceroute6, command_halt,
    command_show, command_watch, command_monitor, command_history,
    command_vnet,
    command_help, command_version, command_dump, command_extcap,
    command_filter, command_pg, command_rule, command_mcast,
    command_ifmcstat;

/* --- messages (cmd_util.c) ----------------------------------------------- */

/* The name of the program, with which its messages begin. */
const char *cmd_program(const struct cmd_ctx *);
/* Write "ifctl: ..." and a newline to cc_err. */
void	cmd_err(struct cmd_ctx *, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
/* As cmd_err(), for a request that failed, whose errno goes to cc_errno;
 * returns CMD_FAIL. */
int	cmd_fail(struct cmd_ctx *, const struct ifnet_error *,
	    const char *fmt, ...)
	    __attribute__((__format__(__printf__, 3, 4)));
/*
 * Write a line of output and a newline to cc_out, with control characters made
 * visible, so that it stays one line and cannot control the terminal.  Tabs in
 * front stay.
 */
void	cmd_row(struct cmd_ctx *, const char *fmt, ...)
	    __attribute__((__format__(__printf__, 2, 3)));
/*
 * cmd_lost.c: routes that a user had asked for and that a change removes.  Get
 * their count before the change; after it, report the routes lost since.
 */
uint64_t cmd_lost_count(struct cmd_ctx *);
void	cmd_lost_tell(struct cmd_ctx *, uint64_t before);
/* The neighbours of an interface that were set by hand, before it moves; then
 * say which stayed behind. */
#define CMD_NEIGHS	16
struct cmd_neighs {
	unsigned	 cn_n;		/* all of them */
	char		 cn_text[CMD_NEIGHS][CMD_TEXTSIZE]; /* the first */
};
void	cmd_neighs_static(struct cmd_ctx *, const char *ifname,
	    struct cmd_neighs *);
void	cmd_neighs_tell(struct cmd_ctx *, const char *ifname,
	    const struct cmd_neighs *);
/* The text of an errno in BSD's words ("Device not configured"). */
const char *cmd_strerror(int code);
/* The words that came with a failed request's errno, as " (words)", or "". */
const char *cmd_reason(const struct ifnet_error *, char *buf, size_t size);
/* Write the usage of a subcommand to cc_err; returns code. */
int	cmd_usage(struct cmd_ctx *, const struct command *, int code);
/* As cmd_usage(), with a message about the error in front. */
int	cmd_usage_why(struct cmd_ctx *, const struct command *, int code,
	    const char *fmt, ...)
	    __attribute__((__format__(__printf__, 4, 5)));
void	cmd_print_usage(FILE *, const struct command *);
/*
 * Between the two calls, output to cc_out is held in memory: a command that
 * writes into a pager's pipe while an answer arrives would not read the answer
 * in time, and be disconnected.  Without memory the output is written at once.
 */
struct cmd_held {
	FILE		*ch_out;	/* the real one */
	TAILQ_HEAD(held_pieces, held_piece) ch_pieces;
};

void	cmd_hold(struct cmd_ctx *, struct cmd_held *);
void	cmd_release(struct cmd_ctx *, struct cmd_held *);
bool	cmd_interrupted(const struct cmd_ctx *);
/* Wait until a time (CLOCK_MONOTONIC, ns) or an interruption. */
void	cmd_sleep_until(const struct cmd_ctx *, uint64_t);
uint64_t cmd_now(void);
/*
 * For requests that are about no vnet: check that the vnet of -n, if it was
 * given, exists.  CMD_FAIL, with a message, if not.
 */
int	cmd_check_vnet(struct cmd_ctx *);
/* Open a second connection, on the same vnet; NULL, with a message. */
struct ifnet_client *cmd_connect(struct cmd_ctx *);

/* --- a configuration that is applied again (cmd_again.c) ------------------ */

#define CMD_VNETSIZE	32

/* An interface by its name in a vnet; "" is the default one. */
struct cmd_where {
	char		 wh_vnet[CMD_VNETSIZE], wh_name[IFNAMSIZ];
};

/*
 * Read all lines, begin, and then announce each line before it runs.  ENOMEM.
 */
struct cmd_again *cmd_again_create(void);
void	cmd_again_free(struct cmd_again *);
int	cmd_again_read(struct cmd_again *, const char *vnet, int argc,
	    char **argv);
void	cmd_again_begin(struct cmd_again *);
void	cmd_again_line(struct cmd_again *);
/*
 * The interface that a line's name means.  true: no interface has the name, and
 * lines that have run before have renamed or moved the interface to *w; with
 * kind, an interface of it.
 */
bool	cmd_again_where(struct cmd_ctx *, const char *name, const char *kind,
	    struct cmd_where *w);
/* With cc_applied: "tap" to the lowest of "tap0", "tap1", ... that is in no
 * line and was not given before.  false: no memory, or too long. */
bool	cmd_again_number(struct cmd_ctx *, char name[IFNAMSIZ]);

/* --- option words -------------------------------------------------------- */

/*
 * As getopt(3), without its global state; the options are the words of the
 * command that begin with "-".  cmd_getopt() returns the letter (of a long
 * option, its w_code), -1 at the end (o_next is the first operand), or '?' with
 * a message.
 */
struct cmd_opts {
	struct cmd_ctx	*o_ctx;
	const struct command *o_cmd;
	int		 o_argc;
	char		**o_argv;
	int		 o_next;	/* next word to look at */
	const char	*o_in;		/* within a cluster, or NULL */
	char		*o_arg;
};

void	cmd_opts_init(struct cmd_opts *, struct cmd_ctx *,
	    const struct command *, int argc, char **argv);
int	cmd_getopt(struct cmd_opts *);

/* --- tables of words (words.c) ------------------------------------------- */

#define CMD_OPT_JSON	'J'

#define CMD_WORD_JSON	{ "--json", NULL, "write JSON, for programs", 0,  \
	NULL, CMD_OPT_JSON, 0 }
#define CMD_WORD_END	{ NULL, NULL, NULL, 0, NULL, 0, 0 }

/*
 * The entry for a word as typed, or NULL.  With CMD_W_NOT in its flags the word
 * may have a "-" in front, and *negated says whether it has.
 */
const struct cmd_word *cmd_word_find(const struct cmd_word *,
	    const char *word, bool *negated);
/* The verb of a name, or NULL with a message that suggests another. */
const struct cmd_word *cmd_verb(struct cmd_ctx *, const struct command *,
	    const char *word);
/* The word of the table (or verb, with that flag) most like it, or NULL. */
const struct cmd_word *cmd_word_like(const struct cmd_word *,
	    const char *word, unsigned flags);
/* Does the word go with the verb? */
bool	cmd_word_goes(const struct cmd_word *, const char *verb);
/* Complete from the table only, ignoring c_complete. */
void	command_complete_words(struct cmd_ctx *, const struct command *,
	    int argc, char **argv, cmd_add_fn *, void *);
/*
 * The driver's description of the words of create, for a kind or an interface's
 * name: a line "WORD VALUE: help" for each word.  false: there is none.
 */
bool	cmd_create_words(struct cmd_ctx *, const char *ifname, char *text,
	    size_t size);
/* Write the help of a subcommand; as JSON, of all subcommands with NULL. */
void	cmd_help(struct cmd_ctx *, const struct command *);
int	cmd_help_json(struct cmd_ctx *, const struct command *);
/* The number of letters that differ, are missing or exchanged between two short
 * words. */
unsigned cmd_distance(const char *, const char *);

/* --- numbers, addresses -------------------------------------------------- */

/* Parse a number of decimal digits only, at most max. */
bool	cmd_parse_num(const char *, uint64_t max, uint64_t *);
/* Parse a packet's mark: 32 bits, decimal or 0x hexadecimal. */
bool	cmd_parse_mark(const char *, unsigned *);
/* Parse the number of a rule.  EINVAL with words. */
int	cmd_parse_rule_number(const char *, unsigned *, struct ifnet_error *);
/* Parse seconds with a fraction, into ns; at least min_ns. */
bool	cmd_parse_seconds(const char *, uint64_t min_ns, uint64_t *);
/* Parse an address of four decimal numbers, without short forms or leading
 * zeros. */
bool	cmd_parse_inet(const char *, struct in_addr *);
/* Parse ADDR or ADDR/LEN; *len is -1 without a length.  EINVAL with words. */
int	cmd_parse_prefix(const char *, struct in_addr *, int *len,
	    struct ifnet_error *);
/* Parse a contiguous mask, dotted or 0x hexadecimal, into a length. */
int	cmd_parse_mask(const char *, int *len, struct ifnet_error *);
/* Check a name for an interface.  With unit, it must end in a unit number. */
int	cmd_check_ifname(const char *, bool unit, struct ifnet_error *);

/* Check a name that an interface is to get. */
int	cmd_check_new_ifname(const char *, struct ifnet_error *);
/* Check a name for a group. */
int	cmd_check_group(const char *, struct ifnet_error *);

/*
 * An address of either family as it was written (cmd_ip.c).
 */
struct cmd_ip {
	int		 ip_family;	/* AF_INET, AF_INET6; 0: none */
	union {
		struct in_addr	 ip_in;
		struct in6_addr	 ip_in6;
	};
	/* Of fe80::1%tap0: "tap0"; "" without.  The name may be an index. */
	char		 ip_zone[IFNAMSIZ];
};

/* Parse ADDR[%ZONE] or ADDR[%ZONE]/LEN of a family, or of the one that it looks
 * like (0); *len is -1 without a length.  EINVAL with words. */
int	cmd_parse_ip(const char *, int family, struct cmd_ip *, int *len,
	    struct ifnet_error *);
/* Likewise, where no length may follow. */
int	cmd_parse_ip_only(const char *, int family, struct cmd_ip *,
	    struct ifnet_error *);
/* Is the word an address, with or without a length? */
bool	cmd_is_ip(const char *);
/* Are all bits of the address 0, or those behind so many? */
bool	cmd_ip_is_any(const struct cmd_ip *);
bool	cmd_ip_fits(const struct cmd_ip *, int len);
/* The zone of the address: its own, or else that interface's (NULL: none).  It
 * is 0 for an address without.  One request.  An errno, with words. */
int	cmd_ip_zone(struct cmd_ctx *, const struct cmd_ip *,
	    const char *ifname, uint32_t *index, struct ifnet_error *);
/* 32 or 128 */
int	cmd_ip_bits(int family);
/* The socket address; zone is the index of the interface if it is of link
 * scope, 0: not known.  Family 0 gives family 0. */
void	cmd_ip_sa(const struct cmd_ip *, uint32_t zone,
	    struct sockaddr_storage *);
/*
 * The socket address; the zone of one of link scope is the one that was
 * written, or else that interface (NULL: none).  The interface is looked up:
 * one request.  An errno, with words.
 */
int	cmd_ip_resolve(struct cmd_ctx *, const struct cmd_ip *,
	    const char *ifname, struct sockaddr_storage *,
	    struct ifnet_error *);
/* The address as it was written. */
const char *cmd_ip_text(const struct cmd_ip *, char buf[CMD_TEXTSIZE]);
/* The mask of a length. */
void	cmd_ip_mask(int family, int len, struct sockaddr_storage *);

struct in_addr cmd_mask(int len);
int	cmd_mask_len(struct in_addr);	/* -1: not contiguous */
void	cmd_sin(struct sockaddr_storage *, struct in_addr);
/* The prefix length of the class that the address had before 1993. */
int	cmd_class_len(struct in_addr);

/*
 * Put a text at `to', with blanks in front of it (cmd_put_right) or behind it
 * up to a width; its end, a NUL, is returned.  For lists of a million lines,
 * of whose time printf() would take most.
 */
char	*cmd_put(char *to, const char *text, size_t width);
char	*cmd_put_right(char *to, const char *text, size_t width);
/* A number in decimal, without blanks. */
char	*cmd_put_u64(char *to, uint64_t);

/* An IPv4 or IPv6 address; one with a zone as "fe80::1%3". */
const char *cmd_inet_text(const struct sockaddr *, char buf[CMD_TEXTSIZE]);
/* In such a text of a message, or a prefix's, put the interface's name in place
 * of its index: "fe80::1%tap0". */
const char *cmd_zone_named(char buf[CMD_TEXTSIZE], const char *ifname,
	    uint32_t index);
/* Likewise, of a route's interface. */
static inline const char *
cmd_route_zone(char buf[CMD_TEXTSIZE], const struct rt_msg *m)
{

	return cmd_zone_named(buf, m->rtm_ifname, m->rtm_index);
}
/* The length of a netmask of IPv4 or IPv6; -1: it is none. */
int	cmd_sa_mask_len(const struct sockaddr *);
/* Seconds as NetBSD's tools for IPv6 write them: "1d2h3m4s". */
#define CMD_OFFSETSIZE	32
const char *cmd_offset_text(uint32_t s, char buf[CMD_OFFSETSIZE]);
/* The text of any socket address; "link#3" for a link-level one with an index
 * only. */
const char *cmd_sa_text(const struct sockaddr *, char buf[CMD_TEXTSIZE]);
/* "10.0.0.0/24", "default", or the bare address of a host. */
const char *cmd_dst_text(const struct sockaddr *dst,
	    const struct sockaddr *mask, bool host, char buf[CMD_TEXTSIZE]);
/* A bit, or several of which one suffices, and its name. */
struct cmd_bit {
	uint64_t	 cb_bits;
	const char	*cb_name;
};

/*
 * "<UP,BROADCAST>": the names, of n, of the bits that are set; "" without any,
 * and cut at the size of the buffer.
 */
const char *cmd_bits_text(const struct cmd_bit *, size_t n, uint64_t bits,
	    char *buf, size_t size);
/* ["UP", "BROADCAST"] likewise, as the value of a key. */
void	cmd_bits_json(struct json *, const char *key, const struct cmd_bit *,
	    size_t n, uint64_t bits);
/* IFF_*, both ways. */
const char *cmd_ifflags_text(uint32_t flags, char *buf, size_t size);
void	cmd_ifflags_json(struct json *, const char *key, uint32_t flags);
/* "UGHS" */
const char *cmd_rtflags_text(uint32_t flags, char buf[32]);
const char *cmd_type_text(uint8_t type);
const char *cmd_link_text(uint8_t link_state);
/* Join words with blanks; cut at the size. */
const char *cmd_join(int argc, char *const *argv, char *buf, size_t size);

/* --- interfaces (cmd_iflist.c) ------------------------------------------- */

struct cmd_addr {
	struct cmd_addr	*ca_next;
	struct sockaddr_storage ca_addr, ca_mask, ca_dst;	/* family 0:
								 * none */
	uint32_t	 ca_flags;	/* of its family */
	uint32_t	 ca_vltime, ca_pltime;	/* IPv6, as in ifa_msg */
};

/* The length of an address's prefix. */
int	cmd_addr_len(const struct cmd_addr *);
/* The network that it is on: the address, cut to that length. */
void	cmd_network(const struct cmd_addr *, struct sockaddr_storage *);

struct cmd_if {
	struct cmd_if	*ci_next;
	char		 ci_name[IFNAMSIZ];
	uint64_t	 ci_handle;
	uint32_t	 ci_index;
	uint32_t	 ci_flags;
	struct if_data	 ci_data;
	struct sockaddr_storage ci_lladdr;	/* family 0: none */
	struct cmd_addr	*ci_addrs, **ci_tail;
	struct cmd_detail *ci_detail;	/* never NULL with IFNET_DETAIL */
};

struct cmd_detail {
	char		 cd_descr[IFDESCRSIZE + 1];
	char		 cd_linkstr[IFDESCRSIZE + 1];
	uint64_t	 cd_caps, cd_capenable;	/* IFCAP_* */
	char		(*cd_groups)[IFNAMSIZ];
	unsigned	 cd_ngroups;
	uint32_t	 cd_table;
	unsigned	 cd_ndefault;	/* the first: assigned by the stack */
	struct if_detail_drop *cd_drops;
	unsigned	 cd_ndrops;
};

/*
 * Get one interface (ifname not NULL), with IFNET_GROUP the members of a group,
 * or all interfaces, in the order of the dump, with the details that `what'
 * selects.  One request.  errno; ENXIO: no such interface, ENOENT: no such
 * group.
 */
int	cmd_iflist_get(struct ifnet_client *, const char *ifname,
	    unsigned what, struct cmd_if **, struct ifnet_error *);
void	cmd_iflist_free(struct cmd_if *);
/* --- ping and traceroute (cmd_icmp.c) ------------------------------------- */

/*
 * How packets are sent to a host: by the link of that name (may be NULL) to
 * groups, and to addresses of link scope without a zone.  The source, of family
 * 0 for the best one, is of the destination's family.  Interfaces are looked
 * up.  An errno, with words.
 */
int	cmd_icmp_how(struct cmd_ctx *, const struct cmd_ip *dst,
	    const struct cmd_ip *src, const char *ifname,
	    struct ifnet_ping_how *, struct ifnet_error *);
/* Is it the reply to an echo request? */
bool	cmd_icmp_is_reply(const struct ifnet_ping_answer *);
/* An error in words. */
const char *cmd_icmp_text(const struct ifnet_ping_answer *);
/* The address that an answer comes from; its zone by name if that is the
 * destination's, which was written as `ifname'. */
void	cmd_icmp_from(const struct ifnet_ping_answer *, const char *ifname,
	    const struct ifnet_ping_how *, char text[CMD_TEXTSIZE]);
/* The kind of answer, as a packet on its way has it, and the sign that
 * traceroute(8) has for it ("!H", or ""). */
enum cmd_icmp {
	CMD_ICMP_ONTHEWAY,		/* a router */
	CMD_ICMP_ARRIVED,		/* the host */
	CMD_ICMP_REFUSED,		/* it goes no further */
	CMD_ICMP_OTHER
};
enum cmd_icmp cmd_icmp_kind(const struct ifnet_ping_answer *,
	    const char **note);

/*
 * An interface that is followed (cmd_follow.c).  Its name is looked up once, at
 * the beginning; the follow survives a rename, and another interface that gets
 * the name later is not followed.
 */
struct cmd_follow {
	uint64_t	 cf_handle;	/* 0: not looked up yet */
	char		 cf_name[IFNAMSIZ];	/* as last seen */
};

/* Begin to follow; returns an exit code: CMD_FAIL, with a message, when no
 * interface has the name. */
int	cmd_follow_begin(struct cmd_ctx *, const char *command,
	    struct cmd_follow *, const char *name);
/*
 * Get the interface's present state.  Two requests after a rename, else one;
 * the name in *cf is not changed.  ENXIO: the interface is gone.
 */
int	cmd_follow_get(struct cmd_ctx *, struct cmd_follow *, unsigned what,
	    struct cmd_if **, struct ifnet_error *);
/* Has the interface another name now?  The new name is stored then, and `was'
 * is the old one. */
bool	cmd_follow_renamed(struct cmd_follow *, const char *name,
	    char was[IFNAMSIZ]);
/* A new name is stored, and said in a message to cc_err. */
void	cmd_follow_tell(struct cmd_ctx *, const char *command,
	    struct cmd_follow *, const char *name);
/* Write the message with which a follow ends, with the interface's last name
 * and the vnet to which it went, to cc_err. */
void	cmd_follow_gone(struct cmd_ctx *, const char *command,
	    struct cmd_follow *);
/* Is it of this kind?  It was got with IFNET_DETAIL. */
bool	cmd_if_is_kind(const struct cmd_if *, const char *kind);
/* The active link-level address of an interface, or NULL. */
const struct sockaddr_dl *cmd_if_lladdr(const struct cmd_if *);
/* Make a request on an ifreq whose name is set. */
int	cmd_ifreq(struct ifnet_client *, unsigned long cmd, struct ifreq *,
	    const char *ifname, struct ifnet_error *);
/* Add candidates: the names of all interfaces, of all cloners. */
void	cmd_complete_if(struct cmd_ctx *, cmd_add_fn *, void *);
void	cmd_complete_cloner(struct cmd_ctx *, cmd_add_fn *, void *);
/* Add candidates from a NULL-terminated list. */
void	cmd_complete_words(const char *const *, cmd_add_fn *, void *);
/* The names of the cloners, NULL-terminated, one block; NULL: the request
 * failed. */
char	(*cmd_cloners(struct ifnet_client *, int *n,
	    struct ifnet_error *))[IFNAMSIZ];

/* --- JSON (cmd_json.c) --------------------------------------------------- */

/* The name of an IFNET_OPER_* as the listings show it: "up", "down-carrier",
 * ... */
const char *cmd_state_key(unsigned oper);
/* Write an array with an object for each interface of the list; returns the
 * exit code. */
int	cmd_json_interfaces(struct cmd_ctx *, const struct cmd_if *);
struct ifnet_event;
int	cmd_json_event(struct cmd_ctx *, const struct ifnet_event *);
struct ifnet_history;
/* Write one entry as one line. */
int	cmd_json_history(struct cmd_ctx *, const struct ifnet_history *);
struct cmd_counter {
	const char	*cn_group, *cn_name;
	uint64_t	 cn_value;
};
int	cmd_json_counters(struct cmd_ctx *, const struct cmd_counter *,
	    size_t n);
struct cmd_vnet {
	char		 cv_name[32];
	unsigned	 cv_interfaces;
};
int	cmd_json_vnets(struct cmd_ctx *, const struct cmd_vnet *, size_t n);

/* Write the rules of the packet filter; returns the exit code. */
struct ifnet_filter_rule;
struct cmd_rules {
	struct ifnet_filter_rule *cr_rules;
	size_t		 cr_n, cr_room;
};
int	cmd_json_rules(struct cmd_ctx *, const struct cmd_rules *);

/* --- filters (cmd_pcap.c) ------------------------------------------------- */

/* A compiled filter; a zeroed one passes every packet. */
struct cmd_program {
	unsigned	 cp_n;
	struct ifnet_insn *cp_insns;
};

#define CMD_DLT_ETHER	1
#define CMD_DLT_RAW	12

/*
 * Compile libpcap's language for a link type; no host is looked up.  EINVAL
 * with libpcap's words, or naming a word that is not of its language;
 * EOPNOTSUPP: the build has no libpcap.  An empty text does not need libpcap.
 */
int	cmd_compile(const char *text, unsigned linktype, struct cmd_program *,
	    struct ifnet_error *);
void	cmd_program_free(struct cmd_program *);
/*
 * Are all words of a filter keywords, numbers, or names of services and
 * protocols where these are allowed?  EINVAL with the first that is not.  With
 * a filter that passes, libpcap does not ask the resolver for hosts
 * (cmd_pcap_words.c).
 */
int	cmd_check_filter(const char *text, struct ifnet_error *);

/* --- captures ------------------------------------------------------------- */

/* Write parts of a pcapng file (cmd_pcapng.c); false on a write error. */
struct ifnet_packet;
bool	pcapng_begin(FILE *, const char *ifname, unsigned linktype,
	    unsigned snaplen, const char *filter);
bool	pcapng_packet(FILE *, const struct ifnet_packet *);
struct ifnet_capture_stats;
bool	pcapng_end(FILE *, const struct ifnet_capture_stats *,
	    uint64_t written);
/* Print a packet as one line (cmd_dump_print.c). */
void	dump_print(FILE *, unsigned linktype, const struct ifnet_packet *);

/* The parameters of a capture. */
struct dump {
	const char	*du_ifname;
	const char	*du_file;	/* "-" or NULL: cc_out */
	bool		 du_text;
	unsigned	 du_dirs;
	unsigned	 du_snaplen;	/* 0: all */
	unsigned	 du_buffer;	/* 0: the default */
	uint64_t	 du_count;	/* 0: no end */
	const char	*du_filter;	/* "": everything */
	bool		 du_nopromisc;	/* leave the interface as it is */
	bool		 du_quiet;	/* no counters at the end */
};
int	dump_run(struct cmd_ctx *, struct ifnet_client *,
	    const struct dump *);

/* --- parts of one command ------------------------------------------------ */

/*
 * The actions of an ifconfig line, in order: cmd_ifconfig_parse.c.
 */
enum ifconfig_kind {
	IFCONFIG_CREATE, IFCONFIG_DESTROY, IFCONFIG_FLAGS, IFCONFIG_MTU,
	IFCONFIG_METRIC, IFCONFIG_TABLE, IFCONFIG_LINKSTR, IFCONFIG_DESCR,
	IFCONFIG_CAP,
	IFCONFIG_INET, IFCONFIG_LINK, IFCONFIG_NAME,
	IFCONFIG_GROUP, IFCONFIG_VNET
};

struct ifconfig_action {
	enum ifconfig_kind ia_kind;
	char		 ia_words[CMD_TEXTSIZE];	/* for messages */
	/* CREATE */
	char		 ia_params[IFCLONE_PARAMSIZE];
	const char	*ia_host;	/* device's name there, or NULL */
	int		 ia_fd;		/* `fd N', or -1 */
	bool		 ia_here;
	unsigned	 ia_count;	/* `create N'; 0: one */
	/* FLAGS, CAP: bits to set and to clear; MTU, METRIC: the value */
	uint64_t	 ia_set, ia_clear;
	const char	*ia_text;	/* LINKSTR, DESCR, NAME, GROUP */
	/* INET */
	bool		 ia_alias, ia_delete, ia_haveaddr, ia_havedst,
			 ia_havebrd, ia_havepref;
	struct cmd_ip	 ia_addr, ia_dst;	/* far end or broadcast */
	int		 ia_len;	/* -1: not given */
	int32_t		 ia_pref;
	/* INET, of IPv6 */
	bool		 ia_eui64;	/* the interface's part is made */
	uint32_t	 ia_flags6;	/* IN6_IFF_* */
	uint32_t	 ia_pltime, ia_vltime;	/* 0: not given */
	/* LINK */
	uint8_t		 ia_lladdr[SDL_DATALEN];
	unsigned	 ia_lllen;
	bool		 ia_active;
};

/*
 * Parse the words after the interface name; at most argc actions go to `acts'.
 * EINVAL with the wrong words in *e.
 */
int	ifconfig_parse(int argc, char **argv, struct ifconfig_action *acts,
	    size_t *n, struct ifnet_error *);
extern const struct cmd_word ifconfig_words[];

/*
 * The state of a line that is being carried out.
 */
struct ifconfig_run {
	struct cmd_ctx	*ctx;
	char		 ifname[IFNAMSIZ];
	bool		 created;
	bool		 begun;		/* a change, which is completed at the
					 * line's end */
	bool		 last;		/* no later action needs to see which
					 * address is the first */
	/* The address to be deleted at the line's end, and by which action. */
	const struct ifconfig_action *replaced;
	struct in_addr	 old;		/* IPv4's alone is replaced */
};

/* Begin a change, so that the line is done as a whole or not at all; an exit
 * code. */
int	ifconfig_begin(struct ifconfig_run *);
/* Set the preference of an address that the interface has got. */
int	ifconfig_prefer(struct ifconfig_run *, const struct ifconfig_action *,
	    const struct sockaddr_storage *);
/* Carry out an action with an IPv6 address (cmd_ifconfig_inet6.c). */
int	ifconfig_inet6(struct ifconfig_run *, const struct ifconfig_action *);

/* Write the message of a refused request: "ifconfig tap0 mtu 99999: SIOCSIFMTU:
 * Invalid argument (why)". */
int	ifconfig_refused(struct ifconfig_run *, const char *words,
	    const char *request, const struct ifnet_error *);
/* The kind that a name implies: "tap" for "tap3". */
void	ifconfig_kind(const char *ifname, char kind[IFNAMSIZ]);
/* Create the interface; the run's name becomes the name that it got. */
int	ifconfig_create(struct ifconfig_run *,
	    const struct ifconfig_action *);
/* Carry out any other action on the run's interface. */
int	ifconfig_act(struct ifconfig_run *, const struct ifconfig_action *);
/*
 * Carry out `create N' and the line's other actions for each interface: all or
 * nothing (cmd_ifconfig_many.c).
 */
int	ifconfig_create_many(struct ifconfig_run *,
	    const struct ifconfig_action *, size_t n);
/* Can the action be combined with `create N'? */
bool	ifconfig_for_many(const struct ifconfig_action *);

/* The parameters of `ifconfig' as a listing: cmd_ifconfig_show.c. */
struct ifconfig_show {
	bool	 is_all, is_names, is_up, is_down, is_broadcast, is_running,
		 is_caps, is_verbose, is_zero, is_groups, is_json,
		 is_lifetimes;
	bool	 is_link, is_inet, is_inet6;	/* families; none: all */
};
int	ifconfig_show(struct cmd_ctx *, const struct ifconfig_show *,
	    const char *ifname);
int	ifconfig_cloners(struct cmd_ctx *, bool json);
/* "TSO4,IP4CSUM" of IFCAP_* */
const char *ifconfig_caps_text(uint64_t caps, char *buf, size_t size);

#define ROUTE_TABLE_MAX	65535	/* the highest number of a table */
#define ROUTE_TABLES_ALL	-1

/*
 * A route as described by the words: cmd_route_parse.c.
 */
struct route_words {
	struct cmd_ip	 dst, gw, ifa;
	/* Their zones, once route_find_if() has looked them up. */
	uint32_t	 dstzone, gwzone, ifazone;
	int		 family;	/* of -inet or -inet6; 0: neither */
	int		 maskfamily;	/* of -netmask; 0: not given */
	int		 len;		/* -1: not given */
	bool		 is_net, is_host, havedst, havegw, is_iface, json;
	const char	*ifname;	/* -ifp, or the word after -iface */
	uint32_t	 flags, mtu;
	bool		 haveifa;
	uint32_t	 given;		/* RTV_* */
	uint32_t	 seen;		/* options with a value, by letter */
	uint32_t	 expire_s;	/* 0: never, or as before */
	uint32_t	 metric;
	uint32_t	 table;
	uint16_t	 weight;	/* 0: not given */
	uint8_t		 proto;
};

/* Parse the words; argv[0] is the verb.  EINVAL with the reason in *e. */
int	route_parse(int argc, char **argv, struct route_words *,
	    struct ifnet_error *);
extern const struct cmd_word route_options[];
/* The w_code of route's verbs; modifiers have letters. */
enum {
	ROUTE_ADD = 1, ROUTE_CHANGE, ROUTE_DELETE, ROUTE_FLUSH, ROUTE_GET,
	ROUTE_LOAD, ROUTE_MONITOR, ROUTE_REPLACE, ROUTE_SHOW
};
/* "bgp", or the number in buf (8 bytes) of one that has no name here. */
const char *route_proto_text(uint8_t proto, char buf[8]);

/* The message type for one of the verbs that change something. */
uint8_t	route_type(int verb);
/* Build a message (RT_MSG_MAX bytes). */
void	route_build(uint8_t type, const struct route_words *,
	    const struct sockaddr_dl *, uint64_t handle, void *buf);
/* Do the words name one address, and no prefix that is shorter? */
bool	route_is_host(const struct route_words *);
/* Find the interface that the words name, if they do, and the zones of their
 * addresses; ownname has its name
 * then when they name it otherwise.  An errno, with the reason in *e. */
int	route_find_if(struct cmd_ctx *, struct route_words *,
	    struct sockaddr_dl *, uint64_t *handle, char ownname[IFNAMSIZ],
	    struct ifnet_error *);
/* `route load', in cmd_route_load.c. */
int	route_load(struct cmd_ctx *, int argc, char **argv);

/* " metric 20 proto bgp expires 9 s", as far as a route has them: behind what
 * NetBSD shows.  And the same in an object. */
const char *route_more_text(const struct rt_msg *, char *buf, size_t size);
void	route_more_json(struct json *, const struct rt_msg *);

/* `route show' and `netstat -r'; `route monitor'. */
/* table: a number, or ROUTE_TABLES_ALL; family 0: all. */
int	route_show(struct cmd_ctx *, const char *ifname, int table, int family,
	    bool json);
/* "5", or "all" where that may be.  false: neither. */
bool	route_parse_table(const char *, bool all, int *table);
int	route_monitor(struct cmd_ctx *);
int	route_get_print(struct cmd_ctx *, const void *msg, size_t len,
	    bool json);

/*
 * A capture file that a packet generator replays: cmd_pg_replay.c.
 */
struct pg_replay {
	uint8_t		*pr_file;
	size_t		 pr_size;
};

/* Read a file, and check that all of it can be replayed.  An errno, with the
 * path, the packet's number and the reason. */
int	pg_replay_read(struct pg_replay *, const char *path,
	    struct ifnet_error *);
/* Hand the packets over to an interface; *id is for if_pgreq's pgr_packets. */
int	pg_replay_send(const struct pg_replay *, struct ifnet_client *,
	    const char *ifname, uint64_t *id, struct ifnet_error *);
void	pg_replay_free(struct pg_replay *);
/* The file's name, without directories and blanks, as it is listed. */
const char *pg_replay_label(const char *path, char *buf, size_t size);

/*
 * Neighbours, for arp and ndp: cmd_neigh.c.
 */
struct neigh_entry;
struct neigh_tool {
	const struct command *nt_command;
	int		 nt_family;
	const char	*nt_proxy;	/* "pub": the word for answering */
	/* Write a neighbour as a line. */
	void		(*nt_line)(FILE *, const struct neigh_entry *);
	const char	*nt_heading;	/* or NULL */
};

struct neigh_entry {
	struct cmd_ip	 en_addr;
	char		 en_text[CMD_TEXTSIZE];	/* the address, with zone */
	uint8_t		 en_lladdr[SDL_DATALEN];
	unsigned	 en_lllen;	/* 0: not known */
	uint32_t	 en_flags;	/* RTF_* */
	uint8_t		 en_state;	/* RTN_* */
	bool		 en_router;
	int64_t		 en_expire_s;
	/* The interface; 0: the one whose network has the address. */
	uint32_t	 en_index;
	uint64_t	 en_handle;
	char		 en_ifname[IFNAMSIZ];
};

/* List the neighbours, or one address's (NULL: all).  An exit code: 1 too when
 * the address has none. */
int	cmd_neigh_show(struct cmd_ctx *, const struct neigh_tool *,
	    const struct neigh_entry *only, bool json);
/* Parse one address; an exit code, with a message. */
int	cmd_neigh_parse_host(struct cmd_ctx *, const struct neigh_tool *,
	    struct neigh_entry *, const char *);
/* Set a neighbour: HOST LLADDR [temp] [pub].  `where' begins messages. */
int	cmd_neigh_set(struct cmd_ctx *, const struct neigh_tool *,
	    const char *where, int argc, char **argv);
/* Delete an address's entries, or all (NULL); with learned, those that were
 * not set by hand. */
int	cmd_neigh_delete(struct cmd_ctx *, const struct neigh_tool *,
	    const struct neigh_entry *only, bool learned);

/* netstat -i, its interval mode, and -s. */
struct netstat_opts {
	bool		 no_bytes, no_drops, no_all, no_json;
	const char	*no_if;		/* NULL: all */
	const char	*no_protocol;	/* of counters; NULL: all */
	int		 no_family;	/* 0: all */
	int		 no_table;	/* of routes; ROUTE_TABLES_ALL */
	uint64_t	 no_interval_ns;	/* 0: once */
	uint64_t	 no_count;	/* 0: for ever */
};
int	netstat_interfaces(struct cmd_ctx *, const struct netstat_opts *);
int	netstat_interval(struct cmd_ctx *, const struct netstat_opts *);
int	netstat_stats(struct cmd_ctx *, const struct netstat_opts *);

#endif /* !COMMAND_COMMAND_IMPL_H */
