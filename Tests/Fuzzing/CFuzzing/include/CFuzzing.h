#ifndef CFUZZING_H
#define CFUZZING_H

#include <stddef.h>
#include <stdint.h>

/// Changes bytes as libFuzzer sees fit; returns how many there are then, at most `most`.
/// libFuzzer defines it.
size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t most);

/// A new empty file in memory; a negative number if there is none. See memfd_create(2).
int fuzzing_memory_file(void);

#endif
