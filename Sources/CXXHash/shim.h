/* xxHash as this project uses it: the variant that picks the widest vector unit at run time where
 * the library has one (x86-64), and the plain one elsewhere (NEON on arm64). */
#ifndef QDEDUP_CXXHASH_SHIM_H
#define QDEDUP_CXXHASH_SHIM_H

#include <stddef.h>
#include <xxhash.h>

#if defined(__x86_64__)
XXH128_hash_t XXH3_128bits_dispatch(const void *input, size_t length);

static inline XXH128_hash_t qdedup_xxh3_128(const void *input, size_t length) {
  return XXH3_128bits_dispatch(input, length);
}
#else
static inline XXH128_hash_t qdedup_xxh3_128(const void *input, size_t length) {
  return XXH3_128bits(input, length);
}
#endif

#endif
