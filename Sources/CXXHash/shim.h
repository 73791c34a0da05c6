/* xxHash as this project uses it: the plain variant of XXH3, which is SSE2 on x86-64 and NEON on
 * arm64.
 *
 * The library has a variant that picks wider vector units at run time (XXH3_128bits_dispatch). It
 * hashes faster, but code after it runs slower on processors with AVX-512, deflate up to twice as
 * slow, even after vzeroupper. Hashing is a few per cent of a conversion; what follows it is not. */
#ifndef QDEDUP_CXXHASH_SHIM_H
#define QDEDUP_CXXHASH_SHIM_H

#include <stddef.h>
#include <xxhash.h>

#endif
