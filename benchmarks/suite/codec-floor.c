/* codec-floor IMAGE OUTPUT METHOD LEVEL CLUSTER THREADS: the least that compressing an image and
 * restoring it can be.
 *
 * METHOD is deflate, by libdeflate, or zstd. Everything but the library's own work is left out: the
 * data is in memory before, zero clusters and all but the first of equal ones are set aside, and
 * what is compressed is not written. Restoring makes each data cluster from its compressed bytes
 * and writes it to OUTPUT, at its place. There is no image format, nothing is checked, and memory
 * has no bound.
 *
 * Prints the seconds of wall clock of either, and how many bytes the clusters took compressed.
 * CLUSTER is a power of two from 4096 to 1 MiB. Build: cc -O3 -march=native -pthread codec-floor.c
 * -o codec-floor -ldeflate -lzstd (needs libxxhash-dev as well). */
#define _GNU_SOURCE
#define XXH_INLINE_ALL
#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#define SMALLEST_CLUSTER 4096
#define LARGEST_CLUSTER ((size_t)1 << 20)
#define MOST_THREADS 64
/* The bytes that a worker compresses, or restores and writes, before it takes more. */
#define BLOCK ((size_t)1 << 20)

/* What one cluster of distinct data became; as large as the cluster if it did not shrink. */
struct content {
  unsigned char *bytes;
  size_t compressed;
};

/* A cluster of the disk, and the place of its content among all. */
struct place {
  off_t offset;
  size_t content;
};

static size_t cluster;
static bool is_zstd;
static int level, output;
static struct content *contents;
static struct place *places;
static size_t content_count, place_count;
static atomic_size_t next;

