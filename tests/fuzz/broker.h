/* The target that is compiled apart, for wwwd.c and http.c have names in common. */
#ifndef FUZZ_BROKER_H
#define FUZZ_BROKER_H

#include <stddef.h>

/* NULL, or what does not hold of the message. */
const char *take_any_errand(const unsigned char *data, size_t size);

#endif
