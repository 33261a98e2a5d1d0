// Randomness for the network stack's secret.
#pragma once

#include <stdint.h>

void random_bytes(uint8_t out[16]);
