/*
 * Packet filters in libpcap's language, compiled in the client: the stack takes
 * only programs.
 */

#include "command/command_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifdef HAVE_PCAP

#include <dlfcn.h>
#include <pthread.h>

#include <pcap/pcap.h>

_Static_assert(sizeof(struct ifnet_insn) == sizeof(struct bpf_insn) &&
    offsetof(struct ifnet_insn, k) == offsetof(struct bpf_insn, k),
    "libpcap's programs are handed on as they are");

/*
 * libpcap, and a dozen libraries that it needs, are loaded when the first
 * filter is compiled: most runs of a command have none.
 */
static struct {
	pcap_t		*(*open_dead)(int, int);
	int		(*compile)(pcap_t *, struct bpf_program *,
			    const char *, int, bpf_u_int32);
	void		(*freecode)(struct bpf_program *);
	char		*(*geterr)(pcap_t *);
	void		(*close)(pcap_t *);
	bool		 loaded;
} pcap;

static void
load(void)
{
	static const char *const names[] = { "libpcap.so.0.8", "libpcap.so.1",
	    "libpcap.so" };
	void *lib = NULL;
	size_t i;

	for (i = 0; lib == NULL && i < sizeof(names) / sizeof(names[0]); i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	if (lib == NULL)
		return;
	*(void **)&pcap.open_dead = dlsym(lib, "pcap_open_dead");
	*(void **)&pcap.compile = dlsym(lib, "pcap_compile");
	*(void **)&pcap.freecode = dlsym(lib, "pcap_freecode");
	*(void **)&pcap.geterr = dlsym(lib, "pcap_geterr");
	*(void **)&pcap.close = dlsym(lib, "pcap_close");
	pcap.loaded = pcap.open_dead != NULL && pcap.compile != NULL &&
	    pcap.freecode != NULL && pcap.geterr != NULL &&
	    pcap.close != NULL;
}

static int
compile(const char *text, unsigned linktype, struct cmd_program *cp,
    struct ifnet_error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct bpf_program prog;
	pcap_t *p;
	int error;

	error = cmd_check_filter(text, e);
	if (error != 0)
		return error;
	(void)pthread_once(&once, load);
	if (!pcap.loaded)
		return ifnet_error_set(e, EOPNOTSUPP, "\"%s\": filter "
		    "expressions need libpcap, which is not installed", text);
	p = pcap.open_dead((int)linktype, 65535);
	if (p == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	if (pcap.compile(p, &prog, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		(void)ifnet_error_set(e, EINVAL, "%s", pcap.geterr(p));
		pcap.close(p);
		return EINVAL;
	}
	pcap.close(p);
	cp->cp_insns = calloc(prog.bf_len, sizeof(*cp->cp_insns));
	if (cp->cp_insns != NULL) {
		memcpy(cp->cp_insns, prog.bf_insns,
		    prog.bf_len * sizeof(*cp->cp_insns));
		cp->cp_n = prog.bf_len;
	}
	pcap.freecode(&prog);
	return cp->cp_insns != NULL ? 0 :
	    ifnet_error_set(e, ENOMEM, "out of memory");
}

#else

static int
compile(const char *text, unsigned linktype, struct cmd_program *cp,
    struct ifnet_error *e)
{

	(void)linktype;
	(void)cp;
	return ifnet_error_set(e, EOPNOTSUPP, "\"%s\": this ifctl was built "
	    "without libpcap and takes no filter expressions", text);
}

#endif

int
cmd_compile(const char *text, unsigned linktype, struct cmd_program *cp,
    struct ifnet_error *e)
{
	/* The instruction that returns the whole packet. */
	static const struct ifnet_insn all = { 6, 0, 0, UINT32_MAX };

	memset(cp, 0, sizeof(*cp));
	if (text[strspn(text, " \t")] != '\0')
		return compile(text, linktype, cp, e);
	cp->cp_insns = malloc(sizeof(all));
	if (cp->cp_insns == NULL)
		return ifnet_error_set(e, ENOMEM, "out of memory");
	*cp->cp_insns = all;
	cp->cp_n = 1;
	return 0;
}

void
cmd_program_free(struct cmd_program *cp)
{

	free(cp->cp_insns);
	memset(cp, 0, sizeof(*cp));
}
