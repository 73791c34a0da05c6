/* System calls and constants of Linux that Swift's import of the C library does not show, because
 * they need _GNU_SOURCE or are macros with arguments. Each function is the system call and
 * no more: 0 or a value on success, -1 with errno set on failure. */
#ifndef CQDEDUP_SHIMS_H
#define CQDEDUP_SHIMS_H

#include <stdint.h>
#include <sys/types.h>

/* lseek with SEEK_DATA and SEEK_HOLE: where the next data, or the next hole, begins. */
int64_t qdedup_seek_data(int descriptor, int64_t offset);
int64_t qdedup_seek_hole(int descriptor, int64_t offset);

/* openat with O_TMPFILE: a readable and writable file in `directory` that has no name. */
int qdedup_open_unnamed(const char *directory, mode_t mode);

/* linkat: gives an unnamed file its name; EEXIST if the name is taken. First with AT_EMPTY_PATH, which
 * needs CAP_DAC_READ_SEARCH before Linux 6.10, then through /proc/self/fd, which needs /proc. */
int qdedup_link_unnamed(int descriptor, const char *path);

/* renameat2 with RENAME_NOREPLACE: gives a file another name; EEXIST if that is taken. */
int qdedup_rename_to_new(const char *path, const char *new_path);

/* fallocate with FALLOC_FL_PUNCH_HOLE, or with FALLOC_FL_ZERO_RANGE, and FALLOC_FL_KEEP_SIZE: a range
 * reads as zeros afterwards. On a block device the first gives the room back and fails where the
 * device cannot do that quickly; the second keeps the room, and writes zeros if it must. */
int qdedup_punch_hole(int descriptor, int64_t offset, int64_t count);
int qdedup_zero_range(int descriptor, int64_t offset, int64_t count);

/* preadv2 with RWF_NOWAIT: reads what memory has of a file; EAGAIN instead of waiting for its disk, and
 * EOPNOTSUPP where the file system cannot tell. */
ssize_t qdedup_read_cached(int descriptor, void *buffer, size_t count, int64_t offset);

/* fstatfs: whether a file is on tmpfs, which has no disk: 1 yes, 0 no. */
int qdedup_is_on_tmpfs(int descriptor);

/* sync_file_range of the whole file: starts writing what is not on the disk yet; waits for nothing. */
int qdedup_start_write_back(int descriptor);

/* ioctl BLKGETSIZE64: the size of a block device in bytes. */
int qdedup_block_device_size(int descriptor, uint64_t *size);

/* An open-file-description read lock on one byte, held until the descriptor is closed. */
int qdedup_lock_byte_shared(int descriptor, int64_t offset);

/* Whether another open file description holds a lock on that byte: 1 yes, 0 no. */
int qdedup_byte_is_locked(int descriptor, int64_t offset);

/* flock: an exclusive lock on the whole file for its open file description, without waiting. */
int qdedup_lock_whole_file(int descriptor);

/* flistxattr, fgetxattr, fsetxattr and fremovexattr: the extended attributes of a file. */
ssize_t qdedup_attribute_names(int descriptor, char *names, size_t size);
ssize_t qdedup_attribute(int descriptor, const char *name, void *value, size_t size);
int qdedup_set_attribute(int descriptor, const char *name, const void *value, size_t size);
int qdedup_remove_attribute(int descriptor, const char *name);

/* What main was called with. Swift reads /proc/self/cmdline, which is not there without /proc. */
int qdedup_argument_count(void);
char **qdedup_arguments(void);

/* sched_getaffinity: the number of processors that this process may run on. */
int qdedup_processor_count(void);

/* malloc_trim: gives the free memory of the heap back to the system. */
void qdedup_trim_heap(void);

/* Asks the processor to bring the cache line at `address` near; no effect otherwise. */
static inline void qdedup_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
