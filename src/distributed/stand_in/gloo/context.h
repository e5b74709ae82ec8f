// Stands for gloo's own: see names.h.
#include "names.h"
