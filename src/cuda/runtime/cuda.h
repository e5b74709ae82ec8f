// libtorch includes it; what it needs of it is in cuda_runtime_api.h.
#pragma once
#include <cuda_runtime_api.h>
