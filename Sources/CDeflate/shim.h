/* libdeflate, as it is. */
#ifndef QDEDUP_CDEFLATE_SHIM_H
#define QDEDUP_CDEFLATE_SHIM_H

#include <libdeflate.h>

#endif