static void fail(const char *what) {
  fprintf(stderr, "codec-floor: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void *memory(size_t bytes) {
  void *new = malloc(bytes ? bytes : 1);
  if (!new) fail("memory");
  return new;
}

/* Looks up a digest; enters it as content number `content_count` if it is not there. */
static size_t find(XXH128_hash_t digest, XXH128_hash_t *digests, size_t *table, size_t mask) {
  size_t at = digest.low64 & mask;
  for (; table[at]; at = (at + 1) & mask)
    if (XXH128_isEqual(digests[table[at] - 1], digest)) return table[at] - 1;
  digests[content_count] = digest;
  table[at] = content_count + 1;
  return content_count;
}

/* Takes a cluster into memory, if it has data that was not seen before. */
static void take(const unsigned char *bytes, off_t offset, XXH128_hash_t *digests, size_t *table,
                 size_t mask) {
  if (bytes[0] == 0 && memcmp(bytes, bytes + 1, cluster - 1) == 0) return;
  size_t content = find(XXH3_128bits(bytes, cluster), digests, table, mask);
  if (content == content_count) {
    contents[content].bytes = memory(cluster);
    memcpy(contents[content].bytes, bytes, cluster);
    content_count++;
  }
  places[place_count++] = (struct place){offset, content};
}

static void read_image(int input, off_t size, size_t most) {
  contents = memory(most * sizeof *contents);
  places = memory(most * sizeof *places);
  XXH128_hash_t *digests = memory(most * sizeof *digests);
  size_t slots = 1024;
  while (slots < 2 * most) slots *= 2;
  size_t *table = calloc(slots, sizeof *table);
  unsigned char *bytes = memory(cluster);
  if (!table) fail("memory");
  for (off_t at = 0; at < size; at += (off_t)cluster) {
    off_t data = lseek(input, at, SEEK_DATA);
    if (data < 0) break;
    if (data > at) at = data - data % (off_t)cluster;
    ssize_t count = pread(input, bytes, cluster, at);
    if (count < 0) fail("read");
    memset(bytes + count, 0, cluster - (size_t)count);
    take(bytes, at, digests, table, slots - 1);
  }
  free(bytes);
  free(table);
  free(digests);
}

static void *compress(void *unused) {
  (void)unused;
  const size_t step = BLOCK / cluster;
  ZSTD_CCtx *zstd = ZSTD_createCCtx();
  struct libdeflate_compressor *deflate = libdeflate_alloc_compressor(level);
  unsigned char *bytes = memory(cluster);
  if (!zstd || !deflate) fail("memory");
  for (size_t first; (first = atomic_fetch_add(&next, step)) < content_count;)
    for (size_t i = first; i < first + step && i < content_count; i++) {
      struct content *content = &contents[i];
      /* One byte of room less than the cluster has: larger ones are kept as they are. */
      size_t count = is_zstd
          ? ZSTD_compressCCtx(zstd, bytes, cluster - 1, content->bytes, cluster, level)
          : libdeflate_deflate_compress(deflate, content->bytes, cluster, bytes, cluster - 1);
      bool shrinks = is_zstd ? !ZSTD_isError(count) : count > 0;
      content->compressed = shrinks ? count : cluster;
      if (shrinks) memcpy(content->bytes, bytes, count);
    }
  free(bytes);
  libdeflate_free_compressor(deflate);
  ZSTD_freeCCtx(zstd);
  return NULL;
}

static void put(const unsigned char *bytes, size_t count, off_t offset) {
  while (count > 0) {
    ssize_t written = pwrite(output, bytes, count, offset);
    if (written < 0) fail("write");
    bytes += written;
    count -= (size_t)written;
    offset += written;
  }
}

static void *restore(void *unused) {
  (void)unused;
  const size_t step = BLOCK / cluster / 4 ? BLOCK / cluster / 4 : 1;
  ZSTD_DCtx *zstd = ZSTD_createDCtx();
  struct libdeflate_decompressor *inflate = libdeflate_alloc_decompressor();
  unsigned char *bytes = memory(step * cluster);
  if (!zstd || !inflate) fail("memory");
  for (size_t first; (first = atomic_fetch_add(&next, step)) < place_count;) {
    size_t begin = first; /* of clusters that follow each other on the disk */
    size_t end = first + step < place_count ? first + step : place_count;
    for (size_t i = first; i < end; i++) {
      const struct content *content = &contents[places[i].content];
      unsigned char *out = bytes + (i - begin) * cluster;
      if (content->compressed == cluster)
        memcpy(out, content->bytes, cluster);
      else if (is_zstd
                   ? ZSTD_decompressDCtx(zstd, out, cluster, content->bytes, content->compressed)
                       != cluster
                   : libdeflate_deflate_decompress(
                       inflate, content->bytes, content->compressed, out, cluster, NULL))
        fail("restore");
      if (i + 1 < end && places[i + 1].offset == places[i].offset + (off_t)cluster) continue;
      put(bytes, (i + 1 - begin) * cluster, places[begin].offset);
      begin = i + 1;
    }
  }
  free(bytes);
  libdeflate_free_decompressor(inflate);
  ZSTD_freeDCtx(zstd);
  return NULL;
}

/* Lets all threads do some work; returns the seconds that it took. */
static double timed(void *(*work)(void *), unsigned threads) {
  pthread_t thread[MOST_THREADS];
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  atomic_store(&next, 0);
  for (unsigned i = 0; i < threads; i++)
    if ((errno = pthread_create(&thread[i], NULL, work, NULL))) fail("thread");
  for (unsigned i = 0; i < threads; i++) pthread_join(thread[i], NULL);
  clock_gettime(CLOCK_MONOTONIC, &end);
  return (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
}

int main(int argc, char **argv) {
  is_zstd = argc == 7 && strcmp(argv[3], "zstd") == 0;
  if (argc != 7 || (!is_zstd && strcmp(argv[3], "deflate") != 0)) {
    fprintf(stderr, "usage: codec-floor IMAGE OUTPUT deflate|zstd LEVEL CLUSTER THREADS\n");
    return 64;
  }
  level = atoi(argv[4]);
  cluster = strtoul(argv[5], NULL, 10);
  const unsigned threads = (unsigned)strtoul(argv[6], NULL, 10);
  if (level < 1 || level > (is_zstd ? 19 : 12)) {
    fprintf(stderr, "codec-floor: LEVEL must be 1 to 12 for deflate, 1 to 19 for zstd\n");
    return 64;
  }
  if (cluster < SMALLEST_CLUSTER || cluster > LARGEST_CLUSTER || (cluster & (cluster - 1))) {
    fprintf(stderr, "codec-floor: CLUSTER must be a power of two from 4096 to 1048576\n");
    return 64;
  }
  if (threads < 1 || threads > MOST_THREADS) {
    fprintf(stderr, "codec-floor: THREADS must be 1 to %d\n", MOST_THREADS);
    return 64;
  }
  struct stat status;
  int input = open(argv[1], O_RDONLY);
  if (input < 0 || fstat(input, &status)) fail(argv[1]);
  /* A cluster may have as little data as a block of the file system. */
  read_image(input, status.st_size, (size_t)status.st_blocks * 512 / SMALLEST_CLUSTER + 16);
  printf("compress %.6f\n", timed(compress, threads));
  size_t bytes = 0;
  for (size_t i = 0; i < content_count; i++) bytes += contents[i].compressed;
  output = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (output < 0 || ftruncate(output, status.st_size)) fail(argv[2]);
  printf("restore %.6f\nbytes %zu\n", timed(restore, threads), bytes);
  return close(output) ? 1 : 0;
}
