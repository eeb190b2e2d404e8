/*
 * Requests that change a file, a directory or its file system, by descriptors that are open for reading only: what each returns.
 * Arguments: the files; before them "harmless" for those requests only that get no further than their argument, which cannot be read. Outside
 * nothing else is tried: root's FIFREEZE would be carried out.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static const struct { const char *name; unsigned long request; } all[] = {
	/* fscrypt, fsverity */
	{ "SET_ENCRYPTION_POLICY", _IOC(_IOC_READ, 'f', 19, 12) },
	{ "GET_ENCRYPTION_PWSALT", _IOC(_IOC_WRITE, 'f', 20, 16) },
	{ "ADD_ENCRYPTION_KEY", _IOC(_IOC_READ | _IOC_WRITE, 'f', 23, 80) },
	{ "REMOVE_ENCRYPTION_KEY", _IOC(_IOC_READ | _IOC_WRITE, 'f', 24, 64) },
	{ "REMOVE_ENCRYPTION_KEY_ALL_USERS", _IOC(_IOC_READ | _IOC_WRITE, 'f', 25, 64) },
	{ "ENABLE_VERITY", _IOC(_IOC_WRITE, 'f', 133, 128) },
	/* flags and versions of every file system; freezing and trimming it */
	{ "SETFLAGS", FS_IOC_SETFLAGS },
	{ "SETVERSION", FS_IOC_SETVERSION },
	{ "FSSETXATTR", FS_IOC_FSSETXATTR },
	{ "SETFSLABEL", FS_IOC_SETFSLABEL },
	{ "FIFREEZE", FIFREEZE },
	{ "FITHAW", FITHAW },
	{ "FITRIM", FITRIM },
	{ "GOINGDOWN", _IOC(_IOC_READ, 'X', 125, 4) },
	/* ext4 */
	{ "EXT4 GROUP_EXTEND", _IOC(_IOC_WRITE, 'f', 7, sizeof(long)) },
	{ "EXT4 MIGRATE", _IO('f', 9) },
	{ "EXT4 ALLOC_DA_BLKS", _IO('f', 12) },
	{ "EXT4 MOVE_EXT", _IOC(_IOC_READ | _IOC_WRITE, 'f', 15, 40) },
	{ "EXT4 RESIZE_FS", _IOC(_IOC_WRITE, 'f', 16, 8) },
	{ "EXT4 SWAP_BOOT", _IO('f', 17) },
	{ "EXT4 PRECACHE_EXTENTS", _IO('f', 18) },
	{ "EXT4 CLEAR_ES_CACHE", _IO('f', 40) },
	{ "EXT4 CHECKPOINT", _IOC(_IOC_WRITE, 'f', 43, 4) },
	{ "EXT4 SET_TUNE_SB_PARAM", _IOC(_IOC_WRITE, 'f', 46, 232) },
	/* f2fs */
	{ "F2FS START_ATOMIC_WRITE", _IO(0xf5, 1) },
	{ "F2FS COMMIT_ATOMIC_WRITE", _IO(0xf5, 2) },
	{ "F2FS ABORT_ATOMIC_WRITE", _IO(0xf5, 5) },
	{ "F2FS GARBAGE_COLLECT", _IOC(_IOC_WRITE, 0xf5, 6, 4) },
	{ "F2FS WRITE_CHECKPOINT", _IO(0xf5, 7) },
	{ "F2FS DEFRAGMENT", _IOC(_IOC_READ | _IOC_WRITE, 0xf5, 8, 16) },
	{ "F2FS MOVE_RANGE", _IOC(_IOC_READ | _IOC_WRITE, 0xf5, 9, 32) },
	{ "F2FS FLUSH_DEVICE", _IOC(_IOC_WRITE, 0xf5, 10, 8) },
	{ "F2FS SET_PIN_FILE", _IOC(_IOC_WRITE, 0xf5, 13, 4) },
	{ "F2FS RESIZE_FS", _IOC(_IOC_WRITE, 0xf5, 16, 8) },
	{ "F2FS RELEASE_COMPRESS_BLOCKS", _IOC(_IOC_READ, 0xf5, 18, 8) },
	{ "F2FS SEC_TRIM_FILE", _IOC(_IOC_WRITE, 0xf5, 20, 24) },
	/* btrfs */
	{ "BTRFS SNAP_CREATE", _IOC(_IOC_WRITE, 0x94, 1, 4096) },
	{ "BTRFS DEFRAG", _IOC(_IOC_WRITE, 0x94, 2, 4096) },
	{ "BTRFS RESIZE", _IOC(_IOC_WRITE, 0x94, 3, 4096) },
	{ "BTRFS SYNC", _IO(0x94, 8) },
	{ "BTRFS ADD_DEV", _IOC(_IOC_WRITE, 0x94, 10, 4096) },
	{ "BTRFS RM_DEV", _IOC(_IOC_WRITE, 0x94, 11, 4096) },
	{ "BTRFS BALANCE", _IOC(_IOC_WRITE, 0x94, 12, 4096) },
	{ "BTRFS SUBVOL_CREATE", _IOC(_IOC_WRITE, 0x94, 14, 4096) },
	{ "BTRFS SNAP_DESTROY", _IOC(_IOC_WRITE, 0x94, 15, 4096) },
	{ "BTRFS DEFRAG_RANGE", _IOC(_IOC_WRITE, 0x94, 16, 48) },
	{ "BTRFS DEFAULT_SUBVOL", _IOC(_IOC_WRITE, 0x94, 19, 8) },
	{ "BTRFS SNAP_CREATE_V2", _IOC(_IOC_WRITE, 0x94, 23, 4096) },
	{ "BTRFS SUBVOL_CREATE_V2", _IOC(_IOC_WRITE, 0x94, 24, 4096) },
	{ "BTRFS SUBVOL_SETFLAGS", _IOC(_IOC_WRITE, 0x94, 26, 8) },
	{ "BTRFS SCRUB", _IOC(_IOC_READ | _IOC_WRITE, 0x94, 27, 1024) },
	{ "BTRFS SET_RECEIVED_SUBVOL", _IOC(_IOC_READ | _IOC_WRITE, 0x94, 37, 200) },
	{ "BTRFS SEND", _IOC(_IOC_WRITE, 0x94, 38, 72) },
	{ "BTRFS QUOTA_CTL", _IOC(_IOC_READ | _IOC_WRITE, 0x94, 40, 16) },
	{ "BTRFS SNAP_DESTROY_V2", _IOC(_IOC_WRITE, 0x94, 63, 4096) },
	/* xfs, and what no file knows */
	{ "XFS SWAPEXT", _IOC(_IOC_READ | _IOC_WRITE, 'X', 109, 280) },
	{ "XFS FSGROWFSDATA", _IOC(_IOC_WRITE, 'X', 110, 16) },
	{ "FIBMAP", FIBMAP },
	{ "BLKRRPART", BLKRRPART },
	{ "BLKDISCARD", BLKDISCARD },
};

static int try(int fd, unsigned long request, void *argument)
{
	return ioctl(fd, request, argument) < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	int harmless = !strcmp(argv[1], "harmless");
	for (int i = 1 + harmless; i < argc; i++) {
		long flags = 0;
		int fd = open(argv[i], O_RDONLY);
		printf("%s reads flags: %s\n", argv[i], strerrorname_np(try(fd, FS_IOC_GETFLAGS, &flags)));
		for (unsigned n = 0; n < sizeof all / sizeof *all; n++) {
			if (harmless && all[n].request != FS_IOC_SETFLAGS && all[n].request != FS_IOC_FSSETXATTR)
				continue;
			void *argument = _IOC_SIZE(all[n].request) ? (void *)8 : 0;
			printf("%s %s: %s\n", argv[i], all[n].name, strerrorname_np(try(fd, all[n].request, argument)));
		}
		close(fd);
	}
}
