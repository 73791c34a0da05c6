/* floor INPUT OUTPUT CLUSTER THREADS: a floor under the time of any plain deduplicating conversion.
 *
 * It does what none can leave out: read the data, set zero clusters aside, take XXH3-128 of the
 * others, look each digest up in one table in guest order, and write every first occurrence. It
 * does no more: no image format, no record of which guest cluster went where, no comparison of the
 * bytes of equal digests, no bound on memory. So it is a yardstick, not a converter.
 *
 * Workers claim blocks of 1 MiB of the input's data extents and hash them side by side. A baton
 * then passes from block to block, and only its holder touches the table and the end of the output,
 * which makes the output the same for every number of threads. Writes happen after it was passed on.
 *
 * Prints the number of data, zero and distinct clusters read. CLUSTER is a power of two from 4096
 * to 1 MiB. Build: cc -O3 -march=native -pthread floor.c -o floor (needs libxxhash-dev). */
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>
#include <xxhash.h>

#define BLOCK ((size_t)1 << 20)
#define SMALLEST_CLUSTER 4096
#define MOST_CLUSTERS (BLOCK / SMALLEST_CLUSTER)
#define MOST_THREADS 64

/* One distinct cluster; `number` counts from 1, 0 marks a free place in the table. */
struct entry {
  XXH128_hash_t digest;
  uint64_t number;
};

static int input, output;
static size_t cluster;

static pthread_mutex_t claiming = PTHREAD_MUTEX_INITIALIZER;
static off_t claim_offset, extent_end;
static uint64_t claims;

static sem_t baton[MOST_THREADS];
static unsigned threads;
static struct entry *table;
static uint64_t table_mask, distinct, zeros, data;

static void fail(const char *what) {
  fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

/* Finds the next block that holds data: its offset, and its place in the row of blocks. */
static bool claim(off_t *offset, uint64_t *turn) {
  pthread_mutex_lock(&claiming);
  bool found = true;
  if (claim_offset >= extent_end) {
    off_t start = lseek(input, claim_offset, SEEK_DATA);
    if (start < 0) {
      if (errno != ENXIO) fail("SEEK_DATA");
      found = false;
    } else {
      extent_end = lseek(input, start, SEEK_HOLE);
      if (extent_end < 0) fail("SEEK_HOLE");
      start -= start % (off_t)BLOCK;
      if (start > claim_offset) claim_offset = start;
    }
  }
  if (found) {
    *offset = claim_offset;
    *turn = claims++;
    claim_offset += (off_t)BLOCK;
  }
  pthread_mutex_unlock(&claiming);
  return found;
}

/* Reads a block; what is after the end of the file reads as zeros. */
static void read_block(unsigned char *block, off_t offset) {
  size_t done = 0;
  while (done < BLOCK) {
    ssize_t count = pread(input, block + done, BLOCK - done, offset + (off_t)done);
    if (count < 0) fail("read");
    if (count == 0) break;
    done += (size_t)count;
  }
  memset(block + done, 0, BLOCK - done);
}

static bool is_zero(const unsigned char *bytes) {
  for (size_t i = 0; i < cluster; i += 128) {
    uint64_t word[16], any = 0;
    memcpy(word, bytes + i, sizeof word);
    for (int k = 0; k < 16; k++) any |= word[k];
    if (any) return false;
  }
  return true;
}

/* Enters a digest; true if it was not there. Only the holder of the baton calls this. */
static bool enter(XXH128_hash_t digest) {
  uint64_t at = digest.low64 & table_mask;
  for (; table[at].number; at = (at + 1) & table_mask)
    if (XXH128_isEqual(table[at].digest, digest)) return false;
  table[at].digest = digest;
  table[at].number = ++distinct;
  return true;
}

/* Writes the pieces one after another from `offset` on. */
static void write_pieces(struct iovec *piece, int count, off_t offset) {
  while (count > 0) {
    ssize_t written = pwritev(output, piece, count, offset);
    if (written < 0) fail("write");
    offset += written;
    for (; count > 0 && (size_t)written >= piece->iov_len; piece++, count--)
      written -= (ssize_t)piece->iov_len;
    if (count > 0) {
      piece->iov_base = (char *)piece->iov_base + written;
      piece->iov_len -= (size_t)written;
    }
  }
}

static void *work(void *unused) {
  (void)unused;
  unsigned char *block = aligned_alloc(4096, BLOCK);
  if (!block) fail("memory");
  const size_t clusters = BLOCK / cluster;
  XXH128_hash_t digest[MOST_CLUSTERS];
  bool zero[MOST_CLUSTERS];
  struct iovec piece[MOST_CLUSTERS];
  off_t offset;
  uint64_t turn;

  while (claim(&offset, &turn)) {
    read_block(block, offset);
    for (size_t i = 0; i < clusters; i++) {
      zero[i] = is_zero(block + i * cluster);
      if (!zero[i]) digest[i] = XXH3_128bits(block + i * cluster, cluster);
    }

    while (sem_wait(&baton[turn % threads])) {}
    const off_t end = (off_t)(distinct * cluster);
    int pieces = 0;
    unsigned char *piece_end = NULL;
    for (size_t i = 0; i < clusters; i++) {
      if (zero[i]) {
        zeros++;
        continue;
      }
      data++;
      if (!enter(digest[i])) continue;
      unsigned char *bytes = block + i * cluster;
      if (bytes == piece_end)
        piece[pieces - 1].iov_len += cluster;
      else
        piece[pieces++] = (struct iovec){bytes, cluster};
      piece_end = bytes + cluster;
    }
    sem_post(&baton[(turn + 1) % threads]);

    write_pieces(piece, pieces, end);
  }
  free(block);
  return NULL;
}

int main(int argc, char **argv) {
  if (argc != 5) {
    fprintf(stderr, "usage: floor INPUT OUTPUT CLUSTER THREADS\n");
    return 64;
  }
  cluster = strtoul(argv[3], NULL, 10);
  threads = (unsigned)strtoul(argv[4], NULL, 10);
  if (cluster < SMALLEST_CLUSTER || cluster > BLOCK || (cluster & (cluster - 1))) {
    fprintf(stderr, "floor: CLUSTER must be a power of two from 4096 to 1048576\n");
    return 64;
  }
  if (threads < 1 || threads > MOST_THREADS) {
    fprintf(stderr, "floor: THREADS must be 1 to %d\n", MOST_THREADS);
    return 64;
  }

  struct stat status;
  input = open(argv[1], O_RDONLY);
  if (input < 0 || fstat(input, &status)) fail(argv[1]);
  output = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (output < 0) fail(argv[2]);

  /* At most half full: a cluster for every one that the allocated bytes can hold. */
  const uint64_t most = (uint64_t)status.st_blocks * 512 / cluster + MOST_CLUSTERS;
  uint64_t places = 1024;
  while (places < 2 * most) places *= 2;
  table_mask = places - 1;
  table = calloc(places, sizeof *table);
  if (!table) fail("memory");

  pthread_t thread[MOST_THREADS];
  for (unsigned i = 0; i < threads; i++) sem_init(&baton[i], 0, i == 0);
  for (unsigned i = 0; i < threads; i++)
    if ((errno = pthread_create(&thread[i], NULL, work, NULL))) fail("thread");
  for (unsigned i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  if (close(output)) fail(argv[2]);

  printf("data %" PRIu64 "\nzero %" PRIu64 "\ndistinct %" PRIu64 "\n", data, zeros, distinct);
  return 0;
}
