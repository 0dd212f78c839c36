/*
 * The terminal as a screen for commands, by ncurses.
 */

#include "ifctl.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef HAVE_CURSES

#define NCURSES_NOMACROS	1
#include <curses.h>
#include <term.h>
/* Capabilities that <term.h> has as macros, and names of variables here. */
#undef columns
#undef lines

static SCREEN *screen;

static int
screen_open(struct ifnet_error *e)
{
	const char *term = getenv("TERM");
	bool moves = true;
	int known;

	if (!isatty(STDIN_FILENO))
		return ifnet_error_set(e, ENOTTY, "the input is no terminal");
	(void)fflush(stdout);
	/* newterm() loses memory when it does not know the terminal. */
	if (setupterm(NULL, STDOUT_FILENO, &known) == OK) {
		moves = tigetstr("cup") != NULL;
		(void)del_curterm(cur_term);
		if (moves)
			screen = newterm(NULL, stdout, stdin);
	}
	if (screen == NULL)
		return ifnet_error_set(e, ENOTTY, "terminals of the type "
		    "\"%s\" ($TERM) %s", term != NULL ? term : "", moves ?
		    "are not known" : "cannot move the cursor");
	(void)set_term(screen);
	(void)cbreak();
	(void)noecho();
	(void)nonl();
	(void)keypad(stdscr, TRUE);
	(void)set_escdelay(50);
	(void)curs_set(0);
	return 0;
}

static void
screen_close(void)
{

	(void)endwin();
	delscreen(screen);
	screen = NULL;
}

static void
screen_size(unsigned *rows, unsigned *columns)
{

	*rows = (unsigned)getmaxy(stdscr);
	*columns = (unsigned)getmaxx(stdscr);
}

static void
screen_line(unsigned row, const char *text, bool bright)
{
	size_t len = strlen(text), room = (size_t)getmaxx(stdscr);

	(void)move((int)row, 0);
	if (bright)
		(void)attron((int)A_BOLD);
	/* A byte is a column: bytes that are not ASCII are shown as '?'. */
	for (size_t i = 0; i < len && i < room; i++)
		(void)addch((unsigned char)text[i] < 0x20 ||
		    (unsigned char)text[i] > 0x7e ? '?' :
		    (chtype)(unsigned char)text[i]);
	if (bright)
		(void)attroff((int)A_BOLD);
	if (len < room)
		(void)clrtoeol();
}

static void
screen_show(void)
{

	(void)refresh();
}

static int
screen_key(int ms)
{
	static const struct { int curses, key; } keys[] = {
		{ KEY_UP, CMD_KEY_UP }, { KEY_DOWN, CMD_KEY_DOWN },
		{ KEY_LEFT, CMD_KEY_LEFT }, { KEY_RIGHT, CMD_KEY_RIGHT },
		{ KEY_PPAGE, CMD_KEY_PAGE_UP },
		{ KEY_NPAGE, CMD_KEY_PAGE_DOWN },
		{ KEY_HOME, CMD_KEY_HOME }, { KEY_END, CMD_KEY_END },
		{ KEY_BACKSPACE, CMD_KEY_BACKSPACE },
		{ 0x7f, CMD_KEY_BACKSPACE }, { '\b', CMD_KEY_BACKSPACE },
		{ 0x1b, CMD_KEY_ESCAPE }, { KEY_ENTER, '\n' },
		{ KEY_RESIZE, CMD_KEY_RESIZE },
	};
	struct pollfd pfd = { .fd = STDIN_FILENO, .events = POLLIN };
	int c;

	timeout(ms);
	c = getch();
	if (c == ERR) {
		/* Reading from a closed terminal fails at once, and always. */
		return poll(&pfd, 1, 0) == 1 &&
		    (pfd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0 ?
		    CMD_KEY_GONE : CMD_KEY_NONE;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (keys[i].curses == c)
			return keys[i].key;
	/* An unknown key only draws the table again. */
	return c > 0 && c < 0x7f ? c : CMD_KEY_RESIZE;
}

static const struct cmd_screen terminal = {
	.sc_open = screen_open,
	.sc_close = screen_close,
	.sc_size = screen_size,
	.sc_line = screen_line,
	.sc_show = screen_show,
	.sc_key = screen_key,
};

const struct cmd_screen *
screen_terminal(void)
{

	return &terminal;
}

#else

const struct cmd_screen *
screen_terminal(void)
{

	return NULL;
}

#endif
