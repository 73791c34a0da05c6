#define _GNU_SOURCE
#include "CQDedupShims.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <malloc.h>
#include <sched.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int64_t qdedup_seek_data(int descriptor, int64_t offset) {
  return lseek(descriptor, offset, SEEK_DATA);
}

int64_t qdedup_seek_hole(int descriptor, int64_t offset) {
  return lseek(descriptor, offset, SEEK_HOLE);
}

int qdedup_open_unnamed(const char *directory, mode_t mode) {
  return open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, mode);
}

int qdedup_link_unnamed(int descriptor, const char *path) {
  if (linkat(descriptor, "", AT_FDCWD, path, AT_EMPTY_PATH) == 0) return 0;
  if (errno == EEXIST) return -1;
  char source[32];
  snprintf(source, sizeof source, "/proc/self/fd/%d", descriptor);
  return linkat(AT_FDCWD, source, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

int qdedup_rename_to_new(const char *path, const char *new_path) {
  return renameat2(AT_FDCWD, path, AT_FDCWD, new_path, RENAME_NOREPLACE);
}

int qdedup_punch_hole(int descriptor, int64_t offset, int64_t count) {
  return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, count);
}

int qdedup_zero_range(int descriptor, int64_t offset, int64_t count) {
  return fallocate(descriptor, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, offset, count);
}

ssize_t qdedup_read_cached(int descriptor, void *buffer, size_t count, int64_t offset) {
  struct iovec piece = {.iov_base = buffer, .iov_len = count};
  return preadv2(descriptor, &piece, 1, offset, RWF_NOWAIT);
}

int qdedup_is_on_tmpfs(int descriptor) {
  struct statfs system;
  if (fstatfs(descriptor, &system) != 0) return -1;
  return system.f_type == TMPFS_MAGIC;
}

int qdedup_start_write_back(int descriptor) {
  return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE);
}

void qdedup_trim_heap(void) {
  (void)malloc_trim(0);
}

int qdedup_block_device_size(int descriptor, uint64_t *size) {
  return ioctl(descriptor, BLKGETSIZE64, size);
}

int qdedup_lock_byte_shared(int descriptor, int64_t offset) {
  struct flock lock = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  return fcntl(descriptor, F_OFD_SETLK, &lock);
}

int qdedup_byte_is_locked(int descriptor, int64_t offset) {
  struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = offset, .l_len = 1};
  if (fcntl(descriptor, F_OFD_GETLK, &lock) != 0) return -1;
  return lock.l_type != F_UNLCK;
}

int qdedup_lock_whole_file(int descriptor) { return flock(descriptor, LOCK_EX | LOCK_NB); }

ssize_t qdedup_attribute_names(int descriptor, char *names, size_t size) {
  return flistxattr(descriptor, names, size);
}

ssize_t qdedup_attribute(int descriptor, const char *name, void *value, size_t size) {
  return fgetxattr(descriptor, name, value, size);
}

int qdedup_set_attribute(int descriptor, const char *name, const void *value, size_t size) {
  return fsetxattr(descriptor, name, value, size, 0);
}

int qdedup_remove_attribute(int descriptor, const char *name) {
  return fremovexattr(descriptor, name);
}

static int argument_count;
static char **arguments;

/* The C library hands the arguments to constructors too. */
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}

int qdedup_argument_count(void) { return argument_count; }

char **qdedup_arguments(void) { return arguments; }

int qdedup_processor_count(void) {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return -1;
  return CPU_COUNT(&set);
}
