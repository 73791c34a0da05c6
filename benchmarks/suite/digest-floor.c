/* digest-floor IMAGE THREADS: reads the data of a file and digests it by XXH3-128 in clusters of
 * 4 KiB, and does nothing else: the least that an estimate can be. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <xxhash.h>

enum { BLOCK = 256 << 10, CLUSTER = 4096, MOST_THREADS = 256 };

static int file;
static off_t next_offset;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static volatile XXH64_hash_t sink;

/* The next block of the grid that touches data; -1 if there is none. */
static off_t claim(void) {
  pthread_mutex_lock(&lock);
  off_t data = lseek(file, next_offset, SEEK_DATA);
  if (data >= 0) {
    data = data / BLOCK * BLOCK;
    if (data < next_offset) data = next_offset;
    next_offset = data + BLOCK;
  }
  pthread_mutex_unlock(&lock);
  return data;
}

static void *work(void *unused) {
  (void)unused;
  char *block = aligned_alloc(CLUSTER, BLOCK);
  XXH64_hash_t sum = 0;
  off_t place;
  while (block && (place = claim()) >= 0) {
    ssize_t count = pread(file, block, BLOCK, place);
    if (count < 0) {
      perror("pread");
      exit(1);
    }
    for (ssize_t at = 0; at + CLUSTER <= count; at += CLUSTER)
      sum ^= XXH3_128bits(block + at, CLUSTER).low64;
  }
  sink ^= sum;
  free(block);
  return NULL;
}

int main(int count, char **words) {
  int threads = count == 3 ? atoi(words[2]) : 0;
  if (threads < 1 || threads > MOST_THREADS) {
    fprintf(stderr, "usage: digest-floor IMAGE THREADS\n");
    return 64;
  }
  file = open(words[1], O_RDONLY);
  if (file < 0) {
    perror(words[1]);
    return 1;
  }
  pthread_t workers[MOST_THREADS];
  for (int index = 0; index < threads; index++)
    if (pthread_create(&workers[index], NULL, work, NULL) != 0) return 1;
  for (int index = 0; index < threads; index++) pthread_join(workers[index], NULL);
  return 0;
}
