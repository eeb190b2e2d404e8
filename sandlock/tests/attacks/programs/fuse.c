/*
 * Runs a command where a file system is mounted on DIRECTORY with two files: "slow", about which nothing is ever answered but that it is
 * there, and "fast". Mount, files and server are of this command only, and end with it.
 *
 * fuse DIRECTORY COMMAND ...
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SLOW = 2, FAST = 3 };
static int device;

static void answer(const struct fuse_in_header *in, int error, const void *data, size_t len)
{
	struct fuse_out_header out = { sizeof out + (error ? 0 : len), -error, in->unique };
	struct iovec parts[2] = { { &out, sizeof out }, { (void *)data, error ? 0 : len } };
	writev(device, parts, 2);
}

static struct fuse_attr attr(uint64_t node)
{
	struct fuse_attr attr = { .ino = node, .nlink = 1, .mode = node == 1 ? S_IFDIR | 0777 : S_IFREG | 0666 };
	return attr;
}

static void serve(void)
{
	static char request[1 << 17];
	struct fuse_in_header *in = (void *)request;
	char *more = (char *)(in + 1);
	while (read(device, request, sizeof request) > 0) {
		int is_slow = in->nodeid == SLOW;
		switch (in->opcode) {
		case FUSE_INIT: {
			struct fuse_init_in *asked = (void *)more;
			struct fuse_init_out init = { .major = FUSE_KERNEL_VERSION, .minor = asked->minor < 31 ? asked->minor : 31,
						      .max_write = 4096 };
			answer(in, 0, &init, sizeof init);
			break;
		}
		case FUSE_LOOKUP: {
			struct fuse_entry_out entry = { .nodeid = !strcmp(more, "slow") ? SLOW : FAST };
			entry.attr = attr(entry.nodeid);
			answer(in, strcmp(more, "slow") && strcmp(more, "fast") ? ENOENT : 0, &entry, sizeof entry);
			break;
		}
		case FUSE_GETATTR:
		case FUSE_SETATTR: {
			struct fuse_attr_out out = { .attr_valid = is_slow ? 0 : 1000, .attr = attr(in->nodeid) };
			if (!is_slow)
				answer(in, 0, &out, sizeof out);
			break;
		}
		case FUSE_OPEN:
		case FUSE_OPENDIR: {
			struct fuse_open_out open = { .fh = 1 };
			answer(in, 0, &open, sizeof open);
			break;
		}
		case FUSE_FLUSH:
		case FUSE_SETXATTR:
			if (!is_slow)
				answer(in, 0, 0, 0);
			break;
		case FUSE_FORGET:
		case FUSE_BATCH_FORGET:
		case FUSE_INTERRUPT:
			break;
		case FUSE_RELEASE:
		case FUSE_RELEASEDIR:
			answer(in, 0, 0, 0);
			break;
		default:
			answer(in, ENOSYS, 0, 0);
		}
	}
}

int main(int argc, char **argv)
{
	char options[128];
	device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", device);
	if (argc < 3 || device < 0 || unshare(CLONE_NEWNS) || mount("none", "/", 0, MS_REC | MS_PRIVATE, 0) ||
	    mount("fuse", argv[1], "fuse", MS_NOSUID | MS_NODEV, options)) {
		fprintf(stderr, "no FUSE: %s\n", strerrorname_np(errno));
		return 77;
	}
	int status, server = fork();
	if (!server) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve();
		_exit(0);
	}
	close(device);
	int command = fork();
	if (!command) {
		setpgid(0, 0);
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	waitpid(command, &status, 0);
	/* Callers that wait for an answer get an error now. */
	kill(server, SIGKILL);
	waitpid(server, 0, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
