#include "sample.h"

namespace reprise::sample {
REPRISE_PLUGIN(Sample, Put, Find, Speak, Measure, Demanding, Call, Leaves, LeavesKnowingly, Blind,
               Twice, Hasty, Deaf, Different, Changing);
}  // namespace reprise::sample
