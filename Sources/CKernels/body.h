// All that is compiled for one instruction set.
#include "lanes.h"
#include "rows.h"
#include "tiles.h"
#include "pairs.h"
#include "end.h"
