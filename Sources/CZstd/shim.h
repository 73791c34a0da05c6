/* Zstandard, as it is. */
#ifndef QDEDUP_CZSTD_SHIM_H
#define QDEDUP_CZSTD_SHIM_H

#include <zstd.h>

#endif
